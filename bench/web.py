"""A form saved and a list shown, through HTTP: our pages with all they do, beside a bare FastAPI route with one INSERT and a hand-written query."""

import socket
import sqlite3
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2 as httpx
import uvicorn
from fastapi import FastAPI, Form
from fastapi.responses import HTMLResponse

from bench.population import fill
from bench.row import Row
from bench.setup import Bench, open_bench
from server.app import create_app
from server.features.access.people import first_admin
from server.settings import Settings

PASSWORD = "stormy-weather-7"
REQUESTS = 60


def bare(path: Path) -> FastAPI:
    """The floor: the same columns, no rules, no rights, no history, no assessment."""
    app = FastAPI()
    database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=FULL")
    database.execute("CREATE TABLE customer(id INTEGER PRIMARY KEY, name TEXT, active INTEGER, region TEXT, limit_amount INTEGER)")
    database.executemany("INSERT INTO customer(name, active, region) VALUES(?, 1, 'east')", ((f"Customer {i}",) for i in range(10_000)))
    lock = threading.Lock()

    @app.post("/customer")
    def save(name: str = Form(), region: str = Form(), limit_amount: str = Form()) -> dict[str, Any]:
        with lock:
            row = database.execute(
                "INSERT INTO customer(name, active, region, limit_amount) VALUES(?, 1, ?, ?)", (name, region, int(float(limit_amount) * 100))
            )
            return {"id": row.lastrowid}

    @app.get("/customer", response_class=HTMLResponse)
    def listing() -> str:
        with lock:
            found = database.execute("SELECT id, name, region, limit_amount FROM customer WHERE region = 'east' ORDER BY name, id LIMIT 50").fetchall()
        return "<table>" + "".join("<tr>" + "".join(f"<td>{value}</td>" for value in row) + "</tr>" for row in found) + "</table>"

    return app


class Served:
    """An application on a free port, in a thread."""

    def __init__(self, app: FastAPI) -> None:
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self.server = uvicorn.Server(uvicorn.Config(app, port=self.port, log_level="error"))
        self.thread = threading.Thread(target=self.server.run, daemon=True)
        self.thread.start()
        while not self.server.started:
            time.sleep(0.02)

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=30)

    def stop(self) -> None:
        self.server.should_exit = True
        self.thread.join()


def prepared(folder: Path, customers: int) -> str:
    """Our database: the benchmark's documents, an administrator, rows."""
    url = f"sqlite:///{folder}/web.sqlite"
    bench: Bench = open_bench(url)
    with bench.work(write=True) as work:
        first_admin(work, "admin", "admin", PASSWORD)
    fill(bench, customers, customers * 5)
    bench.database.close()
    return url


def median(run: Callable[[int], Any]) -> float:
    times = []
    for i in range(REQUESTS + 5):
        start = time.perf_counter()
        run(i)
        times.append(time.perf_counter() - start)
    return statistics.median(times[5:]) * 1000


def rows(folder: Path, customers: int, rounds: int) -> Iterator[Row]:
    ours = Served(create_app(Settings(database_url=prepared(folder, customers))))
    floor = Served(bare(folder / "bare.sqlite"))
    us, them = ours.client(), floor.client()
    assert us.post("/login", data={"username": "admin", "password": PASSWORD, "next": "/"}).status_code == 303

    def checked(answer: httpx.Response, status: int) -> None:
        assert answer.status_code == status, answer.text

    form = {"region": "east", "active": "true", "limit_amount": "12000.00"}
    our_saves, bare_saves, our_lists, bare_lists = [], [], [], []
    for turn in range(rounds):

        def name(i: int, turn: int = turn) -> dict[str, str]:
            return {"name": f"New {turn}-{i}", **form}

        our_saves.append(median(lambda i, name=name: checked(us.post("/o/customer/new", data=name(i)), 303)))  # type: ignore[misc]
        bare_saves.append(median(lambda i, name=name: checked(them.post("/customer", data=name(i)), 200)))  # type: ignore[misc]
        our_lists.append(median(lambda i: checked(us.get("/o/customer?sort=name"), 200)))
        bare_lists.append(median(lambda i: checked(them.get("/customer"), 200)))
    all_it_does = "rules, rights, history, audit, assessment, alerts"
    yield Row(f"save a form ({all_it_does}) beside FastAPI + INSERT", statistics.median(our_saves), statistics.median(bare_saves), "ms")
    yield Row("list page of 50 (rights, results, a whole page) beside a hand-written query", statistics.median(our_lists), statistics.median(bare_lists), "ms")
    ours.stop()
    floor.stop()
