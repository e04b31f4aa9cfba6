"""A whole population assessed: 100,000 customers with 1,000,000 orders, against DuckDB's native tables doing the same work.

Both start from typed tables with the same rows and end with result rows and alert candidates written; checksums must agree.
"""

import csv
import json
import random
import statistics
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import sqlalchemy as sa

from bench.row import Row
from bench.setup import DOCUMENTS, Bench, open_bench
from server.features.assessment.service import assess_all, assess_due

AS_OF = date(2026, 6, 30)
END = datetime(2026, 6, 30, 23, 59, 59, tzinfo=UTC)
REGIONS = ("north", "south", "east", "west")


def customers(n: int) -> Iterator[tuple[int, str, bool, str, int | None]]:
    rng = random.Random(1)
    for i in range(1, n + 1):
        yield i, f"Customer {i}", rng.random() < 0.97, rng.choice(REGIONS), rng.randrange(100_000, 2_000_000) if rng.random() < 0.9 else None


def orders(n: int, of: int) -> Iterator[tuple[int, str, int, date, int, str]]:
    rng = random.Random(2)
    for i in range(1, n + 1):
        customer = min(int(rng.paretovariate(0.9)) * rng.randrange(1, 40) % of + 1, of) if rng.random() < 0.2 else rng.randrange(1, of + 1)
        status = "cancelled" if rng.random() < 0.06 else "done"
        yield i, f"O{i}", customer, AS_OF - timedelta(days=rng.randrange(0, 900)), rng.randrange(1_000, 300_000), status


def duckdb_tables(folder: Path, n_customers: int, n_orders: int) -> duckdb.DuckDBPyConnection:
    """The same rows in DuckDB, amounts as integers of cents."""
    connection = duckdb.connect(str(folder / "bench.duckdb"))
    for name, rows in (("customer", customers(n_customers)), ("orders", orders(n_orders, n_customers))):
        path = folder / f"{name}.csv"
        with path.open("w", newline="") as f:
            csv.writer(f).writerows(rows)
    connection.execute("CREATE TABLE customer(id BIGINT, name VARCHAR, active BOOLEAN, region VARCHAR, limit_amount BIGINT)")
    connection.execute("CREATE TABLE orders(id BIGINT, order_no VARCHAR, customer BIGINT, order_date DATE, amount BIGINT, status VARCHAR)")
    connection.execute(f"COPY customer FROM '{folder}/customer.csv' (HEADER false)")
    connection.execute(f"COPY orders FROM '{folder}/orders.csv' (HEADER false)")
    return connection


DUCKDB_RUN = """
CREATE OR REPLACE TABLE result AS
WITH agg AS (
  SELECT customer,
    count(*) FILTER (WHERE status <> 'cancelled' AND order_date > $t - 90) AS count_90d,
    count(*) FILTER (WHERE status <> 'cancelled' AND order_date > $t - 180 AND order_date <= $t - 90) AS count_90d_prev,
    sum(amount) FILTER (WHERE status <> 'cancelled' AND order_date > $t - 90) AS amount_90d,
    sum(amount) FILTER (WHERE status <> 'cancelled' AND order_date > $t - 180 AND order_date <= $t - 90) AS amount_90d_prev,
    sum(amount) FILTER (WHERE status <> 'cancelled' AND order_date > $t - 365) AS amount_365d,
    avg(amount) FILTER (WHERE status <> 'cancelled' AND order_date > $t - 365) AS average_365d,
    max(amount) FILTER (WHERE status <> 'cancelled' AND order_date > $t - 365) AS largest_365d,
    count(*) FILTER (WHERE status = 'cancelled' AND order_date > $t - 180) AS cancelled_180d,
    min($t - order_date) FILTER (WHERE status <> 'cancelled') AS days_since_last
  FROM orders WHERE order_date <= $t GROUP BY customer),
ind AS (
  SELECT c.id, coalesce(count_90d, 0) AS count_90d, coalesce(count_90d_prev, 0) AS count_90d_prev,
    coalesce(amount_90d, 0) / 100.0 AS amount_90d, coalesce(amount_90d_prev, 0) / 100.0 AS amount_90d_prev,
    coalesce(amount_365d, 0) / 100.0 AS amount_365d,
    round(average_365d / 100.0, 2) AS average_365d, largest_365d / 100.0 AS largest_365d,
    coalesce(cancelled_180d, 0) AS cancelled_180d, days_since_last, limit_amount / 100.0 AS lim
  FROM customer c LEFT JOIN agg ON agg.customer = c.id WHERE c.active),
der AS (
  SELECT *, round((amount_90d - amount_90d_prev) / nullif(amount_90d_prev, 0) * 100, 1) AS fall, round(amount_90d / nullif(lim, 0) * 100, 1) AS used,
    round((count_90d - count_90d_prev)::double / nullif(count_90d_prev, 0) * 100, 1) AS orders_change FROM ind),
pts AS (SELECT *, POINTS FROM der),
sco AS (SELECT *, round((SUM_OF_POINTS) / (SUM_OF_WEIGHTS), 1) AS risk FROM pts),
cls AS (SELECT *, CASE WHEN amount_365d >= 12000 THEN 'a' WHEN amount_365d >= 5000 THEN 'b' ELSE 'c' END AS value FROM sco),
lev AS (
  SELECT *, CASE WHEN risk >= 60 THEN 2 WHEN risk >= 35 THEN 1 ELSE 0 END AS l, CASE value WHEN 'a' THEN 2 WHEN 'b' THEN 1 ELSE 0 END AS i FROM cls)
SELECT *, CASE l WHEN 0 THEN ['low','low','medium'][i + 1] WHEN 1 THEN ['low','medium','high'][i + 1] ELSE ['medium','high','extreme'][i + 1] END AS churn,
  days_since_last > 60 AND amount_365d > 5000 AS silent FROM lev
"""


# Factors of bench/documents/risk.json by the names they have in the statement: the points a person would have written out.
NAMES = {"amount_90d_change_pct": "fall", "utilisation_pct": "used", "count_90d_change_pct": "orders_change"}
MISSING = {"neutral": "50", "worst": "100", "skip": "NULL"}


def duckdb_statement() -> str:
    factors = json.loads((DOCUMENTS / "risk.json").read_text(encoding="utf-8"))["factors"]
    points, sums, weights = [], [], []
    for n, factor in enumerate(factors):
        name = NAMES.get(factor["value"], factor["value"])
        bands = " ".join(f"WHEN {name} {b['op']} {b['value']} THEN {b['points']}" for b in factor["bands"] if "op" in b)
        points.append(f"CASE WHEN {name} IS NULL THEN {MISSING[factor['missing']]} {bands} ELSE {factor['bands'][-1]['points']} END AS p{n}")
        skips = factor["missing"] == "skip"
        sums.append(f"{factor['weight']} * " + (f"coalesce(p{n}, 0)" if skips else f"p{n}"))
        weights.append(f"CASE WHEN p{n} IS NULL THEN 0.0 ELSE {factor['weight']} END" if skips else f"{factor['weight']}.0")
    made = DUCKDB_RUN.replace("SUM_OF_POINTS", " + ".join(sums)).replace("SUM_OF_WEIGHTS", " + ".join(weights))
    return made.replace("POINTS", ", ".join(points))


DUCKDB_SUMS = "SELECT count(*), round(sum(risk), 1), sum((value = 'a')::int), sum((churn = 'extreme')::int), sum(silent::int) FROM result"


def duckdb_run(connection: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    connection.execute(duckdb_statement(), {"t": AS_OF})
    row = connection.execute(DUCKDB_SUMS).fetchone()
    assert row is not None
    return dict(zip(("rows", "risk", "a", "extreme", "silent"), (int(row[0]), float(row[1]), int(row[2]), int(row[3]), int(row[4]))))


def checksum(bench: Bench) -> dict[str, Any]:
    with bench.database.read() as connection:
        x = sa.Table("x_customer", sa.MetaData(), autoload_with=connection)
        alerts = sa.Table("alerts", sa.MetaData(), autoload_with=connection)
        row = connection.execute(
            sa.select(
                sa.func.count(),
                sa.func.sum(x.c.risk),
                sa.func.sum(sa.case((x.c.value == "a", 1), else_=0)),
                sa.func.sum(sa.case((x.c.churn == "extreme", 1), else_=0)),
            )
        ).one()
        silent = connection.scalar(sa.select(sa.func.count()).select_from(alerts).where(alerts.c.rule == "silent"))
    return dict(zip(("rows", "risk", "a", "extreme", "silent"), (row[0], round(float(row[1]), 1), row[2], row[3], silent or 0)))


def fill(bench: Bench, n_customers: int, n_orders: int) -> None:
    """The rows, straight into the object tables: loading is not what is measured here."""
    stamp = datetime(2026, 1, 1, tzinfo=UTC).replace(tzinfo=None)
    system = {"version": 1, "created_at": stamp, "updated_at": stamp, "created_by": "bench", "updated_by": "bench"}
    with bench.database.write() as connection:
        customer = sa.Table("o_customer", sa.MetaData(), autoload_with=connection)
        order = sa.Table("o_order", sa.MetaData(), autoload_with=connection)
        for chunk in _chunks(customers(n_customers), 20_000):
            connection.execute(customer.insert(), [{"id": a, "name": b, "active": c, "region": d, "limit_amount": e, **system} for a, b, c, d, e in chunk])
        for chunk in _chunks(orders(n_orders, n_customers), 20_000):
            connection.execute(
                order.insert(), [{"id": a, "order_no": b, "customer": c, "order_date": d, "amount": e, "status": f, **system} for a, b, c, d, e, f in chunk]
            )
    with bench.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE")


def _chunks(rows: Iterator[Any], size: int) -> Iterator[list[Any]]:
    batch: list[Any] = []
    for row in rows:
        batch.append(row)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def seconds(run: Callable[[], Any]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def rows(folder: Path, server: str | None, n_customers: int, n_orders: int, rounds: int) -> Iterator[Row]:
    """Whole runs in turn, ours and DuckDB's; the median of each. A first assessment writes every result, a second of the next day what time changed."""
    duck = duckdb_tables(folder, n_customers, n_orders)
    expected = duckdb_run(duck)
    urls = {"SQLite": f"sqlite:///{folder}/bench.sqlite"} | ({"PostgreSQL": server} if server else {})
    size = f"{n_customers:,} customers, {n_orders:,} orders"
    for name, url in urls.items():
        bench = open_bench(url)
        fill(bench, n_customers, n_orders)
        assess = partial(assess_all, partial(bench.work, write=True, at=END), "customer")
        ours, reference = [], []
        for _ in range(rounds):
            forget(bench)
            ours.append(seconds(assess))
            reference.append(seconds(partial(duckdb_run, duck)))
        found = checksum(bench)
        if found != expected:
            raise SystemExit(f"{name} and DuckDB differ: {found} {expected}")
        yield Row(f"{size}: all results written, {name} beside DuckDB", statistics.median(ours), statistics.median(reference), "s")
        yield Row(f"{size}: run again, nothing changed, {name} beside DuckDB", seconds(assess), statistics.median(reference), "s")
        yield Row(f"{size}: the night after, who is due beside everybody, {name}", *nights(bench, rounds), "s")
        bench.database.close()


def nights(bench: Bench, rounds: int) -> tuple[float, float]:
    """Medians: a night's run of those who are due, and a whole run of the next night. After each of the first a whole run finds nothing to change."""
    few, all_ = [], []
    for night in range(1, 2 * rounds, 2):
        due, whole = ((partial(bench.work, write=write, at=END + timedelta(days=night + n)) for write in (True, False)) for n in (0, 1))
        opened, look = due
        few.append(seconds(partial(assess_due, opened, look, "customer")))
        changed = assess_all(opened, "customer").changed
        if changed:
            raise SystemExit(f"{changed} results are not what a whole run gives")
        all_.append(seconds(partial(assess_all, next(whole), "customer")))
    return statistics.median(few), statistics.median(all_)


def forget(bench: Bench) -> None:
    """As if nobody was ever assessed."""
    with bench.database.write() as connection:
        for name in ("alert_events", "alerts", "x_customer", "x_customer_history"):
            connection.execute(sa.Table(name, sa.MetaData(), autoload_with=connection).delete())
