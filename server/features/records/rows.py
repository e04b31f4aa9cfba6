"""The rows of a record's sub-forms as they are stored: reading, adding up, taking some of them out."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from server.errors import Conflict, Text
from server.feature import Work
from server.features.objects.engine import table, tables
from server.features.objects.kind import ObjectType, Subform
from server.features.records.reading import Record, live_columns, readable, records_of, refuse_unless, stored_columns, values_of
from server.features.records.rights import can
from server.features.records.writing import Revision, mark_deleted
from server.fields.registry import FIELD_TYPES

MOST = 500  # rows a form can hold; what is beyond is shown as a list


@dataclass(frozen=True)
class Rows:
    """The rows of one sub-form for people. `more`: there are others behind them. `totals` by column, as text."""

    subform: Subform
    object_type: ObjectType
    records: tuple[Record, ...]
    totals: Mapping[str, str]
    more: bool = False


def subforms_of(work: Work, object_type: ObjectType) -> list[tuple[Subform, ObjectType]]:
    """The sub-forms whose rows the actor may see at all, with the object of the rows."""
    found = [(s, work.catalog.get("object", s.object)) for s in object_type.subforms]
    return [(s, child) for s, child in found if child is not None and can(work, child.key, "read")]


def stored_rows(work: Work, subform: Subform, child: ObjectType, record_id: int, *, lock: bool = False) -> list[dict[str, Any]]:
    """The rows of a record that the actor may see, with their live values, in their order; one more than a form can hold at most."""
    source = table(child, work.catalog)
    columns = stored_columns(child, source) + live_columns(work, child, source)
    order = [source.c[subform.order].is_(None), source.c[subform.order]] if subform.order in source.c else []
    query = sa.select(*columns).where(source.c[subform.link] == record_id, *readable(work, child.key, source)).order_by(*order, source.c.id).limit(MOST + 1)
    return [values_of(child, row) for row in work.session.execute(query.with_for_update(of=source) if lock else query).mappings()]


def rows_of(work: Work, object_type: ObjectType, record_id: int) -> tuple[Rows, ...]:
    found = []
    for subform, child in subforms_of(work, object_type):
        rows = stored_rows(work, subform, child, record_id)
        records = records_of(work, child, rows[:MOST], subform.columns)
        shown = set(records[0].display) - records[0].masked if records else set()
        totals = {t.column: total_text(work, child, t.column, total(child, t.column, rows[:MOST])) for t in subform.totals if t.column in shown}
        found.append(Rows(subform, child, records, totals, len(rows) > MOST))
    return tuple(found)


def total(child: ObjectType, column: str, rows: Iterable[Mapping[str, Any]]) -> Any:
    """The sum of a column: exact for money and whole numbers; None when no row has a value."""
    values = [row[column] for row in rows if row.get(column) is not None]
    if not values:
        return None
    if child.fields[column].type == "number":
        return round(math.fsum(values), 9)
    return sum(values, Decimal(0)) if child.fields[column].type == "decimal" else sum(values)


def total_text(work: Work, child: ObjectType, column: str, value: Any) -> str:
    field = child.fields[column]
    return FIELD_TYPES[field.type].text(field, value, work.actor.locale, work.zone)


def carried(object_type: ObjectType, subform: Subform, child: ObjectType, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The record's fields that its rows decide; nothing when there are no rows."""
    found = {t.into: total(child, t.column, rows) for t in subform.totals if t.into} if rows else {}
    return {key: 0 if value is None else value for key, value in found.items() if key in object_type.fields}


def remove(work: Work, child: ObjectType, rows: Sequence[Mapping[str, Any]]) -> list[Revision]:
    """Takes rows out of sight; the hooks are for the caller to tell. Those that other records refer to stay, and so does everything else of this work."""
    if not rows:
        return []
    for row in rows:
        refuse_unless(work, child.key, "delete", row)
    _refuse_referred(work, child, [row["id"] for row in rows])
    for row in rows:
        mark_deleted(work, child, row["id"], row["version"])
    return [Revision(row["id"], row, row, frozenset({"deleted_at"})) for row in rows]


def _refuse_referred(work: Work, child: ObjectType, ids: Sequence[int]) -> None:
    for other in work.catalog.all("object"):
        source = tables(work.catalog)[other.key]
        for key in [f.key for f in other.fields.values() if f.type == "reference" and f.reference == child.key]:
            count = work.session.execute(
                sa.select(sa.func.count()).select_from(source).where(source.c[key].in_(ids), source.c.deleted_at.is_(None))
            ).scalar_one()
            if count:
                zh = f"还有 {count} 条“{other.title.zh}”引用“{child.title.zh}”中的行"
                raise Conflict(Text(zh, f"{count} records of {other.title.en} still refer to rows of {child.title.en}"))
