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
from server.expressions.pywriter import PythonWriter
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
        ("(active and None in [1, 2]) is None", {"active": True}, True),
        ("active and None in [1, 2]", {"active": True}, None),
        ("active and None in [1, 2]", {"active": False}, False),
        ("active or None in [1, 2]", {"active": None}, None),
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


def computing(source: str) -> str:
    """The generated lines but those that read a value."""
    checked, problems = check(source, SCOPE)
    assert checked is not None, problems
    found: list[str] = []
    inside = 99
    for line in PythonWriter(checked, lambda values, at: None).write().splitlines()[2:-2]:
        depth = len(line) - len(line.lstrip())
        if depth > inside or "= values[" in line:
            continue
        inside = depth if ".__class__ is not" in line or line.strip() == "if True:" else 99
        if inside == 99:
            found.append(line[8:])
    return "\n".join(found)


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        (
            "amount + ratio * 2",
            [
                "return (v2 + (v5 * 2.0)) + 0.0",
            ],
        ),
        (
            "count_a + 1 > amount",
            [
                "return (((float(v5 + 1)) * 1000000000.0 + 0.5) // 1.0) > ((v2 * 1000000000.0 + 0.5) // 1.0)",
            ],
        ),
        (
            "(1.5 if active else 2.5) + amount",
            [
                "return ((1.5 if v5 else 2.5) + v2) + 0.0",
            ],
        ),
        (
            "(1 if active else count_a) + amount",
            [
                "if v5:",
                "    v10 = 1.0",
                "else:",
                "    v10 = None if v8 is None else (float(v8))",
                "return None if v10 is None else ((v10 + v2) + 0.0)",
            ],
        ),
        (
            "amount / 8 + count_a / 3",
            [
                "return ((v2 * 0.125) + (v5 / 3.0)) + 0.0",
            ],
        ),
        (
            "0.1 < amount <= 5 and active",
            [
                "if v2 is not None and not ((v2 >= 0.1000000005) and (v2 < 5.0000000005)): return False",
                "return False if v5 is False else None if v2 is None or v5 is None else True",
            ],
        ),
        (
            "not (amount == 3) or held",
            [
                "if v2 is not None and (not (2.9999999995 <= v2 < 3.0000000005)): return True",
                "return True if v5 else None if v2 is None or v5 is None else False",
            ],
        ),
        (
            "name in ['a', 'b'] and active",
            [
                "if v2 is not None and not (v2 in k4): return False",
                "return False if v6 is False else None if v2 is None or v6 is None else True",
            ],
        ),
        (
            "case(active and held, 1, active, 2, 3)",
            [
                "if (v2):",
                "    if (v5):",
                "        return 1",
                "    return 2",
                "return 3",
            ],
        ),
        (
            "coalesce(amount, ratio, 0) > 3",
            [
                "v7 = v2 if v2 is not None else v5",
                "return (v7 if v7 is not None else 0.0) >= 3.0000000005",
            ],
        ),
        (
            "previous(amount) > previous(amount) / 2",
            [
                "v8 = k7(v2, v5)",
                "v10 = k9(v2, v5)",
                "return None if v8 is None or v10 is None else (((v8 * 1000000000.0 + 0.5) // 1.0) > (((v10 * 0.5) * 1000000000.0 + 0.5) // 1.0))",
            ],
        ),
        (
            "is_empty(name) or name == 'x'",
            [
                "v4 = not v2",
                "return True if v4 or v2 == k5 else None if v4 is None or v2 is None else False",
            ],
        ),
        (
            "min(count_a, count_b) if sqrt(amount) > 1 else length(name)",
            [
                "v5 = None if v2 is None else (k4(v2))",
                "if (v5 is not None and (v5 >= 1.0000000005)):",
                "    return None if v7 is None or v10 is None else (v10 if v10 < v7 else v7)",
                "return None if v13 is None else (k15(v13))",
            ],
        ),
        (
            "amount > 1 and ratio > 2 and active",
            [
                "if v2 is not None and not (v2 >= 1.0000000005): return False",
                "if v5 is not None and not (v5 >= 2.0000000005): return False",
                "return False if v8 is False else None if v2 is None or v5 is None or v8 is None else True",
            ],
        ),
        (
            "amount ** 2 > 4",
            [
                "v5 = k4(v2, 2.0)",
                "return None if v5 is None else (v5 >= 4.0000000005)",
            ],
        ),
        (
            "(active and sqrt(amount) > 1) is None",
            [
                "if v2 is False: v9 = False",
                "else:",
                "    v8 = None if v5 is None else (k7(v5))",
                "    v9 = False if v8 is not None and not (v8 >= 1.0000000005) else None if v2 is None or v8 is None else True",
                "return v9 is None",
            ],
        ),
        (
            "count_a * 2 in [2, 4]",
            [
                "return None if v2 is None else ((v2 * 2) in k4)",
            ],
        ),
        (
            "clamp(amount, 0, 10) + 1",
            [
                "return ((10.0 if v2 > 10.0 or 0.0 > 10.0 else 0.0 if 0.0 > v2 else v2) + 1.0) + 0.0",
            ],
        ),
        (
            "case(active and held, 1, 2)",
            [
                "if (v2) and (v5):",
                "    return 1",
                "return 2",
            ],
        ),
        (
            "case(active, 1, active, 2, held, 3)",
            [
                "if (v2):",
                "    return 1",
                "if (v5):",
                "    return 3",
                "return None",
            ],
        ),
        (
            "active and held and active",
            [
                "if v2 is False: return False",
                "return False if v5 is False or v2 is False else None if v2 is None or v5 is None else True",
            ],
        ),
        (
            "0 < count_a < count_b",
            [
                "v7 = False if v2 is not None and not (0 < v2) or v2 is not None and v5 is not None and not (v2 < v5)"
                " else None if v2 is None or v5 is None else True",
                "return v7",
            ],
        ),
        (
            "amount == 3 or ratio != 4",
            [
                "if v2 is not None and (2.9999999995 <= v2 < 3.0000000005): return True",
                "return True if v5 is not None and (not (3.9999999995 <= v5 < 4.0000000005)) else None if v2 is None or v5 is None else False",
            ],
        ),
        (
            "1 if count_a > 1 else 2.5",
            [
                "if (v2 is not None and (v2 > 1)):",
                "    return 1.0 + 0.0",
                "return 2.5 + 0.0",
            ],
        ),
        (
            "year(created_at) > 2000",
            [
                "v4 = moment_date(at, v2)",
                "return None if v4 is None else ((k5(v4)) > 2000)",
            ],
        ),
        (
            "amount * ratio * amount",
            [
                "v7 = (v2 * v5) * v2",
                "v8 = v7 if 1.0295115178936058e-84 <= v7 < 1e+100 or v7 == 0.0 or -1e+100 < v7 <= -1.0295115178936058e-84 else settle(v7)",
                "return None if v8 is None else (v8 + 0.0)",
            ],
        ),
        (
            "+count_a + 1",
            [
                "return v2 + 1",
            ],
        ),
        (
            "name == 'x' and active",
            [
                "if v2 is not None and not (v2 == k4): return False",
                "return False if v6 is False else None if v2 is None or v6 is None else True",
            ],
        ),
        (
            "count_a * count_b > 5",
            [
                "v7 = t if -1073741823 <= (t := v2 * v5) <= 1073741823 else checked(t)",
                "return None if v7 is None else (v7 > 5)",
            ],
        ),
        (
            "2 * count_a - count_b / 4",
            [
                "return ((2 * v2) - (v5 * 0.25)) + 0.0",
            ],
        ),
        (
            "amount / 3 > 1",
            [
                "return (v2 / 3.0) >= 1.0000000005",
            ],
        ),
        (
            "amount / -2.0 + amount / 1e10",
            [
                "return ((v2 * (-0.5)) + (v2 / 10000000000.0)) + 0.0",
            ],
        ),
        (
            "coalesce(name, 'a') == 'b'",
            [
                "return (v2 if v2 is not None else k4) == k5",
            ],
        ),
        (
            "band(amount, 1, 2)",
            [
                "return k4(v2, 1.0, 2.0)",
            ],
        ),
        (
            "min(amount, ratio, count_a) < 5",
            [
                "v10 = v8 if v8 < v2 else v2",
                "v11 = float(v5)",
                "return (v11 if v11 < v10 else v10) < 4.9999999995",
            ],
        ),
        (
            "amount in [1, 2]",
            [
                "v5 = k4(v2, 1.0, 2.0)",
                "return v5",
            ],
        ),
        (
            "not (name in ['a'])",
            [
                "return None if v2 is None else (not (v2 in k4))",
            ],
        ),
        (
            "count_a in [1, 2] or active",
            [
                "if v2 in k4: return True",
                "return True if v6 else None if v2 is None or v6 is None else False",
            ],
        ),
        (
            "None in [1] or active",
            [
                "if False: return True",
                "return True if v3 else None if True else False",
            ],
        ),
        (
            "5 >= count_a",
            [
                "return 5 >= v2",
            ],
        ),
        (
            "4503599627370496.0 < count_a",
            [
                "return (float(v2)) >= 4503599627370497.0",
            ],
        ),
        (
            "count_a is None and not (active is None)",
            [
                "if not (v2 is None): return False",
                "return False if not (not (v5 is None)) else True",
            ],
        ),
        (
            "active if held else amount > 3",
            [
                "if (v2):",
                "    return v5",
                "return None if v8 is None else (v8 >= 3.0000000005)",
            ],
        ),
        (
            "case(active, amount, held, count_a)",
            [
                "if (v2):",
                "    return None if v5 is None else (v5 + 0.0)",
                "if (v8):",
                "    return None if v11 is None else ((float(v11)) + 0.0)",
                "return None",
            ],
        ),
        (
            "add_days(ordered_on, 1) > today()",
            [
                "v5 = k4(v2, 1)",
                "return None if v5 is None else (v5 > (k6(at)))",
            ],
        ),
    ],
)
def test_python_has_the_least_to_do(source: str, lines: list[str]) -> None:
    """What the generated function looks like: nothing is read, tested or put aside that need not be."""
    assert computing(source).splitlines() == lines


@pytest.mark.parametrize("source", ["(amount if active else 1) + (amount if held else 2) > 3", "case(active, amount, held, amount * 2, amount * 3)"])
def test_a_value_is_read_once(source: str) -> None:
    checked, _ = check(source, SCOPE)
    assert checked is not None
    assert PythonWriter(checked, lambda values, at: None).write().count("= values[") == len(checked.names)


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
