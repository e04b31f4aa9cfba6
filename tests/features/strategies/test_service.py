"""Strategies follow results; tasks are done, approved, reassigned by those who may."""

import threading
from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from server.errors import AppError, Conflict, Forbidden, Invalid, NotFound, Text
from server.feature import SYSTEM, Actor, Assessed
from server.features.access.tables import users
from server.features.alerts import service as alert_service
from server.features.alerts.tables import alerts
from server.features.strategies import service
from server.features.strategies.tables import strategy_runs, tasks
from server.storage.part import Part
from server.storage.session import Database
from tests.features.acting import ADMIN, CREDIT, NOW, OTHER, PEOPLE, REVIEWER, STAFF, World, catalog_of, title, world_of

HIGH = {
    "kind": "strategy",
    "key": "level_high",
    "title": title("高风险措施", "High"),
    "object": "customer",
    "when": 'risk_level == "high"',
    "measures": [
        {"key": "visit", "title": title("拜访", "Visit"), "assignee": "owner", "due_days": 3, "checklist": title("记录", "Write down")},
        {"key": "prepay", "title": title("预付", "Prepay"), "assignee": "credit_control", "due_days": 1, "approver": "reviewer"},
        {"key": "large", "title": title("大额", "Large"), "assignee": "reviewer", "due_days": 1, "when": "uncovered_exposure > 1000"},
        {"key": "monthly", "title": title("月度", "Monthly"), "assignee": "credit_control", "due_days": 30, "repeats": True},
    ],
}
MEDIUM = {
    "kind": "strategy",
    "key": "level_medium",
    "title": title("中风险措施", "Medium"),
    "object": "customer",
    "when": 'risk_level == "medium"',
    "measures": [{"key": "watch", "title": title("关注", "Watch"), "assignee": "credit_control", "due_days": 7}],
}
CHURN = {
    "kind": "strategy",
    "key": "churn",
    "title": title("流失应对", "Churn"),
    "object": "customer",
    "when": "signal_count >= 5",
    "stop": "signal_count <= 1",
    "alerts": ["silence"],
    "measures": [{"key": "call", "title": title("电话", "Call"), "assignee": "owner", "due_days": 2}],
}
ALERT = {
    "kind": "alert",
    "key": "silence",
    "title": title("久未下单", "Silence"),
    "object": "customer",
    "when": "signal_count >= 6",
    "clear": "signal_count < 6",
    "recipients": [{"to": "owner"}, {"to": "credit_control"}],
    "message": title("信号 {signal_count}", "{signal_count} signals"),
    "respond_hours": 48,
    "first_task": title("联系采购", "Call the buyer"),
}


@pytest.fixture
def world(database: Database) -> World:
    world = world_of(database, HIGH, MEDIUM, CHURN, ALERT)
    rows = [
        {"username": p.username, "name": p.name, "password_hash": "", "roles": list(p.roles), "locale": "zh_CN", "active": True, "created_at": NOW}
        for p in PEOPLE
    ]
    with world.work() as work:
        work.session.execute(sa.insert(users), rows)
    return world


def customer(world: World, signals: int | None, **values: Any) -> int:
    record_id = world.insert("customer", **({"name": "晴川", "owner": "li.na", "lifecycle": "active", "signals": signals} | values))
    world.assess(record_id)
    return record_id


def change(world: World, record_id: int, **values: Any) -> None:
    world.update("customer", record_id, **values)
    world.assess(record_id, now=NOW + timedelta(days=1))


def running(world: World, record_id: int) -> set[str]:
    with world.work(SYSTEM) as work:
        return {r.strategy for r in service.runs_of(work, "customer", record_id) if r.ended_at is None}


def states(world: World, record_id: int) -> dict[str, str]:
    with world.work() as work:
        rows = work.session.execute(sa.select(tasks).where(tasks.c.record_id == record_id).order_by(tasks.c.id))
        return {r.measure or r.kind: r.state for r in rows}


def task_id(world: World, record_id: int, measure: str) -> int:
    with world.work(write=False) as work:
        found = work.session.scalar(sa.select(tasks.c.id).where(tasks.c.record_id == record_id, tasks.c.measure == measure).order_by(tasks.c.id.desc()))
        assert found is not None
        return found


# -- Strategies ----------------------------------------------------------------------------------------------------------------


def test_a_level_starts_its_measures(world: World) -> None:
    record_id = customer(world, 4)
    assert running(world, record_id) == {"level_high"}
    with world.work(ADMIN) as work:
        found = {t.measure: t for t in service.tasks_of(work, "customer", record_id)}
        assert set(found) == {"visit", "prepay", "monthly"}, "a measure whose own condition is unknown is left out"
        assert (found["visit"].assignee, found["visit"].role, found["visit"].due_on) == ("li.na", None, date(2026, 3, 13))
        assert (found["prepay"].assignee, found["prepay"].role, found["prepay"].approver) == (None, "credit_control", "reviewer")
        assert found["visit"].title == Text("拜访", "Visit")
        assert found["visit"].strategy_title == Text("高风险措施", "High")
        run = service.runs_of(work, "customer", record_id)[0]
        assert (run.level, run.values, run.by, run.release) == ("high", {"risk_level": "high"}, "system", 1)
    assert running(world, customer(world, 4, exposed=2000)) == {"level_high"}


def test_the_same_results_again_start_nothing(world: World) -> None:
    record_id = customer(world, 6)
    before = states(world, record_id)
    for _ in range(3):
        world.assess(record_id)
    with world.work() as work:
        service.on_assessed(work, Assessed("customer", Part.one(record_id), frozenset({record_id})))
    assert states(world, record_id) == before
    with world.work() as work:
        assert work.session.scalar(sa.select(sa.func.count()).select_from(strategy_runs)) == 2


def test_another_level_supersedes_open_tasks_and_keeps_those_made_by_hand(world: World) -> None:
    record_id = customer(world, 4)
    with world.work(CREDIT) as work:
        service.complete_task(work, task_id(world, record_id, "prepay"), "method set")
        service.create_task(work, title="手工", due_on=date(2026, 4, 1), object="customer", record_id=record_id)
    change(world, record_id, signals=3)
    assert running(world, record_id) == {"level_medium"}
    assert states(world, record_id) == {
        "visit": "superseded",
        "prepay": "waiting_approval",
        "monthly": "superseded",
        "follow_up": "open",
        "watch": "open",
    }
    with world.work(ADMIN) as work:
        history = service.task_history(work, task_id(world, record_id, "visit"))
        assert [(e.what, e.note) for e in history] == [("superseded", "stopped")]
        ended = [r for r in service.runs_of(work, "customer", record_id) if r.ended_at]
        assert [(r.strategy, r.end_reason) for r in ended] == [("level_high", "stopped")]


def test_between_start_and_stop_it_goes_on(world: World) -> None:
    record_id = customer(world, 5)
    assert "churn" in running(world, record_id)
    change(world, record_id, signals=2)
    assert "churn" in running(world, record_id)
    change(world, record_id, signals=None)
    assert "churn" in running(world, record_id), "unknown does not stop it"
    change(world, record_id, signals=1)
    assert "churn" not in running(world, record_id)


def test_leaving_the_population_ends_it(world: World) -> None:
    record_id = customer(world, 5)
    change(world, record_id, lifecycle="lost")
    assert running(world, record_id) == set()
    with world.work() as work:
        reasons = set(work.session.scalars(sa.select(strategy_runs.c.end_reason)))
    assert reasons == {"left_population"}
    assert set(states(world, record_id).values()) == {"superseded"}


def test_a_deleted_record_ends_it(world: World) -> None:
    record_id = customer(world, 5)
    change(world, record_id, deleted_at=NOW)
    with world.work() as work:
        assert work.session.scalar(sa.select(sa.func.count()).where(strategy_runs.c.ended_at.is_(None))) == 0


def test_a_strategy_that_is_gone_ends(world: World) -> None:
    record_id = customer(world, 5)
    newer = catalog_of([d.body for d in world.catalog.documents.values() if d.key != "churn"], release=2)
    with world.work() as work:
        service.on_published(work, world.catalog, newer)
    assert running(world, record_id) == {"level_high"}


def test_many_subjects_at_once(world: World) -> None:
    ids = [world.insert("customer", name=f"c{i}", owner="li.na", lifecycle="active", signals=i % 6) for i in range(60)]
    world.assess(*ids)
    with world.work() as work:
        assert service.running_counts(work) == {"level_high": 20, "level_medium": 20, "churn": 10}


def test_by_hand_from_an_alert_and_not_twice(world: World) -> None:
    record_id = customer(world, 0)
    with world.work(STAFF) as work:
        assert [s.key for s in service.startable(work, "customer", record_id, alert="silence")] == ["churn"]
        service.start(work, "churn", "customer", record_id)
        with pytest.raises(Conflict):
            service.start(work, "churn", "customer", record_id)
        assert [s.key for s in service.startable(work, "customer", record_id, alert="silence")] == []
    world.assess(record_id)
    assert "churn" in running(world, record_id), "its end held when it was started: it waits"
    change(world, record_id, signals=3)
    change(world, record_id, signals=1)
    assert "churn" not in running(world, record_id)


def test_only_on_records_one_may_see(world: World) -> None:
    record_id = customer(world, 4)
    with world.work(OTHER) as work:
        for refused in (
            lambda: service.start(work, "churn", "customer", record_id),
            lambda: service.create_task(work, title="x", due_on=date(2026, 4, 1), object="customer", record_id=record_id),
            lambda: service.tasks_of(work, "customer", record_id),
            lambda: service.runs_of(work, "customer", record_id),
            lambda: service.get_task(work, task_id(world, record_id, "visit")),
            lambda: service.complete_task(work, task_id(world, record_id, "visit")),
            lambda: service.task_history(work, task_id(world, record_id, "visit")),
        ):
            with pytest.raises((NotFound, Forbidden)):
                refused()
        assert service.list_tasks(work) == ()
        assert service.my_tasks(work) == ()


def test_ended_by_hand_with_a_reason(world: World) -> None:
    record_id = customer(world, 4)
    with world.work(CREDIT) as work:
        run = service.runs_of(work, "customer", record_id)[0]
        with pytest.raises(Conflict):
            service.stop(work, run.id, " ")
        service.stop(work, run.id, "集团已担保")
        with pytest.raises(Conflict):
            service.stop(work, run.id, "again")
    assert running(world, record_id) == set()


def test_two_assessments_at_once_open_one_run(world: World) -> None:
    ids = [world.insert("customer", name=f"c{i}", owner="li.na", lifecycle="active", signals=5) for i in range(5)]
    errors: list[BaseException] = []

    def assess() -> None:
        try:
            world.assess(*ids)
        except (AppError, sa.exc.SQLAlchemyError) as error:  # on PostgreSQL the loser's transaction is refused and tried again by its caller
            errors.append(error)

    threads = [threading.Thread(target=assess) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(errors) < 4
    with world.work() as work:
        per_record = work.session.execute(
            sa.select(strategy_runs.c.record_id, strategy_runs.c.strategy, sa.func.count()).group_by(strategy_runs.c.record_id, strategy_runs.c.strategy)
        ).all()
    assert sorted(set(per_record)) == sorted((i, s, 1) for i in ids for s in ("churn", "level_high"))


# -- First responses -------------------------------------------------------------------------------------------------------------


def test_an_alert_gets_its_first_task_once(world: World) -> None:
    record_id = customer(world, 6)
    world.assess(record_id)
    with world.work(STAFF) as work:
        found = [t for t in service.my_tasks(work) if t.kind == "response"]
        assert len(found) == 1
        assert found[0].title.zh == "联系采购"
        assert found[0].assignee == "li.na"
        assert found[0].due_on == date(2026, 3, 12)
    change(world, record_id, signals=4)
    with world.work() as work:
        assert work.session.scalar(sa.select(alerts.c.state)) == "closed"
    assert states(world, record_id)["response"] == "superseded"


def test_the_first_response_acknowledges_its_alert(world: World) -> None:
    record_id = customer(world, 6)
    with world.work(STAFF) as work:
        response = next(t for t in service.my_tasks(work) if t.kind == "response")
        service.complete_task(work, response.id, "已联系")
        assert work.session.execute(sa.select(alerts.c.state, alerts.c.acknowledged_by).where(alerts.c.record_id == record_id)).one() == (
            "acknowledged",
            "li.na",
        )


def test_who_starts_a_strategy_for_an_alert_has_begun_to_work_on_it(world: World) -> None:
    record_id = customer(world, 6)
    found = sa.select(alerts.c.id, alerts.c.state, alerts.c.acknowledged_by).where(alerts.c.record_id == record_id)
    with world.work(STAFF) as work:
        alert = work.session.execute(found).one()
        assert alert.state == "open"
        another, *_ = service.startable(work, "customer", record_id)
        service.start(work, another.key, "customer", record_id, alert.id)
        assert work.session.execute(found).one() == (alert.id, "in_work", "li.na")
        assert [e.what for e in alert_service.events(work, alert.id)][-1] == "in_work"


def test_a_response_to_an_alert_closed_by_hand_is_nobodys_work(world: World) -> None:
    record_id = customer(world, 6)
    with world.work(STAFF) as work:
        alert_service.resolve(work, work.session.scalar(sa.select(alerts.c.id)) or 0, "false", "节假日")
        assert "response" not in {t.kind for t in service.my_tasks(work)}
        assert "response" not in {t.kind for t in service.list_tasks(work)}
    world.assess(record_id)
    assert states(world, record_id)["response"] == "superseded"


# -- Tasks -----------------------------------------------------------------------------------------------------------------------


def test_my_tasks_are_mine_and_those_of_my_roles(world: World) -> None:
    own = customer(world, 4)
    other = customer(world, 4, name="远山", owner="chen.jie")
    with world.work(STAFF) as work:
        assert [(t.record_id, t.measure) for t in service.my_tasks(work)] == [(own, "visit")]
        assert service.my_tasks(work)[0].record_name == "晴川"
        assert service.my_task_counts(work) == (1, 0)
    with world.work(CREDIT) as work:
        assert {(t.record_id, t.measure) for t in service.my_tasks(work)} == {(i, m) for i in (own, other) for m in ("prepay", "monthly")}
    with world.work(REVIEWER) as work:
        assert service.my_tasks(work) == ()
    with world.work(STAFF, NOW + timedelta(days=5)) as work:
        assert service.my_tasks(work)[0].overdue_days == 2
        assert service.my_task_counts(work) == (1, 1)


def test_a_task_on_a_record_one_may_not_see_does_not_name_it(world: World) -> None:
    record_id = customer(world, 4, name="秘密公司", owner="chen.jie")
    with world.work(CREDIT) as work:
        service.create_task(work, title="帮忙", due_on=date(2026, 4, 1), assignee="li.na", object="customer", record_id=record_id)
    with world.work(STAFF) as work:
        mine = service.my_tasks(work)
        assert [t.title.zh for t in mine] == ["帮忙"]
        assert mine[0].record_name == f"客户 #{record_id}"
        assert not mine[0].record_seen


def test_a_task_of_nobody_goes_to_those_who_may_see_the_record(world: World) -> None:
    record_id = customer(world, 4, owner=None)
    with world.work(STAFF) as work:
        assert service.my_tasks(work) == ()
    with world.work(REVIEWER) as work:
        assert [(t.record_id, t.measure) for t in service.my_tasks(work)] == [(record_id, "visit")]


def test_done_and_approved_by_another_person(world: World) -> None:
    record_id = customer(world, 4)
    prepay = task_id(world, record_id, "prepay")
    both = Actor("wang.fang", "王芳", ("credit_control", "reviewer"))
    with world.work(REVIEWER) as work, pytest.raises(Forbidden):
        service.complete_task(work, prepay)
    with world.work(CREDIT) as work:
        assert service.complete_task(work, prepay, "已改预付").state == "waiting_approval"
        assert service.my_approvals(work) == ()
    with world.work(both) as work:
        assert service.my_approvals(work) == ()
        with pytest.raises(Forbidden):
            service.approve_task(work, prepay)
    with world.work(STAFF) as work, pytest.raises(Forbidden):
        service.approve_task(work, prepay)
    with world.work(REVIEWER) as work:
        assert [t.id for t in service.my_approvals(work)] == [prepay]
        with pytest.raises(Invalid):
            service.approve_task(work, prepay, approve=False)
        assert service.approve_task(work, prepay, approve=False, note="缺合同").state == "open"
    with world.work(CREDIT) as work:
        service.complete_task(work, prepay, "补齐")
    with world.work(REVIEWER) as work:
        done = service.approve_task(work, prepay)
        assert (done.state, done.done_by, done.approved_by) == ("done", "wang.fang", "zhao.lei")
        assert [e.what for e in service.task_history(work, prepay)] == ["done", "refused", "done", "approved"]
        with pytest.raises(Conflict):
            service.approve_task(work, prepay)


def test_a_repeating_measure_comes_again_while_its_strategy_runs(world: World) -> None:
    record_id = customer(world, 4)
    with world.work(CREDIT, NOW + timedelta(days=20)) as work:
        service.complete_task(work, task_id(world, record_id, "monthly"))
    with world.work(CREDIT) as work:
        again = service.get_task(work, task_id(world, record_id, "monthly"))
        assert (again.state, again.due_on) == ("open", date(2026, 4, 29))


def test_two_complete_at_once_one_wins(world: World) -> None:
    record_id = customer(world, 4)
    monthly = task_id(world, record_id, "monthly")
    done: list[int] = []
    refused: list[AppError] = []
    barrier = threading.Barrier(6)

    def complete() -> None:
        barrier.wait()
        try:
            with world.work(CREDIT) as work:
                done.append(service.complete_task(work, monthly).id)
        except AppError as error:
            refused.append(error)

    threads = [threading.Thread(target=complete) for _ in range(6)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert (len(done), len(refused)) == (1, 5)
    with world.work() as work:
        made = work.session.scalar(sa.select(sa.func.count()).select_from(tasks).where(tasks.c.measure == "monthly"))
        assert made == 2, "the next round was made once"


def test_reassign_move_and_cancel_by_those_who_may(world: World) -> None:
    record_id = customer(world, 4)
    visit = task_id(world, record_id, "visit")
    with world.work(STAFF) as work:
        moved = service.change_due(work, visit, date(2026, 3, 20), "客户出差")
        assert moved.due_on == date(2026, 3, 20)
        with pytest.raises(Invalid):
            service.change_due(work, visit, date(2026, 3, 21), "")
        with pytest.raises(Invalid):
            service.reassign(work, visit, "nobody.such")
        assert service.reassign(work, visit, "chen.jie", "休假").assignee == "chen.jie"
    with world.work(OTHER) as work:
        assert service.get_task(work, visit).mine
        service.add_note(work, visit, "已接手")
        service.cancel_task(work, visit, "客户已注销")
    with world.work(ADMIN) as work:
        assert [e.what for e in service.task_history(work, visit)] == ["moved", "reassigned", "note", "cancelled"]
        with pytest.raises(Forbidden):
            service.cancel_task(work, visit, "again")


def test_tasks_by_hand_are_checked(world: World) -> None:
    with world.work(STAFF) as work:
        for arguments in (
            {"title": " ", "due_on": date(2026, 4, 1)},
            {"title": "x", "due_on": date(2025, 4, 1)},
            {"title": "x", "due_on": date(2126, 4, 1)},
            {"title": "x", "due_on": date(2026, 4, 1), "assignee": "ghost"},
            {"title": "x", "due_on": date(2026, 4, 1), "role": "ghost"},
            {"title": "x" * 400, "due_on": date(2026, 4, 1)},
        ):
            with pytest.raises(Invalid):
                service.create_task(work, **arguments)  # type: ignore[arg-type]
        made = service.create_task(work, title="写周报", due_on=date(2026, 4, 1))
        assert service.get_task(work, made).assignee == "li.na"
    with world.work(OTHER) as work, pytest.raises(NotFound):
        service.get_task(work, made) if not service.list_tasks(work) else service.get_task(work, 0)
