"""Working time against a minute-by-minute count, holidays and worked Saturdays included; and what a calendar must not say."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.config.catalog import Catalog
from server.config.check import check_document
from server.config.document import Document
from server.features.calendars.check import check
from server.features.calendars.engine import WorkingTime, working_time
from server.features.calendars.kind import WEEKDAYS, Calendar, parse
from server.registry import KINDS

SHANGHAI = ZoneInfo("Asia/Shanghai")
GOLDEN_WEEK = {
    "kind": "calendar",
    "key": "working_time",
    "title": {"en": "Working calendar"},
    "weekdays": ["mon", "tue", "wed", "thu", "fri"],
    "hours": [{"from": "09:00", "to": "12:00"}, {"from": "13:00", "to": "18:00"}],
    "off": [{"from": "2026-10-01", "to": "2026-10-07"}, {"from": "2026-12-31"}],
    "on": [{"day": "2026-10-10"}],
}


def calendar(**changed: Any) -> Calendar:
    document = Document("calendar", "working_time", {**GOLDEN_WEEK, **changed})
    assert check_document(document) == []
    return parse(document)


def after(made: Calendar, start: str, days: float = 0, hours: float = 0, zone: ZoneInfo = SHANGHAI) -> str:
    begun = datetime.fromisoformat(start).replace(tzinfo=zone).astimezone(UTC)
    found = WorkingTime(made, zone).after(begun, days=days, hours=hours)
    assert found.tzinfo is UTC
    return found.astimezone(zone).strftime("%Y-%m-%d %H:%M")


@pytest.mark.parametrize(
    ("start", "days", "hours", "end"),
    [
        ("2026-09-30 10:00", 0, 4, "2026-09-30 15:00"),  # over lunch
        ("2026-09-30 10:00", 0, 7, "2026-09-30 18:00"),  # to the last minute of the day
        ("2026-09-30 10:00", 0, 8, "2026-10-08 10:00"),  # over the holidays
        ("2026-09-30 10:00", 1, 0, "2026-10-08 10:00"),
        ("2026-09-30 10:00", 2, 0, "2026-10-09 10:00"),
        ("2026-09-30 10:00", 3, 0, "2026-10-10 10:00"),  # the Saturday worked for it
        ("2026-09-30 10:00", 4, 0, "2026-10-12 10:00"),
        ("2026-10-03 11:00", 0.5, 0, "2026-10-08 14:00"),  # half a day of eight hours
        ("2026-10-09 20:00", 0, 1, "2026-10-10 10:00"),
        ("2026-10-09 06:00", 0, 1, "2026-10-09 10:00"),
        ("2026-10-09 12:30", 0, 1, "2026-10-09 14:00"),
        ("2026-12-30 17:30", 0, 1, "2027-01-01 09:30"),
    ],
)
def test_time_passes_while_people_work(start: str, days: float, hours: float, end: str) -> None:
    assert after(calendar(), start, days, hours) == end


def test_without_hours_all_of_a_working_day_counts() -> None:
    whole = calendar(hours=[])
    assert after(whole, "2026-09-30 22:00", hours=3) == "2026-10-08 01:00"
    assert after(whole, "2026-09-30 22:00", hours=2) == "2026-10-08 00:00"
    assert after(whole, "2026-10-04 22:00", days=1.5) == "2026-10-09 04:00"


def test_the_clock_on_the_wall_counts_where_it_is_put_forward_and_back() -> None:
    berlin, sundays = ZoneInfo("Europe/Berlin"), calendar(weekdays=list(WEEKDAYS), hours=[])
    assert after(sundays, "2026-03-28 12:00", days=1, zone=berlin) == "2026-03-29 12:00"
    assert after(sundays, "2026-10-24 12:00", days=1, zone=berlin) == "2026-10-25 12:00"
    assert after(sundays, "2026-03-29 01:30", hours=0.75, zone=berlin) == "2026-03-29 03:15"


MINUTE = timedelta(minutes=1)
CLOCKS = [f"{h:02}:{m:02}" for h in range(24) for m in (0, 30)] + ["24:00"]
DAYS = st.integers(0, 20).map(lambda n: (date(2026, 3, 1) + timedelta(days=n)).isoformat())


@st.composite
def calendars(draw: st.DrawFn) -> Calendar:
    edges = sorted(draw(st.sets(st.sampled_from(CLOCKS), max_size=6)))
    return calendar(
        weekdays=sorted(draw(st.sets(st.sampled_from(WEEKDAYS), min_size=1))),
        hours=[{"from": a, "to": b} for a, b in zip(edges[::2], edges[1::2])],
        off=[{"from": day} for day in draw(st.sets(DAYS, max_size=8))],
        on=[{"day": day} for day in draw(st.sets(DAYS, max_size=4))],
    )


@given(calendars(), st.integers(0, 14 * 24 * 60), st.integers(1, 3000))
def test_as_a_clock_would_count_minute_by_minute(made: Calendar, begin: int, count: int) -> None:
    start = datetime(2026, 3, 1, tzinfo=UTC) + begin * MINUTE
    working = WorkingTime(made, ZoneInfo("UTC"))

    def works(at: datetime) -> bool:
        clock = timedelta(hours=at.hour, minutes=at.minute)
        return working.is_working(at.date()) and (not made.hours or any(a <= clock < b for a, b in made.hours))

    at = start
    for _ in range(count):
        while not works(at):
            at += MINUTE
        at += MINUTE
    if (at.hour, at.minute) == (0, 0):  # the end of a day is the beginning of the next one that is worked
        while not works(at):
            at += MINUTE
    assert working.after(start, hours=count / 60) == at


def test_the_published_calendar_counts_and_without_one_monday_to_friday() -> None:
    begun = datetime(2026, 10, 1, 2, tzinfo=UTC)  # Thursday, ten in the morning
    documents = {("calendar", "working_time"): Document("calendar", "working_time", GOLDEN_WEEK)}
    assert working_time(Catalog(1, documents, KINDS), SHANGHAI).after(begun, hours=1) == datetime(2026, 10, 8, 2, tzinfo=UTC)
    assert working_time(Catalog(1, {}, KINDS), SHANGHAI).after(begun, hours=1) == datetime(2026, 10, 1, 3, tzinfo=UTC)


def test_there_is_one_calendar() -> None:
    documents = {("calendar", key): Document("calendar", key, {**GOLDEN_WEEK, "key": key}) for key in ("old", "working_time")}
    catalog = Catalog(1, documents, KINDS)
    assert [[p.code for p in check(found, catalog)] for found in catalog.all("calendar")] == [["one_only"], ["one_only"]]
