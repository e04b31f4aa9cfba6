"""One expression on one record: our generated function beside the same written by hand in Python, and beside other engines for rules.

Nanoseconds for one evaluation: the median of interleaved rounds. Also how long the checker takes while somebody types.
"""

import ast
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

from bench.peers import peers
from bench.row import Row
from bench.rules import CASES, SCOPE, Case, records
from server.expressions.check import check
from server.expressions.checked import Checked
from server.expressions.compile import compile_python
from server.expressions.evaluate import evaluate
from server.expressions.types import At, Scope

AT = At(datetime(2026, 6, 30, 12, tzinfo=UTC))
OURS, BY_HAND, REFERENCE = "generated", "by hand", "reference evaluator"
HARMLESS_DIFFERENCE = 1e-9
TYPED_NODES = 300


def rows(rounds: int) -> Iterator[Row]:
    ours, by_hand = [], []
    for case in CASES:
        found = _times(case, max(rounds * 5, 9))
        ours.append(found[OURS])
        by_hand.append(found[BY_HAND])
        yield from (Row(f"{case.name}: {OURS} beside {name}", found[OURS], value, "ns") for name, value in found.items() if name != OURS)
    yield Row(f"three expressions: {OURS} beside {BY_HAND}, geometric mean", statistics.geometric_mean(ours), statistics.geometric_mean(by_hand), "ns")
    yield _checking(rounds)


def checked_of(text: str) -> Checked:
    checked, problems = check(text, SCOPE)
    if checked is None:
        raise SystemExit(problems)
    return checked


def _times(case: Case, rounds: int) -> dict[str, float]:
    checked = checked_of(case.text)
    function = compile_python(checked)
    _agree(case, checked, function)
    whole = records(100, seed=7)
    used = [{name: record[name] for name in sorted(checked.names)} for record in whole]
    runs: dict[str, Callable[[], None]] = {
        OURS: lambda: _with_at(function, whole),
        BY_HAND: lambda: _plain(case.by_hand, whole),
        REFERENCE: lambda: _reference(checked, whole),
    }
    for name, peer in peers(checked.tree):
        if peer is None:
            print(f"{case.name}: {name} is left out, it is not installed (pip install -e '.[bench]')", file=sys.stderr)
            continue
        given = [{k: float(v) if isinstance(v, int) else v for k, v in record.items()} for record in used] if "common" in name else used
        wrong = sum(not _same(peer(values), case.by_hand(values)) for values in given)
        if wrong:
            print(f"{case.name}: {name} gives another answer on {wrong} of {len(given)} records", file=sys.stderr)
        runs[name] = partial(_plain, peer, given)
    times: dict[str, list[float]] = {name: [] for name in runs}
    once = {name: max(1, int(3_000_000 / max(_nanoseconds(run, 1), 1))) for name, run in runs.items()}  # about 3 ms each
    for _ in range(rounds):
        for name, run in runs.items():
            times[name].append(_nanoseconds(run, once[name]) / len(whole))
    return {name: statistics.median(values) for name, values in times.items()}


def _agree(case: Case, checked: Checked, function: Callable[[Mapping[str, Any], At], Any]) -> None:
    """By hand and generated mean the same, also where values are missing."""
    for values in records(2_000, seed=8, missing=0.15):
        found = (case.by_hand(values), function(values, AT), evaluate(checked, values, AT))
        if not (_same(found[0], found[1]) and found[1] == found[2]):
            raise SystemExit(f"{case.name} differs on {values}: {found}")


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, float | int) and isinstance(b, float | int):
        return abs(a - b) < HARMLESS_DIFFERENCE
    return bool(a == b)


def _with_at(function: Callable[[Mapping[str, Any], At], Any], given: Sequence[Mapping[str, Any]]) -> None:
    at = AT
    for values in given:
        function(values, at)


def _plain(function: Callable[[Mapping[str, Any]], Any], given: Sequence[Mapping[str, Any]]) -> None:
    for values in given:
        function(values)


def _reference(checked: Checked, given: list[dict[str, Any]]) -> None:
    for values in given:
        evaluate(checked, values, AT)


def _nanoseconds(run: Callable[[], None], times: int) -> float:
    began = time.perf_counter_ns()
    for _ in range(times):
        run()
    return (time.perf_counter_ns() - began) / times


def long_text(nodes: int) -> str:
    """A text of about so many parts, such as somebody has in the editor."""
    part = '(amount_90d / 2 > 10 and tier == "gold" or coalesce(growth, 0) + 1.5 <= min(years, 4))'
    return " or ".join([part] * (nodes // sum(isinstance(n, ast.expr) for n in ast.walk(ast.parse(part))) + 1))


def _checking(rounds: int) -> Row:
    """What the parser alone needs is the floor."""
    text = long_text(TYPED_NODES)
    ours, floor = [], []
    for _ in range(max(rounds * 10, 20)):
        ours.append(_nanoseconds(lambda: _checked(text, SCOPE), 1) / 1e6)
        floor.append(_nanoseconds(lambda: _parsed(text), 1) / 1e6)
    return Row(f"check of {TYPED_NODES} parts beside Python's parser alone", statistics.median(ours), statistics.median(floor), "ms")


def _checked(text: str, scope: Scope) -> None:
    check(text, scope)


def _parsed(text: str) -> None:
    ast.parse(text, mode="eval")
