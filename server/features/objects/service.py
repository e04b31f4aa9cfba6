"""Object tables follow the published documents: made, widened, renamed aside."""

from collections.abc import Callable, Iterator
from typing import Any

import sqlalchemy as sa

from server.config.catalog import Catalog
from server.config.names import pointer, shown
from server.errors import Invalid, Problem, Text
from server.expressions.check import check
from server.expressions.sql import compile_sql, when_true
from server.expressions.types import BOOLEAN
from server.feature import Work
from server.features.objects import results
from server.features.objects.engine import Formula, formulas, scope, tables, value_columns
from server.features.objects.kind import ObjectType
from server.fields.region import ways
from server.fields.registry import FIELD_TYPES
from server.storage import ddl
from server.storage.session import Database


def on_published(work: Work, old: Catalog, new: Catalog) -> None:
    """The first hook of a publish: when the others run, the tables are as the new documents say."""
    steps = ddl.plan(tables(old).values(), tables(new).values(), new.release)
    problems = [p for step in steps if isinstance(step, ddl.CreateIndex) and step.index.unique for p in _not_unique(work, step, old, new)]
    if problems:
        raise Invalid(problems)
    ddl.apply(work.session, [*_results_aside(work, old, new), *steps])
    for object_type in new.all("object"):
        before = old.get("object", object_type.key)
        if before is not None:
            recompute(work, before, object_type)
            replant(work, before, object_type)


def renew_indexes(database: Database, catalog_of: Callable[[sa.Connection], Catalog]) -> None:
    """At a start: the tables made by an older version of the product get the indexes of this one. Where nothing is to be done it only reads."""
    with database.read() as connection:
        if not ddl.index_changes(connection, tables(catalog_of(connection)).values()):
            return
    with database.write() as connection, ddl.impatient(connection):
        ddl.alone(connection, "publish")
        ddl.apply(connection, ddl.index_changes(connection, tables(catalog_of(connection)).values()))


def _results_aside(work: Work, old: Catalog, new: Catalog) -> Iterator[ddl.Step]:
    """Results go where their records go."""
    inspector = sa.inspect(work.session)
    for object_type in old.all("object"):
        if object_type.assessed and new.get("object", object_type.key) is None:
            for table in (results.table(old, object_type.key), results.history_table(old, object_type.key)):
                if inspector.has_table(table.name):
                    yield ddl.RenameTable(table.name, ddl.short(f"{table.name}__gone_{new.release}"))


def _not_unique(work: Work, step: ddl.CreateIndex, old: Catalog, new: Catalog) -> Iterator[Problem]:
    """Rows that are there already and would break a new unique key."""
    columns, key = step.index.columns, step.table.removeprefix("o_")
    had = tables(old).get(key)
    if had is None or not all(c in had.c for c in columns):
        return
    examples = ddl.duplicates(work.session, tables(new)[key], step.index)
    if examples:
        values = "; ".join(" + ".join(shown(v) for v in example) for example in examples)
        document = work.catalog.document("object", key)
        yield Problem(
            pointer("schema", "properties", columns[0], "x-unique") if len(columns) == 1 else "/keys",
            Text(
                f"{'、'.join(columns)} 不能设为唯一：已有记录重复，例如 {values}",
                f"{', '.join(columns)} cannot be unique: there are records with the same value, for example {values}",
            ),
            Text("先改正这些记录，再发布", "Mend these records first, then publish"),
            file=(document.file if document else "") or f"object/{key}",
            code="not_unique",
        )


# -- Computed fields -----------------------------------------------------------------------------------------------------------

BATCH = 2000


def recompute(work: Work, old: ObjectType, new: ObjectType) -> None:
    """Stored computed fields whose formula changed, or which read one, get their values anew; in dependency order, so that each reads fresh ones."""
    stale: set[str] = set()
    for key, formula in formulas(work.catalog, new.key).items():
        before, after = old.fields.get(key), formula.field
        changed = before is None or (before.computed, before.visible, before.type) != (after.computed, after.visible, after.type)
        if not formula.live and (changed or formula.checked.names & stale):
            stale.add(key)
            _refill(work, new, formula)


def _refill(work: Work, it: ObjectType, formula: Formula) -> None:
    table, field = tables(work.catalog)[it.key], formula.field
    columns = value_columns(work.catalog, it.key, table, work.at)
    value: sa.ColumnElement[Any] = compile_sql(formula.checked, columns, work.at)
    visible, _ = check(field.visible, scope(work.catalog, it.key), BOOLEAN) if field.visible else (None, ())
    if visible is not None:
        value = sa.case((when_true(compile_sql(visible, columns, work.at)), value))
    last = 0
    while rows := work.session.execute(sa.select(table.c.id, value, table.c[field.key]).where(table.c.id > last).order_by(table.c.id).limit(BATCH)).all():
        last = rows[-1][0]
        fresh = [(id_, FIELD_TYPES[field.type].from_expression(field, result), stored) for id_, result, stored in rows]
        changed = [{"the_id": id_, "the_value": result} for id_, result, stored in fresh if result != stored]
        if changed:
            bound = sa.bindparam("the_value", type_=table.c[field.key].type)
            work.session.execute(table.update().where(table.c.id == sa.bindparam("the_id")).values({field.key: bound}), changed)


# -- Regions -------------------------------------------------------------------------------------------------------------------


def replant(work: Work, old: ObjectType, new: ObjectType) -> None:
    """A place that lies elsewhere in the tree now: the way to it is written anew in the records that have it."""
    source = tables(work.catalog)[new.key]
    for key, field in new.fields.items():
        before = old.fields.get(key)
        if field.type != "region" or before is None or before.type != "region" or ways(before) == ways(field):
            continue
        column, found = source.c[key], ways(field)
        for way in work.session.scalars(sa.select(column).where(column.is_not(None)).distinct()).all():
            fresh = list(found.get(way[-1], way))
            if fresh != way:
                work.session.execute(sa.update(source).where(column == way).values({key: fresh}))
