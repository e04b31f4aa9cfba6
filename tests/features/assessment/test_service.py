"""Runs, saves and past days: what is written, what is not, and that a killed run ends where an unbroken one does."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from server.errors import Invalid, NotFound
from server.feature import Saved, Work
from server.features.assessment.engine import outputs
from server.features.assessment.service import assess_all, assess_ids, on_saved, results, results_of, score_history
from server.features.objects import engine as objects
from server.features.records import service as records
from server.storage.session import Database
from tests.features.assessing import NOW, TODAY, House, an_indicator, fill


@pytest.fixture
def house(database: Database) -> House:
    made = House(database)
    fill(made, 3)
    return made


def test_a_second_run_writes_nothing(house: House) -> None:
    first = assess_all(house.work, "client", chunk=5)
    assert first.changed == first.records == len(house.rows("x_client"))
    before = house.rows("x_client"), house.rows("x_client_history")
    house.now += timedelta(minutes=5)
    second = assess_all(house.work, "client", chunk=5)
    assert (second.records, second.changed) == (first.records, 0)
    assert (house.rows("x_client"), house.rows("x_client_history")) == before


def test_only_what_differs_is_written(house: House) -> None:
    assess_all(house.work, "client")
    house.insert("sale", {"id": 900, "client": 1, "day": TODAY, "amount": Decimal("10.00"), "kind": "lost"})
    house.now += timedelta(days=1)
    at_noon = house.now
    before = {r["record_id"]: r for r in house.rows("x_client")}
    changed = assess_all(house.work, "client").changed
    after = {r["record_id"]: r for r in house.rows("x_client")}
    moved = {i for i in after if after[i]["assessed_at"].replace(tzinfo=None) == at_noon.replace(tzinfo=None)}
    assert 1 in moved and len(moved) == changed
    assert all(after[i] == before[i] for i in after.keys() - moved)
    history = [(r["record_id"], r["as_of"]) for r in house.rows("x_client_history")]
    assert sorted(history) == sorted([*((i, TODAY) for i in before), *((i, TODAY + timedelta(days=1)) for i in moved)])


def test_some_and_one_equal_all(house: House) -> None:
    assess_all(house.work, "client")
    expected = house.rows("x_client")
    with house.work() as work:
        work.session.execute(sa.delete(sa.table("x_client")))
        assess_ids(work, "client", [1])
        assess_ids(work, "client", range(1, 13))
    assert house.rows("x_client") == expected


class Killed(Exception):
    pass


def test_a_killed_run_is_continued(house: House) -> None:
    def dying(done: int, total: int) -> None:
        if done >= 4:
            raise Killed

    with pytest.raises(Killed):
        assess_all(house.work, "client", progress=dying, chunk=3)
    half = len(house.rows("x_client"))
    assert 0 < half < 10
    house.now += timedelta(hours=1)
    rest = assess_all(house.work, "client", chunk=3)
    assert rest.resumed and rest.records == len(house.rows("x_client")) == rest.changed > half
    again = assess_all(house.work, "client")
    assert (again.changed, again.resumed) == (0, False)


def test_a_run_of_yesterday_is_not_continued_today(house: House) -> None:
    def dying(done: int, total: int) -> None:
        if done:
            raise Killed

    with pytest.raises(Killed):
        assess_all(house.work, "client", progress=dying, chunk=3)
    house.now += timedelta(days=1)
    assert not assess_all(house.work, "client").resumed
    assert [r["state"] for r in house.rows("assessment_runs", "id")] == ["abandoned", "done"]


def test_a_past_day_touches_the_history_only(house: House) -> None:
    assess_all(house.work, "client")
    now, alerts = house.rows("x_client"), house.rows("alerts", "id")
    day = date(2026, 1, 31)
    first = assess_all(house.work, "client", as_of=day)
    assert first.changed == first.records
    assert (house.rows("x_client"), house.rows("alerts", "id")) == (now, alerts)
    assert {r["as_of"] for r in house.rows("x_client_history")} == {day, TODAY}
    assert assess_all(house.work, "client", as_of=day).changed == 0
    with house.work(write=False) as work:
        assert [d for d, _ in score_history(work, "client", 1, "risk")] == [day, TODAY]


def test_a_day_to_come_is_refused(house: House) -> None:
    with pytest.raises(Invalid):
        assess_all(house.work, "client", as_of=TODAY + timedelta(days=1))
    with pytest.raises(NotFound):
        assess_all(house.work, "sale")


def test_who_leaves_the_population_loses_the_results(house: House) -> None:
    assess_all(house.work, "client")
    ids = [r["record_id"] for r in house.rows("x_client")]
    with house.work() as work:
        table = objects.tables(work.catalog)["client"]
        work.session.execute(sa.update(table).where(table.c.id == ids[0]).values(active=False))
        work.session.execute(sa.update(table).where(table.c.id == ids[1]).values(deleted_at=NOW))
        assess_ids(work, "client", ids[:2])
        assert results(work, "client", ids[0]) is None and results_of(work, "client", ids[:2]) == {}
    assert assess_all(house.work, "client").changed >= 0
    assert [r["record_id"] for r in house.rows("x_client")] == ids[2:]


# -- Saves -------------------------------------------------------------------------------------------------------------------


def changes(house: House, *actions: Any) -> None:
    for action in actions:
        with house.work() as work:
            action(work)


def sale(**values: Any) -> dict[str, Any]:
    return {"no": "S", "day": "2026-03-09", "amount": "250.00", "kind": "won", **values}


def test_saves_leave_the_results_a_full_run_would(house: House) -> None:
    """Through the records service, as people do; then a full run with the same shared values finds nothing to change."""
    assess_all(house.work, "client")
    alive = [r["record_id"] for r in house.rows("x_client")]
    made: list[int] = []
    changes(
        house,
        lambda w: made.append(records.create(w, "sale", sale(client=alive[0]))),
        lambda w: records.update(w, "sale", made[0], {"client": alive[1], "amount": "99.99"}, 1),
        lambda w: records.create(w, "sale", sale(client=alive[2], team=1)),
        lambda w: records.update(w, "team", 1, {"risky": False}, 1),
        lambda w: made.append(records.create(w, "news", {"headline": "x", "segments": ["a"], "points": 30, "day": "2026-03-01"})),
        lambda w: records.update(w, "news", made[1], {"segments": ["b"]}, 1),
        lambda w: records.update(w, "client", alive[3], {"segment": "c", "credit": "1.00"}, 1),
        lambda w: records.delete(w, "sale", made[0], 2),
        lambda w: made.append(records.create(w, "client", {"name": "new", "segment": "a", "owner": "li"})),
    )
    saved = house.rows("x_client")
    assert made[2] in {r["record_id"] for r in saved}
    with same_shared_values(house) as work:
        for record_id in [r["record_id"] for r in saved]:
            assess_ids(work, "client", [record_id])
        assess_ids(work, "client", range(1, 100))
    names = ("release", "as_of", "assessed_at")
    assert [{k: v for k, v in r.items() if k not in names} for r in house.rows("x_client")] == [{k: v for k, v in r.items() if k not in names} for r in saved]


@contextmanager
def same_shared_values(house: House) -> Iterator[Work]:
    with house.work() as work:
        yield work


def test_a_save_that_touches_nobody_assesses_nobody(house: House) -> None:
    with house.work() as work:
        heard: list[Any] = []
        hooks = replace(work.hooks, on_assessed=(lambda w, told: heard.append(told),))
        on_saved(replace(work, hooks=hooks), Saved("sale", (10**6,), {}, {10**6: {}}))
        assert heard == []


# -- Releases ----------------------------------------------------------------------------------------------------------------


def test_new_outputs_get_columns_and_values_at_publish(house: House) -> None:
    assess_all(house.work, "client")
    house.republish(an_indicator("twice", expression="turnover * 2", decimals=2))
    for row in house.rows("x_client"):
        assert row["twice"] == round(row["turnover"] * 2, 2) and row["release"] == 2
    assert "twice" in house.rows("x_client_history")[0]


def test_an_output_of_another_type_gets_a_new_column(house: House) -> None:
    assess_all(house.work, "client")
    house.republish(an_indicator("first_kind", expression="turnover + 1", decimals=0))
    with house.work(write=False) as work:
        assert outputs(work.catalog, "client")["first_kind"].type.name == "number"
    row = house.rows("x_client")[0]
    assert isinstance(row["first_kind"], float) and "first_kind__gone_2" in row


def test_publishing_makes_the_indexes_the_passes_need(house: House) -> None:
    with house.database.read() as connection:
        found = {str(i["name"]): i["column_names"] for i in sa.inspect(connection).get_indexes("o_sale") if str(i["name"]).startswith("gather")}
    by_day = {name: found.pop(name) for name in list(found) if name.startswith("gather_day")}
    assert found and all(columns[0] == "client" for columns in found.values())
    assert sorted(by_day.values()) == [["day", "client", "deleted_at"], ["moment", "client", "deleted_at"]]
    assert any(columns[1] == "day" for columns in found.values() if len(columns) > 1)


def test_two_who_save_rows_of_one_record_at_once_are_both_seen(postgres_database: Database) -> None:
    """Each transaction sees its own row only, until the other has committed: the second looks after the first."""
    house = House(postgres_database)
    fill(house, 3)
    assess_all(house.work, "client")
    client, before = next((r["record_id"], r["all_sales"]) for r in house.rows("x_client"))
    sale = {"client": client, "day": str(TODAY), "amount": "10.00", "kind": "won"}

    def other() -> None:
        with house.work() as work:
            records.create(work, "sale", sale)

    thread = threading.Thread(target=other)
    with house.work() as work:
        records.create(work, "sale", sale)
        thread.start()
        thread.join(1)
        assert thread.is_alive(), "it waits for its turn"
    thread.join(10)
    found = {r["record_id"]: r["all_sales"] for r in house.rows("x_client")}
    assert found[client] == before + 2
    with house.work() as work:
        assert assess_ids(work, "client", found) == 0


def test_a_run_and_a_save_at_once_leave_what_the_save_made(postgres_database: Database) -> None:
    house = House(postgres_database)
    fill(house, 3)
    assess_all(house.work, "client")
    client = house.rows("x_client")[0]["record_id"]
    made = threading.Thread(target=assess_all, args=(house.work, "client"))
    with house.work() as work:
        records.create(work, "sale", {"client": client, "day": str(TODAY), "amount": "10.00", "kind": "won"})
        made.start()
        made.join(1)
        assert made.is_alive(), "it waits for its turn"
    made.join(20)
    with house.work() as work:
        assert assess_ids(work, "client", [r["record_id"] for r in house.rows("x_client")]) == 0
