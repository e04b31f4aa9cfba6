"""The pipeline in SQL, on SQLite and on PostgreSQL, gives what brute force in Python gives: every output of every record."""

from datetime import date

import pytest

from server.expressions.types import At
from server.features.assessment.engine import outputs
from server.features.assessment.service import assess_all
from server.storage.session import Database
from tests.features.assessing import TODAY, ZONE, House, fill
from tests.features.brute import Brute


@pytest.mark.parametrize("seed", range(4))
def test_results_equal_brute_force(database: Database, seed: int) -> None:
    house = House(database)
    fill(house, seed, clients=25, sales=250)
    assess_all(house.work, "client")
    with house.work(write=False) as work:
        brute = Brute(work, work.at)
        expected, names = brute.results(), list(outputs(work.catalog, "client"))
    found = {row["record_id"]: row for row in house.rows("x_client")}
    assert found.keys() == expected.keys()
    for record_id, values in expected.items():
        assert {n: found[record_id][n] for n in names} == {n: values[n] for n in names}, record_id
    assert {row["key"]: row["value"] for row in house.rows("population_values", "key")} == brute.scalars


@pytest.mark.parametrize("day", [date(2025, 12, 31), date(2026, 2, 8), date(2026, 3, 9)])
def test_a_past_day_equals_brute_force_of_that_day(database: Database, day: date) -> None:
    house = House(database)
    fill(house, 7)
    assess_all(house.work, "client", as_of=day)
    with house.work(write=False) as work:
        expected, names = Brute(work, At.end_of(day, ZONE)).results(), list(outputs(work.catalog, "client"))
    found = {row["record_id"]: row for row in house.rows("x_client_history")}
    assert {i: {n: row[n] for n in names} for i, row in found.items()} == {i: {n: v[n] for n in names} for i, v in expected.items()}
    assert {row["as_of"] for row in found.values()} == {day} and day < TODAY
