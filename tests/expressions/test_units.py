"""Declared units: sums and comparisons of different ones are warned of, whatever passes a value on passes its unit on."""

import pytest

from server.errors import Text
from server.expressions.check import check
from server.expressions.types import DATE, NUMBER, TEXT, Name, Scope
from server.expressions.units import unit_problems

SCOPE = Scope(
    {
        "amount": Name(NUMBER, unit="CNY"),
        "customer.limit": Name(NUMBER, unit="CNY"),
        "late": Name(NUMBER, unit="days"),
        "share": Name(NUMBER, unit="%"),
        "plain": Name(NUMBER),
        "due": Name(DATE),
        "tier": Name(TEXT),
    }
)


@pytest.mark.parametrize(
    "source",
    [
        "amount > 100",
        "amount > customer.limit * 1.5",
        "amount + plain > 3",
        "amount / customer.limit > share / 100",
        "late > days_between(due, today())",
        "amount * late > late * amount",
        "coalesce(amount, 0) <= customer.limit",
        "amount is None or late > 3",
        "(amount if tier == 'A' else customer.limit) >= amount",
        "amount in [1, 2, customer.limit]",
        "-amount < customer.limit and not (late > 2)",
        "amount ** 2 > late",
    ],
)
def test_what_fits(source: str) -> None:
    checked, problems = check(source, SCOPE)
    assert checked is not None, problems
    assert unit_problems(checked) == ()


@pytest.mark.parametrize(
    ("source", "place"),
    [
        ("amount > late", "amount > late"),
        ("plain == 1 and amount - late > 3", "amount - late"),
        ("coalesce(amount, 0) < late", "coalesce(amount, 0) < late"),
        ("amount in [1, late]", "amount in [1, late]"),
        ("0 < amount < share", "0 < amount < share"),
        ("amount * 2 > late / 7", "amount * 2 > late / 7"),
        ("1 if amount > late else 2", "amount > late"),
        ("abs(amount + late) > 1", "amount + late"),
        ("case(tier == 'A', late, tier == 'B', late) > share", "case(tier == 'A', late, tier == 'B', late) > share"),
    ],
)
def test_what_does_not(source: str, place: str) -> None:
    checked, problems = check(source, SCOPE)
    assert checked is not None, problems
    [problem] = unit_problems(checked)
    assert (problem.path, problem.severity, problem.code, source[problem.start : problem.end]) == ("", "warning", "unit", place)


def test_what_is_told_of_two_units() -> None:
    checked, _ = check("amount > late", SCOPE)
    assert checked is not None
    [problem] = unit_problems(checked)
    assert problem.message == Text("单位不同：CNY、days", "Different units: CNY, days")
    assert problem.hint == Text("先换算成同一单位，或改正字段的单位", "Convert one of them, or correct the unit of the field")
