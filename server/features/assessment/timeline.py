"""How one record's classes and leading score moved, for its timeline."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Any

import sqlalchemy as sa

from server.feature import Work
from server.features.objects import results as stored
from server.features.records.moments import Place, is_earlier

DAYS = 3000  # rows of results looked at: one for each day on which something changed


@dataclass(frozen=True)
class ClassMoment:
    """Results before and after, by name, on a day when one of the classes changed. `id` is the day's number."""

    id: int
    at: datetime
    before: Mapping[str, Any]
    after: Mapping[str, Any]


def class_moves(
    work: Work, object_key: str, record_id: int, classes: Sequence[str], others: Sequence[str], before: Place | None, rank: int
) -> list[ClassMoment]:
    """For who may read the record: all moves behind the place, newest first. `classes`: the results whose change counts; `others` are told along.

    A day's results stand where they were worked out, those of a past day worked out later at its end."""
    h = stored.history_table(work.catalog, object_key).c
    names = [n for n in (*classes, *others) if n in h]
    if not classes or not set(classes) & set(names):
        return []
    query = sa.select(h.as_of, h.assessed_at, *(h[n] for n in names)).where(h.record_id == record_id).order_by(h.as_of.desc()).limit(DAYS)
    rows = work.session.execute(query).mappings().all()
    found = []
    for now, then in zip(rows, rows[1:], strict=False):
        if all(now[n] == then[n] for n in classes if n in names):
            continue
        worked_out: datetime = now["assessed_at"]
        end = datetime.combine(now["as_of"], time(23, 59, 59), work.zone).astimezone(UTC)
        moment = ClassMoment(now["as_of"].toordinal(), min(worked_out, end), {n: then[n] for n in names}, {n: now[n] for n in names})
        if is_earlier(before, Place(moment.at, rank, moment.id)):
            found.append(moment)
    return found
