"""Alerts that nobody responds to are told to whom their rule names, after hours, working hours or working days."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from server.config.document import Document
from server.features.access.people import create_user
from server.features.alerts import service
from server.features.alerts.check import check
from server.features.alerts.engine import Step, steps
from server.features.alerts.kind import Escalation
from server.features.alerts.kind import parse as parse_alert
from server.features.alerts.tables import alerts
from server.features.alerts.telling import on_tick
from server.features.calendars.engine import WorkingTime
from server.features.calendars.kind import MONDAY_TO_FRIDAY
from server.features.notifications import service as notifications
from server.storage.session import Database
from tests.features.acting import ADMIN, CREDIT, CUSTOMER, NOW, OTHER, PEOPLE, RESULTS, REVIEWER, ROLES, STAFF, World, catalog_of, title, world_of

RULE = {
    "kind": "alert",
    "key": "many_signals",
    "title": title("信号过多", "Many signals"),
    "object": "customer",
    "when": "signal_count >= 3",
    "severity": "warning",
    "severity_when": [{"when": "signal_count >= 5", "severity": "critical"}],
    "recipients": [{"to": "owner"}],
    "message": title("{name} 有信号", "{name} has signals"),
    "respond_hours": 4,
    "escalate": [
        {"after": 2, "unit": "working_days", "to": "reviewer", "severity": "critical"},
        {"after": 4, "to": "owner"},
        {"after": 24, "unit": "working_hours", "to": "credit_control"},
    ],
}
ALERT = parse_alert(Document("alert", "many_signals", RULE))
LINE = "not answered in time: Many signals · 晴川"


@pytest.fixture
def world(database: Database) -> World:
    made = world_of(database, RULE)
    with made.work(ADMIN) as work:
        create_user(work, "admin", "管理员", "sunny-river-42", ("admin",))
        for person in PEOPLE:
            if person is not ADMIN:
                create_user(work, person.username, person.name, "sunny-river-42", person.roles)
    return made


@pytest.fixture
def customer(world: World) -> Iterator[int]:
    yield world.insert("customer", lifecycle="active", name="晴川", owner="li.na", signals=4)


def tick(world: World, after: timedelta) -> list[str]:
    """Who has heard how often that nobody responded, once `after` is over."""
    with world.work(now=NOW + after) as work:
        on_tick(work)
    heard = []
    for person in (STAFF, OTHER, CREDIT, REVIEWER):
        with world.work(person, write=False) as work:
            heard += [person.username] * sum(n.title.en == LINE for n in notifications.mine(work))
    return heard


@pytest.mark.parametrize(
    ("start", "count", "unit", "end"),
    [
        ("2026-03-13 17:00", 30, "hours", "2026-03-14 23:00"),  # a Friday
        ("2026-03-13 17:00", 1, "working_days", "2026-03-16 17:00"),
        ("2026-03-13 17:00", 5, "working_days", "2026-03-20 17:00"),
        ("2026-03-13 17:00", 6, "working_hours", "2026-03-13 23:00"),
        ("2026-03-13 17:00", 7, "working_hours", "2026-03-16 00:00"),
        ("2026-03-13 17:00", 8, "working_hours", "2026-03-16 01:00"),
        ("2026-03-13 17:00", 120, "working_hours", "2026-03-20 17:00"),
        ("2026-03-14 10:00", 1, "working_hours", "2026-03-16 01:00"),  # a Saturday: counting begins on Monday
        ("2026-03-15 23:30", 1, "working_days", "2026-03-17 00:00"),
        ("2026-03-10 08:00", 4, "working_hours", "2026-03-10 12:00"),
    ],
)
def test_without_a_calendar_working_time_is_that_of_mondays_to_fridays(start: str, count: int, unit: str, end: str) -> None:
    zone = ZoneInfo("Asia/Shanghai")
    begun = datetime.fromisoformat(start).replace(tzinfo=zone).astimezone(UTC)
    alert = replace(ALERT, escalate=(Escalation(count, unit, "owner"),))
    (step,) = steps(alert, "warning", begun, WorkingTime(MONDAY_TO_FRIDAY, zone))
    assert step.at.astimezone(zone).strftime("%Y-%m-%d %H:%M") == end


HOLIDAY = {"kind": "calendar", "key": "days", "title": title("日历", "Calendar"), "weekdays": ["mon", "tue", "wed", "thu", "fri"]}


def test_a_calendar_that_is_published_meanwhile_moves_what_is_to_come(world: World, customer: int) -> None:
    world.assess(customer)  # Tuesday, ten o'clock
    assert tick(world, timedelta(hours=5)) == ["li.na"]
    holiday = {**HOLIDAY, "off": [{"from": "2026-03-11", "to": "2026-03-12"}]}  # Wednesday and Thursday
    world = replace(world, catalog=world.catalog.with_documents([Document("calendar", "days", holiday)]))
    assert tick(world, timedelta(hours=25)) == ["li.na"]
    assert tick(world, timedelta(days=3)) == ["li.na"]  # Friday, ten o'clock sharp
    assert tick(world, timedelta(days=3, minutes=1)) == ["li.na", "wang.fang"]
    with world.work(STAFF, write=False) as work:
        (one,) = service.of_record(work, "customer", customer)
        assert [e.what for e in service.events(work, one.id)] == ["opened", "overdue", "overdue"]


def test_the_steps_follow_one_another_until_somebody_responds(world: World, customer: int) -> None:
    world.assess(customer)  # Tuesday, ten o'clock
    with world.work(STAFF, write=False) as work:
        assert service.next_told(work, service.get_alert(work, 1)) == Step(NOW + timedelta(hours=4), "owner")
    assert tick(world, timedelta(hours=3)) == []
    assert tick(world, timedelta(hours=5)) == tick(world, timedelta(hours=6)) == ["li.na"]
    assert tick(world, timedelta(hours=25)) == ["li.na", "wang.fang"]
    assert tick(world, timedelta(days=30)) == ["li.na", "wang.fang"]  # no critical one: its step does not come
    with world.work(STAFF, write=False) as work:
        (one,) = service.of_record(work, "customer", customer)
        assert service.next_told(work, one) is None
        assert [e.what for e in service.events(work, one.id)] == ["opened", "overdue", "overdue"]


def test_who_responds_stops_it(world: World, customer: int) -> None:
    world.assess(customer)
    with world.work(STAFF) as work:
        service.acknowledge(work, work.session.scalar(sa.select(alerts.c.id)))
    assert tick(world, timedelta(days=30)) == []


def test_steps_that_are_over_are_told_at_once_and_to_the_person_who_has_it_now(world: World, customer: int) -> None:
    world.assess(customer)
    world.update("customer", customer, owner="chen.jie")
    assert tick(world, timedelta(days=2)) == ["chen.jie", "wang.fang"]


def test_what_becomes_critical_takes_the_steps_of_critical_ones(world: World, customer: int) -> None:
    world.assess(customer)
    tick(world, timedelta(days=1, hours=1))
    world.update("customer", customer, signals=6)
    world.assess(customer, now=NOW + timedelta(days=1, hours=2))
    assert tick(world, timedelta(days=1, hours=3)) == ["li.na", "wang.fang"]
    assert tick(world, timedelta(days=2, hours=1)) == ["li.na", "wang.fang", "zhao.lei"]


def test_an_alert_that_was_put_off_waits_anew_from_the_day_it_comes_back(world: World, customer: int) -> None:
    world.assess(customer)
    with world.work(STAFF) as work:
        service.snooze(work, work.session.scalar(sa.select(alerts.c.id)), date(2026, 3, 13), "他在出差")
    assert tick(world, timedelta(days=2)) == []
    world.assess(customer, now=NOW + timedelta(days=3))
    assert tick(world, timedelta(days=3, hours=3)) == []
    assert tick(world, timedelta(days=3, hours=5)) == ["li.na"]


def test_a_step_names_a_role_or_a_person_of_the_record() -> None:
    wrong = {**RULE, "escalate": [{"after": 1, "to": "boss"}]}
    catalog = catalog_of([CUSTOMER, *RESULTS, *ROLES, wrong])
    assert [p.path for p in check(catalog.get("alert", "many_signals"), catalog)] == ["/escalate/0/to"]
