"""Every aggregate over every kind of window by every way: the pipeline of either database gives what is counted by hand, cell by cell."""

import os
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from server.config.document import Document
from server.expressions.types import At
from server.feature import Work
from server.features.assessment.engine import outputs
from server.features.assessment.population import kept_scalars
from server.features.assessment.service import assess_all
from server.storage.session import Database
from tests.features.assessing import TODAY, ZONE, House
from tests.features.assessment.generated import AGGREGATES, WAYS, Records, documents
from tests.features.assessment.writing import Writer, differing, mixed
from tests.features.brute import Brute

WRITES = int(os.environ.get("WEATHERGLASS_TEST_WRITES", "200"))
EVERYTHING = WRITES > 200  # `make exactness`: each aggregate over each window by each way
SHARES = [tuple(AGGREGATES)[i : i + 4] for i in range(0, len(AGGREGATES), 4)] if EVERYTHING else [tuple(AGGREGATES)]


def house_with(database: Database, found: list[Document], today: date, zone: ZoneInfo, seed: int) -> House:
    house = House(database, found)
    house.zone = zone
    for object_key, records in Records(seed, today, zone).all().items():
        house.insert(object_key, *records)
    return house


def compare(house: House, table: str, work: Work, brute: Brute, day: date) -> None:
    names = list(outputs(work.catalog, "client"))
    expected = brute.results()
    found = {row["record_id"]: row for row in house.rows(table) if row["as_of"] == day}
    assert found.keys() == expected.keys()
    wrong = [(i, n, found[i][n], v[n]) for i, v in expected.items() for n in names if found[i][n] != v[n]]
    assert not wrong, (len(wrong), wrong[:12])


@pytest.mark.parametrize("share", SHARES, ids=["-".join(share[:2]) for share in SHARES])
@pytest.mark.parametrize("way", WAYS)
def test_every_aggregate_window_and_way(database: Database, way: str, share: tuple[str, ...]) -> None:
    today, zone = date(2026, 3, 31), ZoneInfo("Asia/Shanghai")  # the end of a month whose month before is shorter
    house = house_with(database, documents(way, share, everything=EVERYTHING), today, zone, seed=len(way))
    house.now = datetime(2026, 3, 31, 8, 30, tzinfo=UTC)
    assess_all(house.work, "client")
    with house.work(write=False) as work:
        assert work.at.today == today
        compare(house, "x_client", work, Brute(work, work.at), today)


DAYS = [
    ("Europe/Berlin", date(2025, 3, 30)),  # 23 hours
    ("Europe/Berlin", date(2025, 10, 26)),  # 25 hours
    ("America/Sao_Paulo", date(2018, 11, 4)),  # begins at one o'clock
    ("America/Sao_Paulo", date(2018, 2, 17)),  # its last hour comes twice
    ("America/Havana", date(2025, 11, 2)),  # midnight comes twice
    ("America/Havana", date(2025, 3, 9)),
    ("Asia/Shanghai", date(2024, 2, 29)),
    ("Asia/Shanghai", date(2025, 12, 31)),
    ("Asia/Shanghai", date(2025, 3, 1)),
]


@pytest.mark.parametrize(("zone", "day"), DAYS, ids=[f"{zone} {day}" for zone, day in DAYS])
def test_past_days_and_days_when_clocks_change(database: Database, zone: str, day: date) -> None:
    house = house_with(database, documents("chain", ("count", "last")), day, ZoneInfo(zone), seed=day.toordinal())
    assess_all(house.work, "client", as_of=day)
    with house.work(write=False) as work:
        compare(house, "x_client_history", work, Brute(work, At.end_of(day, work.zone)), day)


@pytest.mark.timeout(0 if EVERYTHING else 300)
def test_results_after_many_writes_are_those_of_a_full_run(database: Database) -> None:
    """Each save assesses the subjects it touches, and no save leaves one out."""
    house = house_with(database, mixed(), TODAY, ZONE, seed=11)
    assess_all(house.work, "client")
    writer = Writer(house, Records(12, TODAY, ZONE))
    for _ in range(WRITES):
        writer.write()
    assert differing(house) == 0
    with house.work(write=False) as work:
        compare(house, "x_client", work, Brute(work, work.at, known=kept_scalars(work, "client")), TODAY)
