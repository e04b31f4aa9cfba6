"""Alerts open, close, wait and grow: one episode at a time, nothing dropped."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from server.config.document import Document
from server.errors import Conflict, Forbidden, Invalid, NotFound
from server.feature import Actor, Work
from server.features.alerts.inbox import Wanted, inbox
from server.features.alerts.service import AlertView, acknowledge, events, get_alert, judge, of_record, resolve, similar, snooze
from server.features.alerts.tables import alerts
from server.features.assessment.service import assess_all, assess_ids
from server.features.objects import engine as objects
from server.storage.session import Database
from tests.features.assessing import ALERTS, DOCUMENTS, LI, NOW, TODAY, House, a, labels

SILENT = TODAY - timedelta(days=25)


@pytest.fixture
def house(database: Database) -> House:
    made = House(database, [*DOCUMENTS, *ALERTS])
    made.insert("client", {"id": 1, "name": "晴川", "segment": "a", "owner": "li", "active": True}, {"id": 2, "name": "Blue", "active": True})
    made.insert("sale", {"id": 1, "client": 1, "day": SILENT, "amount": Decimal("10.50"), "kind": "won"})
    return made


def mine(work: Work) -> list[AlertView]:
    return [line.alert for line in inbox(work, Wanted(mine=True)).lines]


def last_sale(house: House, day: date) -> None:
    with house.work() as work:
        table = objects.tables(work.catalog)["sale"]
        work.session.execute(sa.update(table).values(day=day))
        assess_ids(work, "client", [1])


def states(house: House) -> list[tuple[str, int, str, str | None]]:
    return [(r["rule"], r["episode"], r["state"], r["close_reason"]) for r in house.rows("alerts", "id")]


def test_it_opens_once_and_says_what_it_saw(house: House) -> None:
    assert assess_all(house.work, "client").alerts_opened == 1
    assert assess_all(house.work, "client").alerts_opened == 0
    with house.work(write=False, actor=LI) as work:
        (alert,) = mine(work)
        assert alert.message.en.startswith("[Critical] 晴川: silent for 25 days, 10.5, a: ")
        assert alert.message.zh.startswith("【严重】晴川:沉默 25 天,10.5,a:")
        assert (alert.users, alert.roles, alert.severity, alert.watch) == (("li",), ("staff",), "critical", "silence")
        assert alert.values["silence"] == 25 and alert.due_at == NOW + timedelta(hours=24)
        assert of_record(work, "client", 1) == [alert]
        assert [e.what for e in events(work, alert.id)] == ["opened"]
    with house.work(write=False, actor=Actor("other", "other", ("nobody",))) as work:
        assert inbox(work, Wanted()).lines == () and of_record(work, "client", 1) == []
        with pytest.raises(NotFound):
            get_alert(work, 1)


def test_it_clears_by_its_own_condition(house: House) -> None:
    assess_all(house.work, "client")
    last_sale(house, TODAY - timedelta(days=15))  # does not fire, does not clear
    assert states(house) == [("silent", 1, "open", None)]
    last_sale(house, TODAY - timedelta(days=10))
    assert states(house) == [("silent", 1, "closed", "cleared")]


def test_within_the_cool_down_it_is_suppressed_then_opens(house: House) -> None:
    assess_all(house.work, "client")
    last_sale(house, TODAY)
    last_sale(house, SILENT)
    assert states(house) == [("silent", 1, "closed", "cleared"), ("silent", 2, "suppressed", None)]
    with house.work(write=False) as work:
        assert inbox(work, Wanted()).lines == () and inbox(work, Wanted("suppressed")).lines[0].alert.suppressed_reason
    house.now = NOW + timedelta(days=29)
    assert assess_all(house.work, "client").alerts_opened == 0
    house.now = NOW + timedelta(days=31)
    assert assess_all(house.work, "client").alerts_opened == 1
    assert states(house)[1] == ("silent", 2, "open", None)


def test_a_suppressed_one_that_clears_does_not_prolong_the_cool_down(house: House) -> None:
    assess_all(house.work, "client")
    last_sale(house, TODAY)
    house.now = NOW + timedelta(days=28)
    last_sale(house, SILENT)
    last_sale(house, house.now.date())
    house.now = NOW + timedelta(days=31)
    last_sale(house, SILENT)
    assert states(house)[1:] == [("silent", 2, "closed", "cleared"), ("silent", 3, "open", None)]


def test_a_clock_that_was_set_back_is_no_cool_down(house: House) -> None:
    """A rule without a cool-down opens again at once, though the episode before ended later than now."""
    house.republish(*(Document(d.kind, d.key, {k: v for k, v in d.body.items() if k != "cool_down_days"}) for d in ALERTS if d.key == "silent"))
    assess_all(house.work, "client")
    house.now += timedelta(hours=1)
    last_sale(house, TODAY)
    house.now -= timedelta(hours=1)
    last_sale(house, SILENT)
    assert states(house) == [("silent", 1, "closed", "cleared"), ("silent", 2, "open", None)]


def test_severity_grows_while_it_is_open(house: House) -> None:
    house.republish(a("classification", "tier", object="client", classes=labels(*"ABC"), rows=[{"when": "all_sales > 1", "value": "A"}, {"value": "C"}]))
    assess_all(house.work, "client")
    assert house.rows("alerts", "id")[0]["severity"] == "warning"
    house.insert("sale", {"id": 2, "client": 1, "day": SILENT, "amount": Decimal("1.00"), "kind": "won"})
    assess_all(house.work, "client")
    assert house.rows("alerts", "id")[0]["severity"] == "critical"
    with house.work(write=False) as work:
        assert [e.what for e in events(work, 1)] == ["opened", "severity_critical"]


def test_people_handle_it(house: House) -> None:
    assess_all(house.work, "client")

    def act(what: Callable[..., Any], *args: Any) -> None:
        with house.work(actor=LI) as work:
            what(work, 1, *args)

    act(acknowledge, "I call them")
    with pytest.raises(Conflict):
        act(acknowledge)
    with pytest.raises(Invalid):
        act(snooze, TODAY, "today is too soon")
    act(snooze, TODAY + timedelta(days=2), "holiday")
    house.now = NOW + timedelta(days=2)
    assess_all(house.work, "client")
    assert states(house) == [("silent", 1, "open", None)]
    with pytest.raises(Invalid):
        act(resolve, "perhaps")
    act(resolve, "right", "won back")
    assess_all(house.work, "client")
    assert states(house) == [("silent", 1, "closed", "resolved"), ("silent", 2, "suppressed", None)]
    with house.work(actor=LI) as work:
        done = get_alert(work, 1)
        assert (done.verdict, done.note, done.closed_by) == ("right", "won back", "li")
        assert [e.what for e in events(work, 1)] == ["opened", "acknowledged", "snoozed", "snooze_ended", "resolved"]
        found = similar(work, get_alert(work, 2))
        assert (found.total, found.right, [v.id for v in found.latest]) == (1, 1, [1])
        judge(work, 1, "late")
    with house.work(actor=Actor("x", "x", ())) as work, pytest.raises(Forbidden):
        acknowledge(work, 1)


def test_leaving_the_population_and_a_rule_that_goes_close_it(house: House) -> None:
    house.insert("sale", {"id": 3, "client": 2, "day": SILENT, "amount": Decimal("10.50"), "kind": "won"})
    assess_all(house.work, "client")
    with house.work() as work:
        table = objects.tables(work.catalog)["client"]
        work.session.execute(sa.update(table).where(table.c.id == 1).values(active=False))
        assess_ids(work, "client", [1])
    assert ("silent", 1, "closed", "left_population") in states(house)
    house.documents.pop(("alert", "silent"))
    house.republish()
    assert [s for s in states(house) if s[2] != "closed"] == [] and ("silent", 1, "closed", "rule_removed") in states(house)


def test_two_open_episodes_cannot_be(house: House) -> None:
    assess_all(house.work, "client")
    with pytest.raises(IntegrityError), house.work() as work:
        row = dict(work.session.execute(sa.select(alerts)).mappings().one())
        work.session.execute(sa.insert(alerts).values(**{**row, "id": 99, "episode": 2}))


def test_a_failing_hook_leaves_nothing(house: House) -> None:
    def broken(work: Any, told: Any) -> None:
        raise RuntimeError

    hooks = house.hooks
    house.hooks = replace(hooks, on_assessed=(*hooks.on_assessed, broken))
    with pytest.raises(RuntimeError):
        assess_all(house.work, "client")
    house.hooks = hooks
    assert house.rows("x_client") == [] and house.rows("alerts", "id") == []
