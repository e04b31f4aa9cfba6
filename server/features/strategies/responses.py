"""The first response to an alert, as a task: made when the alert opens, superseded when it closes by itself."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from server.errors import Text
from server.feature import Work
from server.features.alerts.tables import OPEN_STATES, alerts
from server.features.strategies.runs import supersede
from server.features.strategies.tables import tasks


def follow_alerts(work: Work, object_key: str, ids: Sequence[int]) -> None:
    about = sa.and_(alerts.c.object == object_key, alerts.c.record_id.in_(ids))
    _open(work, about)
    closed = sa.select(alerts.c.id).where(about, alerts.c.state == "closed")
    supersede(work, sa.and_(tasks.c.kind == "response", tasks.c.state == "open", tasks.c.alert_id.in_(closed)), "alert_closed")


def _open(work: Work, about: sa.ColumnElement[bool]) -> None:
    answered = sa.exists().where(tasks.c.alert_id == alerts.c.id, tasks.c.kind == "response")
    fresh = sa.select(alerts).where(about, alerts.c.state.in_(OPEN_STATES), ~answered).order_by(alerts.c.id)
    rows = []
    for alert in work.session.execute(fresh):
        rule = work.catalog.get("alert", alert.rule)
        if rule is not None and rule.first_task is not None:
            rows.append(_task(work, alert, rule.first_task))
    if rows:
        work.session.execute(sa.insert(tasks), rows)


def _task(work: Work, alert: sa.Row[Any], title: Text) -> dict[str, Any]:
    assignee, role = _first(alert.recipients)
    return {
        "kind": "response",
        "object": alert.object,
        "record_id": alert.record_id,
        "title_zh": title.zh,
        "title_en": title.en,
        "checklist_zh": alert.message_zh,
        "checklist_en": alert.message_en,
        "measure": "",
        "alert_id": alert.id,
        "assignee": assignee,
        "role": role,
        "due_on": alert.due_at.astimezone(work.zone).date(),
        "state": "open",
        "note": "",
        "created_at": work.now,
        "created_by": work.actor.username,
    }


def _first(recipients: Sequence[str]) -> tuple[str | None, str | None]:
    """(assignee, role) of the first recipient that is somebody: "user:li.wei" or "role:credit_control"."""
    for recipient in recipients:
        sort, _, key = recipient.partition(":")
        if key:
            return (key, None) if sort == "user" else (None, key)
    return None, None
