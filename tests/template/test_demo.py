"""The demo company: valid to the last row, the same for the same seed, resumable, and looking as a risk manager would expect."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from server.config.catalog import Catalog
from server.config.load import load_folder
from server.config.publish import publish_first
from server.config.releases import Catalogs
from server.demo.calendar import Timeline
from server.demo.company import OBJECTS, company
from server.demo.people import PEOPLE
from server.demo.run import Demo, Wish, month_ends
from server.errors import Conflict, Text
from server.expressions.types import At
from server.features.alerts.tables import alerts
from server.features.objects.engine import expression_values, tables
from server.features.objects.results import table as results_table
from server.features.records.engine import validate
from server.features.records.service import create
from server.features.strategies.tables import strategy_runs, tasks
from server.registry import KINDS
from server.settings import data_folder
from server.storage.migrate import upgrade
from server.storage.session import Database
from server.tables import metadata

ZONE = ZoneInfo("Asia/Shanghai")
AS_OF = date(2026, 6, 30)
CELLS = [f"{a}/{b}" for a in ("low", "medium", "high") for b in ("low", "medium", "high")]
RISK_TYPES = ("high_value_churn", "satisfaction_fall", "demand_change", "competitor_gain", "credit_default")


def quiet(title: Text, done: int, total: int) -> None:
    return None


def made(path: Path) -> Database:
    database = Database(f"sqlite:///{path}")
    upgrade(database)
    with database.write() as connection:
        metadata.create_all(connection)
    return database


def demo_on(database: Database, customers: int, show: Any = quiet, seed: int = 1) -> Demo:
    return Demo(database, Catalogs(KINDS), ZONE, Wish(seed, customers, AS_OF), show)


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    documents, problems = load_folder(data_folder("schemas"), data_folder("workflows"))
    assert not problems
    return Catalog(1, {(d.kind, d.key): d for d in documents}, KINDS)


# -- Rows --------------------------------------------------------------------------------------------------------------------


def test_every_row_is_one_the_forms_would_take(catalog: Catalog) -> None:
    """Each record passes the one validation, loses no value by it, and has what is required."""
    rows = company(1, 60, Timeline(AS_OF, ZONE)).rows
    customers = {row["id"]: expression_values(catalog.get("object", "customer"), row) for row in rows["customer"]}
    at = At.end_of(AS_OF, ZONE)
    for key in OBJECTS:
        object_type = catalog.get("object", key)
        assert rows[key], key
        for row in rows[key]:
            given = {k: v for k, v in row.items() if k in object_type.fields}
            references = {"customer": customers[row["customer"]]} if row.get("customer") else {}
            values, problems = validate(catalog, object_type, given, None, references, at, "system")
            assert not [p for p in problems if p.severity == "error"], (key, row, problems)
            assert {k: values[k] for k in given} == given, key
            assert not [f.key for f in object_type.fields.values() if f.required and values[f.key] is None], (key, row)


def test_the_same_seed_gives_the_same_company() -> None:
    time = Timeline(AS_OF, ZONE)
    assert company(3, 60, time).rows == company(3, 60, time).rows
    assert company(3, 60, time).rows != company(4, 60, time).rows


def test_nothing_lies_in_the_future(catalog: Catalog) -> None:
    for key, rows in company(1, 60, Timeline(AS_OF, ZONE)).rows.items():
        assert all(row["made"].astimezone(ZONE).date() < AS_OF for row in rows), key


def test_month_ends() -> None:
    assert month_ends(date(2026, 3, 31), 3) == [date(2025, 12, 31), date(2026, 1, 31), date(2026, 2, 28)]


# -- Building ----------------------------------------------------------------------------------------------------------------


class Killed(Exception):
    pass


def digest(database: Database) -> dict[str, str]:
    """What the database holds, without the stamps of when it was written."""
    catalogs = Catalogs(KINDS)
    found = {}
    with database.read() as connection:
        catalog = catalogs(connection)
        wanted = {t.name: t for t in [*tables(catalog).values(), results_table(catalog, "customer"), alerts, tasks, strategy_runs]}
        for name, table in wanted.items():
            columns = [c for c in table.c if c.name not in {"assessed_at", "release", "created_at", "updated_at", "taken_at"}]
            rows = connection.execute(sa.select(*columns).order_by(*table.primary_key.columns)).all()
            found[name] = hashlib.sha256(repr([tuple(r) for r in rows]).encode()).hexdigest()
    return found


@pytest.mark.timeout(900)
def test_cut_off_anywhere_and_run_again_it_ends_in_the_same_state(tmp_path: Path) -> None:
    whole = made(tmp_path / "whole.sqlite")
    assert demo_on(whole, 50).build()
    expected = digest(whole)
    assert not demo_on(whole, 50).build()  # a second run finds everything there
    assert digest(whole) == expected

    broken = made(tmp_path / "broken.sqlite")
    for allowed in (2, 8, 13, 21, 26):  # calls of progress until the next cut
        calls = 0

        def show(title: Text, done: int, total: int, allowed: int = allowed) -> None:
            nonlocal calls
            calls += 1
            if calls > allowed:
                raise Killed

        with pytest.raises(Killed):
            demo_on(broken, 50, show).build()
    demo_on(broken, 50, seed=99).build()  # the first run's seed holds
    assert digest(broken) == expected
    whole.close()
    broken.close()


@pytest.mark.timeout(900)
def test_both_databases_carry_it_and_go_on_counting(database: Database) -> None:
    upgrade(database)
    with database.write() as connection:
        metadata.create_all(connection)
    demo = demo_on(database, 50)
    demo.build()
    with demo.work() as work:
        raw = {"name": "新客户", "region": "east", "industry": "other", "owner": "li"}
        number = create(work, "customer", raw)
        row = work.session.execute(sa.select(tables(work.catalog)["customer"]).where(tables(work.catalog)["customer"].c.id == number)).one()
    assert (number, row.customer_no) == (51, "C-00051")


def test_it_keeps_out_of_other_peoples_data(tmp_path: Path) -> None:
    database = made(tmp_path / "real.sqlite")
    demo = demo_on(database, 50)
    with demo.work() as work:
        publish_first(work)
    with demo.work() as work:
        customer = tables(work.catalog)["customer"]
        stamp = {"version": 1, "created_at": work.now, "created_by": "x", "updated_at": work.now, "updated_by": "x"}
        work.session.execute(sa.insert(customer).values(**stamp, name="real"))
    with pytest.raises(Conflict):
        demo_on(database, 50).build()
    database.close()


# -- What a viewer sees ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    database = made(tmp_path_factory.mktemp("demo") / "demo.sqlite")
    demo_on(database, 600).build()
    yield database
    database.close()


@pytest.fixture(scope="module")
def subjects(built: Database) -> list[Mapping[str, Any]]:
    with built.read() as connection:
        catalog = Catalogs(KINDS)(connection)
        return [dict(row) for row in connection.execute(sa.select(results_table(catalog, "customer"))).mappings()]


def shares(subjects: list[Mapping[str, Any]], name: str) -> dict[str, float]:
    return {key: count * 100 / len(subjects) for key, count in Counter(row[name] for row in subjects).items()}


RANGES = {
    "risk_level": {"high": (6, 10), "medium": (20, 30), "low": (62, 73)},
    "credit_rating": {"A": (13, 20), "B": (53, 65), "C": (17, 26), "D": (1.5, 4), "E": (0.4, 2)},
    "customer_class": {"high_value": (10, 16), "high_risk": (2.5, 5.5), "ordinary": (79, 87)},
    "watch_flag": {"urgent": (2.5, 5)},
}


@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", RANGES)
def test_the_population_lies_in_the_ranges_of_the_template(subjects: list[Mapping[str, Any]], name: str) -> None:
    found = shares(subjects, name)
    assert {k: (low <= found.get(k, 0) <= high, round(found.get(k, 0), 1)) for k, (low, high) in RANGES[name].items()} == {
        k: (True, round(found.get(k, 0), 1)) for k in RANGES[name]
    }


def test_volumes(built: Database) -> None:
    with built.read() as connection:
        known = tables(Catalogs(KINDS)(connection))
        counts = {key: connection.scalar(sa.select(sa.func.count()).select_from(known[key])) or 0 for key in OBJECTS}
        order = known["order"]
        since = AS_OF - timedelta(days=365)
        revenue = connection.scalar(sa.select(sa.func.sum(order.c.amount)).where(order.c.order_date > since, order.c.status != "cancelled"))
    assert counts["customer"] == 600
    assert 40_000 <= counts["order"] <= 50_000
    assert 250e6 <= float(revenue or 0) <= 310e6


def test_money_figures(subjects: list[Mapping[str, Any]]) -> None:
    total = {name: sum(row[name] or 0 for row in subjects) for name in ("overdue_amount", "receivable_balance", "invoiced_amount_90d")}
    assert 9 <= total["overdue_amount"] / total["receivable_balance"] * 100 <= 16
    assert 45 <= total["receivable_balance"] / total["invoiced_amount_90d"] * 90 <= 60
    assert 1 <= max(row["revenue_share_pct"] for row in subjects) <= 3


def test_every_cell_of_the_matrix_is_filled_by_some_risk_type(subjects: list[Mapping[str, Any]]) -> None:
    found = {f"{row[t + '_likelihood']}/{row[t + '_impact']}" for row in subjects for t in RISK_TYPES}
    assert set(CELLS) <= found


def counted(connection: sa.Connection, column: sa.ColumnElement[Any], where: sa.ColumnElement[bool] | None = None) -> dict[str, int]:
    query = sa.select(column, sa.func.count()).where(sa.true() if where is None else where).group_by(column)
    return {row[0]: row[1] for row in connection.execute(query)}


def test_alerts_and_strategies_are_at_work(built: Database) -> None:
    with built.read() as connection:
        rules = set(connection.scalars(sa.select(alerts.c.rule).distinct()))
        states = counted(connection, alerts.c.state)
        verdicts = counted(connection, alerts.c.verdict)
        runs = counted(connection, strategy_runs.c.strategy, strategy_runs.c.ended_at.is_(None))
    assert len(rules) == 14
    assert 70 <= sum(states.get(s, 0) for s in ("open", "acknowledged", "snoozed")) <= 160
    assert verdicts.get("right", 0) > verdicts.get("false", 0) > 0
    assert len(runs) == 7 and min(runs.values()) >= 3


def test_a_person_for_each_role() -> None:
    assert {role for person in PEOPLE for role in person.roles} == {"admin", "staff", "credit_control", "reviewer"}
