"""Random expressions over random rows, on every engine, side by side: `make fuzz`.

    python -m tests.expressions.fuzz --expressions 25000 --rows 40 --seed 1

The same seed gives the same run. Ends with 1 when two engines differ or one raises.
"""

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from server.expressions.check import Checked, check
from server.expressions.compile import compile_python
from server.expressions.evaluate import evaluate
from server.expressions.sql import compile_sql, when_true
from server.expressions.types import At
from server.storage.session import Database
from tests.expressions.engines import SHANGHAI, UTC_NOON, Engines, plain
from tests.expressions.generate import SCOPE, Maker, rows
from tests.postgres import NoPostgresError, postgres

BATCH = 24  # expressions in one statement
MOST_PLACES = 6000  # bound values in one statement
SHOWN = 20
KINDS = ("boolean", "number", "integer", "boolean", "text", "date", "number", "datetime", "list", "text")
LIMITS = {"too_long", "too_large", "too_deep", "too_much_text", "exponent", "null"}  # what a well-typed text may still be refused for
MOMENTS = (
    UTC_NOON,
    SHANGHAI,
    At(datetime(2024, 3, 10, 7, 0, tzinfo=UTC), ZoneInfo("America/New_York")),  # the clocks jump
    At(datetime(2024, 4, 6, 15, 15, tzinfo=UTC), ZoneInfo("Australia/Lord_Howe")),  # half an hour comes twice
)


@dataclass
class Totals:
    expressions: int = 0
    pairs: int = 0
    refused: int = 0
    findings: list[str] = field(default_factory=list)
    differences: int = 0
    exceptions: int = 0


def same(a: Any, b: Any) -> bool:
    return type(a) is type(b) and a == b


def texts(seed: int) -> Iterator[str]:
    """Without end."""
    chance = random.Random(seed)
    maker = Maker(chance.randrange)
    while True:
        yield maker.make(chance.choice(KINDS), chance.randint(1, 4))


class Run:
    def __init__(self, engines: Engines) -> None:
        self.engines = engines
        self.totals = Totals()

    def all(self, sources: Iterator[str], seed: int, count: int) -> Totals:
        """Until so many expressions were run, or there are no more."""
        waiting: list[tuple[Checked, sa.ColumnElement[Any]]] = []
        places, batches = 0, 0
        at = MOMENTS[seed % len(MOMENTS)]
        for source in sources:
            if self.totals.expressions + len(waiting) >= count:
                break
            checked, problems = check(source, SCOPE)
            if checked is None:
                self.totals.refused += 1
                if any(p.code not in LIMITS for p in problems):
                    self.finding(f"refused: {source}: {[p.message.en for p in problems]}")
                continue
            element = compile_sql(checked, self.engines.columns, at)
            places += len(element.clauses) * 2
            waiting.append((checked, element))
            if len(waiting) == BATCH or places > MOST_PLACES:
                self.batch(waiting, at)
                waiting, places, batches = [], 0, batches + 1
                at = MOMENTS[(seed + batches) % len(MOMENTS)]
        if waiting:
            self.batch(waiting, at)
        return self.totals

    def finding(self, text: str, kind: str = "exceptions") -> None:
        setattr(self.totals, kind, getattr(self.totals, kind) + 1)
        if len(self.totals.findings) < SHOWN:
            self.totals.findings.append(text)

    def batch(self, made: Sequence[tuple[Checked, sa.ColumnElement[Any]]], at: At) -> None:
        wanted = [self.python(checked, at) for checked, _ in made]
        for name, database in self.engines.databases.items():
            for (checked, _), want, got in zip(made, wanted, self.answers(name, database, made), strict=True):
                if want is not None and got is not None:
                    self.compare(name, checked, want, got, at)
        self.totals.expressions += len(made)
        self.totals.pairs += len(made) * len(self.engines.rows)

    def python(self, checked: Checked, at: At) -> list[Any] | None:
        try:
            want = [evaluate(checked, row, at) for row in self.engines.rows]
            run = compile_python(checked)
            self.compare("compiled", checked, want, [(run(row, at), None) for row in self.engines.rows], at)
        except Exception as error:  # noqa: BLE001 anything that is raised is what is looked for
            self.finding(f"python raises {error!r}: {checked.source}")
            return None
        return want

    def answers(self, name: str, database: Database, made: Sequence[tuple[Checked, sa.ColumnElement[Any]]]) -> list[list[tuple[Any, Any]] | None]:
        """For each expression its values and, for a condition, whether a filter keeps the row."""
        columns: list[sa.ColumnElement[Any]] = []
        for checked, element in made:
            columns += [element, when_true(element) if checked.type.name == "boolean" else sa.null()]
        labelled = [c.label(f"c{i}") for i, c in enumerate(columns)]
        try:
            with database.read() as connection:
                table = self.engines.table
                statement = sa.select(*labelled).select_from(table).order_by(table.c.row_id)
                found = connection.execute(statement, execution_options={"compiled_cache": None}).fetchall()  # no statement comes twice
        except Exception as error:  # noqa: BLE001
            if len(made) > 1:
                return [self.answers(name, database, [one])[0] for one in made]
            self.finding(f"{name} raises {str(error).splitlines()[0]}: {made[0][0].source}")
            return [None]
        return [[(plain(row[2 * i], checked.type.name), row[2 * i + 1]) for row in found] for i, (checked, _) in enumerate(made)]

    def compare(self, name: str, checked: Checked, want: Sequence[Any], got: Sequence[tuple[Any, Any]], at: At) -> None:
        for row, wanted, (value, kept) in zip(self.engines.rows, want, got, strict=True):
            if not same(wanted, value) or (kept is not None and bool(kept) is not (wanted is True)):
                used = {n: row[n] for n in sorted(checked.names)}
                self.finding(f"{name}: {checked.source}\n  gives {value!r} (kept {kept}), not {wanted!r}, for {used} at {at}", "differences")
                return


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="fuzz", description=__doc__)
    parser.add_argument("--expressions", type=int, default=25_000)
    parser.add_argument("--rows", type=int, default=40)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    given = parser.parse_args(arguments)
    started = time.monotonic()
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        databases = {"sqlite": Database(f"sqlite:///{Path(folder)}/fuzz.sqlite")}
        try:
            databases["postgresql"] = Database(stack.enter_context(postgres()))
        except NoPostgresError as error:
            print(f"without PostgreSQL: {error}")
        try:
            totals = Run(Engines(databases, SCOPE, rows(given.rows, given.seed))).all(texts(given.seed), given.seed, given.expressions)
        finally:
            for database in databases.values():
                database.close()
    for finding in totals.findings:
        print(finding)
    print(summary(totals, databases, given.seed, time.monotonic() - started))
    return 1 if totals.differences or totals.exceptions else 0


def summary(totals: Totals, databases: Mapping[str, Database], seed: int, seconds: float) -> str:
    return (
        f"seed {seed}: {totals.expressions} expressions, {totals.pairs} pairs over reference, generated Python, {', '.join(databases)}; "
        f"{totals.refused} over a limit, {totals.differences} differences, {totals.exceptions} exceptions, {seconds:.0f} seconds"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
