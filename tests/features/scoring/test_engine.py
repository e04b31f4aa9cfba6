"""Points, weights and missing policies, in Python and in SQL alike."""

import itertools
from typing import Any

import pytest
import sqlalchemy as sa

from server.expressions.types import INTEGER, NUMBER, TEXT, At, Name, Scope
from server.features.assessment.engine import NEVER
from server.features.objects.step import Step
from server.features.scoring.engine import coverage_of, points_of, steps, total_of
from server.features.scoring.kind import Factor, Score, parse
from server.storage.session import Database
from tests.features.assessing import a

BANDS = [{"op": ">=", "value": 10, "points": 0}, {"op": ">", "value": 2.6, "points": 35}, {"op": "==", "value": 0, "points": 70}, {"points": 100}]


def a_score(*policies: str, **more: Any) -> Score:
    factors = [
        {"key": f"f{i}", "value": name, "weight": weight, "bands": BANDS, "missing": policy}
        for i, (policy, name, weight) in enumerate(zip(policies, "xyz", (10, 5.5, 1)))
    ]
    return parse(a("score", "total", object="client", coverage_key="known", factors=factors, **more))


def a_factor(policy: str) -> Factor:
    return a_score(policy).factors[0]


@pytest.mark.parametrize(("value", "points"), [(11, 0), (10, 0), (9.99, 35), (2.6, 100), (2.61, 35), (0, 70), (-1, 100)])
def test_the_first_band_that_matches(value: float, points: float) -> None:
    assert points_of(a_factor("skip"), value).points == points


@pytest.mark.parametrize(("policy", "points", "weight"), [("neutral", 50, 10), ("worst", 100, 10), ("skip", 0, 0), ("block", None, 10)])
def test_missing(policy: str, points: float | None, weight: float) -> None:
    found = points_of(a_factor(policy), None)
    assert (found.points, found.weight, found.missing) == (points, weight, True)


def test_total_and_coverage() -> None:
    score = a_score("skip", "neutral", "worst")
    assert total_of(score, {"f0": 0, "f1": 5, "f2": 20}) == round((70 * 10 + 35 * 5.5) / 16.5, 1)
    assert total_of(score, {"f0": None, "f1": None, "f2": None}) == round((50 * 5.5 + 100) / 6.5, 1)
    assert coverage_of(score, {"f0": None, "f1": 1, "f2": None}) == round(5.5 / 16.5 * 100, 1)
    assert total_of(a_score("skip"), {"f0": None}) is None
    assert total_of(a_score("block", "skip"), {"f0": None, "f1": 1}) is None


@pytest.mark.parametrize("policies", list(itertools.product(("neutral", "worst", "skip", "block"), repeat=2)))
def test_sql_gives_the_same(database: Database, policies: tuple[str, str]) -> None:
    score = a_score(*policies, "skip")
    scope = Scope({"x": Name(NUMBER), "y": Name(INTEGER), "z": Name(NUMBER), "t": Name(TEXT)})
    made = steps(score, scope)
    values = [None, -1, 0, 2.6, 2.6000004, 2.6000006, 10]
    with database.read() as connection:
        for x, y in itertools.product(values, [None, 0, 3, 10]):
            row = {"x": x, "y": y, "z": None, "t": None}
            expected = run(made, row, NEVER)
            columns: dict[str, Any] = {k: sa.literal(v, sa.BigInteger() if k == "y" else sa.Double()) for k, v in row.items()}
            for step in made:
                columns[step.name] = step.sql(columns)
            found = connection.execute(sa.select(columns["total"].label("a"), columns["known"].label("b"))).one()
            assert tuple(found) == (expected["total"], expected["known"]), (x, y)


def run(made: tuple[Step, ...], row: dict[str, Any], at: At) -> dict[str, Any]:
    values = dict(row)
    for step in made:
        values[step.name] = step.value(values, at)
    return values
