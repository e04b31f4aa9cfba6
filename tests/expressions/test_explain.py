"""The trace, the sentence and the nearest change."""

from typing import Any

import pytest

from server.errors import Text
from server.expressions.check import Checked, check
from server.expressions.explain import explain, sentence
from server.expressions.nearest import nearest
from server.expressions.types import BOOLEAN, INTEGER, NUMBER, TEXT, Name, Scope
from tests.expressions.engines import UTC_NOON

LEVELS = {"high": Text("高", "High"), "low": Text("低", "Low")}
SCOPE = Scope(
    {
        "orders": Name(INTEGER),
        "change": Name(NUMBER, title=Text("变化率", "change")),
        "stage": Name(TEXT),
        "level": Name(TEXT, options=tuple(LEVELS), words=LEVELS),
        "held": Name(BOOLEAN),
    }
)
TITLES = {"orders": Text("近90天订单数", "orders in 90 days"), "stage": Text("阶段", "stage")}
VALUES = {"orders": 11, "change": -81.8181, "stage": "active", "level": "high", "held": None}


def checked_of(source: str) -> Checked:
    checked, problems = check(source, SCOPE)
    assert checked is not None, problems
    return checked


def test_trace_has_every_part_with_its_place() -> None:
    source = "orders >= 4 and change / 0 > 2"
    trace = explain(checked_of(source), VALUES, UTC_NOON)
    assert (trace.value, trace.text) == (None, source)
    first, second = trace.children
    assert (first.text, first.value, first.children[0].name, first.children[0].value) == ("orders >= 4", True, "orders", 11)
    division = second.children[0]
    assert division.value is None and division.cause == Text("除数为零", "division by zero")
    assert source[division.start : division.end] == division.text == "change / 0"
    assert second.cause is None  # the null began further down


def test_trace_says_where_data_is_missing() -> None:
    trace = explain(checked_of("coalesce(held, False)"), VALUES, UTC_NOON)
    assert trace.value is False and trace.children[0].cause == Text("没有数据", "no data")


@pytest.mark.parametrize(
    ("source", "zh", "en"),
    [
        ("orders >= 4 and change <= -40", "近90天订单数为 11（≥ 4），且变化率为 -81.82（≤ -40）", "orders in 90 days is 11 (≥ 4) and change is -81.82 (≤ -40)"),
        ("orders >= 40 or stage == 'active'", "阶段为 active（= active）", "stage is active (= active)"),
        ("orders >= 40 and stage == 'active'", "近90天订单数为 11（≥ 40，不满足）", "orders in 90 days is 11 (≥ 40, not met)"),
        ("not (orders > 20)", "近90天订单数为 11（≤ 20）", "orders in 90 days is 11 (≤ 20)"),
        ("20 > orders", "近90天订单数为 11（< 20）", "orders in 90 days is 11 (< 20)"),
        ("'low' if orders > 3 else 'high'", "low，因为近90天订单数为 11（> 3）", "low, because orders in 90 days is 11 (> 3)"),
        ("stage in ['new', 'active']", "阶段为 active（属于 new、active）", "stage is active (one of new, active)"),
        ("level == 'high'", "level为 高", "level is High"),
        ("level != 'high'", "level为 高（≠ 高，不满足）", "level is High (≠ High, not met)"),
        ("one_of(level, 'low') or level in ['low', 'high']", "level为 高（属于 低、高）", "level is High (one of Low, High)"),
        ("held", "held为 无数据", "held is unknown"),
    ],
)
def test_sentence(source: str, zh: str, en: str) -> None:
    checked = checked_of(source)
    assert sentence(checked, TITLES, VALUES, "zh_CN") == zh
    assert sentence(checked, TITLES, VALUES, "en") == en


@pytest.mark.parametrize(
    ("source", "changes"),
    [
        ("orders >= 4", []),
        ("orders <= 4", ["orders ≤ 4"]),
        ("not (orders > 4)", ["orders ≤ 4"]),
        ("orders <= 4 and change > 0", ["orders ≤ 4", "change > 0"]),
        ("orders <= 10 or orders > 1000", ["orders ≤ 10"]),
        ("held or orders < 5", ["orders < 5"]),
        ("stage == 'lost'", ["stage = lost"]),
        ("change + 1 > 3", None),
    ],
)
def test_nearest_change(source: str, changes: Any) -> None:
    checked = checked_of(source)
    found = nearest(checked, VALUES, UTC_NOON)
    assert (None if found is None else [c.text({}, "en") for c in found]) == changes
    for change in found or ():
        if isinstance(change.wanted, int | float) and change.symbol in "≤≥=":
            assert change.value != change.wanted
