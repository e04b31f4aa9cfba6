"""Texts that try to get out of the language, or to hurt it: all are refused at check time, each with a place and words in both languages."""

import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.expressions.check import check
from server.expressions.evaluate import evaluate
from server.expressions.types import Scope
from tests.expressions.engines import UTC_NOON
from tests.expressions.generate import SCOPE

CASES: list[dict[str, str]] = json.loads((Path(__file__).parents[1] / "cases/expressions/hostile.json").read_text("utf-8"))
WORDS = [
    "amount",
    "name",
    "lines",
    "(",
    ")",
    "[",
    "]",
    ".",
    ",",
    "'",
    '"',
    "1",
    "**",
    "if",
    "else",
    "and",
    "not",
    "in",
    "is",
    "None",
    "lambda",
    ":",
    ":=",
    "{",
    "}",
    "__class__",
    "=",
    "客户",
    "（",
    "%",
]


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c['kind']}: {c['text'][:40]!a}")
def test_refused_with_a_place(case: dict[str, str]) -> None:
    source = case["text"]
    began = time.perf_counter()
    checked, problems = check(source, SCOPE)
    assert time.perf_counter() - began < 2
    assert checked is None and problems
    for problem in problems:
        assert problem.message.zh and problem.message.en and problem.code
        assert problem.start is not None and problem.end is not None and 0 <= problem.start <= problem.end <= len(source)


def test_the_corpus_is_large_and_has_no_doubles() -> None:
    assert len({c["text"] for c in CASES}) == len(CASES) >= 150


@pytest.mark.parametrize(("source", "value"), [("9**9**9**9", None), ("(" * 50 + "1" + ")" * 50, 1), ("(length)('ab')", 2), ("None", None), ("[]", None)])
def test_odd_but_harmless(source: str, value: Any) -> None:
    checked, problems = check(source, Scope())
    assert checked is not None, problems
    assert evaluate(checked, {}, UTC_NOON) == value


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.text(max_size=60), st.lists(st.sampled_from(WORDS), max_size=14).map("".join), st.lists(st.sampled_from(WORDS), max_size=14).map(" ".join)))
def test_never_raises_on_any_text(source: str) -> None:
    checked, problems = check(source, SCOPE)
    assert (checked is None) == bool(problems)
    for problem in problems:
        assert problem.start is not None and problem.end is not None and 0 <= problem.start <= problem.end <= max(len(source), 1)


def test_checked_in_many_threads() -> None:
    """Evaluators and checkers share nothing that changes."""
    wrong: list[Any] = []

    def work(number: int) -> None:
        for _ in range(60):
            checked, _problems = check(f"count_a * {number} + length(name)", SCOPE)
            if checked is None or evaluate(checked, {"count_a": 2, "name": "abc"}, UTC_NOON) != 2 * number + 3:
                wrong.append(number)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
