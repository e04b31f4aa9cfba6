"""Small parts that nothing else comes by."""

import ast
from dataclasses import replace
from datetime import UTC, date, datetime
from math import inf, nextafter
from zoneinfo import ZoneInfo

import pytest

from server.errors import Problem, Text
from server.expressions import language
from server.expressions.check import check
from server.expressions.complaints import unknown_name
from server.expressions.evaluate import evaluate
from server.expressions.explain import sentence
from server.expressions.function import Function, by_alias, by_name
from server.expressions.messages import forbidden
from server.expressions.numbers import bounds_of_equal, key
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
    assert hint is not None and "a1, b1" in hint.en


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
