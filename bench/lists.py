"""A page of a list (two filters, an order, a place in it) over many customers, beside a get by key: the statement alone, and through the services."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from bench.population import fill
from bench.row import Row
from bench.setup import Bench, open_bench
from server.feature import Work
from server.features.records import service as records
from server.features.records.paging import read_cursor, write_cursor

FILTERS = (("region", "eq", "east"), ("active", "eq", "true"))
COLUMNS = ("name", "region", "active", "limit_amount")
TURNS = 300


def page(work: Work, cursor: str = "", sort: str = "name") -> records.Page:
    found = records.query(work, "customer", conditions=FILTERS, sort=sort, cursor=cursor, columns=COLUMNS, count=False)
    assert len(found.rows) == 50
    return found


def least(name: str, id: int) -> sa.Select[Any]:
    """The page behind a place as somebody would write it who wants no more than what is shown."""
    shown = [sa.column(c) for c in ("id", *COLUMNS)]
    place = sa.tuple_(sa.column("name"), sa.column("id")) > sa.tuple_(sa.literal(name), sa.literal(id))
    alive = [sa.column("deleted_at").is_(None), sa.column("region") == "east", sa.column("active", sa.Boolean())]
    return sa.select(*shown).select_from(sa.table("o_customer")).where(*alive, place).order_by(sa.column("name"), sa.column("id")).limit(51)


@contextmanager
def sent(bench: Bench) -> Iterator[list[tuple[str, Any]]]:
    """The statements sent meanwhile, as the driver gets them."""
    found: list[tuple[str, Any]] = []

    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        found.append((statement, parameters))

    sa.event.listen(bench.database.engine, "before_cursor_execute", note)
    yield found
    sa.event.remove(bench.database.engine, "before_cursor_execute", note)


def micros(*runs: Callable[[], Any], clock: Callable[[], float] = time.perf_counter) -> list[float]:
    """What each takes, in turn, in microseconds: the quickest of ten, for the others tell more of what else the machine does. `clock`: time.thread_time
    where all the work is done in this thread."""
    times: list[list[float]] = [[] for _ in runs]
    for turn in range(TURNS + 20):
        for place, run in enumerate(runs):
            start = clock()
            run()
            if turn >= 20:
                times[place].append(clock() - start)
    return [sorted(found)[TURNS // 10] * 1e6 for found in times]


def rows(folder: Path, server: str | None, customers: int) -> Iterator[Row]:
    for name, url in ({"SQLite": f"sqlite:///{folder}/lists.sqlite"} | ({"PostgreSQL": server} if server else {})).items():
        bench = open_bench(url)
        fill(bench, customers, 0)
        yield from _rows(bench, f"{customers:,} customers, {name}: ", customers // 2)
        bench.database.close()


def _rows(bench: Bench, what: str, some_id: int) -> Iterator[Row]:
    with bench.work(write=False) as work:
        second = page(work).next
        near_end = page(work, sort="-name").rows[-1]  # the last 50 of the order, from behind
        deepest = write_cursor([near_end.name, near_end.id])
        with sent(bench) as listed:
            page(work, second)
        with sent(bench) as begun:
            page(work)
        with sent(bench) as ended:
            records.query(work, "customer", conditions=FILTERS, sort="name", cursor=deepest, columns=COLUMNS, count=False, limit=48)
        one = sa.select(sa.text("*")).select_from(sa.table("o_customer")).where(sa.column("id") == some_id)
        with sent(bench) as got:
            work.session.execute(one)
        with sent(bench) as written:
            work.session.execute(least(*read_cursor(second, 2)))
        cursor = work.session.connection.cursor()

        def replay(statements: list[tuple[str, Any]]) -> None:
            for statement, parameters in statements:
                cursor.execute(statement, parameters)
                cursor.fetchall()

        ours, key, first, last, hand = micros(*(partial(replay, statements) for statements in (listed, got, begun, ended, written)))
        yield Row(what + "page of a list, its statement beside a get by key", ours, key, "us")
        yield Row(what + "the same page, the least statement written by hand beside a get by key", hand, key, "us")
        yield Row(what + "the deepest page beside the first, their statements", last, first, "us")
        clock, unit = (time.thread_time, "CPU us") if bench.database.is_sqlite else (time.perf_counter, "us")
        ours, key = micros(partial(page, work, second), partial(records.get, work, "customer", some_id), clock=clock)
        yield Row(what + "page of a list through its service beside a get by key through its own", ours, key, unit)
