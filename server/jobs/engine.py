"""The engine behind the jobs: DBOS. It takes turns between processes, brings back what a dead process left, and keeps the schedules.

Only this module imports dbos, and only the background thread imports this module. The engine's own tables lie in a SQLite file beside ours, or in
a schema of their own, so that its writes never wait for ours. What people see and what a job has done stands in our tables: the engine may lose
its file and no job is lost.
"""

import logging
import os
import socket
import threading
import time
import uuid
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from croniter import croniter
from dbos import DBOS, DBOSPortableJSONSerializer, SetWorkflowID

from server import clock
from server.jobs import ledger
from server.jobs.perform import House, perform
from server.jobs.tables import job_workers

log = logging.getLogger("weatherglass")
SYSTEM = "system"
ABI = "1"  # of the order of steps below; jobs of another are not taken up, so it changes only with them
QUEUE = "jobs"
POLL = 0.5  # seconds between looks for new jobs
BEAT, DEAD = 5.0, 30.0  # seconds between signs of life; without one for so long a process is dead
GRACE = 8  # seconds a job under way has for the end of its step when the process stops
KEPT = timedelta(days=7)  # of the engine's own rows
_ONE = threading.Lock()  # DBOS is one for a process
_house: House | None = None


@DBOS.step(name="perform", retries_allowed=True, max_attempts=8, interval_seconds=1.0, backoff_rate=2.0)
def _perform(job_id: int) -> str:
    if _house is None:
        raise RuntimeError("the engine is not running")
    _, tries = _named(str(DBOS.workflow_id)) or (job_id, None)
    return perform(_house, job_id, tries)


@DBOS.workflow(name="job")
def _job(job_id: int) -> str:
    return _perform(job_id)


@DBOS.workflow(name="tick")
def _tick(scheduled_at: datetime, kind: Any) -> None:
    if _house is not None:
        _ask(_house, str(kind), scheduled_at)


def _ask(house: House, kind: str, scheduled_at: datetime) -> None:
    """The job of that hour; asked for twice, it is one."""
    with house.database.write() as connection:
        ledger.enqueue(connection, clock.now(), SYSTEM, kind, {}, key=f"{kind}@{scheduled_at.astimezone(UTC).isoformat(timespec='minutes')}")


def ask_for_missed(house: House) -> None:
    """What should have begun while no process ran: each kind once, however often it was missed."""
    for job in house.jobs.values():
        if job.cron:
            last: datetime = croniter(job.cron, clock.now().astimezone(ZoneInfo(house.zone))).get_prev(datetime)
            _ask(house, job.key, last)


def _name(job_id: int, tries: int) -> str:
    """Of the workflow of one handing out of a job."""
    return f"job-{job_id}-{tries}"


def _named(name: str) -> tuple[int, int] | None:
    """(job, tries); None for another workflow, such as a tick."""
    word, *numbers = name.split("-")
    return (int(numbers[0]), int(numbers[1])) if word == "job" and len(numbers) == 2 and all(map(str.isdecimal, numbers)) else None


class Engine:
    """Runs the jobs of one process until it is stopped."""

    def __init__(self, house: House, stop: threading.Event) -> None:
        self.house = house
        self.stop = stop
        self.host, self.pid = socket.gethostname(), os.getpid()
        self.executor = f"{self.host}:{self.pid}:{uuid.uuid4().hex[:8]}"  # two processes of one name would run a step twice
        self.heard: dict[str, tuple[datetime, float]] = {}  # executor -> its last sign of life, and when we saw that it was a new one

    def run(self) -> None:
        """Until `stop` is set."""
        global _house
        while not _ONE.acquire(timeout=POLL):
            if self.stop.is_set():
                return
        try:
            _house = self.house
            self._beat()
            self._launch()
            ask_for_missed(self.house)
            self._work()
        finally:
            _house = None
            DBOS.destroy(workflow_completion_timeout_sec=GRACE)
            _ONE.release()

    def _launch(self) -> None:
        url = self.house.database.companion("jobs")
        DBOS(
            config={
                "name": "weatherglass",
                "system_database_url": url,
                "dbos_system_schema": "weatherglass_jobs",
                "executor_id": self.executor,
                "application_version": ABI,
                "serializer": DBOSPortableJSONSerializer(),  # the default is pickle
                "log_level": "ERROR",
                "use_listen_notify": False,
                "notification_listener_polling_interval_sec": 1.0,
                "sys_db_pool_size": 4,
            }
        )
        DBOS.launch()
        DBOS.register_queue(QUEUE, worker_concurrency=1, polling_interval_sec=POLL)
        timed = [j for j in self.house.jobs.values() if j.cron]
        if timed:
            DBOS.apply_schedules(
                [{"schedule_name": j.key, "workflow_fn": _tick, "schedule": j.cron, "context": j.key, "cron_timezone": self.house.zone} for j in timed]
            )

    def _work(self) -> None:
        beat = swept = 0.0
        looked = time.monotonic()
        while not self.stop.wait(POLL):
            try:
                self._hand_over()
                if time.monotonic() - beat > BEAT:
                    beat = time.monotonic()
                    self._beat()
                    self._sweep()
                if time.monotonic() - looked > DEAD:
                    looked = time.monotonic()
                    self._find_lost()
                if time.monotonic() - swept > 3600:
                    swept = time.monotonic()
                    self._tidy()
            except Exception:
                log.exception("the job engine had a bad moment")

    def _hand_over(self) -> None:
        """New rows become workflows. The name of the workflow makes it one, whichever process hands it over, however often."""
        with self.house.database.read() as connection:
            found = ledger.waiting(connection)
        for job_id, tries in found:
            with SetWorkflowID(_name(job_id, tries)):
                DBOS.enqueue_workflow(QUEUE, _job, job_id)
        if found:
            with self.house.database.write() as connection:
                ledger.hand(connection, [i for i, _ in found])

    def _beat(self) -> None:
        now, w = clock.now(), job_workers
        with self.house.database.write() as connection:
            seen = connection.execute(sa.update(w).where(w.c.executor == self.executor).values(seen_at=now))
            if not seen.rowcount:
                row = {"executor": self.executor, "host": self.host, "pid": self.pid, "started_at": now, "seen_at": now}
                connection.execute(sa.insert(w).values(**row))

    def _sweep(self) -> None:
        """What nobody alive holds goes back into the queue. Who is alive is read after what is held: a process enters itself before it takes anything."""
        held = DBOS.list_workflows(status="PENDING", load_input=False, load_output=False)
        w = job_workers
        with self.house.database.read() as connection:
            rows = {r["executor"]: r for r in connection.execute(sa.select(w)).mappings()}
        alive = {executor for executor, row in rows.items() if self._lives(row)}
        for left in held:
            if left.executor_id not in alive:
                self._take_back(left.workflow_id)
        gone = rows.keys() - alive - {left.executor_id for left in held}
        if gone:
            with self.house.database.write() as connection:
                connection.execute(sa.delete(w).where(w.c.executor.in_(gone)))

    def _take_back(self, name: str) -> None:
        """A job is handed out under a new name, so that whoever wakes up with the old one writes nothing any more."""
        found = _named(name)
        if found is None:
            DBOS.resume_workflow(name, queue_name=QUEUE)
            return
        with self.house.database.write() as connection:
            free = ledger.release(connection, *found)
        if free:
            DBOS.cancel_workflow(name)

    def _find_lost(self) -> None:
        """Jobs that are open in our table and that the engine has given up or never heard of."""
        with self.house.database.read() as connection:
            found = ledger.handed_out(connection)
        names = {_name(job_id, tries): (job_id, tries) for job_id, tries in found}
        if not names:
            return
        known = DBOS.list_workflows(workflow_ids=list(names), load_input=False, load_output=False)
        alive = {w.workflow_id for w in known if w.status in {"PENDING", "ENQUEUED", "DELAYED"}}
        for name, (job_id, tries) in names.items():
            if name not in alive:
                with self.house.database.write() as connection:
                    ledger.release(connection, job_id, tries)

    def _lives(self, row: Mapping[Any, Any]) -> bool:
        """A process whose number is nobody's on this host is dead, and one whose sign of life stays the same. That is measured by how long we have
        seen it so: the time of day may be set, and differs between hosts."""
        if row["executor"] == self.executor:
            return True
        if row["host"] == self.host and not self._runs(row["pid"]):
            return False
        at, since = self.heard.get(row["executor"], (None, 0.0))
        if at != row["seen_at"]:
            self.heard[row["executor"]] = row["seen_at"], time.monotonic()
            return True
        return time.monotonic() - since < DEAD

    def _runs(self, pid: int) -> bool:
        if pid == self.pid:
            return False  # an earlier process that had our number
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        except OSError:
            return True
        return True

    def _tidy(self) -> None:
        """The engine's rows of jobs long done; ours are kept longer."""
        before = (clock.now() - KEPT).isoformat()
        old = DBOS.list_workflows(status=["SUCCESS", "ERROR", "CANCELLED"], completed_before=before, limit=1000, load_input=False, load_output=False)
        with suppress(IndexError):
            DBOS.delete_workflows([w.workflow_id for w in old])
