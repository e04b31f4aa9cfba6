"""Which strategies start and stop for a subject, and when a task is due. Pure."""

from collections.abc import Iterable, Mapping
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
    strategy: str
    armed: bool


@dataclass(frozen=True)
class Decision:
    start: tuple[str, ...] = ()
    stop: tuple[tuple[int, str], ...] = ()  # run id, reason
    arm: tuple[int, ...] = ()


def decide(met: Mapping[str, Met], open_runs: Iterable[Run]) -> Decision:
    """`met` by strategy key; a strategy that is not there any more is "removed". A run started while its end already held waits for it to become false once."""
    start, stop, arm, running = [], [], [], set()
    for run in open_runs:
        running.add(run.strategy)
        now = met.get(run.strategy)
        if now is None:
            stop.append((run.id, "removed"))
        elif not now.in_population:
            stop.append((run.id, "left_population"))
        elif now.stop and run.armed:
            stop.append((run.id, "stopped"))
        elif not now.stop and not run.armed:
            arm.append(run.id)
    for key, now in met.items():
        if key not in running and now.in_population and now.when and not now.stop:
            start.append(key)
    return Decision(tuple(start), tuple(stop), tuple(arm))


def due_on(now: datetime, days: float, zone: ZoneInfo) -> date:
    """So many days after today, where today is the organisation's."""
    return (now.astimezone(zone) + timedelta(days=days)).date()


def due_after_hours(now: datetime, hours: float, zone: ZoneInfo) -> date:
    return (now + timedelta(hours=hours)).astimezone(zone).date()
