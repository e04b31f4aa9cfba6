"""Puts many generated records into the object tables at once: computed fields filled in, no form, no hooks. Ids are given, so a run repeated is the same."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from server.feature import Work
from server.features.duplicates.service import index
from server.features.objects.engine import Formula, expression_values, formulas, is_stored, table
from server.features.objects.kind import ObjectType
from server.fields.registry import FIELD_TYPES
from server.storage.ddl import continue_ids

BATCH = 2000
Row = Mapping[str, Any]


def load(work: Work, object_key: str, rows: Sequence[Row], advance: Callable[[int], None] = lambda n: None) -> None:
    """All rows of one object, in the caller's transaction. `made` and `by` of a row become its stamps."""
    object_type: ObjectType = work.catalog.get("object", object_key)
    target = table(object_type, work.catalog)
    for start in range(0, len(rows), BATCH):
        batch = rows[start : start + BATCH]
        work.session.execute(sa.insert(target), list(finished(work, object_type, batch)))
        if object_type.duplicates:
            index(work, object_type, [row["id"] for row in batch])
        advance(len(batch))
    continue_ids(work.session, target)


def finished(work: Work, object_type: ObjectType, rows: Sequence[Row]) -> Iterator[dict[str, Any]]:
    """Every stored column of each row, the same keys in all of them."""
    stored = [f for f in object_type.fields.values() if is_stored(f, object_type)]
    computed: list[Formula] = [f for f in formulas(work.catalog, object_type.key).values() if not f.live]
    for row in rows:
        values = {f.key: row.get(f.key) for f in stored}
        env = expression_values(object_type, values) if computed else {}
        for formula in computed:
            kind = FIELD_TYPES[formula.field.type]
            result = kind.from_expression(formula.field, formula.run(env, work.at))
            values[formula.field.key], env[formula.field.key] = result, kind.to_expression(formula.field, result)
        made: datetime = row["made"]
        yield {
            "id": row["id"],
            "version": 1,
            "created_at": made,
            "created_by": row["by"],
            "updated_at": made,
            "updated_by": row["by"],
            "deleted_at": None,
            **values,
        }
