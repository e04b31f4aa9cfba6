"""What people at the demo company do as the weeks pass: alerts judged, tasks done, reviews held. Chance is taken from numbers, so it repeats."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any

import sqlalchemy as sa

from server.demo.company import CREDIT, OWNERS, REVIEWER
from server.demo.people import PEOPLE, Person
from server.demo.plan import Plan
from server.errors import Text
from server.feature import Work
from server.features.alerts import service as alerting
from server.features.alerts.tables import OPEN_STATES, alerts
from server.features.reviews import service as reviewing
from server.features.reviews.engine import before, period_of
from server.features.reviews.metrics import take_snapshots
from server.features.strategies import tasks as tasking
from server.features.strategies.tables import task_events, tasks

BY_NAME: Mapping[str, Person] = {p.username: p for p in PEOPLE}
BY_ROLE: Mapping[str, tuple[str, ...]] = {"staff": OWNERS, "credit_control": CREDIT, "reviewer": (REVIEWER, "anna"), "admin": ("admin",)}
CREDIT_RULES = frozenset({"overdue_30", "overdue_60", "limit_breach", "payment_slowing", "adverse_record", "stale_data", "review_overdue"})
TROUBLED = frozenset({"drifting", "unhappy", "late_group", "hollow"})
NOTES = {
    "right": "情况属实，已安排措施",
    "false": "已与客户核实，属正常波动",
    "late": "情况属实，但发现得太晚",
}
SEASONAL_NOTE = "季节性客户，淡季不下单"
SPARED = frozenset({1})  # the first customer's alerts wait for whoever opens the demo


def chance(number: int, salt: int = 0) -> int:
    """0 to 99, the same for the same number."""
    return (number * 7919 + salt * 104_729 + (number * number) % 8191) % 100


def acting(work: Work, username: str, at: datetime | None = None) -> Work:
    return replace(work, actor=BY_NAME[username].actor, now=at or work.now)


def week(work: Work, plans: Mapping[int, Plan], until: date) -> None:
    """After an assessment: alerts are judged, and the tasks that fall due until the next one are mostly done."""
    judge_alerts(work, plans)
    finish_tasks(work, until)


# -- Alerts ------------------------------------------------------------------------------------------------------------------


def judge_alerts(work: Work, plans: Mapping[int, Plan]) -> None:
    query = sa.select(alerts.c.id, alerts.c.rule, alerts.c.record_id, alerts.c.opened_at, alerts.c.state, alerts.c.verdict).order_by(alerts.c.id)
    going_on = alerts.c.state.in_(OPEN_STATES)
    cleared = sa.and_(alerts.c.state == "closed", alerts.c.verdict.is_(None))
    for row in work.session.execute(query.where(sa.or_(going_on, cleared))).all():
        plan = plans[row.record_id]
        if row.record_id in SPARED:
            continue
        verdict = _verdict(row.rule, plan, row.id)
        who = CREDIT[row.id % len(CREDIT)] if row.rule in CREDIT_RULES else plan.owner
        note = SEASONAL_NOTE if verdict == "false" and plan.archetype == "seasonal" else NOTES[verdict]
        me = acting(work, who)
        if row.state == "closed":
            if chance(row.id, 1) < 70:
                alerting.judge(me, row.id, verdict, note)
            continue
        _handle(me, row.id, row.state, verdict, note, (work.now - row.opened_at).days)


def _handle(me: Work, alert_id: int, state: str, verdict: str, note: str, age: int) -> None:
    luck = chance(alert_id)
    if age >= 6 and luck < 80:
        alerting.resolve(me, alert_id, verdict, note)
    elif state == "open" and luck < 89:
        alerting.acknowledge(me, alert_id)
    elif state == "open" and luck < 92:
        alerting.snooze(me, alert_id, me.at.today + timedelta(days=14), "等客户月底对账后再看")


def _verdict(rule: str, plan: Plan, number: int) -> str:
    if rule in ("order_silence", "purchase_drop") and plan.archetype not in TROUBLED and plan.archetype != "gone":
        return "false"
    if rule == "satisfaction_drop" and plan.archetype not in TROUBLED and chance(number, 2) < 60:
        return "false"
    return "late" if chance(number, 3) < 6 else "right"


# -- Tasks -------------------------------------------------------------------------------------------------------------------


def finish_tasks(work: Work, until: date) -> None:
    """Most in time, some late, a few not at all. Repeating ones through the service, which gives the next; the many others at once."""
    due = sa.select(tasks).where(tasks.c.state == "open", tasks.c.due_on < until).order_by(tasks.c.id)
    updates, events = [], []
    for row in work.session.execute(due).all():
        luck = chance(row.id, 4)
        day = row.due_on - timedelta(days=luck % 3) if luck < 89 else until - timedelta(days=1)
        if luck >= 96 or (luck >= 89 and (until - row.due_on).days < 10):
            continue
        doer = row.assignee or BY_ROLE[row.role][row.id % len(BY_ROLE[row.role])]
        at = max(row.created_at + timedelta(minutes=30), datetime.combine(day, time(15), work.zone))
        if row.repeat_days:
            tasking.complete_task(acting(work, doer, at), row.id, "已完成")
            continue
        approver = next((name for name in BY_ROLE.get(row.approver or "", ()) if name != doer), None)
        waits = approver is not None and luck % 8 == 0
        updates.append(
            {
                "b_id": row.id,
                "b_state": "waiting_approval" if waits else "done",
                "b_at": at,
                "b_by": doer,
                "b_approver": None if waits else approver,
                "b_approved": None if waits or approver is None else at + timedelta(hours=2),
            }
        )
        events.append({"task_id": row.id, "at": at, "by": doer, "what": "done", "note": ""})
    if updates:
        p = sa.bindparam
        values: dict[str, Any] = {
            "state": p("b_state"),
            "done_at": p("b_at"),
            "done_by": p("b_by"),
            "approved_by": p("b_approver"),
            "approved_at": p("b_approved"),
        }
        work.session.execute(sa.update(tasks).where(tasks.c.id == p("b_id")).values(**values), updates)
        work.session.execute(sa.insert(task_events), events)


# -- Reviews -----------------------------------------------------------------------------------------------------------------


def metrics(work: Work, days: list[date]) -> None:
    for day in days:
        take_snapshots(work, day)
    take_snapshots(work)


def past_review(work: Work) -> None:
    """The last quarter's review: every metric that misses its target explained, signed by both roles."""
    last = before("quarter", period_of("quarter", work.at.today))
    opened = reviewing.open_review(acting(work, CREDIT[0]), "quarterly_review", last.key)
    for line in reviewing.get_review(acting(work, CREDIT[0]), opened).metrics:
        if line.unexplained:
            reviewing.comment(acting(work, CREDIT[0]), opened, line.metric, "主要受拖款集团影响，已停货并逐户制定回款计划")
    reviewing.comment(acting(work, REVIEWER), opened, "concentration", "前五大客户占比在限内，继续观察")
    reviewing.add_action(
        acting(work, CREDIT[0]), opened, Text("建材客户额度逐户复核", "Look at each limit in building materials"), work.at.today + timedelta(days=21), CREDIT[1]
    )
    reviewing.sign(acting(work, CREDIT[0]), opened, "同意")
    reviewing.sign(acting(work, REVIEWER), opened, "同意，下季度重点看回款")


def this_review(work: Work) -> None:
    opened = reviewing.open_review(acting(work, REVIEWER), "quarterly_review")
    reviewing.comment(acting(work, CREDIT[0]), opened, "outlook", "纺织外贸订单转移，竞品乙在西南降价")


Act = Callable[[Work], None]
STORY: tuple[tuple[str, Text, Act], ...] = (
    ("past_review", Text("上季度评估", "Last quarter's review"), past_review),
    ("this_review", Text("本季度评估", "This quarter's review"), this_review),
)
