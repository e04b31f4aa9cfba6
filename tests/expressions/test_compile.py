"""Generated functions give what the reference gives, also for values that no record should have."""

import random
import warnings
from collections import defaultdict
from dataclasses import replace
from datetime import UTC, date, datetime
from types import MappingProxyType
from typing import Any

import pytest

from server.expressions.check import check
from server.expressions.compile import compile_python
from server.expressions.evaluate import evaluate
from server.expressions.types import BOOLEAN, INTEGER, NUMBER, TEXT, Name, Scope
from tests.expressions.engines import SHANGHAI, UTC_NOON
from tests.expressions.generate import SCOPE, Maker, rows

ODD = (None, 2**80, -(2**63), 2**63 - 1, 2**49, 10**9, True, 5, 1.5, 1e300, 1e99, 1e-99, 1e-35, -1e-120, float("nan"), float("inf"), "", "3", "客户")
ODD += (b"x", "2024-02-30", "2024-02-29", date(2024, 2, 29), datetime(2024, 2, 29, 23), datetime(2024, 2, 29, tzinfo=UTC), [], ["a"], '["a"]', {}, object())
NEVER_NULL = replace(SCOPE, names={name: Name(known.type, nullable=False) for name, known in SCOPE.names.items()})


@pytest.mark.parametrize("scope", [SCOPE, NEVER_NULL], ids=["may be null", "never null"])
def test_odd_values_come_out_as_in_the_reference(scope: Scope) -> None:
    chance = random.Random(11)
    maker = Maker(chance.randrange)
    plain = rows(40, 3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # Python warns of some sources that are right by chance
        for _ in range(250):
            source = maker.make(chance.choice(("boolean", "number", "integer", "text", "date", "datetime")), 3)
            checked, problems = check(source, scope)
            assert checked is not None, (source, problems)
            run = compile_python(checked)
            for _ in range(12):
                row = dict(chance.choice(plain))
                for name in sorted(checked.names):
                    if chance.random() < 0.3:
                        row[name] = chance.choice(ODD)
                    elif chance.random() < 0.1:
                        del row[name]
                at = chance.choice((UTC_NOON, SHANGHAI))
                wanted, found = evaluate(checked, row, at), run(row, at)
                assert (found, type(found)) == (wanted, type(wanted)), (source, row)


@pytest.mark.parametrize(
    ("source", "values", "wanted"),
    [
        ("count_a + 1", {"count_a": 2**63 - 1}, None),
        ("count_a * count_b", {"count_a": 2**40, "count_b": 2**40}, None),
        ("count_a * 3 - count_b * 3", {"count_a": 5, "count_b": 4}, 3),
        ("count_a == 9007199254740993.0", {"count_a": 2**53 + 1}, True),
        ("count_a > 9007199254740992.0", {"count_a": 2**53 + 1}, False),
        ("count_a / count_b", {"count_a": 2**53 + 1, "count_b": 1}, float(2**53)),
        ("amount / 8 + count_a", {"amount": 4.0, "count_a": 2}, 2.5),
        ("amount / -4", {"amount": 2.0}, -0.5),
        ("amount / 1e-12", {"amount": 1e95}, None),
        ("0.0 * -1", {}, 0.0),
        ("(count_a if active else 2) + 0.5", {"active": False}, 2.5),
        ("((1 if held else 2) if active else 3) + amount", {"active": True, "held": False, "amount": 0.5}, 2.5),
        ("1 <= count_a <= 5 or held", {"count_a": None, "held": True}, True),
        ("1 <= count_a <= 5", {"count_a": 3}, True),
        ("5 > amount", {"amount": 3.0}, True),
        ("count_a < amount < 3", {"count_a": 5, "amount": None}, None),
        ("count_a < amount < 3", {"count_a": None, "amount": 4.0}, False),
        ("case(active and held, 1, active and count_a > 1, 2, active, 3, 4)", {"active": True, "held": None, "count_a": 1}, 3),
        ("case(active and held, 1, active, 2, active and held, 3)", {"active": False}, None),
        ("case(active, 1, held, 2) is None", {"active": None}, True),
        ("name in ['a', 'b']", {"name": None}, None),
        ("name not in ['a', 'b']", {"name": "c"}, True),
        ("None in [1, 2]", {}, None),
        ("amount in [1, 2.5]", {"amount": 2.5000000001}, True),
        ("coalesce(1, 2)", {}, 1),
        ("coalesce(amount, ratio, 3)", {"ratio": 2.0}, 2.0),
        ("None if active else None", {"active": True}, None),
        ("active and (held if held else None)", {"active": None}, None),
        ("active and (held if held else None)", {"active": False}, False),
        ("(active and sqrt(amount) > 1 and sqrt(ratio) > 1 and ln(amount) > 1) is None", {"active": True, "amount": 9.0, "ratio": -1.0}, True),
    ],
)
def test_value(source: str, values: dict[str, Any], wanted: Any) -> None:
    checked, problems = check(source, SCOPE)
    assert checked is not None, problems
    for given in (values, {name: values.get(name) for name in SCOPE.names}, MappingProxyType(values), defaultdict(lambda: None, values)):
        found = compile_python(checked)(given, UTC_NOON)
        assert (found, type(found)) == (wanted, type(wanted))
        assert evaluate(checked, given, UTC_NOON) == wanted


def test_long_and_deep_sources_are_no_trouble_for_python() -> None:
    """The nesting of what is generated stays within what Python's own parser takes."""
    scope = Scope({f"b{i}": Name(BOOLEAN) for i in range(200)} | {f"n{i}": Name(NUMBER) for i in range(120)} | {"i": Name(INTEGER), "t": Name(TEXT)})
    deep = "i"
    for n in range(28):
        deep = f"({deep} if b{n} else coalesce(n{n}, {n}))"
    for source in (
        " and ".join(f"b{i}" for i in range(200)),
        " or ".join(f"n{i} / n{i + 1} > 2" for i in range(80)),
        " + ".join(f"n{i}" for i in range(100)),
        "abs(" * 30 + "n1" + ")" * 30,
        "not " * 30 + "b1",
        "-" * 30 + "i",
        deep,
        "case(" + ", ".join(f"b1 and b2 and b3 and n{i} / 3 > {i}, '{i}'" for i in range(40)) + ", 'x')",
        f"({'case(' + ', '.join(f'b{i}, {i}' for i in range(49)) + ')'}) + 1",
    ):
        checked, problems = check(source, scope)
        assert checked is not None, (source[:60], problems)
        run = compile_python(checked)
        chance = random.Random(2)
        for _ in range(30):
            values: dict[str, Any] = {
                n: {"boolean": chance.random() < 0.8, "number": chance.uniform(-3, 3), "integer": chance.randrange(9), "text": "a"}[k.type.name]
                for n, k in scope.names.items()
                if chance.random() < 0.9
            }
            assert run(values, UTC_NOON) == evaluate(checked, values, UTC_NOON), source


def test_texts_never_become_source() -> None:
    checked, _ = check("concat(name, '\"); import os; (\"', '{0} {rest}') == '__import__(1)'", SCOPE)
    assert checked is not None
    assert compile_python(checked)({"name": "x"}, UTC_NOON) is False
