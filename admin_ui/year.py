"""A working calendar as a year: what each day is, so that a slip is seen before it is published."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from zoneinfo import ZoneInfo

from server.config.check import check_document, errors
from server.config.document import Document
from server.errors import Text
from server.features.calendars.engine import WorkingTime
from server.features.calendars.kind import DAY, Calendar, parse

FIRST, LAST = 1900, 2200


@dataclass(frozen=True)
class Day:
    """`sort`: work, rest (not one of the weekdays), off (a day off), on (worked all the same)."""

    date: date
    sort: str
    title: Text


@dataclass(frozen=True)
class Month:
    first: date
    weeks: tuple[tuple[Day | None, ...], ...]  # of seven days from Monday; None: another month's


@dataclass(frozen=True)
class Year:
    year: int
    months: tuple[Month, ...]
    working: int  # days
    off: int  # days off that would be worked without the calendar's list


def year_of(document: Document, year: int) -> Year | None:
    """None while the document is not well formed."""
    if document.kind != "calendar" or errors(check_document(document)):
        return None
    year = min(max(year, FIRST), LAST)
    days = tuple(_days(_within(parse(document), date(year, 1, 1), date(year, 12, 31)), year))
    months = (tuple(day for day in days if day.date.month == month) for month in range(1, 13))
    sorts = [day.sort for day in days]
    return Year(year, tuple(_month(found) for found in months), sum(s in {"work", "on"} for s in sorts), sorts.count("off"))


def _within(calendar: Calendar, first: date, last: date) -> Calendar:
    """While a year is typed into a date it is the year 2 or 20 for a moment: two thousand years of days off are not counted out."""
    return replace(calendar, off=tuple(d.within(first, last) for d in calendar.off), on=tuple(d.within(first, last) for d in calendar.on))


def _days(calendar: Calendar, year: int) -> Iterator[Day]:
    working = WorkingTime(calendar, ZoneInfo("UTC"))
    titles = {day: days.title for days in (*calendar.off, *calendar.on) for day in days.dates()}
    day = date(year, 1, 1)
    while day.year == year:
        usual = day.weekday() in calendar.weekdays
        sort = ("work" if usual and day not in working.on else "on") if working.is_working(day) else "off" if usual else "rest"
        yield Day(day, sort, titles.get(day, Text("", "")))
        day += DAY


def _month(days: tuple[Day, ...]) -> Month:
    places: list[Day | None] = [*[None] * days[0].date.weekday(), *days]
    places += [None] * (-len(places) % 7)
    return Month(days[0].date, tuple(tuple(places[i : i + 7]) for i in range(0, len(places), 7)))
