"""Each conclusion on its own, and the suggested limit."""

from datetime import date

import pytest

from server.errors import Text
from server.features.reports.engine import RULES, CustomerFigures, Figures, conclude, conclude_customer, suggested_limit

DAY = date(2026, 3, 10)
CAUSE = Text("流程", "Process")


@pytest.mark.parametrize(
    ("figures", "keys"),
    [
        (Figures(), ["under_control"]),
        (Figures(high_revenue_share=10.0), ["under_control"]),
        (Figures(high_revenue_share=10.01), ["high_revenue"]),
        (Figures(overdue_ratio=12.1), ["overdue"]),
        (Figures(overdue_ratio=6.0, overdue_ratio_before=3.0), ["overdue"]),
        (Figures(overdue_ratio=6.0, overdue_ratio_before=3.1), ["under_control"]),
        (Figures(overdue_ratio=None, overdue_ratio_before=3.1), ["under_control"]),
        (Figures(largest_share=10.5, largest_name="晴川"), ["concentration"]),
        (Figures(industry_share=30.5, industry=CAUSE), ["concentration"]),
        (Figures(industry_share=30.0, industry=CAUSE, largest_share=10.0), ["under_control"]),
        (Figures(groups=1), ["group"]),
        (Figures(groups=0, churn_extreme=0), ["under_control"]),
        (Figures(churn_extreme=1), ["churn"]),
        (Figures(root_cause_share=20.0, root_cause=CAUSE), ["root_cause"]),
        (Figures(root_cause_share=19.9, root_cause=CAUSE), ["under_control"]),
        (Figures(weak_exposure_share=15.1), ["weak_basis"]),
        (Figures(alert_precision=59.9), ["alerts"]),
        (Figures(alert_precision=60.0), ["under_control"]),
    ],
)
def test_company_rules(figures: Figures, keys: list[str]) -> None:
    found = conclude(figures, DAY)
    assert [c.key for c in found] == keys
    assert all(c.due_on > DAY and c.owner and c.text.zh and c.text.en and c.detail.zh and c.recommendation.en for c in found)


def test_all_rules_at_once_in_their_order() -> None:
    worst = Figures(50, 50, 10, 50, "x", 50, CAUSE, 3, 3, 50, CAUSE, 50, 10)
    assert [c.key for c in conclude(worst, DAY)] == [r.key for r in RULES]


@pytest.mark.parametrize(
    ("figures", "keys"),
    [
        (CustomerFigures(), ["under_control"]),
        (CustomerFigures(level="high", level_top=True), ["level_high"]),
        (CustomerFigures(extreme=(CAUSE,)), ["extreme"]),
        (CustomerFigures(max_days_overdue=31, overdue_amount=1000), ["overdue"]),
        (CustomerFigures(max_days_overdue=30), ["under_control"]),
        (CustomerFigures(exposure_over_limit=1), ["over_limit"]),
        (CustomerFigures(exposure_over_limit=0), ["under_control"]),
        (CustomerFigures(coverage=59.9), ["weak_basis"]),
        (CustomerFigures(revenue_share=11), ["concentration"]),
        (CustomerFigures(open_critical=1), ["open_work"]),
        (CustomerFigures(late_tasks=1), ["open_work"]),
    ],
)
def test_customer_rules(figures: CustomerFigures, keys: list[str]) -> None:
    assert [c.key for c in conclude_customer(figures, DAY)] == keys


@pytest.mark.parametrize(
    ("yearly", "terms", "rating", "equity", "guaranteed", "amount"),
    [
        (365_000, 45, "B", None, None, 60_000),
        (365_000, 45, "A", None, 10_000, 82_000),
        (365_000, 45, "B", 100_000, None, 10_000),  # 10 % of the equity is less
        (365_000, 45, "B", -5, 7, 7),  # negative equity carries nothing
        (365_000, 0, "C", None, None, 9_000),
        (365_000, None, "B", None, None, 15_000),
        (365_000, 45, "E", None, 500, 500),
    ],
)
def test_suggested_limit(yearly: float, terms: float | None, rating: str, equity: float | None, guaranteed: float | None, amount: float) -> None:
    found = suggested_limit(yearly, terms, rating, equity, guaranteed)
    assert found is not None
    assert found.amount == amount


def test_no_limit_is_suggested_without_a_basis() -> None:
    assert suggested_limit(None, 30, "A", None, None) is None
    assert suggested_limit(1000, 30, None, None, None) is None
    assert suggested_limit(1000, 30, "Z", None, None) is None
