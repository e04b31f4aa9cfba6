"""Metrics over populations, reviews that cannot be signed with an unexplained red metric, signatures by roles."""

import threading
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from server.errors import AppError, Conflict, Forbidden, Invalid, NotFound
from server.feature import Actor
from server.features.access.tables import users
from server.features.alerts.tables import alerts
from server.features.objects import results
from server.features.reviews import facts, service
from server.features.reviews.metrics import last_point
from server.features.reviews.tables import metric_snapshots, reviews
from server.features.strategies import service as strategies
from server.storage.session import Database
from tests.features.acting import ADMIN, CREDIT, NOW, PEOPLE, REVIEWER, REVIEWER2, ROLES, STAFF, World, title, world_of

SIGNER_ROLES = {"credit_control": ["desk", "alerts", "tasks", "reviews", "reports", "matrix", "assess", "sign"]}


def metric(key: str, numerator: dict[str, Any], denominator: dict[str, Any] | None, target: float, better: str = "lower") -> dict[str, Any]:
    body = {
        "kind": "metric",
        "key": key,
        "title": title(key),
        "numerator": numerator,
        "scale": 100,
        "decimals": 1,
        "unit": "%",
        "target": target,
        "better": better,
    }
    return body | ({"denominator": denominator} if denominator else {})


METRICS = (
    metric("high_share", {"source": "customer", "aggregate": "count", "where": 'risk_level == "high"'}, {"source": "customer", "aggregate": "count"}, 20),
    metric("limits", {"source": "customer", "aggregate": "sum", "value": "credit_limit"}, {"source": "customer", "aggregate": "count"}, 10**9),
    metric("orders", {"source": "order", "aggregate": "avg", "value": "amount", "where": 'customer.region == "east"'}, None, 10**9),
    metric(
        "alert_precision",
        {"source": "alert", "aggregate": "count", "where": 'verdict == "right" and days_between(closed_at, now()) <= 90'},
        {"source": "alert", "aggregate": "count", "where": 'one_of(verdict, ["right", "false"]) and days_between(closed_at, now()) <= 90'},
        60,
        "higher",
    ),
    metric(
        "on_time",
        {"source": "task", "aggregate": "count", "where": 'state == "done" and days_between(done_at, due_on) >= 0'},
        {"source": "task", "aggregate": "count", "where": 'one_of(state, ["open", "done"])'},
        50,
        "higher",
    ),
)
REVIEW = {
    "kind": "review",
    "key": "quarterly",
    "title": title("季度评估", "Quarterly"),
    "cadence": "quarter",
    "metrics": ["high_share", "limits", "alert_precision"],
    "participants": ["credit_control", "staff"],
    "signers": ["credit_control", "reviewer"],
    "agenda": [{"key": "moves", "title": title("等级变化", "Moves")}],
}


@pytest.fixture
def world(database: Database) -> World:
    from_roles = [{**d, "capabilities": SIGNER_ROLES[d["key"]]} for d in _roles() if d["key"] in SIGNER_ROLES]
    world = world_of(database, *METRICS, REVIEW, *from_roles)
    with world.work() as work:
        work.session.execute(
            sa.insert(users),
            [
                {"username": p.username, "name": p.name, "password_hash": "", "roles": list(p.roles), "locale": "zh_CN", "active": True, "created_at": NOW}
                for p in PEOPLE
            ],
        )
    return world


def _roles() -> list[dict[str, Any]]:
    return [dict(d) for d in ROLES]


def customers(world: World, *signals: int | None, **values: Any) -> list[int]:
    ids = [world.insert("customer", name=f"c{n}", owner="li.na", lifecycle="active", signals=s, **values) for n, s in enumerate(signals)]
    world.assess(*ids)
    return ids


def snapshot(world: World, day: date | None = None, now: datetime = NOW) -> dict[str, float | None]:
    with world.work(now=now) as work:
        service.take_snapshots(work, day)
        return {m["key"]: point.value if (point := last_point(work, m["key"], day)) else None for m in METRICS}


def opened(world: World, actor: Actor = CREDIT) -> int:
    with world.work(actor) as work:
        return service.open_review(work, "quarterly")


# -- Metrics -------------------------------------------------------------------------------------------------------------------


def test_metrics_over_objects_results_alerts_and_tasks(world: World) -> None:
    ids = customers(world, 5, 1, 1, None, credit_limit=Decimal("100.50"), region="east")
    world.insert("order", customer=ids[0], amount=Decimal("10.10"))
    world.insert("order", customer=ids[1], amount=Decimal("20.20"))
    with world.work(CREDIT) as work:
        first = strategies.create_task(work, title="a", due_on=date(2026, 3, 20))
        strategies.create_task(work, title="b", due_on=date(2026, 3, 20))
        strategies.complete_task(work, first)
    found = snapshot(world)
    assert found == {"high_share": 25.0, "limits": 10050.0, "orders": 1515.0, "alert_precision": None, "on_time": 50.0}


def test_the_same_day_again_is_the_same_row(world: World) -> None:
    customers(world, 5, 1)
    snapshot(world)
    with world.work() as work:
        assert service.take_snapshots(work) == 0
    customers(world, 1, 1)
    with world.work() as work:
        assert service.take_snapshots(work) == 2, "only what differs is written"
        assert work.session.scalar(sa.select(sa.func.count()).select_from(metric_snapshots)) == len(METRICS)
        point = last_point(work, "high_share")
        assert point is not None
        assert (point.value, point.red, point.release) == (25.0, True, 1)


def test_a_past_day_uses_the_results_of_that_day(world: World) -> None:
    ids = customers(world, 5, 1)
    past = results.history_table(world.catalog, "customer")
    with world.work() as work:
        work.session.execute(sa.delete(past))
        for day, levels in ((date(2025, 12, 31), ("low", "low")), (date(2026, 1, 31), ("high", "high"))):
            for record_id, level in zip(ids, levels, strict=True):
                work.session.execute(sa.insert(past).values(record_id=record_id, as_of=day, release=1, assessed_at=NOW, risk_level=level))
    assert snapshot(world, date(2026, 1, 15))["high_share"] == 0.0
    assert snapshot(world, date(2026, 2, 1))["high_share"] == 100.0
    assert snapshot(world)["high_share"] == 50.0
    with world.work() as work:
        series = service.metric_series(work, "high_share", 2)
        assert [(p.period, p.value) for p in series] == [("2026-02", 100.0), ("2026-03", 50.0)]
        with pytest.raises(Invalid):
            service.take_snapshots(work, date(2026, 3, 11))


def test_what_happened_later_is_not_seen_on_a_past_day(world: World) -> None:
    (record_id,) = customers(world, 1)

    def alert(number: int, closed: datetime | None, verdict: str | None) -> dict[str, Any]:
        return {
            "rule": "r",
            "object": "customer",
            "record_id": record_id,
            "episode": number,
            "severity": "warning",
            "state": "closed" if closed else "open",
            "opened_at": NOW - timedelta(days=60),
            "as_of": date(2026, 1, 9),
            "due_at": NOW,
            "message_zh": "",
            "message_en": "",
            "values": {},
            "release": 1,
            "recipients": [],
            "closed_at": closed,
            "verdict": verdict,
        }

    with world.work() as work:
        work.session.execute(sa.insert(alerts), [alert(1, NOW - timedelta(days=40), "right"), alert(2, NOW - timedelta(days=2), "false"), alert(3, None, None)])
    assert snapshot(world)["alert_precision"] == 50.0
    assert snapshot(world, date(2026, 2, 15))["alert_precision"] == 100.0
    assert snapshot(world, date(2026, 1, 20))["alert_precision"] is None


# -- Reviews -------------------------------------------------------------------------------------------------------------------


def test_one_review_a_period(world: World) -> None:
    customers(world, 5, 1)
    first = opened(world)
    assert opened(world, REVIEWER) == first
    with world.work(CREDIT) as work:
        earlier = service.open_review(work, "quarterly", "2025-Q4")
        assert [(r.id, r.period, r.due) for r in service.list_reviews(work)] == [(first, "2026-Q1", False), (earlier, "2025-Q4", True)]
        for wrong in ("2026-Q2", "2026-03", "nonsense"):
            with pytest.raises(Invalid):
                service.open_review(work, "quarterly", wrong)
        with pytest.raises(NotFound):
            service.open_review(work, "no such")
    with world.work(STAFF) as work:
        with pytest.raises(Forbidden):
            service.open_review(work, "quarterly")
        with pytest.raises(Forbidden):
            service.get_review(work, first)
        assert service.due_reviews(work) == ()


def test_opened_by_many_at_once_it_is_one(world: World) -> None:
    errors: list[AppError] = []
    barrier = threading.Barrier(5)

    def run() -> None:
        barrier.wait()
        try:
            opened(world)
        except AppError as error:
            errors.append(error)

    threads = [threading.Thread(target=run) for _ in range(5)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert all(isinstance(e, Conflict) for e in errors)
    with world.work() as work:
        assert work.session.scalar(sa.select(sa.func.count()).select_from(reviews)) == 1


def test_a_red_metric_needs_a_word_before_anybody_signs(world: World) -> None:
    customers(world, 5, 1)
    review = opened(world)
    with world.work(CREDIT) as work:
        page = service.get_review(work, review)
        assert page.unexplained == ("high_share",)
        assert page.sign_blocked is not None
        assert "high_share" in page.sign_blocked.zh
        with pytest.raises(Conflict):
            service.sign(work, review)
        with pytest.raises(Invalid):
            service.comment(work, review, "high_share", "  ")
        with pytest.raises(NotFound):
            service.comment(work, review, "no such", "x")
        service.comment(work, review, "high_share", "两家大客户拖期")
        service.comment(work, review, "moves", "看过")
        page = service.sign(work, review, "同意")
        assert (page.summary.state, page.summary.signed) == ("open", 1)
        with pytest.raises(Forbidden):
            service.sign(work, review)


def test_each_role_is_signed_by_another_person_and_the_last_closes_it(world: World) -> None:
    customers(world, 5, 1)
    review = opened(world)
    both = Actor("wang.fang", "王芳", ("credit_control", "reviewer"))
    with world.work(both) as work:
        service.comment(work, review, "high_share", "已说明")
        service.sign(work, review)
        with pytest.raises(Forbidden):
            service.sign(work, review)
    with world.work(ADMIN) as work, pytest.raises(Forbidden):
        service.sign(work, review)
    with world.work(REVIEWER) as work:
        assert [r.id for r in service.due_reviews(work)] == [review]
        page = service.sign(work, review)
        assert page.summary.state == "signed"
        assert [(s.role, s.by) for s in page.signers] == [("credit_control", "wang.fang"), ("reviewer", "zhao.lei")]
    with world.work(CREDIT) as work:
        for refused in (
            lambda: service.comment(work, review, "moves", "later"),
            lambda: service.add_action(work, review, "later", date(2026, 4, 1)),
            lambda: service.sign(work, review),
        ):
            with pytest.raises(AppError):
                refused()


def test_what_was_signed_stays(world: World) -> None:
    ids = customers(world, 5, 1, exposed=Decimal("5.00"))
    review = opened(world)
    for actor in (CREDIT, REVIEWER):
        with world.work(actor) as work:
            service.comment(work, review, "high_share", "说明")
            service.sign(work, review)
    for record_id in ids:
        world.update("customer", record_id, signals=1, exposed=Decimal("900.00"))
    world.assess(*ids)
    snapshot(world)
    with world.work(REVIEWER) as work:
        page = service.get_review(work, review)
        assert page.metrics[0].value == 50.0
        assert [e.amount for e in page.facts.exposures] == [5.0, 5.0]


def test_two_signers_at_once_close_it(world: World) -> None:
    customers(world, 1, 1)
    review = opened(world)
    barrier = threading.Barrier(4)
    errors: list[AppError] = []

    def sign(actor: Actor) -> None:
        barrier.wait()
        try:
            with world.work(actor) as work:
                service.sign(work, review)
        except AppError as error:
            errors.append(error)

    threads = [threading.Thread(target=sign, args=(a,)) for a in (CREDIT, REVIEWER, REVIEWER2, CREDIT)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(errors) == 2
    with world.work(CREDIT) as work:
        page = service.get_review(work, review)
        assert (page.summary.state, page.summary.signed) == ("signed", 2)


def test_actions_are_tasks_of_the_review(world: World) -> None:
    review = opened(world)
    with world.work(CREDIT) as work:
        service.add_action(work, review, "催收五大户", date(2026, 4, 1), assignee="li.na")
        page = service.get_review(work, review)
        assert [(t.title.zh, t.assignee) for t in page.actions] == [("催收五大户", "li.na")]
    with world.work(STAFF) as work:
        assert [t.review_id for t in strategies.my_tasks(work)] == [review]


# -- Facts ---------------------------------------------------------------------------------------------------------------------


def test_facts_are_those_the_actor_may_see(world: World) -> None:
    own = customers(world, 5, 1, exposed=Decimal("7.00"))
    hidden = world.insert("customer", name="秘密", owner="chen.jie", lifecycle="active", signals=5, exposed=Decimal("70.00"))
    world.assess(hidden)
    past = results.history_table(world.catalog, "customer")
    with world.work() as work:
        work.session.execute(sa.delete(past))
        for record_id, level in ((own[0], "low"), (own[1], "high"), (hidden, "low")):
            work.session.execute(sa.insert(past).values(record_id=record_id, as_of=date(2025, 12, 31), release=1, assessed_at=NOW, risk_level=level))
    with world.work(CREDIT) as work:
        strategies.create_task(work, title="迟", due_on=date(2026, 3, 9), object="customer", record_id=hidden)
        found = facts.gather(work, date(2026, 1, 1), date(2026, 3, 31))
        assert [(m.record_id, m.old, m.new, m.rise) for m in found.moves] == [
            (own[0], "low", "high", 2),
            (hidden, "low", "high", 2),
            (own[1], "high", "low", -2),
        ]
        assert found.move_counts == {("low", "high"): 2, ("high", "low"): 1}
        assert [e.amount for e in found.exposures] == [70.0, 7.0, 7.0]
        assert found.exposure_total == 84.0
        assert [t.days_late for t in found.late] == [1]
        kept = facts.plain(found)
    with world.work(STAFF) as work:
        seen = facts.gather(work, date(2026, 1, 1), date(2026, 3, 31))
        assert hidden not in {m.record_id for m in seen.moves} | {e.record_id for e in seen.exposures}
        assert seen.exposure_total == 14.0
        assert seen.late == ()
        restored = facts.restored(work, kept)
        assert hidden not in {m.record_id for m in restored.moves} | {e.record_id for e in restored.exposures}
        assert restored.late == ()
        assert "秘密" not in repr(restored)
    with world.work(CREDIT) as work:
        assert facts.restored(work, kept) == found
