"""Jobs on the real engine: they run once, fail with words, stop when asked, and outlive the process that ran them."""

import importlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from datetime import time as time_of_day
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from server import clock
from server.errors import AppError, Conflict, Text
from server.jobs import ledger
from server.jobs.background import PATIENCE, Background
from server.jobs.job import Job, Running
from server.jobs.perform import House, perform, perform_waiting
from server.jobs.tables import job_workers, jobs
from server.storage.session import Database

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Step:
    """What these jobs need of a unit of work."""

    session: sa.Connection


def count(job: Running) -> dict[str, int]:
    """Counts to `to`, a transaction a step, going on where its row says; `die`: the process ends hard at that number, once."""
    with job.work(write=False, cause="job") as work:
        done = ledger.status(work.session, job.id).done  # type: ignore[union-attr]
    while done < job.args["to"]:
        time.sleep(job.args.get("pause", 0))
        if done == job.args.get("die") and not Path(job.args["mark"]).exists():
            Path(job.args["mark"]).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        with job.work(write=True, cause="job") as work:
            job.check(work.session)
            done += 1
            job.progress(work.session, done, job.args["to"])
    return {"counted": done}


def overtaken(job: Running) -> dict[str, int]:
    """Comes to 1; then its process is taken for dead and the job is handed out anew, which it learns when it wants to write again."""
    with job.work(write=True, cause="job") as work:
        job.progress(work.session, 1, 2)
    with job.work(write=False, cause="job") as work:
        again = ledger.status(work.session, job.id).tries > 1  # type: ignore[union-attr]
    if not again:
        with job.open_work(job.by, True, "sweep") as work:
            assert ledger.release(work.session, job.id, job.tries)
    with job.work(write=True, cause="job") as work:
        job.progress(work.session, 2, 2)
    return {}


def refuse(job: Running) -> dict[str, int]:
    raise AppError(Text("不行", "It cannot be"), Text("换一个", "Take another"))


def crash(job: Running) -> dict[str, int]:
    raise ZeroDivisionError


KINDS = {key: Job(key, Text(key, key), run) for key, run in {"count": count, "overtaken": overtaken, "refuse": refuse, "crash": crash}.items()}


def house_of(database: Database) -> House:
    @contextmanager
    def open_work(username: str, write: bool, cause: str) -> Iterator[Step]:
        with database.write() if write else database.read() as connection:
            yield Step(connection)

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


def test_who_was_taken_for_dead_writes_no_more(house: House) -> None:
    job = ask(house, "overtaken")
    assert perform(house, job, tries=1) == "superseded"
    found = look(house, job)
    assert (found.state, found.done, found.tries) == ("queued", 1, 2)
    assert perform(house, job, tries=1) == "ended", "the old name runs nothing"
    assert perform(house, job, tries=2) == "done"


def test_a_job_in_the_middle_of_a_transaction_is_not_handed_out_anew(postgres_database: Database) -> None:
    house = house_of(postgres_database)
    job = ask(house, "count", to=1)
    with house.database.write() as connection:
        ledger.start(connection, clock.now(), job)
    with house.database.write() as working, house.database.write() as other:
        assert ledger.hold(working, job, 1)
        ledger.cancel(other, clock.now(), job)  # people need not wait for it
        assert not ledger.release(other, job, 1)
    with house.database.write() as connection:
        assert ledger.release(connection, job, 1)
    with house.database.write() as connection:
        assert not ledger.hold(connection, job, 1)
        assert ledger.release(connection, job + 1, 1), "what is not there need not be asked for again"


def test_two_who_ask_by_one_key_at_once_ask_for_one_job(postgres_database: Database) -> None:
    house = house_of(postgres_database)
    found: list[int] = []
    other = threading.Thread(target=lambda: found.append(ask(house, "count", key="nightly", to=1)))
    with house.database.write() as connection:
        job = ledger.enqueue(connection, clock.now(), "li", "count", {"to": 1}, "nightly")
        other.start()
        other.join(0.5)
        assert found == []
    other.join(10)
    assert found == [job]


def test_a_process_is_dead_when_its_sign_of_life_stays_the_same(house: House) -> None:
    """Not when it is old: the clock may have been set, here or there."""
    module = importlib.import_module("server.jobs.engine")  # loads dbos: not before it is needed
    engine = module.Engine(house, threading.Event())
    row = {"executor": "elsewhere:1", "host": "elsewhere", "pid": 1, "seen_at": clock.now() - timedelta(days=1)}
    assert engine._lives(row)
    at, since = engine.heard["elsewhere:1"]
    engine.heard["elsewhere:1"] = at, since - module.DEAD
    assert not engine._lives(row)
    assert engine._lives({**row, "seen_at": at - timedelta(hours=1)}), "set back, and alive"
    assert not engine._lives({"executor": "here", "host": engine.host, "pid": engine.pid, "seen_at": at}), "an earlier process with our number"


def test_the_engine_is_started_again_when_it_could_not_run(sqlite_database: Database) -> None:
    house = house_of(sqlite_database)
    in_the_way = Path(str(sqlite_database.url.database)).with_suffix(".jobs.sqlite")
    in_the_way.mkdir()
    job = ask(house, "count", to=1)
    background = Background(house)
    background.start()
    time.sleep(PATIENCE + 2)
    in_the_way.rmdir()
    until(lambda: look(house, job).state == "done")
    background.stop()


@pytest.mark.parametrize("known", [True, False])
def test_the_engine_finishes_what_a_killed_process_began(house: House, tmp_path: Path, known: bool) -> None:
    """kill -9 in the middle: another process takes the job up where it came to, and a job under way at a stop waits for the next start.
    `known`: whether the dead one stands among those that gave signs of life; it may have woken up and died before it did."""
    job = ask(house, "count", to=20, die=7, mark=str(tmp_path / "died"))
    other = ask(house, "count", to=5)
    url = house.database.url.render_as_string(hide_password=False)
    code = f"from tests.jobs.test_jobs import *; house = house_of(Database({url!r})); Background(house).start(); time.sleep(60)"
    child = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT)
    assert child.wait(50) == -signal.SIGKILL
    assert look(house, job).state == "running"
    assert look(house, job).done == 7
    if not known:
        with house.database.write() as connection:
            connection.execute(sa.delete(job_workers))
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
