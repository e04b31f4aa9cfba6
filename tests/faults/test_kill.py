"""kill -9 at any moment: what was acknowledged is there once, what was not is there once or not at all, and the command run again ends the work."""

import csv
import json
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest
import sqlalchemy as sa

from server.cli.shared import Opened
from server.config.load import load_folder, template_folders
from server.config.publish import publish
from server.features.access.people import first_admin
from server.settings import Settings
from server.storage.session import Database
from tests.serving import PASSWORD, Server, command, customer, killed

PEOPLE, ROUNDS = 4, 3


@pytest.fixture
def url(database_url: str) -> str:
    """The shipped template and one administrator."""
    documents, _ = load_folder(*template_folders())
    it = Opened(Settings(database_url=database_url))
    with it.work(write=True) as work:
        publish(work, documents, "template")
    with it.work(write=True) as work:
        first_admin(work, "admin", "admin", PASSWORD)
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


def test_saves_survive_the_death_of_the_server(url: str, database: Database) -> None:
    sent: set[str] = set()
    acknowledged: set[str] = set()
    refused: list[str] = []
    server = Server(url)
    for turn in range(ROUNDS):
        server.start()
        stop = threading.Event()

        def save(stop: threading.Event = stop) -> None:
            try:
                client = server.person()
                while not stop.is_set():
                    name = f"客户 {uuid.uuid4().hex}"  # alike to no other, or the form would ask whether it is the same
                    sent.add(name)
                    answer = client.post("/o/customer/new", data=customer(name))
                    if answer.status_code != 303:
                        refused.append(answer.text[:2000])
                        return
                    acknowledged.add(name)
            except httpx.TransportError:
                pass  # the server was killed: this one was not acknowledged

        threads = [threading.Thread(target=save) for _ in range(PEOPLE)]
        for t in threads:
            t.start()
        deadline = time.monotonic() + 60
        goal = len(acknowledged) + 8 + 5 * turn
        while len(acknowledged) < goal and time.monotonic() < deadline:
            time.sleep(0.01)
        server.kill()
        stop.set()
        for t in threads:
            t.join()
    server.start()
    server.kill()
    stored = Counter(name for (name,) in rows(database, "o_customer", "name"))
    assert refused == [], server.said()
    assert len(acknowledged) >= 8 * ROUNDS
    assert acknowledged <= stored.keys() <= sent
    assert set(stored.values()) == {1}
    ids = {i for (i,) in rows(database, "o_customer", "id")}
    assert {i for (i,) in rows(database, "x_customer", "record_id")} == ids, "a save and its assessment are one transaction"
    history = {i for o, i in rows(database, "records_history", "object", "record_id") if o == "customer"}
    assert history == ids


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


def results(database: Database) -> list[tuple[Any, ...]]:
    with database.read() as connection:
        x = sa.Table("x_customer", sa.MetaData(), autoload_with=connection)
        return sorted(tuple(r) for r in connection.execute(sa.select(*(c for c in x.c if c.name not in {"assessed_at"}))))


def test_an_assessment_killed_at_any_moment_is_finished_by_running_it_again(url: str, database: Database, tmp_path: Path) -> None:
    path = tmp_path / "customers.csv"
    write_customers(path, 2000)
    command(url, "import", "customer", str(path), "--key", "customer_no")
    undisturbed = results(database)
    with database.write() as connection:  # as if nobody was ever assessed
        connection.execute(sa.Table("x_customer", sa.MetaData(), autoload_with=connection).delete())
    for after in (1.0, 2.5, 4.0, 5.5):
        killed(url, after, "assess", "--json")
    [summary] = json.loads(command(url, "assess", "--json").stdout)
    assert summary["records"] == 2000
    assert results(database) == undisturbed
    [again] = json.loads(command(url, "assess", "--json").stdout)
    assert again["changed"] == 0
