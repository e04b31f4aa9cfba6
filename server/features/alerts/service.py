"""What people do with alerts: find them, acknowledge, put off, resolve with a verdict; look at similar ones before."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from server.errors import Conflict, Invalid, NotFound, Problem, Text
from server.feature import Work
from server.features.access.service import require, row_filter
from server.features.alerts.engine import RANK
from server.features.alerts.kind import Alert
from server.features.alerts.tables import OPEN_STATES, STATES, alert_events, alerts
from server.features.audit.service import record as audit
from server.features.objects import engine as objects
from server.features.objects.kind import ObjectType

VERDICTS: Mapping[str, Text] = {"right": Text("准确", "Right"), "false": Text("误报", "False"), "late": Text("过迟", "Late")}
LONGEST_SNOOZE_DAYS = 180
GROUPS: Mapping[str, tuple[str, ...]] = {"active": OPEN_STATES, "all": STATES}


@dataclass(frozen=True)
class AlertView:
    id: int
    rule: str
    title: Text
    object: str
    record_id: int
    record_name: str
    episode: int
    severity: str
    state: str
    opened_at: datetime
    as_of: date
    due_at: datetime
    overdue: bool  # nobody responded in time
    message: Text
    values: Mapping[str, Any]
    release: int
    users: tuple[str, ...]
    roles: tuple[str, ...]
    first_task: Text | None
    watch: str
    suppressed_reason: str | None
    acknowledged_by: str | None
    acknowledged_at: datetime | None
    snoozed_until: date | None
    snooze_reason: str | None
    closed_at: datetime | None
    closed_by: str | None
    close_reason: str | None
    verdict: str | None
    note: str | None


@dataclass(frozen=True)
class AlertEvent:
    at: datetime
    by: str
    what: str
    note: str


@dataclass(frozen=True)
class Similar:
    """Earlier closed episodes of the same rule, at all records the actor may read."""

    total: int
    right: int
    false: int
    late: int
    latest: tuple[AlertView, ...]


# -- Reading -----------------------------------------------------------------------------------------------------------------


def list_alerts(
    work: Work,
    state: str = "active",
    severity: str = "",
    rule: str = "",
    mine: bool = False,
    record: tuple[str, int] | None = None,
    limit: int = 200,
    before: int | None = None,
) -> list[AlertView]:
    """The gravest first, then the newest. `state`: active (open, acknowledged, snoozed), all, or one state. `before`: an id to go on from."""
    conditions: list[sa.ColumnElement[bool]] = [alerts.c.state.in_(GROUPS.get(state, (state,)))]
    if severity:
        conditions.append(alerts.c.severity == severity)
    if rule:
        conditions.append(alerts.c.rule == rule)
    if record is not None:
        conditions.append(sa.and_(alerts.c.object == record[0], alerts.c.record_id == record[1]))
    if mine:
        conditions.append(_addressed(work))
    if before is not None:
        conditions.append(alerts.c.id < before)
    order = (sa.case(RANK, value=alerts.c.severity, else_=-1).desc(), alerts.c.opened_at.desc(), alerts.c.id.desc())
    return _views(work, sa.and_(*conditions), order, limit)


def _addressed(work: Work) -> sa.ColumnElement[bool]:
    words = [f"user:{work.actor.username}", *(f"role:{r}" for r in work.actor.roles)]
    return sa.or_(*(sa.cast(alerts.c.recipients, sa.Text).contains(f'"{word}"', autoescape=True) for word in words))


def get_alert(work: Work, alert_id: int) -> AlertView:
    found = _views(work, alerts.c.id == alert_id, (alerts.c.id,), 1)
    if not found:
        raise NotFound(Text("没有此预警", "There is no such alert"))
    return found[0]


def events(work: Work, alert_id: int) -> list[AlertEvent]:
    get_alert(work, alert_id)
    rows = work.session.execute(sa.select(alert_events).where(alert_events.c.alert_id == alert_id).order_by(alert_events.c.id))
    return [AlertEvent(row.at, row.by, row.what, row.note) for row in rows]


def counts(work: Work, mine: bool = False) -> dict[str, int]:
    """How many alerts of each severity are to be handled; `total` and `overdue` besides."""
    conditions = [alerts.c.state.in_(OPEN_STATES), _readable(work)]
    if mine:
        conditions.append(_addressed(work))
    late = sa.case((sa.and_(alerts.c.state == "open", alerts.c.due_at < work.now), 1), else_=0)
    rows = work.session.execute(sa.select(alerts.c.severity, sa.func.count(), sa.func.sum(late)).where(*conditions).group_by(alerts.c.severity))
    found = dict.fromkeys([*RANK, "total", "overdue"], 0)
    for severity, count, overdue in rows:
        found[severity] = count
        found["total"] += count
        found["overdue"] += int(overdue or 0)
    return found


def counts_by_rule(work: Work) -> dict[str, int]:
    rows = work.session.execute(sa.select(alerts.c.rule, sa.func.count()).where(alerts.c.state.in_(OPEN_STATES), _readable(work)).group_by(alerts.c.rule))
    return {row[0]: row[1] for row in rows}


def similar(work: Work, alert: AlertView | int, limit: int = 5) -> Similar:
    """How earlier alerts of the same rule ended: an aid to judge this one."""
    one = get_alert(work, alert) if isinstance(alert, int) else alert
    same = sa.and_(alerts.c.rule == one.rule, alerts.c.object == one.object, alerts.c.state == "closed", alerts.c.id != one.id)
    rows = work.session.execute(sa.select(alerts.c.verdict, sa.func.count()).where(same, _readable(work)).group_by(alerts.c.verdict))
    verdicts = {row[0]: row[1] for row in rows}
    latest = _views(work, same, (alerts.c.closed_at.desc(), alerts.c.id.desc()), limit)
    return Similar(sum(verdicts.values()), verdicts.get("right", 0), verdicts.get("false", 0), verdicts.get("late", 0), tuple(latest))


def _readable(work: Work) -> sa.ColumnElement[bool]:
    """Alerts about records that the actor may read."""
    parts = []
    for object_type in work.catalog.all("object"):
        if not object_type.assessed:
            continue
        record = objects.tables(work.catalog)[object_type.key].alias()
        allowed = row_filter(work, object_type.key, "read", objects.value_columns(work.catalog, object_type.key, record, work.at))
        parts.append(sa.and_(alerts.c.object == object_type.key, sa.exists().where(record.c.id == alerts.c.record_id, allowed)))
    return sa.or_(*parts) if parts else sa.false()


def _views(work: Work, condition: sa.ColumnElement[bool], order: tuple[Any, ...], limit: int) -> list[AlertView]:
    rows = work.session.execute(sa.select(alerts).where(condition, _readable(work)).order_by(*order).limit(limit)).mappings().all()
    names = _names(work, {(row["object"], row["record_id"]) for row in rows})
    return [_view(work, dict(row), names.get((row["object"], row["record_id"]), "")) for row in rows]


def _names(work: Work, wanted: set[tuple[str, int]]) -> dict[tuple[str, int], str]:
    found: dict[tuple[str, int], str] = {}
    for key in {key for key, _ in wanted}:
        object_type: ObjectType | None = work.catalog.get("object", key)
        if object_type is None:
            continue
        table = objects.tables(work.catalog)[key]
        name = table.c.get(object_type.name_field, table.c.id)
        rows = work.session.execute(sa.select(table.c.id, name).where(table.c.id.in_([i for k, i in wanted if k == key])))
        found |= {(key, row[0]): str(row[1] or row[0]) for row in rows}
    return found


def _view(work: Work, row: Mapping[str, Any], name: str) -> AlertView:
    rule: Alert | None = work.catalog.get("alert", row["rule"])
    reached = [str(r).partition(":") for r in row["recipients"]]
    plain = {key: row[key] for key in AlertView.__dataclass_fields__ if key in row and key != "recipients"}
    return AlertView(
        **plain,
        title=rule.title if rule else Text(row["rule"], row["rule"]),
        record_name=name,
        overdue=row["state"] == "open" and row["due_at"] < work.now,
        message=Text(row["message_zh"], row["message_en"]),
        users=tuple(who for kind, _, who in reached if kind == "user"),
        roles=tuple(who for kind, _, who in reached if kind == "role"),
        first_task=rule.first_task if rule else None,
        watch=rule.watch if rule else "",
    )


# -- Handling ----------------------------------------------------------------------------------------------------------------


def acknowledge(work: Work, alert_id: int, note: str = "") -> None:
    """Somebody saw it and takes it on."""
    _move(work, alert_id, ("open", "snoozed"), "acknowledged", note, state="acknowledged", acknowledged_by=work.actor.username, acknowledged_at=work.now)


def snooze(work: Work, alert_id: int, until: date, reason: str) -> None:
    """Put off until a day, with the reason; it opens again by itself."""
    days = (until - work.at.today).days
    if not reason.strip():
        raise Invalid([Problem("reason", Text("请填写理由", "Give a reason"), code="required")])
    if not 0 < days <= LONGEST_SNOOZE_DAYS:
        wanted = Text(f"请选择明天起 {LONGEST_SNOOZE_DAYS} 天以内的日期", f"Choose a day from tomorrow on, at most {LONGEST_SNOOZE_DAYS} days ahead")
        raise Invalid([Problem("until", wanted, code="range")])
    _move(work, alert_id, OPEN_STATES, "snoozed", reason.strip(), state="snoozed", snoozed_until=until, snooze_reason=reason.strip())


def resolve(work: Work, alert_id: int, verdict: str, note: str = "") -> None:
    """Closed by a person, who says whether the alert was right."""
    if verdict not in VERDICTS:
        raise Invalid([Problem("verdict", Text("请选择结论", "Choose a verdict"), code="required")])
    closing = {"state": "closed", "closed_at": work.now, "closed_by": work.actor.username, "close_reason": "resolved", "verdict": verdict, "note": note.strip()}
    _move(work, alert_id, (*OPEN_STATES, "suppressed"), "resolved", note.strip(), **closing)


def judge(work: Work, alert_id: int, verdict: str, note: str = "") -> None:
    """A verdict on an alert that closed by itself."""
    if verdict not in VERDICTS:
        raise Invalid([Problem("verdict", Text("请选择结论", "Choose a verdict"), code="required")])
    _move(work, alert_id, ("closed",), "judged", note.strip(), verdict=verdict, note=note.strip())


def _move(work: Work, alert_id: int, allowed: tuple[str, ...], what: str, words: str, **values: Any) -> None:
    require(work, "alerts")
    alert = get_alert(work, alert_id)
    moved = work.session.execute(sa.update(alerts).where(alerts.c.id == alert_id, alerts.c.state.in_(allowed)).values(**values))
    if not moved.rowcount:
        raise Conflict(Text("预警的状态已改变,请刷新", "The alert has moved on meanwhile; look again"))
    event = {"alert_id": alert_id, "at": work.now, "by": work.actor.username, "what": what, "note": words}
    work.session.execute(sa.insert(alert_events).values(**event))
    audit(work, f"alert.{what}", alert.object, alert.record_id, {"alert": alert_id, "rule": alert.rule, "note": words})
