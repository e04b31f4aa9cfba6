"""Object tables follow the published documents: made, widened, renamed aside."""

from collections.abc import Iterator

import sqlalchemy as sa

from server.config.catalog import Catalog
from server.config.names import pointer, shown
from server.errors import Invalid, Problem, Text
from server.feature import Work
from server.features.objects.engine import tables
from server.storage import ddl


def on_published(work: Work, old: Catalog, new: Catalog) -> None:
    """The first hook of a publish: when the others run, the tables are as the new documents say."""
    before = {t.name: t for t in tables(old).values()}
    steps = ddl.plan(before.values(), tables(new).values(), new.release)
    problems = [p for step in steps if isinstance(step, ddl.CreateIndex) and step.index.unique for p in _not_unique(work, step, before.get(step.table))]
    if problems:
        raise Invalid(problems)
    ddl.apply(work.session, steps)


def _not_unique(work: Work, step: ddl.CreateIndex, table: sa.Table | None) -> Iterator[Problem]:
    """Rows that are there already and would break a new unique key."""
    columns = step.index.columns
    if table is None or not all(c in table.c for c in columns):
        return
    examples = ddl.duplicates(work.session, table, step.index)
    if examples:
        key = step.table.removeprefix("o_")
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
