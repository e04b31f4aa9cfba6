"""The inbox: every alert once and in order over all pages, a line for each record, and acting on many at once."""

import base64
import random
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from server.errors import Conflict, Forbidden, Invalid, NotFound
from server.feature import Actor, Work
from server.features.alerts.engine import RANK
from server.features.alerts.inbox import CAP, Inbox, Wanted, count, inbox
from server.features.alerts.service import MOST_AT_ONCE, acknowledge, events, resolve, snooze, take_up
from server.features.alerts.tables import OPEN_STATES, STATES, alert_events, alerts
from server.features.records.paging import write_cursor
from server.storage.session import Database
from tests.features.assessing import ALERTS, DOCUMENTS, LI, NOW, TODAY, House

CLIENTS = 9
NOBODY = Actor("other", "other", ("nobody",))


@pytest.fixture
def house(database: Database) -> House:
    made = House(database, [*DOCUMENTS, *ALERTS])
    made.insert("client", *({"id": i, "name": f"Client {i}", "owner": "li" if i % 2 else "wu", "active": True} for i in range(1, CLIENTS + 1)))
    return made


def alert(i: int, record_id: int, severity: str, state: str, hours: int, recipients: list[str] | None = None) -> dict[str, Any]:
    text = f"alert {i}"
    return {
        "rule": f"rule_{i}",
        "object": "client",
        "record_id": record_id,
        "episode": 1,
        "severity": severity,
        "state": state,
        "opened_at": NOW - timedelta(hours=hours),
        "as_of": TODAY,
        "due_at": NOW + timedelta(hours=24),
        "message_zh": text,
        "message_en": text,
        "values": {},
        "release": 1,
        "recipients": ["user:li"] if recipients is None else recipients,
    }


def fill(house: House, rows: list[dict[str, Any]]) -> list[Mapping[str, Any]]:
    with house.work() as work:
        work.session.execute(sa.insert(alerts), rows)
    return house.rows("alerts", "id")


def some(seed: int, n: int = 60) -> list[dict[str, Any]]:
    r = random.Random(seed)
    return [
        alert(i, r.randint(1, CLIENTS), r.choice(list(RANK)), r.choice(STATES), r.randint(0, 5), [["user:li"], ["role:staff"], []][r.randrange(3)])
        for i in range(n)
    ]


def all_pages(work: Work, wanted: Wanted, size: int) -> list[Inbox]:
    pages = [inbox(work, wanted, "", size)]
    while pages[-1].next:
        pages.append(inbox(work, wanted, pages[-1].next, size))
    return pages


@pytest.mark.parametrize("state", ["active", "all", *STATES])
def test_every_alert_is_there_once_and_in_order(house: House, state: str) -> None:
    rows = fill(house, some(1))
    states = OPEN_STATES if state == "active" else STATES if state == "all" else (state,)
    expected = [r for r in rows if r["state"] in states]
    expected.sort(key=lambda r: (RANK[r["severity"]] if state == "active" else 0, r["opened_at"], r["id"]), reverse=True)
    with house.work(write=False, actor=LI) as work:
        pages = all_pages(work, Wanted(state), 7)
        assert [line.alert.id for page in pages for line in page.lines] == [r["id"] for r in expected]
        assert {page.total for page in pages} == {len(expected)}


@pytest.mark.parametrize("mine", [False, True])
@pytest.mark.parametrize("severity", ["", "warning"])
def test_a_line_for_each_record_says_the_gravest_and_the_others(house: House, mine: bool, severity: str) -> None:
    rows = fill(house, some(2))
    wanted = [r for r in rows if r["state"] in OPEN_STATES and (not severity or r["severity"] == severity) and (not mine or r["recipients"] != "[]")]
    wanted.sort(key=lambda r: (RANK[r["severity"]], r["opened_at"], r["id"]), reverse=True)
    groups: dict[int, list[int]] = {}
    for r in wanted:
        groups.setdefault(r["record_id"], []).append(r["id"])
    with house.work(write=False, actor=LI) as work:
        pages = all_pages(work, Wanted("active", severity, mine=mine, by_record=True), 4)
        found = {line.alert.record_id: [line.alert.id, *(o.id for o in line.others)] for page in pages for line in page.lines}
        assert found == groups and list(found) == list(groups)
        assert pages[0].total == len(groups)


def test_one_rule_and_nothing_for_who_may_read_no_record(house: House) -> None:
    fill(house, some(3))
    with house.work(write=False, actor=LI) as work:
        assert {line.alert.rule for line in inbox(work, Wanted("all", rule="rule_5")).lines} == {"rule_5"}
    with house.work(write=False, actor=NOBODY) as work:
        assert inbox(work, Wanted("all")) == Inbox((), "", 0)


@pytest.mark.parametrize(
    "values", [["loud", NOW, 1], ["warning", "soon", 1], ["warning", NOW, "x"], [["warning"], NOW, 1], [None, None, None], ["warning", NOW, 10**30]]
)
@pytest.mark.parametrize("state", ["active", "closed"])
def test_a_made_up_place_is_refused(house: House, values: list[Any], state: str) -> None:
    fill(house, some(4))
    with house.work(write=False, actor=LI) as work, pytest.raises(Invalid):
        inbox(work, Wanted(state), write_cursor(values))


@pytest.mark.parametrize("text", ["x", base64.urlsafe_b64encode(b"[1]").decode(), base64.urlsafe_b64encode(b"{}").decode()])
def test_what_is_no_place_is_refused(house: House, text: str) -> None:
    with house.work(write=False, actor=LI) as work, pytest.raises(Invalid):
        inbox(work, Wanted(), text)


def test_a_count_goes_up_to_its_cap(house: House) -> None:
    fill(house, [alert(i, 1 + i % CLIENTS, "info", "open", 0) for i in range(CAP + 20)])
    with house.work(write=False, actor=LI) as work:
        assert count(work, Wanted()) == CAP + 1
        assert count(work, Wanted(by_record=True)) == CLIENTS


def test_many_are_acted_on_at_once(house: House) -> None:
    states = ["open", "open", "acknowledged", "in_work", "closed", "suppressed"]
    rows = fill(house, [alert(i, i % CLIENTS + 1, "warning", state, 0) for i, state in enumerate(states)])
    ids = [r["id"] for r in rows]
    with house.work(actor=LI) as work:
        assert acknowledge(work, ids) == 2
    with house.work(actor=LI) as work:
        assert take_up(work, ids) == 3
        assert snooze(work, ids[:2], TODAY + timedelta(days=3), "holiday") == 2
    with house.work(actor=LI) as work:
        assert resolve(work, ids, "false", "all the same cause") == 5
    after = house.rows("alerts", "id")
    assert [r["state"] for r in after] == ["closed"] * 6 and [r["verdict"] for r in after] == ["false"] * 4 + [None, "false"]
    assert [r["acknowledged_by"] for r in after] == ["li"] * 3 + [None] * 3
    with house.work(write=False, actor=LI) as work:
        assert [e.what for e in events(work, ids[0])] == ["acknowledged", "in_work", "snoozed", "resolved"]
        assert work.session.scalar(sa.select(sa.func.count()).select_from(alert_events)) == 2 + 3 + 2 + 5
    with house.work(actor=LI) as work, pytest.raises(Conflict):
        acknowledge(work, ids)


def test_nobody_acts_on_what_they_may_not_see_or_on_too_many(house: House) -> None:
    rows = fill(house, [alert(1, 1, "warning", "open", 0)])
    with house.work(actor=NOBODY) as work, pytest.raises(Forbidden):
        acknowledge(work, [rows[0]["id"]])
    with house.work(actor=LI) as work, pytest.raises(NotFound):
        acknowledge(work, [rows[0]["id"] + 1])
    for ids in ([], list(range(1, MOST_AT_ONCE + 2))):
        with house.work(actor=LI) as work, pytest.raises(Invalid):
            acknowledge(work, ids)
    assert house.rows("alerts", "id")[0]["state"] == "open"
