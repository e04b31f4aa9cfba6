"""Who hears of what, in the transaction that causes it: rights, groups, many at once, mentions, tasks."""

from contextlib import nullcontext
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from server.errors import Text
from server.feature import Notice, tell
from server.features.access.people import create_user
from server.features.access.tables import users
from server.features.alerts.tables import alerts
from server.features.alerts.telling import on_tick
from server.features.comments import service as comments
from server.features.notifications import delivery, preferences, service
from server.features.notifications.delivery import Courier
from server.features.notifications.outgoing import Outside
from server.features.notifications.tables import notification_messages, notifications
from server.features.strategies import service as strategies
from server.storage.session import Database
from tests.features.acting import ADMIN, CREDIT, NOW, OTHER, PEOPLE, REVIEWER, STAFF, World, title, world_of

RULE = {
    "kind": "alert",
    "key": "many_signals",
    "title": title("信号过多", "Many signals"),
    "object": "customer",
    "when": "signal_count >= 3",
    "severity": "critical",
    "recipients": [{"to": "owner"}, {"to": "credit_control"}],
    "message": title("{name} 有 {signal_count} 个信号", "{name} has {signal_count} signals"),
    "respond_hours": 4,
}


@pytest.fixture
def world(database: Database) -> World:
    made = world_of(database, RULE)
    with made.work(ADMIN) as work:
        for person in PEOPLE:
            if person is not ADMIN:
                create_user(work, person.username, person.name, "sunny-river-42", person.roles)
        create_user(work, "admin", "管理员", "sunny-river-42", ("admin",))
    return made


def lines(world: World, actor=STAFF) -> list[tuple[str, int]]:
    with world.work(actor, write=False) as work:
        return [(n.title.en, n.count) for n in service.mine(work)]


def test_an_alert_is_told_to_its_recipients_who_may_read_the_record(world: World) -> None:
    mine = world.insert("customer", lifecycle="active", name="晴川", owner="li.na", signals=4)
    world.assess(mine)
    assert lines(world) == [("Many signals · 晴川", 1)]
    assert lines(world, CREDIT) == [("Many signals · 晴川", 1)]
    assert lines(world, OTHER) == lines(world, REVIEWER) == []
    with world.work(STAFF, write=False) as work:
        (one,) = service.mine(work)
        assert (one.body.en, one.topic, one.read, service.mine_unread(work)[1]) == ("晴川 has 4 signals", "alert_critical", False, 1)
        assert one.link == f"/alerts/{work.session.scalar(sa.select(alerts.c.id))}"


def test_whoever_loses_the_right_to_read_the_record_reads_nothing_of_it(world: World) -> None:
    mine = world.insert("customer", lifecycle="active", name="晴川", owner="li.na", signals=4)
    world.assess(mine)
    world.update("customer", mine, owner="chen.jie")
    with world.work(STAFF) as work:
        (one,) = service.mine(work)
        assert not one.visible and "晴川" not in one.title.zh + one.body.zh and one.link == ""
        assert service.opened(work, one.id) == ""


def test_many_alerts_of_one_rule_are_one_line_for_each_person(world: World) -> None:
    ids = [world.insert("customer", lifecycle="active", name=f"C{i}", owner="li.na" if i % 2 else "chen.jie", signals=4) for i in range(40)]
    for part in (ids[:15], ids[15:]):  # a run works in chunks
        world.assess(*part)
    assert lines(world, CREDIT) == [("40 customer: Many signals", 40)]
    assert lines(world) == [("20 customer: Many signals", 20)]
    with world.work(write=False) as work:
        assert work.session.scalar(sa.select(sa.func.count()).select_from(notifications)) == 3
    with world.work(CREDIT) as work:
        assert service.mine(work)[0].link == "/alerts?rule=many_signals"
        service.mark_all(work)
    world.assess(world.insert("customer", lifecycle="active", name="Late", owner="li.na", signals=5))
    assert lines(world, CREDIT) == [("Many signals · Late", 1), ("40 customer: Many signals", 40)]  # what was read stays as it was read


def test_as_many_statements_for_a_hundred_people_as_for_one(sqlite_database: Database) -> None:
    world = world_of(sqlite_database)
    with world.work(ADMIN) as work:
        create_user(work, "admin", "管理员", "sunny-river-42", ("admin",))
        create_user(work, "wang.fang", "王芳", "sunny-river-42", ("credit_control",))
        row = dict(work.session.execute(sa.select(users).where(users.c.username == "wang.fang")).mappings().one())
        del row["id"]
        work.session.execute(sa.insert(users), [{**row, "username": f"u{i}", "roles": ["reviewer"]} for i in range(100)])
    ids = [world.insert("customer", lifecycle="active", name=f"C{i}") for i in range(30)]

    def told(*to: str) -> int:
        said: list[str] = []
        note = lambda c, cursor, statement, *rest: said.append(statement)  # noqa: E731
        event.listen(world.database.engine, "before_cursor_execute", note)
        with world.work() as work:
            group = {"group": "x", "many": Text("{count} 个", "{count} of them"), "many_link": "/"}
            tell(work, [Notice("task", to, Text("甲", "A"), Text("", ""), "/", "customer", i, **group) for i in ids])  # type: ignore[arg-type]
        event.remove(world.database.engine, "before_cursor_execute", note)
        return len(said)

    assert told("user:wang.fang") == told("role:reviewer") <= 9
    with world.work(replace(REVIEWER, username="u7")) as work:
        assert [(n.title.en, n.count) for n in service.mine(work)] == [("30 of them", 30)]


def test_what_is_asked_all_the_time_is_found_by_an_index(sqlite_database: Database) -> None:
    world = world_of(sqlite_database)
    asked: list[tuple[str, object]] = []
    note = lambda c, cursor, statement, parameters, *rest: asked.append((statement, parameters))  # noqa: E731
    with world.work(STAFF) as work:
        event.listen(world.database.engine, "before_cursor_execute", note)
        service.mine(work)
        service.mine(work, unread=True, before=9)
        service.mine_unread(work)
        service.newest_and_unread(work.session, ["li.na", "wang.fang"])
        service.mark_all(work)
        service.forget(work)
        on_tick(work)
        for choice in ({}, {"state": "parked"}, {"channel_id": 3}):
            delivery.deliveries(work, before=9, **choice)  # type: ignore[arg-type]
        tell(work, [Notice("task", ("user:li.na",), Text("甲", "A"), Text("", ""), "/", group="g")])
    with world.work(STAFF) as work:
        Courier(lambda *_: nullcontext(work), Outside()).once()
        event.remove(world.database.engine, "before_cursor_execute", note)
        small = ("FROM users", "FROM notification_channels")
        plans = {s: work.session.exec_driver_sql(f"EXPLAIN QUERY PLAN {s}", p).all() for s, p in asked if "notification" in s or "alerts" in s}
    whole = {s for s, plan in plans.items() for row in plan if row[3].startswith("SCAN ") and "INDEX" not in row[3] and not any(t in s for t in small)}
    assert len(plans) > 12 and whole <= {s for s in plans if "SCAN anon" in str(plans[s])}


def test_a_run_given_up_tells_nobody(world: World) -> None:
    with pytest.raises(RuntimeError), world.work() as work:
        tell(work, [Notice("task", ("user:li.na",), Text("甲", "A"), Text("", ""), "/tasks/1")])
        raise RuntimeError
    assert lines(world) == []


def test_an_alert_nobody_took_on_in_time_is_told_once_more(world: World) -> None:
    mine = world.insert("customer", lifecycle="active", name="晴川", owner="li.na", signals=4)
    world.assess(mine)
    for hours in (3, 5, 6):
        with world.work(now=NOW + timedelta(hours=hours)) as work:
            on_tick(work)
    assert lines(world) == [("not answered in time: Many signals · 晴川", 1), ("Many signals · 晴川", 1)]


def test_mentions_and_tasks_reach_others_but_not_who_wrote_them(world: World) -> None:
    mine = world.insert("customer", lifecycle="active", name="晴川", owner="li.na")
    with world.work(CREDIT) as work:
        comments.add(work, "customer", mine, "@li.na @wang.fang 请看一下")
        strategies.create_task(work, title="打电话", due_on=NOW.date(), assignee="li.na", object="customer", record_id=mine)
        strategies.create_task(work, title="自己做", due_on=NOW.date())
    assert [t for t, _ in lines(world)] == ["打电话 · 晴川", "王芳 mentioned you at 晴川"]
    assert lines(world, CREDIT) == []


def test_a_name_that_is_hidden_from_somebody_is_not_told_to_them(world: World) -> None:
    catalog = world.catalog
    shy = {**catalog.documents["role", "staff"].body}
    shy["objects"] = {**shy["objects"], "customer": {**shy["objects"]["customer"], "hidden": ["name"]}}
    world.catalog = replace(catalog, documents={**catalog.documents, ("role", "staff"): replace(catalog.documents["role", "staff"], body=shy)}, memo={})
    mine = world.insert("customer", lifecycle="active", name="晴川", owner="li.na")
    with world.work(CREDIT) as work:
        strategies.create_task(work, title="打电话", due_on=NOW.date(), assignee="li.na", object="customer", record_id=mine)
    assert lines(world) == [(f"打电话 · Customer #{mine}", 1)]


def test_what_somebody_switched_off_is_there_but_does_not_count(world: World) -> None:
    with world.work(STAFF) as work:
        preferences.save(work, {"app_task": "1"})
    world.assess(world.insert("customer", lifecycle="active", name="晴川", owner="li.na", signals=4))
    with world.work(STAFF) as work:
        assert service.mine_unread(work) == (0, 0)
        assert [n.read for n in service.mine(work)] == [True]
        assert service.newest_and_unread(work.session, ["li.na", "wang.fang"])["wang.fang"][1] == 1


def test_without_a_channel_no_message_is_made(world: World) -> None:
    world.assess(world.insert("customer", lifecycle="active", name="晴川", owner="li.na", signals=4))
    with world.work(write=False) as work:
        assert work.session.execute(sa.select(notification_messages)).all() == []
