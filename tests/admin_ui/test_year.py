"""The year of a working calendar: each day is what the calendar makes of it, whatever is being typed."""

import json
from collections import Counter
from pathlib import Path

from admin_ui.year import year_of
from server.config.document import Document

CALENDAR = json.loads((Path(__file__).parents[2] / "schemas" / "calendars" / "working_time.json").read_text("utf-8"))


def sorts(year: int, **changed: object) -> dict[str, str]:
    found = year_of(Document("calendar", "working_time", {**CALENDAR, **changed}), year)
    assert found is not None
    days = [day for month in found.months for week in month.weeks for day in week if day is not None]
    count = Counter(day.sort for day in days)
    assert found.year == year and (found.working, found.off) == (count["work"] + count["on"], count["off"])
    assert all(len(week) == 7 for month in found.months for week in month.weeks)
    assert all(day is None or day.date.weekday() == n for month in found.months for week in month.weeks for n, day in enumerate(week))
    return {day.date.isoformat(): day.sort for day in days}


def test_days_are_worked_off_or_at_rest() -> None:
    found = sorts(2026)
    assert len(found) == 365
    assert [found[f"2026-{d}"] for d in ("02-13", "02-14", "02-15", "02-16", "02-24", "02-28", "03-01")] == ["work", "on", "rest", "off", "work", "on", "rest"]
    assert len(sorts(2028)) == 366 and "off" not in sorts(2028).values()


def test_a_year_that_is_half_typed_is_not_counted_out() -> None:
    """Fifty times ten thousand years, day by day, would not end."""
    assert set(sorts(2026, off=[{"from": "0001-01-01", "to": "9999-12-31"}] * 50, on=[]).values()) == {"off", "rest"}
    assert "off" not in sorts(2026, off=[{"from": "2026-10-07", "to": "0002-10-01"}]).values()


def test_what_is_no_calendar_has_no_year() -> None:
    assert year_of(Document("calendar", "x", {"weekdays": "mon"}), 2026) is None
    assert year_of(Document("alert", "x", CALENDAR), 2026) is None
