"""Alerts of one record in the order of time, for its timeline."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from server.errors import Text
from server.feature import Merged, Work
from server.features.alerts.tables import alerts
from server.features.records.moments import Place, earlier


@dataclass(frozen=True)
class AlertMoment:
    """An alert that opened or closed. `by`: who closed it; "" when it opened, or closed by itself."""

    id: int
    at: datetime
    severity: str
    message: Text
    by: str = ""
    reason: str = ""
    verdict: str = ""
    note: str = ""


def opened(work: Work, object_key: str, record_id: int, before: Place | None, rank: int, limit: int) -> list[AlertMoment]:
    """For who may read the record. Suppressed ones (a rule's, a cool-down's) are not told: nobody was."""
    c = alerts.c
    where = (c.object == object_key, c.record_id == record_id, c.suppressed_reason.is_(None), *earlier(before, rank, c.opened_at, c.id))
    query = sa.select(c.id, c.opened_at, c.severity, c.message_zh, c.message_en).where(*where).order_by(c.opened_at.desc(), c.id.desc()).limit(limit)
    return [AlertMoment(row.id, row.opened_at, row.severity, Text(row.message_zh, row.message_en)) for row in work.session.execute(query)]


def closed(work: Work, object_key: str, record_id: int, before: Place | None, rank: int, limit: int) -> list[AlertMoment]:
    c = alerts.c
    where = (
        c.object == object_key,
        c.record_id == record_id,
        c.suppressed_reason.is_(None),
        c.closed_at.is_not(None),
        *earlier(before, rank, c.closed_at, c.id),
    )
    columns = (c.id, c.closed_at, c.severity, c.message_zh, c.message_en, c.closed_by, c.close_reason, c.verdict, c.note)
    rows = work.session.execute(sa.select(*columns).where(*where).order_by(c.closed_at.desc(), c.id.desc()).limit(limit))
    return [
        AlertMoment(
            row.id,
            row.closed_at,
            row.severity,
            Text(row.message_zh, row.message_en),
            row.closed_by or "",
            row.close_reason or "",
            row.verdict or "",
            row.note or "",
        )
        for row in rows
    ]


def on_merged(work: Work, merged: Merged) -> None:
    """The alerts of the record that went are closed by then (it left the population); their story belongs to the kept one."""
    c = alerts.c
    theirs = (c.object == merged.object, c.record_id == merged.gone, c.state == "closed")
    work.session.execute(sa.update(alerts).where(*theirs).values(record_id=merged.kept))
