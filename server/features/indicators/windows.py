"""Stretches of days that indicators look at, as edges counted back from the as-of day.

A window is half-open: a record counts when its day lies after the first edge, up to and including the second; days are those of the organisation's
zone. Going back by months, quarters or years keeps the day of the month, or takes the last day of a shorter month (a month before 31 March is the
last of February). Months are gone back in one step and before days, so that neighbouring windows share an edge: no day is in two, none is left out.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from server.expressions.functions.spans import add_months
from server.features.indicators.kind import Previous, Window

UNITS: Mapping[str, tuple[int, int]] = {"days": (0, 1), "weeks": (0, 7), "months": (1, 0), "quarters": (3, 0), "years": (12, 0)}  # months, days
WHOLE, TO_DATE = "whole", "to_date"
LONGEST_DAYS = 36_525  # a hundred years


def length(count: int, unit: str) -> tuple[int, int]:
    months, days = UNITS.get(unit, (0, 0))
    return count * months, count * days


def too_long(months: int, days: int) -> bool:
    return months * 30.4375 + days > LONGEST_DAYS


@dataclass(frozen=True, order=True)
class Edge:
    """So many months and then days before the as-of day; with `start_of` the first day of that unit, and from there back again."""

    months: int = 0
    days: int = 0
    start_of: str = ""
    more_months: int = 0
    more_days: int = 0

    @property
    def name(self) -> str:
        return "_".join(str(part) for part in (self.months, self.days, self.start_of, self.more_months, self.more_days))

    def day(self, today: date) -> date:
        """Never before the calendar begins."""
        there = _back(today, self.months, self.days)
        return _back(first_of(there, self.start_of), self.more_months, self.more_days) if self.start_of else there


@dataclass(frozen=True, order=True)
class Outermost:
    """The earliest or the latest of several edges: what windows that are gathered together have in common."""

    edges: tuple[Edge, ...]
    latest: bool

    @property
    def name(self) -> str:
        return f"{'latest' if self.latest else 'earliest'}_{'__'.join(edge.name for edge in self.edges)}"

    def day(self, today: date) -> date:
        return (max if self.latest else min)(edge.day(today) for edge in self.edges)


Day = Edge | Outermost


def outermost(edges: Iterable[Edge], *, latest: bool) -> Day:
    found = tuple(sorted(set(edges)))
    return found[0] if len(found) == 1 else Outermost(found, latest)


def edges(window: Window | None, previous: Previous | None = None) -> tuple[Edge | None, Edge]:
    """The day after which a window begins (None: it has no begin) and the day it ends on; with `previous` those of the window before."""
    months, days = moved(window, previous) if previous is not None else (0, 0)
    end = Edge(months, days)
    if window is None:
        return None, end
    if window.span == TO_DATE:
        return Edge(months, days, window.unit, 0, 1), end
    long_months, long_days = length(window.last, window.unit)
    if window.span == WHOLE:
        return Edge(months, days, window.unit, long_months, long_days + 1), Edge(months, days, window.unit, 0, 1)
    return Edge(months + long_months, days + long_days), end


def moved(window: Window | None, previous: Previous) -> tuple[int, int]:
    """How far the window before lies back; a window to date goes back by its unit: the same stretch of the month, quarter or year before."""
    if previous.unit != "windows" or window is None:
        return length(previous.back, previous.unit)
    return length(previous.back * (1 if window.span == TO_DATE else window.last), window.unit)


def first_of(day: date, unit: str) -> date:
    """Weeks begin on Monday."""
    if unit == "weeks":
        return day - timedelta(days=min(day.weekday(), day.toordinal() - 1))
    if unit == "days":
        return day
    months = {"months": 1, "quarters": 3, "years": 12}[unit]
    return date(day.year, (day.month - 1) // months * months + 1, 1)


def _back(day: date, months: int, days: int) -> date:
    earlier = add_months(day, -months) if months else day
    return date.min if earlier is None else date.fromordinal(max(1, earlier.toordinal() - days))


# -- Bound parameters --------------------------------------------------------------------------------------------------------


def day_name(day: Day) -> str:
    return f"day_{day.name}"


def midnight_name(day: Day) -> str:
    return f"midnight_{day.name}"


def moments(days: Iterable[Day], today: date, zone: ZoneInfo) -> dict[str, Any]:
    """Each day, and the instant it ended in the zone: the first of the following day, whatever the clocks do that night."""
    bound: dict[str, Any] = {}
    for edge in days:
        day = edge.day(today)
        bound[day_name(edge)] = day
        bound[midnight_name(edge)] = following_midnight(day, zone)
    return bound


def following_midnight(day: date, zone: ZoneInfo) -> datetime:
    """The instant a day ended in the zone."""
    following = day + timedelta(days=1)
    return datetime(following.year, following.month, following.day, tzinfo=zone)
