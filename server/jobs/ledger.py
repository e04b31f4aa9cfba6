"""The jobs as rows: ask for one, see how it goes, stop it, list them. The engine works through what stands here."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from server.errors import Conflict, NotFound, Text
from server.jobs.tables import jobs
from server.storage.changes import insert_new

STATES = ("queued", "running", "done", "failed", "cancelled")
OPEN = ("queued", "running")
ATTEMPTS = 5  # starts of one job that ended in a crash of the process, before it is put aside
KEPT = timedelta(days=90)
POISON = Text(f"开始了 {ATTEMPTS} 次都没有结束，已搁置", f"It was started {ATTEMPTS} times and never ended; it was put aside")
POISON_HINT = Text("请查看服务器日志，修好原因后再试一次", "Look at the server's log, mend the cause, then try again")


@dataclass(frozen=True)
class Status:
    """`done` of `total` steps of the job's own counting; total 0: not known yet."""

    id: int
    kind: str
    args: Mapping[str, Any]
    by: str
    state: str
    cancel: bool
    attempts: int
    tries: int
    done: int
    total: int
    result: Mapping[str, Any] | None
    error: Text | None
    hint: Text | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @property
    def is_open(self) -> bool:
        return self.state in OPEN


def enqueue(connection: sa.Connection, now: datetime, by: str, kind: str, args: Mapping[str, Any], key: str | None = None) -> int:
    """Asks for a job in the caller's transaction; begins about a second after it is committed. With a key that is there already: that job."""
    row: dict[str, Any] = {"kind": kind, "key": key, "args": dict(args), "by": by, "state": "queued", "handed": False, "cancel": False, "created_at": now}
    row |= {"attempts": 0, "tries": 1, "done": 0, "total": 0}
    if key is None:
        return int(connection.execute(sa.insert(jobs).values(**row).returning(jobs.c.id)).scalar_one())
    insert_new(connection, jobs, row)  # who asks at the same moment waits for us, and finds ours
    return int(connection.execute(sa.select(jobs.c.id).where(jobs.c.key == key)).scalar_one())


def status(connection: sa.Connection, job_id: int) -> Status | None:
    row = connection.execute(sa.select(jobs).where(jobs.c.id == job_id)).mappings().first()
    return None if row is None else _status(row)


def cancel(connection: sa.Connection, now: datetime, job_id: int) -> None:
    """A job that waits never begins, one that runs stops after its present step; one that ended is left alone."""
    _known(connection, job_id)
    waiting = (jobs.c.id == job_id) & (jobs.c.state == "queued")
    connection.execute(sa.update(jobs).where(waiting).values(state="cancelled", cancel=True, finished_at=now))
    connection.execute(sa.update(jobs).where(jobs.c.id == job_id, jobs.c.state == "running").values(cancel=True))


def again(connection: sa.Connection, now: datetime, job_id: int) -> None:
    """A job that failed or was stopped is asked for once more; it goes on where it came to."""
    found = _known(connection, job_id)
    if found.state not in {"failed", "cancelled"}:
        raise Conflict(Text("这项作业还没有停下", "This job has not ended"), Text("先停下它", "Stop it first"))
    fresh = {"state": "queued", "handed": False, "cancel": False, "attempts": 0, "tries": jobs.c.tries + 1, "finished_at": None}
    connection.execute(sa.update(jobs).where(jobs.c.id == job_id).values(**fresh, error_zh=None, error_en=None, hint_zh=None, hint_en=None, created_at=now))


def list_jobs(connection: sa.Connection, *, state: str = "", kind: str = "", before: int | None = None, limit: int = 50) -> list[Status]:
    """Newest first. `state`: one of STATES, or "open" for what waits or runs."""
    query = sa.select(jobs).order_by(jobs.c.id.desc()).limit(limit)
    if state:
        query = query.where(jobs.c.state.in_(OPEN if state == "open" else [state]))
    if kind:
        query = query.where(jobs.c.kind == kind)
    if before is not None:
        query = query.where(jobs.c.id < before)
    return [_status(row) for row in connection.execute(query).mappings()]


def last_of(connection: sa.Connection, kinds: Iterable[str]) -> dict[str, Status]:
    """The newest job of each kind that has one."""
    newest = sa.select(sa.func.max(jobs.c.id)).where(jobs.c.kind.in_(list(kinds))).group_by(jobs.c.kind)
    rows = connection.execute(sa.select(jobs).where(jobs.c.id.in_(newest))).mappings()
    return {row["kind"]: _status(row) for row in rows}


def counts(connection: sa.Connection) -> dict[str, int]:
    """State -> how many."""
    return {row[0]: row[1] for row in connection.execute(sa.select(jobs.c.state, sa.func.count()).group_by(jobs.c.state))}


def _known(connection: sa.Connection, job_id: int) -> Status:
    found = status(connection, job_id)
    if found is None:
        raise NotFound(Text("没有这项作业", "There is no such job"))
    return found


def _status(row: Mapping[Any, Any]) -> Status:
    def text(name: str) -> Text | None:
        return None if row[f"{name}_zh"] is None else Text(row[f"{name}_zh"], row[f"{name}_en"])

    plain = {k: row[k] for k in ("id", "kind", "args", "by", "state", "cancel", "attempts", "tries", "done", "total", "result")}
    times = {k: row[k] for k in ("created_at", "started_at", "finished_at")}
    return Status(**plain, **times, error=text("error"), hint=text("hint"))


# -- For the engine and the running job --------------------------------------------------------------------------------------


def waiting(connection: sa.Connection) -> list[tuple[int, int]]:
    """(id, tries) of jobs that the engine does not know of."""
    query = sa.select(jobs.c.id, jobs.c.tries).where(jobs.c.state == "queued", sa.not_(jobs.c.handed)).order_by(jobs.c.id)
    return [(row.id, row.tries) for row in connection.execute(query)]


def hand(connection: sa.Connection, ids: list[int]) -> None:
    connection.execute(sa.update(jobs).where(jobs.c.id.in_(ids)).values(handed=True))


def start(connection: sa.Connection, now: datetime, job_id: int, tries: int | None = None) -> Status | None:
    """The job, counted as started once more; None when there is nothing to run: it ended, was stopped, crashed too often, or was handed out
    anew since. `tries`: which handing out this is; None: the present one."""
    row = connection.execute(sa.select(jobs).where(jobs.c.id == job_id).with_for_update()).mappings().first()
    if row is None or row["state"] not in OPEN or tries not in {None, row["tries"]}:
        return None
    if row["cancel"]:
        end(connection, now, job_id, "cancelled")
        return None
    if row["attempts"] >= ATTEMPTS:
        end(connection, now, job_id, "failed", error=POISON, hint=POISON_HINT)
        return None
    values = {"state": "running", "attempts": row["attempts"] + 1, "started_at": row["started_at"] or now}
    connection.execute(sa.update(jobs).where(jobs.c.id == job_id).values(**values))
    return status(connection, job_id)


def hold(connection: sa.Connection, job_id: int, tries: int) -> bool:
    """Whether the job is still this handing out's, and keeps it so until the transaction ends: a process that stood still may wake up when its job
    has long been another's. The lock is one that lets people stop the job meanwhile."""
    mine = (jobs.c.id == job_id) & (jobs.c.tries == tries) & (jobs.c.state == "running")
    return connection.execute(sa.select(jobs.c.id).where(mine).with_for_update(read=True, key_share=True)).first() is not None


def release(connection: sa.Connection, job_id: int, tries: int, *, crashed: bool = True) -> bool:
    """Hands an open job out anew; who worked on it can write no more. False: it is in the middle of a transaction, and is to be asked for later.
    Nothing is done to a job that ended or that was handed out anew already. `crashed`: its start counts as one of those that did not end well."""
    there = connection.execute(sa.select(jobs.c.id).where(jobs.c.id == job_id).with_for_update(skip_locked=True)).first()
    if there is None:
        return _gone(connection, job_id)
    mine = (jobs.c.id == job_id) & jobs.c.state.in_(OPEN) & (jobs.c.tries == tries)
    attempts = jobs.c.attempts if crashed else sa.case((jobs.c.attempts > 0, jobs.c.attempts - 1), else_=0)
    connection.execute(sa.update(jobs).where(mine).values(state="queued", handed=False, tries=jobs.c.tries + 1, attempts=attempts))
    return True


def _gone(connection: sa.Connection, job_id: int) -> bool:
    return connection.execute(sa.select(jobs.c.id).where(jobs.c.id == job_id)).first() is None


def handed_out(connection: sa.Connection) -> list[tuple[int, int]]:
    """(id, tries) of open jobs that the engine should be working on."""
    query = sa.select(jobs.c.id, jobs.c.tries).where(jobs.c.state.in_(OPEN), jobs.c.handed)
    return [(row.id, row.tries) for row in connection.execute(query)]


def advance(connection: sa.Connection, job_id: int, done: int, total: int) -> None:
    """Writes how far it came; a job that comes on is no poison."""
    connection.execute(sa.update(jobs).where(jobs.c.id == job_id).values(done=done, total=total, attempts=1))


def is_cancelled(connection: sa.Connection, job_id: int) -> bool:
    return bool(connection.scalar(sa.select(jobs.c.cancel).where(jobs.c.id == job_id)))


def end(
    connection: sa.Connection,
    now: datetime,
    job_id: int,
    state: str,
    result: Mapping[str, Any] | None = None,
    error: Text | None = None,
    hint: Text | None = None,
    tries: int | None = None,
) -> None:
    """`tries`: only while it is this handing out's."""
    words = {"error_zh": error and error.zh, "error_en": error and error.en, "hint_zh": hint and hint.zh, "hint_en": hint and hint.en}
    values = {"state": state, "finished_at": now, "result": None if result is None else dict(result), **words}
    mine = jobs.c.id == job_id if tries is None else (jobs.c.id == job_id) & (jobs.c.tries == tries)
    connection.execute(sa.update(jobs).where(mine).values(**values))


def forget(connection: sa.Connection, now: datetime) -> None:
    """Jobs that ended long ago."""
    connection.execute(sa.delete(jobs).where(jobs.c.state.not_in(OPEN), jobs.c.finished_at < now - KEPT))
