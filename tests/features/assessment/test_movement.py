"""Movers, counts and histories of many records at once, on both databases, as far as the person may read."""

from datetime import timedelta

import pytest

from server.features.assessment.movement import class_counts, histories, movers
from server.features.assessment.service import assess_all, results_of, score_history
from server.storage.session import Database
from tests.features.assessing import DOCUMENTS, TODAY, House, fill

LONG_AGO, YESTERDAY = TODAY - timedelta(days=60), TODAY - timedelta(days=1)


@pytest.fixture
def house(database: Database) -> House:
    made = House(database, DOCUMENTS)
    fill(made, 11, clients=20, sales=200)
    assess_all(made.work, "client", LONG_AGO)
    assess_all(made.work, "client")
    return made


def test_movers_are_those_whose_results_differ(house: House) -> None:
    with house.work(write=False) as work:
        now = results_of(work, "client", range(1, 200))
        then = {i: next((v for day, v in score_history(work, "client", i, "risk") if day == LONG_AGO), None) for i in now}
        was_there = {i for i in now if any(day == LONG_AGO for day, _ in score_history(work, "client", i, "risk"))}
        moved = {i for i in was_there if now[i]["risk"] != then[i]}
        found, total = movers(work, "client", YESTERDAY, ("risk",), "risk", limit=200)
    assert {m.record_id for m in found} == moved and total == len(moved) and moved
    steps = [abs((m.now["risk"] or 0) - (m.before["risk"] or 0)) for m in found if m.now["risk"] is not None and m.before["risk"] is not None]
    assert steps == sorted(steps, reverse=True)


def test_counts_by_class_add_up(house: House) -> None:
    with house.work(write=False) as work:
        counts = class_counts(work, "client", "tier")
        assert sum(counts.values()) == len(results_of(work, "client", range(1, 200)))
        assert class_counts(work, "client", "tier", owner="nobody") == {}


def test_histories_are_those_of_each_record(house: House) -> None:
    with house.work(write=False) as work:
        found = histories(work, "client", [1, 2, 3], "risk", LONG_AGO)
        assert found == {i: h for i in (1, 2, 3) if (h := score_history(work, "client", i, "risk"))}
