"""Red metrics, values, periods."""

from datetime import date

import pytest

from server.errors import Problem, Text
from server.features.reviews.engine import Period, before, is_red, metric_value, period_named, period_of
from server.features.reviews.kind import Metric, Sum


@pytest.mark.parametrize(
    ("value", "target", "better", "red"),
    [
        (10.0, 10, "lower", False),
        (10.1, 10, "lower", True),
        (10.04, 10, "lower", False),  # as it is shown: 10.0
        (9.9, 10, "higher", True),
        (10.0, 10, "higher", False),
        (None, 10, "lower", False),
        (None, 10, "higher", False),
    ],
)
def test_red(value: float | None, target: float, better: str, red: bool) -> None:
    assert is_red(value, target, better, 1) is red


def metric(denominator: bool) -> Metric:
    one = Sum("customer", "count")
    return Metric("m", Text("m", "m"), one, one if denominator else None, 100, 1, "%", 5, "lower")


@pytest.mark.parametrize(
    ("numerator", "denominator", "value"),
    [(1, 8, 12.5), (0, 8, 0.0), (None, 8, 0.0), (1, 0, None), (1, None, None), (None, None, None), (1, 3, 33.3)],
)
def test_value(numerator: float | None, denominator: float | None, value: float | None) -> None:
    assert metric_value(metric(True), numerator, denominator) == value


def test_value_without_denominator() -> None:
    assert metric_value(metric(False), 3, None) == 300
    assert metric_value(metric(False), None, None) is None


@pytest.mark.parametrize(
    ("cadence", "day", "period"),
    [
        ("month", "2026-12-31", Period("2026-12", date(2026, 12, 1), date(2026, 12, 31))),
        ("month", "2028-02-10", Period("2028-02", date(2028, 2, 1), date(2028, 2, 29))),
        ("quarter", "2026-03-31", Period("2026-Q1", date(2026, 1, 1), date(2026, 3, 31))),
        ("quarter", "2026-10-01", Period("2026-Q4", date(2026, 10, 1), date(2026, 12, 31))),
        ("year", "2026-06-01", Period("2026", date(2026, 1, 1), date(2026, 12, 31))),
    ],
)
def test_periods(cadence: str, day: str, period: Period) -> None:
    assert period_of(cadence, date.fromisoformat(day)) == period
    assert period_named(cadence, period.key) == period


def test_the_period_before() -> None:
    assert before("quarter", period_of("quarter", date(2026, 1, 5))).key == "2025-Q4"
    assert before("month", period_of("month", date(2026, 3, 31))).key == "2026-02"


@pytest.mark.parametrize("key", ["2026-13", "2026-Q5", "26-01", "2026", "", "٢٠٢٦-01", "2026-1", "x" * 500])
def test_bad_periods(key: str) -> None:
    assert isinstance(period_named("month", key), Problem)
