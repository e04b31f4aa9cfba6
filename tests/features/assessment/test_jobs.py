"""Assessment in the background: whole runs as jobs, short steps while others write, and the sample that finds wrong results."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from server.clock import now
from server.feature import Work
from server.features.assessment import jobs, pace, service
from server.features.assessment.consistency import compare_sample
from server.features.assessment.service import assess_all
from server.jobs import ledger
from server.jobs.perform import House as JobHouse
from server.jobs.perform import perform, perform_waiting
from server.storage.session import Database
from tests.features.assessing import SALES, House, an_indicator, fill


@pytest.fixture
def house(database: Database) -> House:
    made = House(database)
    fill(made, 3)
    return made


def worker(house: House) -> JobHouse:
    @contextmanager
    def open_work(username: str, write: bool, cause: str) -> Iterator[Work]:
        with house.work(write=write) as work:
            yield work

    return JobHouse(house.database, {job.key: job for job in jobs.JOBS}, open_work)


def done(house: House, kind: str, **args: Any) -> ledger.Status:
    with house.database.write() as connection:
        job_id = ledger.enqueue(connection, now(), "system", kind, args)
    perform_waiting(worker(house))
    with house.database.read() as connection:
        found = ledger.status(connection, job_id)
    assert found is not None
    return found


def test_the_nightly_job_follows_time(house: House) -> None:
    assess_all(house.work, "client")
    house.now += timedelta(days=40)
    job = done(house, jobs.NIGHT)
    assert job.state == "done", job.error
    assert job.result is not None and job.result["changed"] > 0
    assert assess_all(house.work, "client").changed == 0


def test_a_stopped_run_goes_on_where_it_was(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "MOST", 2)
    with house.database.write() as connection:
        job_id = ledger.enqueue(connection, now(), "system", service.RUN, {"object": "client"})
    steps = 0

    def stopping() -> bool:
        nonlocal steps
        steps += 1
        return steps > 3

    made = worker(house)
    perform(JobHouse(made.database, made.jobs, made.open_work, stopping=stopping), job_id)
    with house.database.read() as connection:
        found = ledger.status(connection, job_id)
    assert found is not None and found.state == "queued"
    assert len(house.rows("x_client")) > 0
    perform_waiting(made)
    runs = house.rows("assessment_runs", "id")
    assert [r["state"] for r in runs] == ["done"], "one run, begun and ended"


def test_a_release_is_followed_by_a_run_where_the_population_is_large(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    assess_all(house.work, "client")
    monkeypatch.setattr(service, "AT_PUBLISH", 3)
    before = house.rows("x_client")
    house.republish(an_indicator("sales", **SALES, aggregate="count", decimals=0))
    assert house.rows("x_client") == before
    with house.database.read() as connection:
        (job,) = ledger.list_jobs(connection)
    assert (job.kind, job.state, job.args) == (service.RUN, "queued", {"object": "client"})
    perform_waiting(worker(house))
    assert house.rows("x_client") != before
    assert house.rows("assessment_runs", "id")[-1]["release"] == 2


def test_a_sample_finds_what_a_save_missed(house: House) -> None:
    with house.work(write=False) as work:
        assert compare_sample(work, "client") is None, "nobody was assessed today"
    assess_all(house.work, "client")
    assert done(house, jobs.CHECK).result == {"client": {"checked": len(house.rows("x_client")), "different": {}}}
    table = sa.table("x_client", sa.column("record_id"), sa.column("sales"))
    wrong = house.rows("x_client")[2]["record_id"]
    with house.database.write() as connection:
        connection.execute(sa.update(table).where(table.c.record_id == wrong).values(sales=-5))
    result = done(house, jobs.CHECK).result
    assert result is not None and result["client"]["different"] == {str(wrong): ["sales"]}
    house.now += timedelta(days=1)
    with house.work(write=False) as work:
        assert compare_sample(work, "client") is None, "results are those of yesterday"


def test_a_run_takes_short_steps_while_others_write(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each time the run asks for its turn somebody is writing; then nobody any more."""
    monkeypatch.setattr(pace, "FEWEST", 2)
    steps: list[int] = []
    writing = threading.Event()

    def write() -> None:
        with house.database.write():
            writing.set()
            threading.Event().wait(0.05)

    def progress(at: int, _: int) -> None:
        steps.append(at)
        if len(steps) <= 3:
            writing.clear()
            other = threading.Thread(target=write)
            other.start()
            writing.wait()

    house.insert("client", *({"id": i, "name": f"client {i}"} for i in range(100, 140)))
    if house.database.is_sqlite:  # PostgreSQL's writers do not wait for one another
        assess_all(house.work, "client", progress=progress, chunk=5)
        sizes = [b - a for a, b in zip(steps, steps[1:])]
        assert all(size <= 2 for size in sizes[:3])
        assert max(sizes[3:]) > 2
    found = pace.Pace(100)
    found.waited(1.0)
    assert found.size == 2
    for _ in range(9):
        found.waited(0.0)
    assert found.size == 100
