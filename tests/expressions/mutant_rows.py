"""The tests of the language for mutation testing: all rows of a test in one, because mutmut cannot name a row whose text has quotes."""

import inspect
import itertools
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Any

import pytest

from server.storage.session import Database
from tests.expressions import (
    test_check,
    test_compile,
    test_conditions,
    test_conformance,
    test_examples,
    test_explain,
    test_hostile,
    test_nearest,
    test_small,
    test_sql,
)
from tests.expressions.conftest import databases

__all__ = ["databases"]
MODULES: tuple[ModuleType, ...] = (
    test_check,
    test_compile,
    test_conditions,
    test_conformance,
    test_examples,
    test_explain,
    test_hostile,
    test_nearest,
    test_small,
    test_sql,
)
SLOW = {
    "test_odd_values_come_out_as_in_the_reference",
    "test_tree_to_text_to_tree",
    "test_a_text_that_has_a_tree_means_the_same_after_the_way_back",
    "test_never_raises_on_any_text",
    "test_checked_in_many_threads",
    "test_disturbed_texts_for_a_few_seconds",
}
FIXTURES = {"databases"}


def rows_of(function: Any) -> Iterator[dict[str, Any]]:
    """The arguments of each row of a parametrised test."""
    marks = [mark for mark in getattr(function, "pytestmark", ()) if mark.name == "parametrize"]
    axes = []
    for mark in marks:
        names, rows = mark.args[0], mark.args[1]
        names = [n.strip() for n in names.split(",")] if isinstance(names, str) else list(names)
        rows = [row.values if hasattr(row, "values") and not isinstance(row, Mapping) else (row,) if len(names) == 1 else row for row in rows]
        axes.append([dict(zip(names, row)) for row in rows])
    for parts in itertools.product(*axes):
        yield {name: value for part in parts for name, value in part.items()}


def plain() -> dict[str, Any]:
    found = {}
    for module in MODULES:
        for name, function in vars(module).items():
            if name.startswith("test_") and inspect.isfunction(function) and name not in SLOW:
                first = next(rows_of(function), {})
                if set(inspect.signature(function).parameters) - set(first) <= FIXTURES:
                    found[f"{module.__name__.rpartition('.')[2]}_{name}"] = function
    return found


TESTS = plain()


@pytest.mark.parametrize("name", sorted(TESTS))
def test_all_rows(name: str, databases: dict[str, Database]) -> None:
    function = TESTS[name]
    given = {"databases": databases} if "databases" in inspect.signature(function).parameters else {}
    for row in rows_of(function):
        function(**row, **given)
