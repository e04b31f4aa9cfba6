"""A real shop: 4,372 customers and 22,190 invoices, imported and assessed as of the last day of the data."""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from server.features.assessment.service import assess_all
from server.features.records.importing import import_file
from server.storage.session import Database
from tests.features.assessing import House, a
from tests.real_data import DATA, real_data

CASES = Path(__file__).parents[2] / "cases"
ORDERS = {"object": "shop_customer", "source": "shop_order", "join": "customer", "date": "order_time", "missing": 0}
INDICATORS = [
    a("indicator", "sales_90d", **ORDERS, filter='kind == "sale"', aggregate="count", window_days=90, decimals=0),
    a("indicator", "net", **ORDERS, aggregate="sum", value="amount", decimals=2),
]


@real_data
def test_sales_in_90_days(database: Database) -> None:
    bodies = [json.loads(p.read_text("utf-8")) for p in sorted((CASES / "retail" / "objects").glob("*.json"))]
    objects = [a(b["kind"], b["key"], **{k: v for k, v in b.items() if k not in ("kind", "key")}) for b in bodies]
    house = House(database, [*objects, *INDICATORS])
    house.now, house.zone = datetime(2011, 12, 10, 12, tzinfo=UTC), ZoneInfo("Europe/London")
    import_file(house.work, "shop_customer", DATA / "retail_customers.csv", None, "customer_id", False)
    mapping = json.loads((CASES / "maps" / "retail_orders.json").read_text("utf-8"))
    import_file(house.work, "shop_order", DATA / "retail_orders.csv", mapping, "order_no", False)
    found = assess_all(house.work, "shop_customer", as_of=date(2011, 12, 9))
    assert found.records == 4372
    results = [r for r in house.rows("x_shop_customer_history") if r["as_of"] == date(2011, 12, 9)]
    assert sum(r["sales_90d"] > 0 for r in results) == 2890
    assert sum(round(r["net"] * 100) for r in results) == 830006581
