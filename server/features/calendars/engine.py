"""Working time: what comes so many working hours or days after an instant. Pure.

Time passes only while people work. A day counts for the hours of a working day, so that one working day after ten o'clock is ten o'clock of the next.
"""

from dataclasses import dataclass
from datetime import MAXYEAR, date, datetime, time, timedelta
from functools import cached_property, lru_cache
from zoneinfo import ZoneInfo

from server.config.catalog import Catalog
from server.features.calendars.kind import DAY, MONDAY_TO_FRIDAY, Calendar

WHOLE_DAY = ((timedelta(), DAY),)
PART_OF_A_WHOLE_DAY = timedelta(hours=8)  # where no hours are given, half a day is four hours
LAST = date(MAXYEAR, 1, 1)


@dataclass(frozen=True, eq=False)
class WorkingTime:
    """The calendar of an organisation in its zone."""

    calendar: Calendar
    zone: ZoneInfo

    @cached_property
    def off(self) -> frozenset[date]:
        return frozenset(day for days in self.calendar.off for day in days.dates()) - self.on

    @cached_property
    def on(self) -> frozenset[date]:
        return frozenset(day for days in self.calendar.on for day in days.dates())

    @property
    def hours(self) -> tuple[tuple[timedelta, timedelta], ...]:
        return self.calendar.hours or WHOLE_DAY

    def is_working(self, day: date) -> bool:
        return day in self.on or (day.weekday() in self.calendar.weekdays and day not in self.off)

    def after(self, start: datetime, *, days: float = 0, hours: float = 0) -> datetime:
        """So many working days and hours after an aware instant, in its own zone; that begins to count when work does. Never before `start`."""
        length = sum((ends - begins for begins, ends in self.hours), timedelta())
        whole = int(days)
        part = (days - whole) * (length if self.calendar.hours else PART_OF_A_WHOLE_DAY)
        return _after(self, start, whole * length + part + timedelta(hours=hours))

    def instant(self, day: date, clock: timedelta) -> datetime:
        """By the clock on the wall."""
        return (datetime.combine(day, time()) + clock).replace(tzinfo=self.zone)


def working_time(catalog: Catalog, zone: ZoneInfo) -> WorkingTime:
    """That of the published calendar; Monday to Friday where there is none."""
    found: WorkingTime = catalog.once(("calendars.working_time", zone), lambda: WorkingTime(next(iter(catalog.all("calendar")), MONDAY_TO_FRIDAY), zone))
    return found


@lru_cache(maxsize=4096)  # many alerts of one run begin to wait at once
def _after(working: WorkingTime, start: datetime, left: timedelta) -> datetime:
    local = start.astimezone(working.zone)
    day, clock = local.date(), local.replace(tzinfo=None) - datetime.combine(local.date(), time())
    while day < LAST:
        for begins, ends in working.hours if working.is_working(day) else ():
            begins = max(begins, clock)
            if begins < ends and left <= ends - begins and begins + left < DAY:
                return max(working.instant(day, begins + left).astimezone(start.tzinfo), start)
            left -= max(min(ends - begins, left), timedelta())
        day, clock = day + DAY, timedelta()
    return datetime.combine(LAST, time(), start.tzinfo)
