"""The first response to an alert, as a task: made when the alert opens, superseded when it closes by itself."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from server.config.catalog import Catalog
from server.errors import Text
from server.feature import Work
from server.features.alerts.tables import OPEN_STATES, alerts
from server.features.strategies.runs import supersede
from server.features.strategies.tables import tasks
from server.storage.part import Part, within


def follow_alerts(work: Work, object_key: str, part: Part) -> None:
    """One statement finds what there is to do; mostly nothing."""
    query = work.catalog.once(("strategies.responses", object_key, part.by_ids), lambda: _due(work.catalog, object_key, part.by_ids))
    found = work.session.execute(query, part.bound).all()
    fresh = [alert_id for alert_id, _ in found if alert_id is not None]
    if fresh:
        _ask(work, fresh)
    supersede(work, [task_id for _, task_id in found if task_id is not None], "alert_closed")


def _ask(work: Work, alert_ids: Sequence[int]) -> None:
    rows = []
    for alert in work.session.execute(sa.select(alerts).where(alerts.c.id.in_(alert_ids)).order_by(alerts.c.id)):
        rule = work.catalog.get("alert", alert.rule)
        if rule is not None and rule.first_task is not None:
            rows.append(_task(work, alert, rule.first_task))
    if rows:
        work.session.execute(sa.insert(tasks), rows)


def _due(catalog: Catalog, object_key: str, by_ids: bool) -> sa.CompoundSelect[Any]:
    """Open alerts of rules with a first task that nobody was asked to do yet, and open responses whose alert closed: (alert, none) or (none, task)."""
    asking = [rule.key for rule in catalog.all("alert") if rule.object == object_key and rule.first_task is not None]
    answered = sa.exists().where(tasks.c.alert_id == alerts.c.id, tasks.c.kind == "response")
    about = sa.and_(alerts.c.object == object_key, alerts.c.rule.in_(asking), within(alerts.c.record_id, by_ids))
    fresh = sa.select(alerts.c.id, sa.null()).where(about, alerts.c.state.in_(OPEN_STATES), ~answered)
    asked = sa.and_(tasks.c.object == object_key, within(tasks.c.record_id, by_ids))
    closed = sa.and_(alerts.c.id == tasks.c.alert_id, alerts.c.state == "closed")
    groundless = sa.select(sa.null(), tasks.c.id).join(alerts, closed).where(asked, tasks.c.kind == "response", tasks.c.state == "open")
    return fresh.union_all(groundless)


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
