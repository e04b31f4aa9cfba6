"""Jobs on the real engine: they run once, fail with words, stop when asked, and outlive the process that ran them."""

import importlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from datetime import time as time_of_day
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from server import clock
from server.errors import AppError, Conflict, Text
from server.jobs import ledger
from server.jobs.background import Background
from server.jobs.job import Job, Running
from server.jobs.perform import House, perform, perform_waiting
from server.jobs.tables import jobs
from server.storage.session import Database

ROOT = Path(__file__).parents[2]


def count(job: Running) -> dict[str, int]:
    """Counts to `to`, a transaction a step, going on where its row says; `die`: the process ends hard at that number, once."""
    with job.work(write=False, cause="job") as connection:
        done = ledger.status(connection, job.id).done  # type: ignore[union-attr]
    while done < job.args["to"]:
        time.sleep(job.args.get("pause", 0))
        if done == job.args.get("die") and not Path(job.args["mark"]).exists():
            Path(job.args["mark"]).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        with job.work(write=True, cause="job") as connection:
            job.check(connection)
            done += 1
            job.progress(connection, done, job.args["to"])
    return {"counted": done}


def refuse(job: Running) -> dict[str, int]:
    raise AppError(Text("不行", "It cannot be"), Text("换一个", "Take another"))


def crash(job: Running) -> dict[str, int]:
    raise ZeroDivisionError


KINDS = {key: Job(key, Text(key, key), run) for key, run in {"count": count, "refuse": refuse, "crash": crash}.items()}


def house_of(database: Database) -> House:
    @contextmanager
    def open_work(username: str, write: bool, cause: str) -> Iterator[sa.Connection]:
        with database.write() if write else database.read() as connection:
            yield connection

    return House(database, KINDS, open_work)


@pytest.fixture
def house(database: Database) -> House:
    return house_of(database)


def ask(house: House, kind: str, key: str | None = None, **args: object) -> int:
    with house.database.write() as connection:
        return ledger.enqueue(connection, clock.now(), "li", kind, args, key)


def look(house: House, job_id: int) -> ledger.Status:
    with house.database.read() as connection:
        found = ledger.status(connection, job_id)
    assert found is not None
    return found


def until(what: Callable[[], bool], seconds: float = 40) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_job_ends_in_words(house: House) -> None:
    good, bad, bug = ask(house, "count", to=3), ask(house, "refuse"), ask(house, "crash")
    unknown = ask(house, "nothing")
    assert ask(house, "count", key="once", to=1) == ask(house, "count", key="once", to=1)
    assert perform_waiting(house) == 5
    found = look(house, good)
    assert (found.state, found.done, found.total, found.result) == ("done", 3, 3, {"counted": 3})
    assert look(house, bad).error == ("不行", "It cannot be")
    assert look(house, bad).hint == ("换一个", "Take another")
    assert look(house, bug).state == look(house, unknown).state == "failed"
    assert perform(house, good) == "ended", "a job that ended is not run again"


def test_what_waits_or_runs_can_be_stopped_and_asked_for_again(house: House) -> None:
    waiting, running = ask(house, "count", to=3), ask(house, "count", to=3)
    with house.database.write() as connection:
        ledger.cancel(connection, clock.now(), waiting)
        connection.execute(sa.update(jobs).where(jobs.c.id == running).values(state="running"))
        ledger.cancel(connection, clock.now(), running)
    perform(house, running)
    assert look(house, waiting).state == look(house, running).state == "cancelled"
    with house.database.write() as connection:
        ledger.again(connection, clock.now(), running)
        with pytest.raises(Conflict):
            ledger.again(connection, clock.now(), running)
    perform_waiting(house)
    assert look(house, running).state == "done"


def test_a_job_that_always_kills_its_process_is_put_aside(house: House) -> None:
    poison = ask(house, "count", to=1)
    with house.database.write() as connection:
        connection.execute(sa.update(jobs).where(jobs.c.id == poison).values(state="running", attempts=ledger.ATTEMPTS))
    perform(house, poison)
    assert look(house, poison).error == ledger.POISON


def test_the_engine_finishes_what_a_killed_process_began(house: House, tmp_path: Path) -> None:
    """kill -9 in the middle: another process takes the job up where it came to, and a job under way at a stop waits for the next start."""
    job = ask(house, "count", to=20, die=7, mark=str(tmp_path / "died"))
    other = ask(house, "count", to=5)
    url = house.database.url.render_as_string(hide_password=False)
    code = f"from tests.jobs.test_jobs import *; house = house_of(Database({url!r})); Background(house).start(); time.sleep(60)"
    child = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT)
    assert child.wait(50) == -signal.SIGKILL
    assert look(house, job).state == "running"
    assert look(house, job).done == 7
    background = Background(house)
    background.start()
    until(lambda: look(house, job).state == look(house, other).state == "done")
    assert look(house, job).done == 20
    slow = ask(house, "count", to=40, pause=0.1)
    until(lambda: look(house, slow).done > 2)
    background.stop()
    assert not background.thread.is_alive()
    until(lambda: look(house, slow).state == "queued", 1)


def test_what_was_missed_is_done_once(house: House) -> None:
    """However often it was missed, whichever processes start."""
    engine = importlib.import_module("server.jobs.engine")  # loads dbos: not before it is needed
    nightly = replace(house, jobs={**KINDS, "nightly": Job("nightly", Text("夜", "Night"), lambda job: {}, "10 0 * * *")}, zone="Asia/Shanghai")
    engine.ask_for_missed(nightly)
    engine.ask_for_missed(nightly)
    with house.database.read() as connection:
        (found,) = ledger.list_jobs(connection)
        key = connection.scalar(sa.select(jobs.c.key))
    assert (found.kind, found.by) == ("nightly", "system")
    due = datetime.fromisoformat(str(key).partition("@")[2])
    assert due.astimezone(ZoneInfo("Asia/Shanghai")).time() == time_of_day(0, 10)
    assert timedelta(0) <= clock.now() - due <= timedelta(days=1)
    assert perform_waiting(nightly) == 1


def test_the_engine_loads_nothing_that_statements_of_people_being_served_look_into() -> None:
    code = "import sys, server.app; before = set(sys.modules); import server.jobs.engine; print(*set(sys.modules) - before)"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    assert "dbos" in loaded
    assert [name for name in loaded if name.startswith("sqlalchemy.orm")] == []
