"""The line a rule draws, and the parts it is made of, read off its condition."""

import ast

import pytest

from server.features.alerts.why import Threshold, _parts, _threshold


def tree(source: str) -> ast.expr:
    return ast.parse(source, mode="eval").body


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("orders < 3", Threshold("<", 3)),
        ("3 > orders", Threshold("<", 3)),
        ("change <= -0.5 and orders < 3", Threshold("<", 3)),
        ("coalesce(orders, 0) >= 10", Threshold(">=", 10)),
        ("orders < -2.5", Threshold("<", -2.5)),
        ("orders < limit", None),
        ("1 < orders < 3", None),
        ("orders == True", None),
        ("other < 3", None),
    ],
)
def test_the_line_that_can_be_drawn(source: str, found: Threshold | None) -> None:
    assert _threshold(tree(source), "orders") == found


def test_a_condition_is_told_part_by_part() -> None:
    assert list(_parts(tree("a > 1 and (b or c) and (d and not e)"))) == ["a > 1", "b or c", "d", "not e"]
