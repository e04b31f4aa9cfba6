"""kill -9 at any moment: what was acknowledged is there once, what was not is there once or not at all, and what was cut off is ended by the next.

A short storm, of the kind that `make torture` makes long; and the command that imports, which is no job and is run again by hand.
"""

import csv
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from server.cli.shared import Opened
from server.config.load import load_folder, template_folders
from server.config.publish import publish
from server.settings import Settings
from server.storage.session import Database
from tests.faults.torture import storm
from tests.postgres import NoPostgresError
from tests.serving import command, customer, killed


@pytest.mark.timeout(900)
@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def test_a_short_storm(kind: str) -> None:
    try:
        weather = storm(kind, seed=1, count=6, short=True)
    except NoPostgresError as error:
        pytest.skip(str(error))
    assert not weather.broken, "\n".join([*weather.broken, weather.line()])
    assert weather.saves > 20, weather.line()


@pytest.fixture
def url(database_url: str) -> str:
    """The shipped template."""
    documents, _ = load_folder(*template_folders())
    it = Opened(Settings(database_url=database_url))
    with it.work(write=True) as work:
        publish(work, documents, "template")
    it.database.close()
    return database_url


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    it = Database(url)
    yield it
    it.close()


def rows(database: Database, table: str, *columns: str) -> list[tuple[Any, ...]]:
    with database.read() as connection:
        t = sa.Table(table, sa.MetaData(), autoload_with=connection)
        return [tuple(r) for r in connection.execute(sa.select(*(t.c[c] for c in columns)))]


def write_customers(path: Path, n: int) -> None:
    names = list(customer("x"))
    with path.open("w", newline="", encoding="utf-8") as f:
        writer = csv.DictWriter(f, ["customer_no", *names])
        writer.writeheader()
        for i in range(n):
            writer.writerow({"customer_no": f"K-{i:05d}", **customer(f"导入客户 {i:05d}", unified_credit_code=f"91320500MA1{i:07d}")})


def test_an_import_killed_at_any_moment_is_finished_by_running_it_again(url: str, database: Database, tmp_path: Path) -> None:
    path = tmp_path / "customers.csv"
    write_customers(path, 3000)
    arguments = ("import", "customer", str(path), "--key", "customer_no", "--json")
    interrupted = 0
    for after in (2.5, 4.0, 6.0):
        interrupted += killed(url, after, *arguments)
        found = Counter(no for (no,) in rows(database, "o_customer", "customer_no"))
        assert set(found.values()) <= {1}
        assert len(found) % 500 == 0 or len(found) == 3000, "a chunk is there whole or not at all"
    assert interrupted
    report = json.loads(command(url, *arguments).stdout)
    assert report["rows"] == 3000
    assert not report["errors"]
    assert len({no for (no,) in rows(database, "o_customer", "customer_no")}) == len(rows(database, "o_customer", "id")) == 3000
    again = json.loads(command(url, *arguments).stdout)
    assert (again["created"], again["updated"], again["unchanged"]) == (0, 0, 3000)
