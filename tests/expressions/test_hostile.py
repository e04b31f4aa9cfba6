"""Texts that try to get out of the language, or to hurt it: all are refused at check time, each with a place and words in both languages."""

import ast
import inspect
import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.expressions.check import Checked, check
from server.expressions.compile import compile_python
from server.expressions.evaluate import evaluate
from server.expressions.explain import explain
from server.expressions.nearest import nearest
from server.expressions.sql import compile_sql
from server.expressions.types import TEXT, Scope
from tests.expressions.engines import UTC_NOON
from tests.expressions.fuzz_check import disturb
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
    began = time.thread_time()
    checked, problems = check(source, SCOPE)
    assert time.thread_time() - began < 2
    assert checked is None and problems
    for problem in problems:
        assert problem.message.zh and problem.message.en and problem.code
        assert problem.start is not None and problem.end is not None and 0 <= problem.start <= problem.end <= len(source)


def test_the_corpus_is_large_and_has_no_doubles() -> None:
    assert len({c["text"] for c in CASES}) == len(CASES) >= 400
    assert {"attribute", "names", "unicode", "construct", "call", "operator", "size", "statement", "empty"} <= {c["kind"] for c in CASES}


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


def test_nothing_runs_without_the_check() -> None:
    """What runs an expression takes a `Checked`; one that somebody made up has no facts, and no part of it is run without its fact."""
    for run in (evaluate, compile_python, compile_sql, explain, nearest):
        first = next(iter(inspect.signature(run).parameters.values()))
        assert first.annotation is Checked or first.annotation == "Checked"
    tree = ast.parse("__import__('os').system('true')", mode="eval").body
    forged = Checked("x", tree, TEXT, False, frozenset(), False, {}, Scope(), {}, {})
    for run in (lambda: evaluate(forged, {}, UTC_NOON), lambda: compile_python(forged), lambda: compile_sql(forged, {}, UTC_NOON)):
        with pytest.raises(KeyError):
            run()
    for text in ("1 + 1", "__import__('os')"):
        with pytest.raises(AttributeError):
            evaluate(text, {}, UTC_NOON)  # type: ignore[arg-type]


def test_disturbed_texts_for_a_second() -> None:
    """`make fuzz-check` does it for ten minutes, and with a guide."""
    assert disturb(1, 20240315) > 20
