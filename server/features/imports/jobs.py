"""The two jobs of an import: try it, run it. Both go on where they came to."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import sqlalchemy as sa

from server.errors import Text
from server.feature import Work
from server.features.imports import files, service, trial
from server.features.imports.service import ImportRun
from server.features.imports.tables import import_rows, import_runs
from server.features.objects.kind import Field
from server.features.records.importing import RolledBack, Run, chunks, places, refuse_import, undisturbed, whole
from server.features.records.mapping import plan
from server.features.records.reading import object_of
from server.features.records.rowfile import Row, RowError, RowFile, Tally, open_rows
from server.jobs.job import Job, Running

KEPT = timedelta(days=90)  # of files and refused rows
TIDY_AT = "23 3 * * *"


def try_import(job: Running) -> Mapping[str, Any]:
    """The dry run. A second attempt begins anew: nothing was written."""
    with TemporaryDirectory(prefix="weatherglass-import-") as folder:
        run = _fetch(job, Path(folder) / "rows")
        if run.state != "trying" or run.job != job.id:  # it ended, and the process died before it could say so to the job; the person may have gone on
            return {key: (run.trial or {}).get(key, 0) for key in ("rows", "rejected")}
        with open_rows(Path(folder) / "rows", run.reading) as file:
            rows, _ = _run_of(job, run, file)
            rows.watched = True
            found = trial.Found()
            for block in trial.blocks(file.rows()):
                with job.work(write=False, cause="import") as work:
                    job.check(work.session)
                trial.try_block(lambda write: job.work(write=write, cause="import"), rows, block, found)
                with job.work(write=True, cause="import") as work:
                    job.progress(work.session, found.tally.rows, run.total)
    with job.work(write=True, cause="import") as work:
        work.session.execute(sa.update(import_runs).where(import_runs.c.id == run.id).values(state="tried", trial=found.data()))
    return {"rows": found.tally.rows, "rejected": found.tally.rejected}


def run_import(job: Running) -> Mapping[str, Any]:
    with TemporaryDirectory(prefix="weatherglass-import-") as folder:
        run = _fetch(job, Path(folder) / "rows")
        if run.state != "running":  # it ended, and the process died before it could say so to the job
            return {"created": run.created, "updated": run.updated, "unchanged": run.unchanged, "rejected": run.rejected}
        path = Path(folder) / "rows"
        if run.atomic:
            _all_or_none(job, run, path)
        else:
            if not run.late:
                _first_pass(job, run, path)
            while _late_pass(job, run, path):
                pass
    with job.work(write=True, cause="import") as work:
        ended = service.get(work, run.id)
        if ended.state == "running":
            work.session.execute(sa.update(import_runs).where(import_runs.c.id == run.id).values(state="done", finished_at=work.now))
    return {"created": ended.created, "updated": ended.updated, "unchanged": ended.unchanged, "rejected": ended.rejected}


def _fetch(job: Running, path: Path) -> ImportRun:
    with job.work(write=False, cause="import") as work:
        files.copy_to(work.session, job.args["run"], path)
        return service.get(work, job.args["run"])


def _run_of(job: Running, run: ImportRun, file: RowFile) -> tuple[Run, Field | None]:
    """The run's columns, with the rights the person has now."""
    with job.work(write=False, cause="import") as work:
        object_type = object_of(work, run.object)
        refuse_import(work, run.object, run.mode)
        columns = plan(work, object_type, file.header, run.mapping, run.key, run.mode)
    return Run(run.object, columns, places(file.header, columns), run.key, run.mode), object_type.fields[run.key] if run.key else None


def _first_pass(job: Running, run: ImportRun, path: Path) -> None:
    """Chunk by chunk from the cursor on. The cursor, what was refused and what waits go into the chunk's own transaction."""
    with undisturbed(), open_rows(path, run.reading) as file:
        rows, key = _run_of(job, run, file)
        rest = (row for row in file.rows() if row.number > run.cursor)
        for chunk in chunks(rows, rest, key):
            with job.work(write=True, cause="import") as work:
                job.check(work.session)
                done, waiting = rows.chunk(work, chunk)
                _note(work, run.id, done, waiting)
                _add(work, run.id, done, cursor=chunk[-1].number)
                job.progress(work.session, chunk[-1].number, run.total)
    with job.work(write=True, cause="import") as work:
        work.session.execute(sa.update(import_runs).where(import_runs.c.id == run.id).values(late=True))


def _late_pass(job: Running, run: ImportRun, path: Path) -> bool:
    """The rows that wait, once. Gives whether some still do; where a round brought none home, they are refused."""
    r = import_rows.c
    with job.work(write=False, cause="import") as work:
        lines = set(work.session.execute(sa.select(r.line).where(r.run == run.id, r.waiting)).scalars())
    if not lines:
        return False
    left = _round(job, run, path, lines, may_wait=True)
    if left == len(lines):
        _round(job, run, path, lines, may_wait=False)
        return False
    return left > 0


def _round(job: Running, run: ImportRun, path: Path, lines: set[int], *, may_wait: bool) -> int:
    left = 0
    with open_rows(path, run.reading) as file:
        rows, key = _run_of(job, run, file)
        for chunk in chunks(rows, (row for row in file.rows() if row.line in lines), key):
            with job.work(write=True, cause="import") as work:
                job.check(work.session)
                done, waiting = rows.chunk(work, chunk, may_wait=may_wait)
                _forget(work, run.id, chunk)
                _note(work, run.id, done, waiting)
                _add(work, run.id, done)
                left += len(waiting)
    return left


def _all_or_none(job: Running, run: ImportRun, path: Path) -> None:
    """One transaction: the rows, the cursor and the end of the run; or nothing but the reasons."""
    tally = Tally()
    with open_rows(path, run.reading) as file:
        rows, _ = _run_of(job, run, file)
        try:
            with job.work(write=True, cause="import") as work:
                job.check(work.session)
                whole(work, rows, file.rows(), tally)
                if tally.rejected:
                    raise RolledBack
                _add(work, run.id, tally, cursor=tally.rows, state="done", finished_at=work.now)
                job.progress(work.session, tally.rows, run.total)
        except RolledBack:
            with job.work(write=True, cause="import") as work:
                _note(work, run.id, tally, [])
                values = {"state": "refused", "finished_at": work.now, "rejected": tally.rejected}
                work.session.execute(sa.update(import_runs).where(import_runs.c.id == run.id).values(**values))


def _note(work: Work, run_id: int, done: Tally, waiting: Sequence[Row]) -> None:
    wrong: dict[int, list[tuple[str, str, str]]] = {}
    for e in done.errors:
        wrong.setdefault(e.line, []).append(_words(e))
    rows = [{"run": run_id, "line": line, "waiting": False, "problems": problems} for line, problems in wrong.items()]
    rows += [{"run": run_id, "line": row.line, "waiting": True, "problems": []} for row in waiting]
    if rows:
        work.session.execute(sa.insert(import_rows), rows)


def _words(error: RowError) -> tuple[str, str, str]:
    return error.column, error.message.zh, error.message.en


def _forget(work: Work, run_id: int, rows: Iterable[Row]) -> None:
    lines = [row.line for row in rows]
    work.session.execute(sa.delete(import_rows).where(import_rows.c.run == run_id, import_rows.c.line.in_(lines)))


def _add(work: Work, run_id: int, done: Tally, **values: Any) -> None:
    c = import_runs.c
    counted = {
        "created": c.created + done.created,
        "updated": c.updated + done.updated,
        "unchanged": c.unchanged + done.unchanged,
        "rejected": c.rejected + done.rejected,
    }
    work.session.execute(sa.update(import_runs).where(c.id == run_id).values(**counted, **values))


def tidy(job: Running) -> Mapping[str, Any]:
    with job.work(write=True, cause="tidy") as work:
        return {"pieces": service.discard_files(work.session, work.now - KEPT)}


JOBS = (
    Job(service.TRIAL, Text("试导入", "Try an import"), try_import),
    Job(service.RUN, Text("导入", "Import"), run_import),
    Job("import_tidy", Text("清理旧的导入文件", "Clear old import files"), tidy, TIDY_AT),
)
