"""Which strategies start and stop for a subject, and when a task is due. Pure."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo


@dataclass(frozen=True)
class Met:
    """What is true of a subject now, for one strategy."""

    when: bool
    stop: bool
    in_population: bool = True


@dataclass(frozen=True)
class Run:
    id: int
    armed: bool


START, ARM, STOPPED, LEFT = "start", "arm", "stopped", "left_population"


def decide(met: Met, run: Run | None) -> str:
    """What to do for one subject and one strategy: START, ARM, the reason to stop, or "" for nothing.

    A run started by hand while its end already held is not armed: its end must first have been false once.
    """
    if run is None:
        return START if met.in_population and met.when and not met.stop else ""
    if not met.in_population:
        return LEFT
    if met.stop:
        return STOPPED if run.armed else ""
    return "" if run.armed else ARM


def due_on(now: datetime, days: float, zone: ZoneInfo) -> date:
    """So many days after today, where today is the organisation's."""
    return (now.astimezone(zone) + timedelta(days=days)).date()


def due_after_hours(now: datetime, hours: float, zone: ZoneInfo) -> date:
    return (now + timedelta(hours=hours)).astimezone(zone).date()
