"""Who moved since a day, and how many there are of each class: what the desk and the lists tell about many records at once."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa

from server.feature import Work
from server.features.access.service import row_filter
from server.features.assessment.ageing import between, on_day
from server.features.objects import engine as objects
from server.features.objects import results as stored
from server.features.objects.kind import ObjectType


@dataclass(frozen=True)
class Move:
    """One record's results then and now, by output name."""

    record_id: int
    name: Any  # value of the object's name field
    before: Mapping[str, Any]
    now: Mapping[str, Any]


def movers(work: Work, object_key: str, since: date, names: Sequence[str], by: str, limit: int = 5) -> tuple[list[Move], int]:
    """Records the actor may read whose `names` differ from the end of `since`: those that moved most in `by` (a number), and how many in all."""
    object_type: ObjectType = work.catalog.get("object", object_key)
    record, now = objects.tables(work.catalog)[object_key].alias("r"), stored.table(work.catalog, object_key).alias("x")
    then, last = stored.history_table(work.catalog, object_key).alias("h"), stored.history_table(work.catalog, object_key).alias("l")
    latest = sa.select(sa.func.max(last.c.as_of)).where(last.c.record_id == now.c.record_id, last.c.as_of <= since).correlate(now).scalar_subquery()
    columns = objects.value_columns(work.catalog, object_key, record, work.at)
    old = on_day(work.catalog, object_key, then, sa.literal(since, sa.Date()))
    differs = sa.or_(*(now.c[n].is_distinct_from(old[n]) for n in names))
    moved = (now.c.as_of > since, differs, row_filter(work, object_key, "read", columns))
    joined = now.join(record, record.c.id == now.c.record_id).join(then, sa.and_(then.c.record_id == now.c.record_id, then.c.as_of == latest))
    far = sa.func.abs(sa.func.coalesce(now.c[by] - old[by], 0.0))
    shown = [columns[object_type.name_field].label("name"), *(now.c[n].label(f"now:{n}") for n in names), *(old[n].label(f"then:{n}") for n in names)]
    query = sa.select(now.c.record_id, *shown).select_from(joined).where(*moved).order_by(far.desc(), now.c.record_id).limit(limit)
    rows = work.session.execute(query).mappings().all()
    total = work.session.scalar(sa.select(sa.func.count()).select_from(joined).where(*moved)) or 0
    return [Move(row["record_id"], row["name"], {n: row[f"then:{n}"] for n in names}, {n: row[f"now:{n}"] for n in names}) for row in rows], total


def class_counts(work: Work, object_key: str, name: str, owner: str = "") -> dict[str | None, int]:
    """How many records have each class of one classification, among those the actor may read; with `owner` only that person's."""
    object_type: ObjectType = work.catalog.get("object", object_key)
    record, found = objects.tables(work.catalog)[object_key].alias("r"), stored.table(work.catalog, object_key).alias("x")
    columns = objects.value_columns(work.catalog, object_key, record, work.at)
    conditions = [row_filter(work, object_key, "read", columns)]
    if owner and object_type.owner_field:
        conditions.append(record.c[object_type.owner_field] == owner)
    query = sa.select(found.c[name], sa.func.count()).join_from(found, record, record.c.id == found.c.record_id).where(*conditions).group_by(found.c[name])
    return {row[0]: row[1] for row in work.session.execute(query)}


def histories(work: Work, object_key: str, ids: Iterable[int], name: str, since: date) -> dict[int, list[tuple[date, Any]]]:
    """One output of some records over time, oldest first, by one statement: for the small lines in a list."""
    table = stored.history_table(work.catalog, object_key)
    query = sa.select(table.c.record_id, table.c.as_of, table.c[name]).where(table.c.record_id.in_(sorted(set(ids))), table.c.as_of >= since)
    found: dict[int, list[tuple[date, Any]]] = {}
    for record_id, day, value in work.session.execute(query.order_by(table.c.record_id, table.c.as_of)):
        found.setdefault(record_id, []).append((day, value))
    if not stored.outputs(work.catalog, object_key)[name].ages:
        return found
    return {record_id: between(days, work.at.today) for record_id, days in found.items()}
