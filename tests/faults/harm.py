"""What a storm does to the processes of a site, by a plan that follows from its seed."""

import os
import random
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from server.features.assessment.tables import assessment_runs
from server.features.audit.tables import audit_log
from server.features.imports.tables import import_runs
from server.jobs.tables import jobs
from tests.faults.loads import Loads, database_of
from tests.faults.site import Site

LOOKED_FOR = 6.0  # seconds a point is waited for; then the harm is done without it
STILL = 40.0  # seconds a process stands still: longer than the engine waits for a sign of life

_running = import_runs.c.state == "running"
POINTS: Mapping[str, sa.Select[tuple[int]]] = {
    "a job waits": sa.select(jobs.c.id).where(jobs.c.state == "queued", ~jobs.c.handed),
    "a job was handed over": sa.select(jobs.c.id).where(jobs.c.state == "queued", jobs.c.handed),
    "a job runs": sa.select(jobs.c.id).where(jobs.c.state == "running"),
    "an import is tried": sa.select(import_runs.c.id).where(import_runs.c.state == "trying"),
    "an import begins": sa.select(import_runs.c.id).where(_running, import_runs.c.cursor == 0),
    "an import is in the middle": sa.select(import_runs.c.id).where(_running, import_runs.c.cursor > 0, import_runs.c.cursor < import_runs.c.total),
    "an import is at its end": sa.select(import_runs.c.id).where(_running, import_runs.c.late),
    "a run is in the middle": sa.select(assessment_runs.c.id).where(assessment_runs.c.state == "running", assessment_runs.c.cursor >= 0),
    "the audit is not sealed": sa.select(audit_log.c.id).where(audit_log.c.block.is_(None)),
}


COMMANDS = ("assess", "publish")  # that go on beside the site


@dataclass(frozen=True)
class Harm:
    """`who`: a process of the site, one of COMMANDS, or "" for the database itself. `after`: seconds until it is done, or a point to wait for."""

    kind: str
    who: str = ""
    after: float = 0.0
    point: str = ""
    seconds: float = 0.0

    def __str__(self) -> str:
        when = f"when {self.point}" if self.point else f"after {self.after:.2f} s"
        return " ".join(filter(None, [self.kind, self.who, when, f"for {self.seconds:.0f} s" if self.seconds else ""]))


def plan(kind: str, seed: int, count: int, *, short: bool = False) -> Iterator[Harm]:
    """The same harms for the same seed. `short`: none that takes long."""
    rng = random.Random(f"{seed} {kind}")
    others = {"sqlite": _SQLITE, "postgresql": _POSTGRES}[kind][: 2 if short else None]
    people = ["serve"] if kind == "sqlite" else ["serve", "work-1", "work-2"]
    for number in range(count):
        if number % 5 == 4:
            yield others[number // 5 % len(others)](rng)
        elif rng.random() < 0.5:
            yield Harm("kill", rng.choice([*people, *people, "assess", "publish"]), after=rng.uniform(0, 2.5))
        else:
            point = rng.choice(list(POINTS))
            yield Harm("kill", "assess" if point.startswith("a run") and rng.random() < 0.5 else rng.choice(people), point=point)


_SQLITE: tuple[Callable[[random.Random], Harm], ...] = (
    lambda rng: Harm("write lock", after=rng.uniform(0, 2), seconds=rng.uniform(1, 8)),
    lambda rng: Harm("clock", after=rng.uniform(0, 1), seconds=rng.choice([3600, -3600, -600, 90])),
    lambda rng: Harm("stand still", "serve", after=rng.uniform(0, 2), seconds=rng.uniform(1, 5)),
    lambda rng: Harm("write lock", after=rng.uniform(0, 2), seconds=rng.uniform(16, 20)),
)
_POSTGRES: tuple[Callable[[random.Random], Harm], ...] = (
    lambda rng: Harm("cut database", after=rng.uniform(0, 2), seconds=rng.uniform(0, 3)),
    lambda rng: Harm("clock", after=rng.uniform(0, 1), seconds=rng.choice([3600, -3600, -600, 90])),
    lambda rng: Harm("stand still", rng.choice(["work-1", "work-2"]), point=rng.choice(["a job runs", "an import is in the middle"]), seconds=STILL),
    lambda rng: Harm("cut database", point=rng.choice(list(POINTS)), seconds=0.0),
    lambda rng: Harm("end sessions", after=rng.uniform(0, 2)),
    lambda rng: Harm("kill all", after=rng.uniform(0, 2)),
)


def do(harm: Harm, site: Site, loads: Loads) -> float:
    """Gives the seconds until the processes were back; when nothing had to be started again, 0."""
    _wait(harm, site)
    match harm.kind:
        case "kill" if harm.who in COMMANDS:
            if harm.who in loads.running:
                loads.running[harm.who].kill()
            return 0.0
        case "kill":
            return _restarted(site, [harm.who])
        case "kill all":
            return _restarted(site, list(site.processes))
        case "stand still":
            _stopped(site, harm)
        case "write lock":
            _locked(site, harm.seconds)
        case "clock":
            site.set_clock(int(harm.seconds))
            time.sleep(2)
            site.set_clock(0)
        case "cut database" if site.postgres is not None:
            site.postgres.stop()
            time.sleep(harm.seconds)
            site.postgres.start()
        case "end sessions":
            with database_of(site) as database, database.write() as connection:
                mine = sa.text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
                connection.execute(mine)
    return 0.0


def _wait(harm: Harm, site: Site) -> None:
    time.sleep(harm.after)
    if not harm.point:
        return
    until = time.monotonic() + LOOKED_FOR
    with database_of(site) as database:
        while time.monotonic() < until:
            with database.read() as connection:
                if connection.execute(POINTS[harm.point].limit(1)).first() is not None:
                    return
            time.sleep(0.003)


def _restarted(site: Site, names: list[str]) -> float:
    for name in names:
        site.processes[name].kill()
    began = time.monotonic()
    for name in names:
        site.processes[name].start()
    return time.monotonic() - began


def _stopped(site: Site, harm: Harm) -> None:
    process = site.processes[harm.who].process
    assert process is not None
    os.kill(process.pid, signal.SIGSTOP)
    try:
        time.sleep(harm.seconds)
    finally:
        os.kill(process.pid, signal.SIGCONT)


def _locked(site: Site, seconds: float) -> None:
    """Somebody else's program has the file for writing."""
    connection = sqlite3.connect(str(sa.make_url(site.url).database), timeout=30, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    time.sleep(seconds)
    connection.execute("ROLLBACK")
    connection.close()
