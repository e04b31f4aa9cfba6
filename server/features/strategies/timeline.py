"""Tasks about one record in the order of time, for its timeline; and what of them follows when two records become one."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from server.errors import Text
from server.feature import Merged, Work
from server.features.records.moments import Place, earlier
from server.features.strategies.tables import strategy_runs, tasks


@dataclass(frozen=True)
class TaskMoment:
    """A task that was given or done. `note`: what came of it."""

    id: int
    at: datetime
    by: str
    title: Text
    assignee: str
    role: str
    note: str = ""


def given(work: Work, object_key: str, record_id: int, before: Place | None, rank: int, limit: int) -> list[TaskMoment]:
    """For who may read the record."""
    c = tasks.c
    where = (c.object == object_key, c.record_id == record_id, *earlier(before, rank, c.created_at, c.id))
    columns = (c.id, c.created_at, c.created_by, c.title_zh, c.title_en, c.assignee, c.role)
    rows = work.session.execute(sa.select(*columns).where(*where).order_by(c.created_at.desc(), c.id.desc()).limit(limit))
    return [TaskMoment(row.id, row.created_at, row.created_by, Text(row.title_zh, row.title_en), row.assignee or "", row.role or "") for row in rows]


def done(work: Work, object_key: str, record_id: int, before: Place | None, rank: int, limit: int) -> list[TaskMoment]:
    c = tasks.c
    where = (c.object == object_key, c.record_id == record_id, c.done_at.is_not(None), *earlier(before, rank, c.done_at, c.id))
    columns = (c.id, c.done_at, c.done_by, c.title_zh, c.title_en, c.note)
    rows = work.session.execute(sa.select(*columns).where(*where).order_by(c.done_at.desc(), c.id.desc()).limit(limit))
    return [TaskMoment(row.id, row.done_at, row.done_by or "", Text(row.title_zh, row.title_en), "", "", row.note) for row in rows]


def on_merged(work: Work, merged: Merged) -> None:
    """All tasks and the strategies that ran (they ended when the record left the population) belong to the kept record."""
    for table in (tasks, strategy_runs):
        theirs = (table.c.object == merged.object, table.c.record_id == merged.gone)
        ended = () if table is tasks else (strategy_runs.c.ended_at.is_not(None),)
        work.session.execute(sa.update(table).where(*theirs, *ended).values(record_id=merged.kept))
