"""The demo's time: 36 months up to the as-of day, seasons, working hours."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

MONTHS = 36
MONTH_DAYS = 30.4375
SEASON = {2: 0.45, 3: 1.2, 9: 1.15, 10: 1.15, 11: 1.15}  # Spring Festival, catching up, the autumn rush


@dataclass(frozen=True)
class Timeline:
    as_of: date
    zone: ZoneInfo

    @property
    def start(self) -> date:
        return self.day(0)

    @property
    def end(self) -> date:
        """The last day on which something happened: nothing lies in the future of a morning's start."""
        return self.as_of - timedelta(days=1)

    def day(self, month: float) -> date:
        return self.as_of - timedelta(days=round((MONTHS - month) * MONTH_DAYS))

    def month(self, day: date) -> float:
        return MONTHS - (self.as_of - day).days / MONTH_DAYS

    def ago(self, days: int) -> date:
        return self.as_of - timedelta(days=days)

    def at(self, day: date, minute: int = 0) -> datetime:
        """An instant of a working day; `minute` counts from nine o'clock."""
        return datetime(day.year, day.month, day.day, 9, tzinfo=self.zone) + timedelta(minutes=minute)


def season(day: date) -> float:
    return SEASON.get(day.month, 1.0)


def working(day: date) -> date:
    """The day itself, or the Monday after a weekend."""
    return day + timedelta(days=(7 - day.weekday()) if day.weekday() >= 5 else 0)
