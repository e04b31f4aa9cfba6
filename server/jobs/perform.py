"""Running one job: from its row to its end in the row, whatever happens in between."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from server import clock
from server.errors import AppError, Text
from server.jobs import ledger
from server.jobs.job import Cancelled, Job, OpenWork, Running, Superseded
from server.storage.session import Database, is_away

log = logging.getLogger("weatherglass")
BUG = Text("出了意料之外的错，已记入日志", "Something unexpected went wrong; it was logged")
BUG_HINT = Text("请再试一次；仍然出错时请告诉管理员出错的时间", "Try again; if it persists tell your administrator the time it happened")
UNKNOWN = Text("这个版本没有这种作业", "This version knows no such job")
UNKNOWN_HINT = Text("请用提交它的版本运行，或取消它", "Run it with the version that asked for it, or cancel it")


@dataclass(frozen=True)
class House:
    """What jobs need of the application: its database, the kinds of jobs, the way to a unit of work as some person."""

    database: Database
    jobs: Mapping[str, Job]
    open_work: OpenWork
    zone: str = "UTC"
    stopping: Callable[[], bool] = field(default=bool)


def perform(house: House, job_id: int, tries: int | None = None) -> str:
    """Runs the job to its end, unless it ended already; gives its state. A database that went away is raised, so that it is tried again.
    `tries`: which handing out this is; None: the present one."""
    with house.database.write() as connection:
        found = ledger.start(connection, clock.now(), job_id, tries)
    if found is None:
        return "ended"
    job = house.jobs.get(found.kind)
    running = Running(found.id, found.args, found.by, found.tries, house.open_work, house.stopping)
    result, state, error, hint = None, "done", None, None
    try:
        if job is None:
            raise AppError(UNKNOWN, UNKNOWN_HINT)
        result = job.run(running)
    except Cancelled:
        if house.stopping():
            with house.database.write() as connection:
                ledger.release(connection, job_id, found.tries, crashed=False)  # the next start goes on with it
            return "stopping"
        state = "cancelled"
    except Superseded:
        return "superseded"
    except AppError as refused:
        state, error, hint = "failed", refused.message, refused.hint
    except Exception as bug:
        if is_away(bug):
            raise
        log.exception("job %s (%s) failed", found.id, found.kind)
        state, error, hint = "failed", BUG, BUG_HINT
    with house.database.write() as connection:
        ledger.end(connection, clock.now(), job_id, state, result, error, hint, found.tries)
    return state


def perform_waiting(house: House) -> int:
    """Every job that waits, one after another, in this thread: for commands and tests, without an engine. Gives how many."""
    count = 0
    while True:
        with house.database.write() as connection:
            found = ledger.waiting(connection)
            ledger.hand(connection, [i for i, _ in found])
        if not found:
            return count
        for job_id, _ in found:
            perform(house, job_id)
            count += 1
