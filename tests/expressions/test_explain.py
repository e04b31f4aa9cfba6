"""The trace, the sentence and the nearest change."""

import random

import pytest

from server.errors import Text
from server.expressions.check import Checked, check
from server.expressions.explain import cause_of, explain, sentence
from server.expressions.functions.change import EXAMPLE_SCOPE, EXAMPLE_VALUES, NO_EARLIER
from server.expressions.types import BOOLEAN, INTEGER, NUMBER, TEXT, Name, Scope
from tests.expressions.engines import UTC_NOON
from tests.expressions.generate import SCOPE as EVERYTHING
from tests.expressions.generate import Maker, rows

LEVELS = {"high": Text("高", "High"), "low": Text("低", "Low")}
SCOPE = Scope(
    {
        "orders": Name(INTEGER),
        "change": Name(NUMBER, title=Text("变化率", "change")),
        "stage": Name(TEXT),
        "level": Name(TEXT, options=tuple(LEVELS), words=LEVELS),
        "held": Name(BOOLEAN),
        "spare": Name(NUMBER),
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
        ("one_of(level, 'low', 'high')", "level为 高（属于 低、高）", "level is High (one of Low, High)"),
        ("not one_of(stage, 'new')", "阶段为 active（不属于 new）", "stage is active (none of new)"),
        ("not one_of(orders, 11, 12)", "近90天订单数为 11（不属于 11、12，不满足）", "orders in 90 days is 11 (none of 11, 12, not met)"),
        ("held", "held为 无数据", "held is unknown"),
    ],
)
def test_sentence(source: str, zh: str, en: str) -> None:
    checked = checked_of(source)
    assert sentence(checked, TITLES, VALUES, "zh_CN") == zh
    assert sentence(checked, TITLES, VALUES, "en") == en


@pytest.mark.parametrize(
    ("source", "place", "zh", "en"),
    [
        ("orders + spare", "spare", "spare 没有数据", "spare: no data"),
        ("orders > 3 and change / (orders - 11) > 2", "change / (orders - 11)", "除数为零", "division by zero"),
        ("sqrt(change)", "sqrt(change)", "负数没有平方根", "a negative number has no square root"),
        ("spare if orders > 3 else sqrt(change)", "spare", "spare 没有数据", "spare: no data"),
        ("sqrt(change) if held else None", "None", "写的就是空值", "null is written here"),
        ("case(orders < 3, 1, spare > 2, 2)", "case(orders < 3, 1, spare > 2, 2)", "没有一个条件成立", "none of the conditions holds"),
        ("case(orders < 3, 1, spare)", "spare", "spare 没有数据", "spare: no data"),
        ("case(orders > 3, spare, 1)", "spare", "spare 没有数据", "spare: no data"),
        ("change * 1e80 * 1e80", "change * 1e80 * 1e80", "结果超出范围", "the result is out of range"),
        ("change < 0 and (held or spare > 1)", "held", "held 没有数据", "held: no data"),
        ("orders > 3", None, "", ""),
    ],
)
def test_where_a_null_began(source: str, place: str | None, zh: str, en: str) -> None:
    trace = explain(checked_of(source), VALUES, UTC_NOON)
    cause = cause_of(trace)
    assert (cause is None) is (place is None)
    if cause is not None:
        assert (cause.text, cause.reason) == (place, Text(zh, en))
        assert source[cause.start : cause.end] == place


@pytest.mark.parametrize("seed", range(4))
def test_every_null_has_a_cause_at_a_place(seed: int) -> None:
    chance = random.Random(seed)
    maker = Maker(chance.randrange)
    some = rows(20, seed)
    for _ in range(150):
        source = maker.make(chance.choice(("boolean", "number", "integer", "text", "date")), 3)
        checked, _problems = check(source, EVERYTHING)
        if checked is None:
            continue
        for row in some[:8]:
            trace = explain(checked, row, UTC_NOON)
            cause = cause_of(trace)
            assert (cause is None) is (trace.value is not None), source
            if cause is not None:
                assert source[cause.start : cause.end].strip() and cause.reason.zh and cause.reason.en


def test_a_value_that_was_not_there_before_has_its_cause() -> None:
    checked, _ = check("previous(held) or amount > previous(amount)", EXAMPLE_SCOPE)
    assert checked is not None
    first, second = explain(checked, EXAMPLE_VALUES, UTC_NOON).children
    assert (first.value, first.cause) == (None, NO_EARLIER)
    assert [part.value for part in second.children] == [160.0, 100.0]
