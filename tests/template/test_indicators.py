"""The customer's indicators as the template's table has them: window, window before, decimals, what no data means."""

from typing import Any

import pytest

from server.config.catalog import Catalog
from server.config.load import load_folder
from server.features.indicators.kind import Indicator
from server.registry import KINDS
from server.settings import data_folder

DERIVED, ALL = "derived", None
UNKNOWN, ZERO = None, 0
BEFORE, YEAR_AGO = (1, "windows"), (1, "years")  # the days just before; the same days a year ago

# key, days of the window, the window before, decimals, no data
TABLE: list[tuple[str, Any, Any, int, Any]] = [
    ("order_count_90d", 90, BEFORE, 0, ZERO),
    ("order_amount_90d", 90, YEAR_AGO, 2, ZERO),
    ("order_amount_365d", 365, BEFORE, 2, ZERO),
    ("days_since_last_order", ALL, None, 0, UNKNOWN),
    ("usual_order_gap", DERIVED, None, 1, UNKNOWN),
    ("first_order_age_365d", 365, None, 0, UNKNOWN),
    ("last_order_age_365d", 365, None, 0, UNKNOWN),
    ("order_gap_ratio", DERIVED, None, 2, UNKNOWN),
    ("product_line_count_180d", 180, BEFORE, 0, ZERO),
    ("product_line_count_365d", 365, None, 0, ZERO),
    ("active_months_365d", 365, None, 0, ZERO),
    ("return_rate_180d", 180, None, 1, UNKNOWN),
    ("gross_margin_pct_365d", 365, None, 1, UNKNOWN),
    ("revenue_share_pct", DERIVED, None, 2, ZERO),
    ("revenue_index", DERIVED, None, 2, UNKNOWN),
    ("tenure_years", DERIVED, None, 1, UNKNOWN),
    ("receivable_balance", ALL, None, 2, ZERO),
    ("overdue_amount", ALL, None, 2, ZERO),
    ("overdue_ratio_pct", DERIVED, None, 1, UNKNOWN),
    ("max_days_overdue", ALL, None, 0, ZERO),
    ("avg_days_late_180d", 180, BEFORE, 1, UNKNOWN),
    ("dso_90d", DERIVED, None, 0, UNKNOWN),
    ("invoiced_amount_90d", 90, None, 2, ZERO),
    ("exposure", DERIVED, None, 2, ZERO),
    ("credit_utilisation_pct", DERIVED, None, 1, UNKNOWN),
    ("uncovered_exposure", DERIVED, None, 2, ZERO),
    ("guaranteed", ALL, None, 2, ZERO),
    ("broken_promises_180d", 180, None, 0, ZERO),
    ("complaint_count_180d", 180, BEFORE, 0, ZERO),
    ("complaint_weight_180d", 180, None, 0, ZERO),
    ("open_complaint_age", ALL, None, 0, ZERO),
    ("complaint_pressure", DERIVED, None, 0, ZERO),
    ("satisfaction_avg_180d", 180, BEFORE, 1, UNKNOWN),
    ("nps_latest", 365, None, 0, UNKNOWN),
    ("contact_count_90d", 90, BEFORE, 0, ZERO),
    ("days_since_contact", ALL, None, 0, UNKNOWN),
    ("key_contact_left_180d", 180, None, 0, ZERO),
    ("market_exposure", DERIVED, None, 1, ZERO),
    ("market_points", 365, None, 1, ZERO),
    ("competitor_pressure", 365, None, 1, ZERO),
    ("z_latest", 730, None, 2, UNKNOWN),
    ("quick_ratio_latest", 730, None, 2, UNKNOWN),
    ("cash_cover_latest", 730, None, 2, UNKNOWN),
    ("report_score_latest", 365, None, 0, UNKNOWN),
    ("hard_flags", 365, None, 0, ZERO),
    ("report_age_days", ALL, None, 0, UNKNOWN),
    ("statement_age_days", ALL, None, 0, UNKNOWN),
    ("review_overdue_days", DERIVED, None, 0, UNKNOWN),
    ("churn_signals", DERIVED, None, 0, ZERO),
]
EXPRESSIONS_THAT_SAY_ZERO = {"overdue_ratio_pct": "0 if receivable_balance == 0", "credit_utilisation_pct": "0 if exposure == 0"}


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    documents, problems = load_folder(data_folder("schemas"), data_folder("workflows"))
    assert not problems
    return Catalog(1, {(d.kind, d.key): d for d in documents}, KINDS)


@pytest.mark.parametrize(("key", "days", "before", "decimals", "missing"), TABLE, ids=[row[0] for row in TABLE])
def test_an_indicator_of_the_table(catalog: Catalog, key: str, days: Any, before: Any, decimals: int, missing: Any) -> None:
    found: Indicator = catalog.get("indicator", key)
    assert (found.decimals, found.missing) == (decimals, missing)
    assert bool(found.expression) == (days == DERIVED)
    window, previous = found.window, found.previous
    assert (window and (window.last, window.unit, window.span)) == (None if days in (ALL, DERIVED) else (days, "days", ""))
    assert (previous and (previous.back, previous.unit)) == before


def test_what_no_data_means_where_a_condition_says_it(catalog: Catalog) -> None:
    assert catalog.get("indicator", "max_days_overdue").missing_when == "invoice_count == 0"  # never invoiced: unknown
    assert catalog.get("indicator", "order_count_90d").previous.when == "order_count_90d_prev >= 3"
    assert catalog.get("indicator", "order_amount_90d").previous.when == "days_since_first_order > 456"  # fifteen months
    for key, text in EXPRESSIONS_THAT_SAY_ZERO.items():
        assert catalog.get("indicator", key).expression.startswith(text)
