"""Real data by the public commands only: documents published, files imported, everybody assessed, the known sums found."""

import json
from datetime import date
from decimal import Decimal

import pytest
import sqlalchemy as sa

from server.storage.session import Database
from tests.real_data import DATA, real_data
from tests.serving import ROOT, command

CASES = ROOT / "tests" / "cases"


@real_data
@pytest.mark.timeout(600)
def test_a_real_shop(database: Database) -> None:
    database_url = database.url.render_as_string(hide_password=False)
    command(database_url, "publish", str(CASES / "retail"))
    customers = json.loads(command(database_url, "import", "shop_customer", str(DATA / "retail_customers.csv"), "--key", "customer_id", "--json").stdout)
    assert (customers["created"], customers["errors"]) == (4372, [])
    mapping = str(CASES / "maps" / "retail_orders.json")
    orders = json.loads(command(database_url, "import", "shop_order", str(DATA / "retail_orders.csv"), "--map", mapping, "--key", "order_no", "--json").stdout)
    assert (orders["created"], orders["errors"]) == (22190, [])
    [summary] = json.loads(command(database_url, "assess", "--as-of", "2011-12-09", "--json").stdout)
    assert summary["records"] == 4372
    with database.read() as connection:
        history = sa.Table("x_shop_customer_history", sa.MetaData(), autoload_with=connection)
        of_the_day = sa.select(history).where(history.c.as_of == date(2011, 12, 9))
        found = connection.execute(of_the_day).mappings().all()
    assert sum(row["sales_90d"] > 0 for row in found) == 2890
    assert sum(Decimal(str(row["net"])) for row in found) == Decimal("8300065.81")
    assert json.loads(command(database_url, "assess", "--as-of", "2011-12-09", "--json").stdout)[0]["changed"] == 0


@real_data
def test_real_subscribers(database_url: str) -> None:
    command(database_url, "publish", str(CASES / "telecom"))
    arguments = ("import", "subscriber", str(DATA / "telecom_customers.csv"), "--key", "customer_id", "--json")
    assert json.loads(command(database_url, *arguments).stdout)["created"] == 3150
    again = json.loads(command(database_url, *arguments).stdout)
    assert (again["created"], again["unchanged"]) == (0, 3150)
