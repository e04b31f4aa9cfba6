"""Records of other objects that happened to a record (visits, calls): those whose document gives them a place in the timeline."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

import sqlalchemy as sa

from server.feature import Work
from server.features.objects.engine import table
from server.features.objects.kind import Field, ObjectType
from server.features.records.moments import Place
from server.features.records.reading import Record, readable, records_of, stored_columns
from server.features.records.rights import can, rights


@dataclass(frozen=True)
class Happening:
    object_type: ObjectType
    record: Record
    at: datetime
    by: str


def happening_objects(work: Work, object_key: str) -> tuple[tuple[ObjectType, Field], ...]:
    """(object, the reference field) of what may stand in the timeline of this object's records, as far as the actor may see it."""
    return tuple(_happening_objects(work, object_key))


def _happening_objects(work: Work, object_key: str) -> Iterator[tuple[ObjectType, Field]]:
    for other in work.catalog.all("object"):
        fields = [f for f in other.fields.values() if f.type == "reference" and f.reference == object_key and not f.computed]
        if other.timeline is None or not fields or not can(work, other.key, "read"):
            continue
        covered = rights(work, other.key).covered
        if {fields[0].key, other.timeline.at, other.timeline.text} & covered:
            continue
        yield other, fields[0]


def happenings(work: Work, other: ObjectType, field: Field, record_id: int, before: Place | None, rank: int, limit: int) -> list[Happening]:
    """The latest of one such object about a record, behind a place of the timeline. A day without a time stands at its beginning."""
    assert other.timeline is not None
    source = table(other, work.catalog)
    at = source.c[other.timeline.at]
    is_day = other.fields[other.timeline.at].type == "date"
    where: list[sa.ColumnElement[bool]] = [source.c[field.key] == record_id, at.is_not(None), *readable(work, other.key, source)]
    if before is not None:
        bound: Any = before.at.astimezone(work.zone).date() if is_day else before.at
        same = at == bound
        level = source.c.id < before.id if rank == before.rank else sa.true() if rank > before.rank else sa.false()
        if is_day and _midnight(work, bound) != before.at:  # the beginning of that very day lies behind the place
            where.append(at <= bound)
        else:
            where.append(sa.or_(at < bound, sa.and_(same, level)))
    query = sa.select(*stored_columns(other, source)).where(*where).order_by(at.desc(), source.c.id.desc()).limit(limit)
    rows = work.session.execute(query).mappings().all()
    made = records_of(work, other, rows, tuple(dict.fromkeys((*other.list_columns, other.timeline.text, other.timeline.at))))
    return [
        Happening(other, record, _midnight(work, row[other.timeline.at]) if is_day else row[other.timeline.at], row["created_by"])
        for row, record in zip(rows, made, strict=True)
    ]


def _midnight(work: Work, day: date) -> datetime:
    return datetime.combine(day, time(), work.zone).astimezone(UTC)
