"""Tables of results and indexes that the pipeline needs: both follow from the documents and are brought up to date at publish."""

from collections.abc import Iterator, Sequence

import sqlalchemy as sa

from server.config.catalog import Catalog
from server.features.indicators.due import always
from server.features.indicators.gathering import Pass, passes, source_names
from server.features.objects import engine as objects
from server.features.objects import results
from server.features.objects.kind import ObjectType
from server.storage import ddl

INDEX_PREFIX = "gather"
DAY_PREFIX = f"{INDEX_PREFIX}_day"
ALIVE = "deleted_at"  # always null in these indexes, and yet SQLite takes an index for covering only where it has the column
COVERED_TYPES = ("integer", "number", "decimal", "date", "datetime", "yes_no", "choice", "reference")  # short values: PostgreSQL refuses long ones in an index
COVERED_COLUMNS = 14  # past this an index is a second table: only its first two columns are taken


def assessed(catalog: Catalog) -> tuple[ObjectType, ...]:
    return tuple(o for o in catalog.all("object") if o.assessed)


def update_tables(connection: sa.Connection, catalog: Catalog) -> None:
    """Adds what is missing. A column that no document gives any more stays as it is; one of another type is renamed aside."""
    for object_type in assessed(catalog):
        for table in (results.table(catalog, object_type.key), results.history_table(catalog, object_type.key)):
            ddl.apply(connection, list(_steps(connection, table, catalog.release)))


def _steps(connection: sa.Connection, table: sa.Table, release: int) -> Iterator[ddl.Step]:
    inspector = sa.inspect(connection)
    if not inspector.has_table(table.name):
        yield ddl.CreateTable(table)
        return
    there = {c["name"]: c["type"] for c in inspector.get_columns(table.name)}
    for column in table.columns:
        old = there.get(column.name)
        if old is not None and not _same(old, column.type):
            yield ddl.RenameColumn(table.name, column.name, ddl.short(f"{column.name}__gone_{release}"))
            old = None
        if old is None:
            yield ddl.AddColumn(table.name, column)


def _same(there: sa.types.TypeEngine[object], wanted: sa.types.TypeEngine[object]) -> bool:
    return _family(there) == _family(wanted.dialect_impl(sa.engine.default.DefaultDialect()))


def _family(kind: sa.types.TypeEngine[object]) -> str:
    """What a type is read as; both databases name the same thing differently."""
    found = kind.as_generic(allow_nulltype=True) if not isinstance(kind, sa.types.TypeDecorator) else kind.impl_instance
    families = ((sa.Boolean, "boolean"), (sa.Integer, "integer"), (sa.Numeric, "number"), (sa.Float, "number"), (sa.DateTime, "datetime"), (sa.Date, "date"))
    return next((name for cls, name in families if isinstance(found, cls)), "text")


def update_indexes(connection: sa.Connection, catalog: Catalog) -> None:
    """One index for each way from a source to its subjects: the join and the commonest date first, then all that the passes look at, so that
    the table itself is not read. One for all passes: between several SQLite takes the first, which does not cover the others."""
    wanted: dict[str, dict[str, ddl.Index]] = {}
    for object_type in assessed(catalog):
        ways: dict[tuple[str, str], list[Pass]] = {}
        for found in passes(i for i in catalog.all("indicator") if i.object == object_type.key):
            if found.join:
                ways.setdefault((found.source, found.join.partition(".")[0]), []).append(found)
            for index in _by_day(catalog, found):
                wanted.setdefault(f"o_{found.source}", {})[index.name] = index
        for (source, join), shared in ways.items():
            index = _index(catalog, source, join, shared)
            wanted.setdefault(f"o_{source}", {})[index.name] = index
    inspector = sa.inspect(connection)
    for object_type in catalog.all("object"):
        name = f"o_{object_type.key}"
        there = {str(i["name"]) for i in inspector.get_indexes(name) if str(i["name"]).startswith(f"{INDEX_PREFIX}_")}
        needed = wanted.get(name, {})
        ddl.apply(connection, [ddl.DropIndex(name, i) for i in sorted(there - needed.keys())])
        ddl.apply(connection, [ddl.CreateIndex(name, needed[i]) for i in sorted(needed.keys() - there)])


def _index(catalog: Catalog, source: str, join: str, shared: Sequence[Pass]) -> ddl.Index:
    object_type: ObjectType = catalog.get("object", source)
    table = objects.table(object_type, catalog)
    dates = [g.indicator.date for found in shared for g in found.gathered if g.indicator.date in table.c]
    first = dict.fromkeys([join, *sorted(set(dates), key=lambda d: (-dates.count(d), d))[:1]])
    names = frozenset(name for found in shared for name in source_names(catalog, found))
    used = sorted(name for name in _stored(object_type, names) if name in table.c and name not in first and name != "id")
    fits = len(first) + len(used) <= COVERED_COLUMNS and all(name in object_type.fields and object_type.fields[name].type in COVERED_TYPES for name in used)
    columns = (*first, *used) if fits else tuple(first)
    columns = (*columns, ALIVE)
    return ddl.Index(objects.index_name(INDEX_PREFIX, table.name, columns), columns, False, table.c.deleted_at.is_(None))


def _by_day(catalog: Catalog, found: Pass) -> Iterator[ddl.Index]:
    """For the records that pass an edge of a window on a day. SQLite would take it for gathering too, which is far slower: only a statement that
    says what the index says can use it."""
    table = objects.table(catalog.get("object", found.source), catalog)
    for name in sorted({g.indicator.date for g in found.gathered if g.indicator.date in table.c}):
        columns = tuple(dict.fromkeys(c for c in (name, found.join.partition(".")[0], ALIVE) if c))
        yield ddl.Index(objects.index_name(DAY_PREFIX, table.name, columns), columns, False, sa.and_(table.c.deleted_at.is_(None), always(table.c.id)))


def _stored(object_type: ObjectType, names: frozenset[str]) -> frozenset[str]:
    """A live computed field has no column: the fields it reads stand for it."""
    found: set[str] = set()
    waiting = {name.partition(".")[0] for name in names}
    while waiting:
        name = waiting.pop()
        field = object_type.fields.get(name)
        if field is None or objects.is_stored(field, object_type):
            found.add(name)
        else:
            waiting |= {n for n in objects.names_read(field.computed)[0] if n not in found and n != name}
    return frozenset(found)
