"""What people do with alerts: find them, acknowledge, put off, resolve with a verdict; look at similar ones before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from server.errors import Conflict, Invalid, NotFound, Problem, Text
from server.feature import Work
from server.features.access.service import require, row_filter
from server.features.alerts.engine import RANK, Step, steps, waits_since
from server.features.alerts.kind import Alert
from server.features.alerts.tables import NOT_BEGUN, OPEN_STATES, alert_events, alerts
from server.features.audit.service import record as audit
from server.features.calendars.engine import working_time
from server.features.objects import engine as objects
from server.features.objects.kind import ObjectType
from server.storage.dialects import canonical

VERDICTS: Mapping[str, Text] = {"right": Text("准确", "Right"), "false": Text("误报", "False"), "late": Text("过迟", "Late")}
LONGEST_SNOOZE_DAYS = 180
MOST_OF_RECORD = 200  # there are fewer rules than this
MOST_AT_ONCE = 500
Ids = int | Sequence[int]  # one alert, or several


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
    escalate_at: datetime | None  # when others hear of it unless somebody responds
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


def of_record(work: Work, object_key: str, record_id: int) -> list[AlertView]:
    """What is to be handled about one record, the gravest first, then the newest."""
    about = sa.and_(alerts.c.object == object_key, alerts.c.record_id == record_id, alerts.c.state.in_(OPEN_STATES))
    return views(work, about, GRAVEST_FIRST, MOST_OF_RECORD)


def rank(table: sa.FromClause) -> sa.ColumnElement[int]:
    """How grave: the greater, the graver."""
    return sa.case(RANK, value=table.c.severity, else_=-1)


GRAVEST_FIRST = (rank(alerts).desc(), alerts.c.opened_at.desc(), alerts.c.id.desc())


def addressed(work: Work, table: sa.FromClause) -> sa.ColumnElement[bool]:
    """Alerts of `table` that reach the actor by name or by role."""
    words = [f"user:{work.actor.username}", *(f"role:{r}" for r in work.actor.roles)]
    return sa.or_(*(sa.cast(table.c.recipients, sa.Text).contains(canonical(word), autoescape=True) for word in words))


def get_alert(work: Work, alert_id: int) -> AlertView:
    found = views(work, alerts.c.id == alert_id, (alerts.c.id,), 1)
    if not found:
        raise NotFound(Text("没有此预警", "There is no such alert"))
    return found[0]


def next_told(work: Work, alert: AlertView) -> Step | None:
    """Who hears of it next unless somebody responds, and when."""
    rule: Alert | None = work.catalog.get("alert", alert.rule)
    if rule is None or alert.state != "open" or alert.escalate_at is None:
        return None
    return next(
        (s for s in steps(rule, alert.severity, waits_since(rule, alert.due_at), working_time(work.catalog, work.zone)) if s.at >= alert.escalate_at), None
    )


def events(work: Work, alert_id: int) -> list[AlertEvent]:
    get_alert(work, alert_id)
    rows = work.session.execute(sa.select(alert_events).where(alert_events.c.alert_id == alert_id).order_by(alert_events.c.id))
    return [AlertEvent(row.at, row.by, row.what, row.note) for row in rows]


def similar(work: Work, alert: AlertView | int, limit: int = 5) -> Similar:
    """How earlier alerts of the same rule ended: an aid to judge this one."""
    one = get_alert(work, alert) if isinstance(alert, int) else alert
    same = sa.and_(alerts.c.rule == one.rule, alerts.c.object == one.object, alerts.c.state == "closed", alerts.c.id != one.id)
    rows = work.session.execute(sa.select(alerts.c.verdict, sa.func.count()).where(same, readable(work)).group_by(alerts.c.verdict))
    verdicts = {row[0]: row[1] for row in rows}
    latest = views(work, same, (alerts.c.closed_at.desc(), alerts.c.id.desc()), limit)
    return Similar(sum(verdicts.values()), verdicts.get("right", 0), verdicts.get("false", 0), verdicts.get("late", 0), tuple(latest))


def readable(work: Work) -> sa.ColumnElement[bool]:
    """Alerts about records that the actor may read."""
    parts = []
    for object_type in work.catalog.all("object"):
        if not object_type.assessed:
            continue
        record = objects.tables(work.catalog)[object_type.key].alias()
        allowed = row_filter(work, object_type.key, "read", objects.value_columns(work.catalog, object_type.key, record, work.at))
        parts.append(sa.and_(alerts.c.object == object_type.key, sa.exists().where(record.c.id == alerts.c.record_id, allowed)))
    return sa.or_(*parts) if parts else sa.false()


def views(work: Work, condition: sa.ColumnElement[bool], order: Sequence[Any], limit: int) -> list[AlertView]:
    rows = work.session.execute(sa.select(alerts).where(condition, readable(work)).order_by(*order).limit(limit)).mappings().all()
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


# -- Handling: of one alert, or of several at once. Each says how many it was done to; of several, those that moved on meanwhile are left out. --


def acknowledge(work: Work, ids: Ids, note: str = "") -> int:
    """Somebody saw it and takes it on."""
    return _move(work, ids, ("open", "snoozed"), "acknowledged", note, state="acknowledged", acknowledged_by=work.actor.username, acknowledged_at=work.now)


def take_up(work: Work, ids: Ids, note: str = "") -> int:
    """Work on it has begun; who begins has seen it."""
    seen = {"acknowledged_by": _or_else(alerts.c.acknowledged_by, work.actor.username), "acknowledged_at": _or_else(alerts.c.acknowledged_at, work.now)}
    return _move(work, ids, NOT_BEGUN, "in_work", note, state="in_work", **seen)


def _or_else(column: sa.Column[Any], value: Any) -> sa.ColumnElement[Any]:
    return sa.func.coalesce(column, sa.literal(value, column.type))


def snooze(work: Work, ids: Ids, until: date, reason: str) -> int:
    """Put off until a day, with the reason; it opens again by itself."""
    days = (until - work.at.today).days
    if not reason.strip():
        raise Invalid([Problem("reason", Text("请填写理由", "Give a reason"), code="required")])
    if not 0 < days <= LONGEST_SNOOZE_DAYS:
        wanted = Text(f"请选择明天起 {LONGEST_SNOOZE_DAYS} 天以内的日期", f"Choose a day from tomorrow on, at most {LONGEST_SNOOZE_DAYS} days ahead")
        raise Invalid([Problem("until", wanted, code="range")])
    return _move(work, ids, OPEN_STATES, "snoozed", reason.strip(), state="snoozed", snoozed_until=until, snooze_reason=reason.strip())


def resolve(work: Work, ids: Ids, verdict: str, note: str = "") -> int:
    """Closed by a person, who says whether the alert was right."""
    _require_verdict(verdict)
    closing = {"state": "closed", "closed_at": work.now, "closed_by": work.actor.username, "close_reason": "resolved", "verdict": verdict, "note": note.strip()}
    return _move(work, ids, (*OPEN_STATES, "suppressed"), "resolved", note.strip(), **closing)


def judge(work: Work, ids: Ids, verdict: str, note: str = "") -> int:
    """A verdict on an alert that closed by itself."""
    _require_verdict(verdict)
    return _move(work, ids, ("closed",), "judged", note.strip(), verdict=verdict, note=note.strip())


def _require_verdict(verdict: str) -> None:
    if verdict not in VERDICTS:
        raise Invalid([Problem("verdict", Text("请选择结论", "Choose a verdict"), code="required")])


def _move(work: Work, ids: Ids, allowed: tuple[str, ...], what: str, words: str, **values: Any) -> int:
    require(work, "alerts")
    wanted = [ids] if isinstance(ids, int) else sorted(set(ids))
    if not 0 < len(wanted) <= MOST_AT_ONCE:
        raise Invalid([Problem("id", Text(f"请选择 1 至 {MOST_AT_ONCE} 条预警", f"Choose 1 to {MOST_AT_ONCE} alerts"), code="range")])
    visible = sa.select(alerts.c.id, alerts.c.object, alerts.c.record_id, alerts.c.rule).where(alerts.c.id.in_(wanted), readable(work))
    found = {row.id: row for row in work.session.execute(visible)}
    if not found:
        raise NotFound(Text("没有此预警", "There is no such alert"))
    change = sa.update(alerts).where(alerts.c.id.in_(list(found)), alerts.c.state.in_(allowed)).values(**values).returning(alerts.c.id)
    moved = sorted(work.session.scalars(change))
    if not moved:
        raise Conflict(Text("预警的状态已改变,请刷新", "The alert has moved on meanwhile; look again"))
    work.session.execute(sa.insert(alert_events), [{"alert_id": i, "at": work.now, "by": work.actor.username, "what": what, "note": words} for i in moved])
    for i in moved:
        audit(work, f"alert.{what}", found[i].object, found[i].record_id, {"alert": i, "rule": found[i].rule, "note": words})
    return len(moved)
