"""A form of thirty fields saved over many connections: with login, rules, computed fields, history, audit and assessment, beside the same server's
plain text and beside Django REST framework creating the same fields without any of these. Each server in a process of its own."""

import json
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from urllib.parse import urlencode

import httpx2 as httpx
import uvicorn
from fastapi import FastAPI
from fastapi.responses import PlainTextResponse

from bench import population
from bench.account import account, values
from bench.load import Load, get, load, post
from bench.row import Row
from bench.setup import open_bench
from server.app import create_app
from server.features.access.people import first_admin
from server.features.assessment.service import RUN
from server.jobs import ledger
from server.settings import Settings

PASSWORD = "stormy-weather-7"
REQUESTS = 1500
FORM, JSON = "application/x-www-form-urlencoded", "application/json"


def plain() -> FastAPI:
    app = FastAPI()

    @app.get("/text")
    async def text() -> PlainTextResponse:
        return PlainTextResponse("fair weather")

    return app


def prepared(folder: Path) -> str:
    url = f"sqlite:///{folder}/saves.sqlite"
    bench = open_bench(url, account("account", assessed=True))
    with bench.work(write=True) as work:
        first_admin(work, "admin", "admin", PASSWORD)
    bench.database.close()
    return url


@contextmanager
def served(name: str, folder: Path) -> Iterator[int]:
    """The port of a server of its own."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = int(s.getsockname()[1])
    environment = {**os.environ, "BENCH_SERVER": name, "BENCH_FOLDER": str(folder), "BENCH_PORT": str(port)}
    process = subprocess.Popen([sys.executable, "-m", "bench.saves"], env=environment)
    try:
        for _ in range(2400):
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait()


def signed_in(port: int) -> str:
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
        answer = client.post("/login", data={"username": "admin", "password": PASSWORD, "next": "/"})
        assert answer.status_code == 303, answer.text
        return "; ".join(f"{name}={value}" for name, value in client.cookies.items())


def rows(folder: Path, rounds: int) -> Iterator[Row]:
    records = list(values(REQUESTS * rounds + 100))
    numbers = count()

    def form(cookie: str) -> bytes:
        return post("/o/account/new", urlencode(records[next(numbers)]).encode(), FORM, f"Cookie: {cookie}\r\n")

    def document() -> bytes:
        return post("/accounts", json.dumps(records[next(numbers)]).encode(), JSON)

    prepared(folder)
    saves, texts, theirs = list[Load](), list[Load](), list[Load]()
    with served("ours", folder) as ours, served("plain", folder) as text:
        cookie = signed_in(ours)
        load(ours, lambda _: form(cookie), 32, 303)
        load(text, lambda _: get("/text"), 320, 200)
        for _ in range(rounds):
            saves.append(load(ours, lambda _: form(cookie), REQUESTS, 303))
            texts.append(load(text, lambda _: get("/text"), REQUESTS * 4, 200))
    own, floor = statistics.median(s.rate for s in saves), statistics.median(t.rate for t in texts)
    yield Row("save a form of 30 fields (login, rules, history, audit, assessment) beside FastAPI plain text, 32 connections", 1000 / own, 1000 / floor, "ms")
    p50, p99 = statistics.median(s.p50 for s in saves), statistics.median(s.p99 for s in saves)
    yield Row("save a form of 30 fields, 32 connections: the slowest hundredth beside the median", p99, p50, "ms")
    if find_spec("rest_framework") is None:
        return
    numbers = count()
    with served("drf", folder) as drf:
        load(drf, lambda _: document(), 32, 201)
        theirs += [load(drf, lambda _: document(), REQUESTS, 201) for _ in range(rounds)]
    theirs_rate = statistics.median(t.rate for t in theirs)
    yield Row("save a form of 30 fields (all of the above) beside Django REST framework creating them", 1000 / own, 1000 / theirs_rate, "ms")


def during(folder: Path, customers: int, rounds: int) -> Iterator[Row]:
    """Orders saved over four connections while the server assesses everybody, beside the same while it does nothing else; in turn."""
    bench = open_bench(f"sqlite:///{folder}/saves.sqlite")
    population.fill(bench, customers, 10 * customers)
    with bench.work(write=True) as work:
        first_admin(work, "admin", "admin", PASSWORD)
    numbers = count()

    def order(cookie: str) -> bytes:
        n = next(numbers)
        values = {"order_no": f"N{n}", "customer": 1 + n * 7919 % customers, "order_date": "2026-06-30", "amount": "120.50", "status": "done"}
        return post("/o/order/new", urlencode(values).encode(), FORM, f"Cookie: {cookie}\r\n")

    def is_running() -> bool:
        with bench.database.read() as connection:
            return any(job.is_open for job in ledger.list_jobs(connection, kind=RUN, limit=1))

    def saved(cookie: str, port: int) -> Load:
        return load(port, lambda _: order(cookie), 120, 303, 4)

    idle, busy = list[float](), list[float]()
    with served("ours", folder) as port:
        cookie = signed_in(port)
        while is_running():  # the night it missed
            time.sleep(0.2)
        for _ in range(max(rounds, 3)):
            idle.append(saved(cookie, port).p95)
            load(port, lambda _: post("/settings/jobs/run", b"kind=assess", FORM, f"Cookie: {cookie}\r\n"), 2, 303, 1)
            time.sleep(2)
            while is_running():
                busy.append(saved(cookie, port).p95)
    bench.database.close()
    yield Row(
        f"save an order while {customers:,} customers are assessed beside while nobody is, the slowest twentieth",
        statistics.median(busy),
        statistics.median(idle),
        "ms",
    )


def main() -> None:
    """What `served` starts."""
    folder, name = Path(os.environ["BENCH_FOLDER"]), os.environ["BENCH_SERVER"]
    if name == "drf":
        from bench.drf import application  # noqa: PLC0415  it may not be installed

        app = application(folder)
    else:
        app = plain() if name == "plain" else create_app(Settings(database_url=f"sqlite:///{folder}/saves.sqlite"))
    uvicorn.run(app, host="127.0.0.1", port=int(os.environ["BENCH_PORT"]), log_level="error")


if __name__ == "__main__":
    main()
