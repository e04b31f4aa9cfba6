"""The nearest change that makes a condition hold: as a person would say it, and true when it is made."""

import random
from datetime import UTC, date, datetime
from typing import Any

import pytest

from server.errors import Text
from server.expressions.check import Checked, check
from server.expressions.evaluate import evaluate
from server.expressions.nearest import nearest, suffice
from server.expressions.types import BOOLEAN, DATE, DATETIME, INTEGER, NUMBER, TEXT, TEXTS, Name, Scope, Type
from tests.expressions.engines import UTC_NOON
from tests.expressions.generate import SCOPE as EVERYTHING
from tests.expressions.generate import Maker, rows

SCOPE = Scope(
    {
        "orders": Name(INTEGER),
        "visits": Name(INTEGER),
        "change": Name(NUMBER),
        "spare": Name(NUMBER),
        "fraction": Name(NUMBER),
        "stage": Name(TEXT, options=("new", "active", "lost")),
        "note": Name(TEXT),
        "word": Name(TEXT),
        "held": Name(BOOLEAN),
        "fine": Name(BOOLEAN),
        "due_on": Name(DATE),
        "seen_at": Name(DATETIME),
        "lines": Name(TEXTS),
    }
)
VALUES: dict[str, Any] = {
    "orders": 11,
    "visits": 4,
    "change": -81.8181,
    "fraction": 0.25,
    "stage": "active",
    "note": "",
    "word": "b",
    "fine": False,
    "due_on": date(2024, 3, 1),
    "seen_at": datetime(2024, 3, 1, 12, tzinfo=UTC),
    "lines": ["tools"],
}


def checked_of(source: str) -> Checked:
    checked, problems = check(source, SCOPE)
    assert checked is not None, problems
    return checked


@pytest.mark.parametrize(
    ("source", "changes"),
    [
        ("orders >= 4", []),
        ("orders <= 4", ["orders ≤ 4"]),
        ("orders < 4", ["orders < 4"]),
        ("orders == 4", ["orders = 4"]),
        ("orders != 11", ["orders ≠ 11"]),
        ("20 < orders", ["orders > 20"]),
        ("not (orders > 4)", ["orders ≤ 4"]),
        ("orders <= 4 and change > 0", ["orders ≤ 4", "change > 0"]),
        ("orders <= 10 or orders > 1000", ["orders ≤ 10"]),
        ("held or orders < 5", ["orders < 5"]),
        ("held or fine", ["fine = yes"]),
        ("not (orders > 4 or held) or visits > 40 and change > 3 and orders > 100", ["orders ≤ 4", "held = no"]),
        ("(orders <= 4 and change > 0) or visits > 400", ["visits > 400"]),
        ("stage == 'lost'", ["stage = lost"]),
        ("stage != 'active'", ["stage ≠ active"]),
        ("'lost' == stage", ["stage = lost"]),
        ("note > 'a'", ["note > a"]),
        ("note >= 'a'", ["note ≥ a"]),
        ("note < ''", None),
        ("word < 'a'", ["word < a"]),
        ("change + 1 > 3", ["change > 2"]),
        ("2 * change - 4 >= 6", ["change ≥ 5"]),
        ("10 - change < 3", ["change > 7"]),
        ("orders - visits > 10", ["orders > 14"]),
        ("orders / 2 >= 10", ["orders ≥ 20"]),
        ("orders * 3 > 100", ["orders ≥ 34"]),
        ("orders * 3 < 10", ["orders ≤ 3"]),
        ("orders * 2 == 5", None),
        ("-orders >= -4", ["orders ≤ 4"]),
        ("+orders <= 4", ["orders ≤ 4"]),
        ("change / 3 > 1", ["change > 3"]),
        ("change * 3 > 1", ["change > 0.33"]),
        ("change * 3 < -1000", ["change < -333.33"]),
        ("change * change < 0", None),
        ("orders * 0 > 1", None),
        ("3 / orders > 1", None),
        ("orders > visits * 3", ["orders > 12"]),
        ("coalesce(spare, 0) > 3", ["spare > 3"]),
        ("spare > 3", ["spare > 3"]),
        ("orders > spare", ["spare < 11"]),
        ("15 <= orders <= 20", ["orders ≥ 15"]),
        ("15 <= orders < visits", None),
        ("not (10 <= orders <= 20)", ["orders < 10"]),
        ("between(orders, 1, 5)", ["orders ≤ 5"]),
        ("not between(orders, 1, 15)", ["orders > 15"]),
        ("stage in ['lost', 'new']", ["stage = lost"]),
        ("orders in [1, 9, 30]", ["orders = 9"]),
        ("stage not in ['active', 'new']", ["stage ≠ active"]),
        ("orders not in [11, 12]", ["orders ≠ 11"]),
        ("one_of(stage, 'lost')", ["stage = lost"]),
        ("not one_of(note, '')", ["note ≠ "]),
        ("not one_of(fine, False)", ["fine ≠ no"]),
        ("not one_of(due_on, date(2024, 3, 1))", None),
        ("length(note) in [1]", None),
        ("has(lines, 'safety')", ["lines has safety"]),
        ("'tools' not in lines", ["lines does not have tools"]),
        ("has(lines, note)", ["note = tools"]),
        ("is_empty(stage)", ["stage is empty"]),
        ("stage is None", ["stage is empty"]),
        ("held is not None", ["held has a value"]),
        ("not is_empty(note)", ["note has a value"]),
        ("spare is not None", ["spare has a value"]),
        ("(orders + 1) is None", None),
        ("due_on > date(2024, 5, 1)", ["due_on > 2024-05-01"]),
        ("due_on == date(2024, 5, 1)", ["due_on = 2024-05-01"]),
        ("due_on > date(9999, 12, 31)", None),
        ("seen_at >= now()", ["seen_at ≥ 2024-03-15 10:30"]),
        ("fine == True", ["fine = yes"]),
        ("fine != False", ["fine = yes"]),
        ("(orders > 20) if fine else (orders > 30)", ["orders > 30"]),
        ("held if fine else False", None),
        ("True if fine else orders > 1000000", ["fine = yes"]),
        ("orders > 100 or orders > 10000", ["orders > 100"]),
        ("contains(note, 'x')", None),
        ("False", None),
        # what is near: a month is as far as twice a number, a text is as far as that too
        ("due_on >= date(2024, 3, 31) or change >= -1", ["change ≥ -1"]),
        ("due_on >= date(2024, 3, 30) or change >= -1", ["due_on ≥ 2024-03-30"]),
        ("seen_at >= moment(date(2024, 3, 31), 12, 0) or change >= -0.0005", ["change ≥ -0.0005"]),
        ("seen_at >= moment(date(2024, 3, 31), 11, 59) or change >= -0.0005", ["seen_at ≥ 2024-03-31 11:59"]),
        ("change >= 40 or stage == 'lost'", ["stage = lost"]),
        ("change >= 40 or is_empty(stage)", ["stage is empty"]),
        ("change >= 40 or has(lines, 'safety')", ["lines has safety"]),
        ("change >= 40 or held is not None", ["held has a value"]),
        ("is_empty(stage) or change >= -1", ["change ≥ -1"]),
        ("has(lines, 'safety') or change >= -1", ["change ≥ -1"]),
        ("held is not None or change >= -1", ["change ≥ -1"]),
        ("stage == 'lost' or change >= -1", ["change ≥ -1"]),
        ("fraction >= 1.2 or change >= -1", ["fraction ≥ 1.2"]),
        ("fraction >= 1.4 or change >= -1", ["change ≥ -1"]),
        ("-(orders + 1) >= -4", ["orders ≤ 3"]),
        ("+(orders + 1) <= 4", ["orders ≤ 3"]),
    ],
)
def test_nearest_change(source: str, changes: Any) -> None:
    checked = checked_of(source)
    found = nearest(checked, VALUES, UTC_NOON)
    assert (None if found is None else [c.text({}, "en") for c in found]) == changes
    assert found is None or suffice(checked, VALUES, UTC_NOON, found)


def test_what_is_nearly_whole_is_told_as_whole() -> None:
    """0.3 / 0.1 is 2.9999999999999996, which nobody means."""
    (change,) = nearest(checked_of("change * 0.1 == 0.3"), VALUES, UTC_NOON) or ()
    assert (change.wanted, change.example) == (3.0, 3.0)


@pytest.mark.parametrize("kind", [TEXT, INTEGER, NUMBER, BOOLEAN, DATE, DATETIME, TEXTS], ids=str)
def test_of_every_type_there_is_an_example(kind: Type) -> None:
    checked, _ = check("x is not None", Scope({"x": Name(kind)}))
    assert checked is not None
    (change,) = nearest(checked, {"x": None}, UTC_NOON) or ()
    assert change.text({}, "en") == "x has a value" and suffice(checked, {"x": None}, UTC_NOON, [change])


def test_in_the_words_of_the_user() -> None:
    titles = {"orders": Text("近90天订单数", "orders in 90 days"), "lines": Text("产品线", "product lines"), "stage": Text("阶段", "stage")}
    for source, zh, en in (
        ("orders > 20", "近90天订单数 > 20", "orders in 90 days > 20"),
        ("has(lines, 'x')", "产品线 包含 x", "product lines has x"),
        ("is_empty(stage)", "阶段为空", "stage is empty"),
    ):
        (change,) = nearest(checked_of(source), VALUES, UTC_NOON) or ()
        assert (change.text(titles, "zh_CN"), change.text(titles, "en")) == (zh, en)


@pytest.mark.parametrize("seed", range(5))
def test_making_the_change_makes_it_true(seed: int) -> None:
    """On random rules over random rows. Where one change is given, no other value moves."""
    chance = random.Random(seed)
    maker = Maker(chance.randrange)
    given = 0
    for _ in range(250):
        checked, _problems = check(maker.make("boolean", chance.choice((1, 2, 2, 3))), EVERYTHING)
        if checked is None:
            continue
        for row in rows(6, chance.randrange(10**6)):
            found = nearest(checked, row, UTC_NOON)
            if found is None:
                assert evaluate(checked, row, UTC_NOON) is not True
                continue
            assert (not found) is (evaluate(checked, row, UTC_NOON) is True)
            assert len({change.name for change in found}) == len(found)
            assert evaluate(checked, {**row, **{c.name: c.example for c in found}}, UTC_NOON) is True, (checked.source, row, found)
            assert all(c.text({}, "zh_CN") and c.text({}, "en") for c in found)
            given += bool(found)
    assert given > 100
