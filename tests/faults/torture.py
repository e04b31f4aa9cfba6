"""A storm over a running site: processes are killed and stopped, the database is cut off, the clock is set, while everything goes on.
After each squall everything that must hold is checked from outside.

`make torture` (KILLS, SEED), or `python -m tests.faults.torture --kills 20 --seed 7 --databases sqlite`.
"""

import argparse
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice

from tests.faults.harm import COMMANDS, Harm, do, plan
from tests.faults.invariants import broken
from tests.faults.loads import Journal, Loads
from tests.faults.site import Site, a_site

SQUALL = 10  # harms between two checks
BREATH = 8  # saves acknowledged between two harms
LIFE = 50  # harms until a new site is begun: checks read everything, and everything grows


@dataclass
class Weather:
    """What a storm was like."""

    kind: str
    harms: Counter[str] = field(default_factory=Counter)
    checks: int = 0
    saves: int = 0
    imports: int = 0
    jobs: int = 0
    releases: int = 0
    messages: int = 0
    errors: Counter[int] = field(default_factory=Counter)
    slowest_return: float = 0.0
    broken: list[str] = field(default_factory=list)

    def line(self) -> str:
        harms = ", ".join(f"{count} {name}" for name, count in sorted(self.harms.items()))
        resent = ", ".join(f"{count} x {status}" for status, count in sorted(self.errors.items())) or "none"
        done = f"{self.saves} saves, {self.imports} imports, {self.jobs} jobs, {self.releases} releases, {self.messages} messages"
        return (
            f"{self.kind}: {sum(self.harms.values())} harms ({harms}); {self.checks} checks, {len(self.broken)} broken; acknowledged {done}; "
            f"sent again for an answer of {resent}; back after at most {self.slowest_return:.1f} s"
        )


def storm(kind: str, seed: int, count: int, *, short: bool = False) -> Weather:
    """`count` harms on sites of their own, until something is broken. Raises NoPostgresError where there is none."""
    weather = Weather(kind)
    harms = plan(kind, seed, count, short=short)
    while not weather.broken and (life := list(islice(harms, LIFE))):
        with a_site(kind) as site:
            _live(site, life, seed * 1000 + weather.checks, weather)
    return weather


def _live(site: Site, harms: list[Harm], seed: int, weather: Weather) -> None:
    journal = Journal(site.folder / "journal.jsonl")
    loads = Loads(site, journal, seed)
    for start in range(0, len(harms), SQUALL):
        some = harms[start : start + SQUALL]
        loads.go()
        for harm in some:
            _breathe(journal)
            weather.slowest_return = max(weather.slowest_return, do(harm, site, loads))
            weather.harms[harm.kind if site.has_clock or harm.kind != "clock" else "clock left alone without a C compiler"] += 1
        loads.pause()
        found = broken(site, journal)
        weather.checks += 1
        say(f"{weather.kind} {sum(weather.harms.values())}: {len(journal.kept)} saves, {len(journal.imported)} imports, {len(journal.jobs)} jobs")
        if found:
            weather.broken = [*found, *(f"after: {harm}" for harm in some), site.said(), _tail(site)]
            break
    weather.saves += len(journal.kept) + sum(journal.counted.values())
    weather.imports += len(journal.imported)
    weather.jobs += len(journal.jobs)
    weather.releases += len(journal.published)
    weather.messages += len({received.headers["webhook-id"] for received in site.receiver.got})
    weather.errors.update(loads.errors)


def _breathe(journal: Journal) -> None:
    """Between two harms people get something done."""
    wanted, until = len(journal.kept) + BREATH, time.monotonic() + 15
    while len(journal.kept) < wanted and time.monotonic() < until:
        time.sleep(0.02)


def _tail(site: Site) -> str:
    logs = {what: site.folder / f"{what}.log" for what in COMMANDS}
    return "\n".join(f"--- {what}\n" + (log.read_text()[-2000:] if log.exists() else "") for what, log in logs.items())


def say(line: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {line}", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=500, help="harms in all, shared out among the databases")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--databases", nargs="+", default=["sqlite", "postgresql"], choices=["sqlite", "postgresql"])
    asked = parser.parse_args()
    with ThreadPoolExecutor(len(asked.databases)) as side_by_side:
        found = list(side_by_side.map(lambda kind: storm(kind, asked.seed, asked.kills // len(asked.databases)), asked.databases))
    for weather in found:
        if weather.broken:
            print(f"\nseed {asked.seed} on {weather.kind}:", *weather.broken, sep="\n")
    print(*(weather.line() for weather in found), sep="\n")
    return int(any(weather.broken for weather in found))


if __name__ == "__main__":
    sys.exit(main())
