"""Object tables follow the published documents: made, widened, renamed aside."""

from collections.abc import Iterator

from server.config.catalog import Catalog
from server.config.names import pointer, shown
from server.errors import Invalid, Problem, Text
from server.feature import Work
from server.features.objects.engine import tables
from server.storage import ddl


def on_published(work: Work, old: Catalog, new: Catalog) -> None:
    """The first hook of a publish: when the others run, the tables are as the new documents say."""
    steps = ddl.plan(tables(old).values(), tables(new).values(), new.release)
    problems = [p for step in steps if isinstance(step, ddl.CreateIndex) and step.index.unique for p in _not_unique(work, step, old, new)]
    if problems:
        raise Invalid(problems)
    ddl.apply(work.session, steps)


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
