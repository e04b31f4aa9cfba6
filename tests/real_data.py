"""Where the real data sets are: too large to commit, so tests that need them skip with a reason where they are missing."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
_PLACES = (Path(os.environ.get("WEATHERGLASS_TEST_DATA", "/nowhere")), ROOT.parent / "shared" / "data", ROOT.parents[1] / "shared" / "data")
DATA = next((p for p in _PLACES if (p / "retail_orders.csv").is_file()), _PLACES[0])
_REASON = "no folder with retail_orders.csv, retail_customers.csv, telecom_customers.csv; WEATHERGLASS_TEST_DATA names it"
real_data = pytest.mark.skipif(not DATA.is_dir(), reason=_REASON)
