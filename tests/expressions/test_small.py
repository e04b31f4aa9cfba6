"""Small parts that nothing else comes by."""

import ast
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from math import inf, nextafter
from zoneinfo import ZoneInfo

import pytest

from server.errors import Problem, Text
from server.expressions import language, limits
from server.expressions.check import check
from server.expressions.complaints import unknown_name
from server.expressions.evaluate import evaluate
from server.expressions.explain import sentence
from server.expressions.function import Function, Size, by_alias, by_name
from server.expressions.messages import forbidden
from server.expressions.numbers import bounds_of_equal, key
from server.expressions.operators import NEGATE, OPERATORS
from server.expressions.parse import parse
from server.expressions.part import NULL
from server.expressions.registry import FUNCTIONS
from server.expressions.types import INTEGER, NUMBER, TEXT, At, Name, Scope
from tests.expressions.engines import UTC_NOON
from tests.expressions.generate import SCOPE


def test_the_end_of_a_day_is_its_last_second_in_the_zone() -> None:
    at = At.end_of(date(2024, 3, 15), ZoneInfo("Asia/Shanghai"))
    assert at.instant == datetime(2024, 3, 15, 15, 59, 59, tzinfo=UTC) and at.today == date(2024, 3, 15)


def test_a_part_knows_its_text() -> None:
    checked, _ = check("amount > 1 and active", SCOPE)
    assert checked is not None and checked.text(checked.tree) == "amount > 1 and active"


def test_two_functions_of_one_name_are_a_mistake() -> None:
    one = Function("f", "text", Text("", ""), ())
    with pytest.raises(ValueError, match="two functions"):
        by_name((one, one))
    for other in (replace(one, name="g", aliases=("F",)), replace(one, name="g", aliases=("x", "X"))):
        with pytest.raises(ValueError, match="another name of two"):
            by_alias({"f": one, "g": other})


@pytest.mark.parametrize(
    ("name", "count", "timed"),
    [("today", 0, True), ("now", 0, True), ("days_since", 1, True), ("age_in_years", 1, True), ("age_in_years", 2, False), ("sum", 9, False)],
)
def test_what_changes_by_itself_is_known(name: str, count: int, timed: bool) -> None:
    """An age up to today does; between two given days it does not."""
    assert FUNCTIONS[name].is_timed(count) is timed


def test_the_version_that_is_written_is_one_that_is_read() -> None:
    assert language.VERSION in language.KNOWN


def test_hints_name_what_there_is() -> None:
    scope = Scope({"c.registered_region": Name(TEXT), "c.city_of_seat": Name(TEXT)})
    hint = unknown_name("c.zq", scope, ())[1]
    assert hint == Text("c 有: registered_region, city_of_seat".replace(", ", "、"), "c has: registered_region, city_of_seat")
    few = Scope({"a1": Name(INTEGER), "b1": Name(NUMBER)})
    hint = unknown_name("zzzz", few, ())[1]
    assert hint == Text("可用的名称: a1、b1", "Known names: a1, b1")


@pytest.mark.parametrize("literal", [0.0, 1.0, -2.5, 5e-10, 0.3, 1e7, -123456.789, 4503599627370496.0, 9007199254740993.0, 1e40, 9.9e99, -9.9e99])
def test_bounds_of_equal_hold_the_numbers_with_one_key(literal: float) -> None:
    first, after = bounds_of_equal(literal)
    assert first <= literal < after and key(first) == key(literal) < key(after)
    assert key(nextafter(first, -inf)) < key(literal) == key(nextafter(after, -inf)), "and no others"


def test_a_sharp_in_a_broken_text_is_no_comment() -> None:
    for source in ("'a # b", "(1 # x", '""" #'):
        tree, _, problems = parse(source)
        assert tree is None and problems


def test_what_newer_pythons_may_add_is_refused_too() -> None:
    problem = forbidden(ast.Interactive(), ast.Name("x"), 2, 5)
    assert problem == Problem("", Text("表达式中不能这样写", "This cannot be written in an expression"), None, start=2, end=5, code="not_allowed")


def test_null_is_neither_true_nor_false() -> None:
    assert NULL.decided(True) == NULL.decided(False) == "False"


def test_titles_stand_in_longer_parts_of_a_sentence() -> None:
    checked, _ = check("amount / 2 > 3", SCOPE)
    assert checked is not None
    told = sentence(checked, {"amount": Text("金额", "order amount")}, {"amount": 10.0}, "en", UTC_NOON)
    assert told == "order amount / 2 is 5 (> 3)"


def test_a_moment_where_a_date_is_wanted() -> None:
    checked, _ = check("year(created_at)", SCOPE)
    assert checked is not None
    values = {"created_at": datetime(2024, 12, 31, 20, tzinfo=UTC)}
    assert evaluate(checked, values, At(UTC_NOON.instant, ZoneInfo("Asia/Shanghai"))) == 2025


X, Y, UNIT = Size(2.0**-8, 2.0**20), Size(2.0**-5, 2.0**30), Size(1.0, 1.0)
SIZES = [
    (OPERATORS[ast.Add], (X, Y), Size(2.0**-61, 2.0**20 + 2.0**30)),
    (OPERATORS[ast.Sub], (Y, X), Size(2.0**-61, 2.0**20 + 2.0**30)),
    (OPERATORS[ast.Mult], (X, Y), Size(2.0**-13, 2.0**50)),
    (OPERATORS[ast.Div], (X, Y), Size(2.0**-38, 2.0**25)),
    (OPERATORS[ast.Div], (Size(1.0, 1e199), UNIT), Size(1.0, 1e199)),
    (OPERATORS[ast.Div], (Size(1.0, limits.NUMBER**2), UNIT), Size(1.0, inf)),
    (OPERATORS[ast.Div], (UNIT, Size(0.0, 1.0)), Size(1.0, inf)),
    (OPERATORS[ast.FloorDiv], (X, Y), Size(2.0**-38, 2.0**25)),
    (OPERATORS[ast.FloorDiv], (Y, Size(2.0**-9, 2.0**-7)), Size(1.0, 2.0**39)),
    (OPERATORS[ast.Mod], (X, Y), Size(2.0**-68, 2.0**21 + 2.0**31)),
    (OPERATORS[ast.Mod], (Y, X), Size(2.0**-68, 2.0**38)),
    (OPERATORS[ast.Mod], (X, Size(2.0**-5, 2.0**70)), Size(2.0**-78, 2.0**71 + 2.0**21)),
    (NEGATE, (X,), X),
    (FUNCTIONS["safe_ratio"], (X, Y), Size(2.0**-38, 2.0**25)),
    (FUNCTIONS["percent_change"], (X, Y), Size(2.0**-91, (2.0**20 + 2.0**30) * 100 * 2**5)),
    (FUNCTIONS["percent_of"], (X, Y), Size(2.0**-38, 2.0**25 * 100)),
    (FUNCTIONS["round_to"], (X, Y), Size(2.0**-61, 2.0**21 + 2.0**31)),
    (FUNCTIONS["round_to"], (Y, X), Size(2.0**-58, 2.0**38)),
    (FUNCTIONS["round_to"], (Y, Size(2.0**-99, 2.0**9)), Size(2.0**-99, 2.0**129)),
    (FUNCTIONS["floor_to"], (X, Size(2.0**60, 2.0**70)), Size(2.0**-78, 2.0**71 + 2.0**21)),
    (FUNCTIONS["sum"], (X, Y, X), Size(2.0**-61, 2.0**21 + 2.0**30)),
    (FUNCTIONS["average"], (X, Y, X, X), Size(2.0**-63, 2.0**20 * 3 + 2.0**30)),
    (FUNCTIONS["scale"], (X, Y, UNIT), Size(2.0**-61 / (1 + 2.0**30), (2.0**20 + 2.0**30) * 2.0**58)),
    (FUNCTIONS["scale"], (X, Y, UNIT, X, Y), Size(2.0**-114 * limits.QUANTUM, (2.0**20 + 2.0**30) * 2.0**58)),
    (FUNCTIONS["scale"], (UNIT, UNIT, UNIT, Size(1.0, 2.0**200), UNIT), Size(2.0**-106 * limits.QUANTUM, 2.0**201 + 2)),
]


@pytest.mark.parametrize(("function", "sizes", "wanted"), SIZES, ids=lambda given: getattr(given, "name", ""))
def test_how_small_and_how_large_a_result_can_be(function: Function, sizes: Sequence[Size], wanted: Size) -> None:
    """Worked out by hand: too narrow a size would let an engine overflow, too wide a one costs a step."""
    form = next(f for f in reversed(function.forms) if callable(f.size) and f.fewest <= len(sizes) and len(sizes) <= (f.most or 9))
    assert callable(form.size) and form.size(*sizes) == wanted
