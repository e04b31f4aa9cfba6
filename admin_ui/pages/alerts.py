"""Alerts: the list, and one alert with its sentence first, the line it crossed, why it opened, how similar ones ended, and what to do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from admin_ui.area import Area, Link
from admin_ui.edge import Form, Id, local_path, only, reading, to, writing
from admin_ui.formats import Formats
from admin_ui.pages.tasks import view_of
from admin_ui.posted import posted, posted_lists, whole
from admin_ui.render import fragment, page
from server.errors import Invalid, Problem, Text
from server.feature import Work
from server.features.access import service as access
from server.features.alerts import service as alerts
from server.features.alerts import why
from server.features.alerts.engine import SEVERITIES
from server.features.alerts.inbox import Wanted, count, inbox
from server.features.alerts.service import AlertView
from server.features.alerts.tables import OPEN_STATES
from server.features.assessment import engine
from server.features.assessment import explain as assessment
from server.features.strategies import service as strategies

router = APIRouter()
STEPS: Mapping[str, int] = {"info": 2, "warning": 3, "critical": 4}
STATES: tuple[tuple[str, Text], ...] = (
    ("active", Text("要处理的", "To handle")),
    ("open", Text("新的", "New")),
    ("acknowledged", Text("已确认", "Acknowledged")),
    ("in_work", Text("处理中", "In work")),
    ("snoozed", Text("已推迟", "Snoozed")),
    ("closed", Text("已关闭", "Closed")),
    ("suppressed", Text("被抑制", "Suppressed")),
)
STATE_TITLES: Mapping[str, Text] = {
    "open": Text("待确认", "new"),
    "acknowledged": Text("已确认", "acknowledged"),
    "in_work": Text("处理中", "in work"),
    "snoozed": Text("已推迟", "snoozed"),
    "suppressed": Text("被抑制", "suppressed"),
    "closed": Text("已关闭", "closed"),
}
CLOSED: Mapping[str, Text] = {
    "cleared": Text("自行解除", "cleared"),
    "left_population": Text("离开评估范围", "left the population"),
    "rule_removed": Text("规则已删除", "rule removed"),
}
VERDICTS: tuple[tuple[str, Text, Text], ...] = (
    ("right", Text("准确", "right"), Text("确有风险，来得及处理", "a real risk, in time")),
    ("false", Text("误报", "false"), Text("没有风险", "no risk")),
    ("late", Text("过迟", "late"), Text("有风险，但已来不及", "a real risk, too late")),
)
EVENTS: Mapping[str, Text] = {
    "opened": Text("打开", "opened"),
    "acknowledged": Text("确认", "acknowledged"),
    "in_work": Text("开始处理", "taken up"),
    "snoozed": Text("推迟", "snoozed"),
    "overdue": Text("无人及时响应，再次通知", "nobody responded in time, people were told again"),
    "snooze_ended": Text("推迟到期，重新打开", "opened again when the snooze ended"),
    "resolved": Text("处理完毕", "resolved"),
    "judged": Text("评定", "judged"),
    "suppressed": Text("被抑制", "suppressed"),
    **{f"severity_{key}": Text(f"变得更严重：{title.zh}", f"became graver: {title.en}") for key, title in SEVERITIES.items()},
    **CLOSED,
}
ACTIONS: Mapping[str, Text] = {
    "acknowledge": Text("确认", "Acknowledge"),
    "take_up": Text("开始处理", "Start work"),
    "snooze": Text("推迟", "Snooze"),
    "resolve": Text("处理完毕", "Resolve"),
}
AT_ONCE = ("acknowledge", "take_up")  # nothing more is asked
OP_WORDS: Mapping[str, str] = {"<": "<", "<=": "≤", ">": ">", ">=": "≥", "==": "="}


@dataclass(frozen=True)
class Card:
    """An alert as pages show it."""

    id: int
    rule: str
    rule_title: Text
    message: str
    name: str
    url: str
    severity_title: Text
    step: int
    state: str
    state_title: Text
    open: bool
    opened_at: datetime
    closed_at: datetime | None
    due_at: datetime | None
    late: bool
    verdict: str | None
    note: str | None
    people: tuple[str, ...]
    suppressed: str | None
    release: int
    as_of: date


def card_of(work: Work, alert: AlertView, people: Mapping[str, str] | None = None) -> Card:
    people = access.user_names(work) if people is None else people
    roles = {r.key: r.title.of(work.actor.locale) for r in work.catalog.all("role")}
    told = (*(people.get(u, u) for u in alert.users), *(roles.get(r, r) for r in alert.roles))
    return Card(
        alert.id,
        alert.rule,
        alert.title,
        alert.message.of(work.actor.locale),
        alert.record_name,
        f"/o/{alert.object}/{alert.record_id}",
        SEVERITIES.get(alert.severity, Text(alert.severity, alert.severity)),
        STEPS.get(alert.severity, 2),
        alert.state,
        _state_title(alert),
        alert.state in OPEN_STATES,
        alert.opened_at,
        alert.closed_at,
        alert.due_at,
        alert.overdue,
        alert.verdict,
        alert.note,
        told,
        _one_language(alert.suppressed_reason, work.actor.locale),
        alert.release,
        alert.as_of,
    )


def _one_language(text: str | None, locale: str) -> str:
    """Reasons of the system are kept in both languages, "zh / en"; people's words have one."""
    zh, slash, en = (text or "").partition(" / ")
    return text or "" if not slash else zh if locale.startswith("zh") else en


def _state_title(alert: AlertView) -> Text:
    if alert.state == "closed":
        verdict = next((title for key, title, _ in VERDICTS if key == alert.verdict), None)
        return verdict or CLOSED.get(alert.close_reason or "", STATE_TITLES["closed"])
    return STATE_TITLES.get(alert.state, Text(alert.state, alert.state))


def open_count(work: Work) -> int:
    return count(work, Wanted(mine=True))


AREA = Area(router, (Link("alerts", Text("预警", "Alerts"), "/alerts", "alert-triangle", "alerts", 30, count=open_count, phone=True),))


@router.get("/alerts", response_class=HTMLResponse)
def alerts_page(
    request: Request, state: str = "active", severity: str = "", rule: str = "", mine: str = "", flat: str = "", cursor: str = "", did: str = "", n: str = ""
) -> HTMLResponse:
    """`flat`: a line for each alert, not for each record. `did`, `n`: what was just done to how many."""
    wanted = Wanted(state, severity, rule, bool(mine), not flat)
    with reading(request, "alerts") as work:
        people = access.user_names(work)
        found = inbox(work, wanted, cursor)
        filters = {"state": state, "severity": severity, "rule": rule, "mine": mine, "flat": flat}
        context: dict[str, Any] = {
            "lines": [(card_of(work, line.alert, people), [card_of(work, a, people) for a in line.others]) for line in found.lines],
            "total": found.total,
            "next": found.next,
            "cursor": cursor,
            "grouped": wanted.is_grouped,
            "rules": work.catalog.all("alert"),
            "states": STATES,
            "severities": [("", Text("全部程度", "Any severity")), *SEVERITIES.items()],
            "filters": filters,
            "url": "/alerts?" + urlencode({name: value for name, value in filters.items() if value}),
            "done": _done(did, whole(n)),
        }
        return page(request, work, "pages/alerts.html", area="alerts", **context)


def _done(did: str, n: int | None) -> Text | None:
    action = ACTIONS.get(did)
    return Text(f"已对 {n} 条预警执行：{action.zh}", f"{action.en}: {n} {'alert' if n == 1 else 'alerts'}") if action and n else None


@router.post("/alerts/bulk", response_class=HTMLResponse)
def bulk(request: Request, form: Form) -> Response:
    """`id`: the chosen lines, each the numbers of its alerts with commas; `_step`: "" asks what is missing, "run" does it."""
    sent = only(form, "_action", "_step", "_back", "until", "reason", "verdict", "note")
    action = sent["_action"]
    if action not in ACTIONS:
        raise Invalid([Problem("_action", Text("没有这个操作", "There is no such action"))])
    ids = [number for text in posted_lists(form).get("id", []) for part in text.split(",") if (number := whole(part)) is not None]
    back = local_path(sent["_back"], "/alerts")
    problems: tuple[Problem, ...] = ()
    if sent["_step"] == "run" or action in AT_ONCE:
        try:
            with writing(request, "alerts") as work:
                return to(request, f"{back}{'&' if '?' in back else '?'}did={action}&n={_act(work, action, ids, sent)}")
        except Invalid as refused:
            problems = refused.problems
    with reading(request, "alerts") as work:
        context = {"action": action, "title": ACTIONS[action], "ids": ids, "back": back, "sent": sent, "problems": problems, "verdicts": VERDICTS}
        context |= {"tomorrow": (work.at.today + timedelta(days=1)).isoformat(), "next_week": (work.at.today + timedelta(days=7)).isoformat()}
        return fragment(request, work, "parts/alerts_bulk.html", status=422 if problems else 200, **context)


def _act(work: Work, action: str, ids: Sequence[int], sent: Mapping[str, str]) -> int:
    if action == "acknowledge":
        return alerts.acknowledge(work, ids)
    if action == "take_up":
        return alerts.take_up(work, ids)
    if action == "snooze":
        return alerts.snooze(work, ids, _day(sent["until"]), sent["reason"])
    return alerts.resolve(work, ids, sent["verdict"], sent["note"])


@router.get("/alerts/{alert_id}", response_class=HTMLResponse)
def alert_page(request: Request, alert_id: Id) -> HTMLResponse:
    with reading(request, "alerts") as work:
        return _alert(request, work, alert_id)


def _alert(request: Request, work: Work, alert_id: int, problems: tuple[Problem, ...] = ()) -> HTMLResponse:
    alert = alerts.get_alert(work, alert_id)
    people, locale = access.user_names(work), work.actor.locale
    similar = alerts.similar(work, alert, 6)
    today = work.at.today
    context: dict[str, Any] = {
        "a": card_of(work, alert, people),
        "why": [_line(c, locale) for c in why.conditions(work, alert)],
        "clears": (found.of(locale) if (found := why.clears_when(work, alert)) else ""),
        "chart": chart_of(work, alert),
        "similar": [card_of(work, a, people) for a in similar.latest],
        "similar_total": similar.total,
        "verdict_counts": _verdicts(similar),
        "events": [
            {
                "at": e.at,
                "text": EVENTS.get(e.what, Text(e.what, e.what)).of(locale),
                "by": people.get(e.by, "" if e.by == "system" else e.by),
                "note": _one_language(e.note, locale),
            }
            for e in alerts.events(work, alert_id)
        ],
        "tasks": [view_of(work, k, people) for k in strategies.list_tasks(work, alert_id=alert_id)] if access.may(work, "tasks") else [],
        "strategies": [
            {"key": s.key, "title": s.title, "measures": len(s.measures)} for s in strategies.startable(work, alert.object, alert.record_id, alert.rule)
        ],
        "verdicts": VERDICTS,
        "tomorrow": (today + timedelta(days=1)).isoformat(),
        "next_week": (today + timedelta(days=7)).isoformat(),
        "ahead": _ahead(work, alert),
        "problems": problems,
    }
    return page(request, work, "pages/alert.html", area="alerts", status=422 if problems else 200, **context)


def _ahead(work: Work, alert: AlertView) -> dict[str, Any] | None:
    """When nobody has responded by then, who hears of it."""
    step = alerts.next_told(work, alert)
    if step is None:
        return None
    fields, role = work.catalog.get("object", alert.object).fields, work.catalog.get("role", step.to)
    title = fields[step.to].title if step.to in fields else role.title if role else Text("接收人", "its recipients")
    return {"at": step.at, "to": title.of(work.actor.locale)}


def _line(condition: why.Condition, locale: str) -> dict[str, Any]:
    """The value is not said twice when the sentence has it."""
    text, value = condition.sentence.of(locale), condition.value.of(locale)
    return {"text": text, "value": "" if value in text else value, "met": condition.met, "alternative": condition.alternative}


def _verdicts(similar: alerts.Similar) -> dict[str, Any]:
    rest = similar.total - similar.right - similar.false - similar.late
    parts = (("right", similar.right), ("false", similar.false), ("late", similar.late), ("none", rest))
    titles = {key: title for key, title, _ in VERDICTS} | {"none": Text("没有评定", "no verdict")}
    colours = {"right": "var(--accent)", "false": "var(--bar)", "late": "var(--lv4)", "none": "var(--track)"}
    return {"total": similar.total, "parts": parts, "legend": [(key, titles[key], n, colours[key]) for key, n in parts]}


def chart_of(work: Work, alert: AlertView) -> dict[str, Any] | None:
    """The watched value over time with the line it crossed; None when the rule watches nothing that can be drawn."""
    known, name = engine.outputs(work.catalog, alert.object), why.watched(work, alert)
    output = known.get(name)
    if output is None or str(output.type) not in {"number", "integer"}:
        return None
    history = [(day, value) for day, value in assessment.score_history(work, alert.object, alert.record_id, name) if value is not None]
    if not history:
        return None
    locale, formats = work.actor.locale, Formats(work.actor.locale, work.zone)
    line, clear = why.threshold(work, alert, name), why.clear_threshold(work, alert, name)
    marks: list[dict[str, Any]] = []
    if line:
        word = Text("阈值", "threshold").of(locale)
        marks.append(
            {
                "value": line.value,
                "kind": "threshold",
                "label": f"{word} {OP_WORDS[line.op]} {formats.number(line.value)}",
                "short": f"{OP_WORDS[line.op]} {formats.number(line.value)}",
            }
        )
    if clear and (not line or clear.value != line.value):
        word = Text("解除", "clears").of(locale)
        marks.append(
            {"value": clear.value, "kind": "clear", "label": f"{word} {OP_WORDS[clear.op]} {formats.number(clear.value)}", "short": formats.number(clear.value)}
        )
    values = [float(value) for _, value in history]
    top, low = max([*values, *(m["value"] for m in marks)]), min([0.0, *values, *(m["value"] for m in marks)])
    zones = (
        [{"from": low if line.op.startswith("<") else line.value, "to": line.value if line.op.startswith("<") else top * 1.1, "color": "lv3"}] if line else []
    )
    return {
        "type": "line",
        "locale": locale,
        "title": output.title.of(locale),
        "unit": formats.unit(output.unit) if output.unit else "",
        "step": not output.ages,  # an age grows day by day
        "x": [day.isoformat() for day, _ in history],
        "y": values,
        "last": formats.number(round(values[-1], 2)),
        "bad": alert.state in OPEN_STATES,
        "marks": marks,
        "zones": zones,
        "min": low,
        "max": round(top * 1.1 + 0.5, 1) if top > 0 else None,
        "points": [(formats.date(day), formats.number(value, output.decimals)) for day, value in history],
    }


def _back(alert_id: int) -> Response:
    return RedirectResponse(f"/alerts/{alert_id}", 303)


@router.post("/alerts/{alert_id}/acknowledge")
def acknowledge(request: Request, alert_id: Id) -> Response:
    with writing(request, "alerts") as work:
        alerts.acknowledge(work, alert_id)
    return _back(alert_id)


@router.post("/alerts/{alert_id}/take_up")
def take_up(request: Request, alert_id: Id) -> Response:
    with writing(request, "alerts") as work:
        alerts.take_up(work, alert_id)
    return _back(alert_id)


@router.post("/alerts/{alert_id}/snooze", response_class=HTMLResponse)
def snooze(request: Request, alert_id: Id, form: Mapping[str, str] = Depends(posted)) -> Response:
    try:
        with writing(request, "alerts") as work:
            alerts.snooze(work, alert_id, _day(form.get("until", "")), form.get("reason", ""))
    except Invalid as refused:
        with reading(request, "alerts") as work:
            return _alert(request, work, alert_id, refused.problems)
    return _back(alert_id)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Invalid([Problem("until", Text("请选择一个日期", "Choose a day"))]) from None


@router.post("/alerts/{alert_id}/resolve", response_class=HTMLResponse)
def resolve(request: Request, alert_id: Id, form: Mapping[str, str] = Depends(posted)) -> Response:
    try:
        with writing(request, "alerts") as work:
            alerts.resolve(work, alert_id, form.get("verdict", ""), form.get("note", ""))
    except Invalid as refused:
        with reading(request, "alerts") as work:
            return _alert(request, work, alert_id, refused.problems)
    return _back(alert_id)


@router.post("/alerts/{alert_id}/strategy")
def start_strategy(request: Request, alert_id: Id, form: Mapping[str, str] = Depends(posted)) -> Response:
    with writing(request, "alerts") as work:
        alert = alerts.get_alert(work, alert_id)
        strategies.start(work, form.get("strategy", ""), alert.object, alert.record_id, alert_id)
    return _back(alert_id)
