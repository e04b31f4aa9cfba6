"""Imports as people make them: upload, say which column is which, look at what would happen, run, mend what was refused."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

import sqlalchemy as sa

from server.errors import Conflict, NotFound, Text
from server.feature import Work
from server.features.access import roles
from server.features.audit import service as audit
from server.features.imports import files, guessing
from server.features.imports.tables import import_parts, import_rows, import_runs
from server.features.objects.kind import ObjectType
from server.features.records import limits
from server.features.records.importing import MODES, may_import, refuse_import
from server.features.records.mapping import importable, key_fields, plan
from server.features.records.reading import object_of
from server.features.records.rowfile import Reading, RowFile, open_rows
from server.jobs import ledger

TRIAL, RUN = "import_trial", "import_run"  # kinds of jobs
BUSY = ("trying", "running")
SAMPLES, LOOKED_AT = 3, 40
NAME_LENGTH = 200


@dataclass(frozen=True)
class Sample:
    """One column of the file with some of its values."""

    header: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class ImportRun:
    """One import as it stands. rows passed = created + updated + unchanged + rejected + those that wait."""

    id: int
    object: str
    state: str
    by: str
    created_at: datetime
    finished_at: datetime | None
    file_name: str
    size: int
    reading: Reading
    columns: tuple[Sample, ...]
    sheets: tuple[str, ...]
    mapping: Mapping[str, Any]
    key: str
    mode: str
    atomic: bool
    job: int | None
    late: bool
    cursor: int
    total: int
    created: int
    updated: int
    unchanged: int
    rejected: int
    trial: Mapping[str, Any] | None

    @property
    def is_busy(self) -> bool:
        return self.state in BUSY


def begin(work: Work, object_key: str, file_name: str, file: BinaryIO, path: Path, reading: Reading | None = None) -> int:
    """A new run with its file (also lying at `path`), its columns guessed. Refuses what cannot be read before anything is kept."""
    object_type = object_of(work, object_key)
    if not any(may_import(work, object_key, mode) for mode in MODES):
        refuse_import(work, object_key, "insert")
    row: dict[str, Any] = {"object": object_key, "state": "mapping", "by": work.actor.username, "created_at": work.now, "atomic": False}
    row |= {"file_name": _short(file_name), "size": 0, "late": False, "cursor": 0, "created": 0, "updated": 0, "unchanged": 0, "rejected": 0}
    row |= _looked(work, object_type, path, reading)
    run_id = int(work.session.execute(sa.insert(import_runs).values(**row).returning(import_runs.c.id)).scalar_one())
    size = files.keep(work.session, run_id, file)
    work.session.execute(sa.update(import_runs).where(import_runs.c.id == run_id).values(size=size))
    audit.record(work, "begin_import", object=object_key, detail={"import": run_id, "file": row["file_name"]})
    return run_id


def _short(name: str) -> str:
    plain = "".join(c for c in name.replace("\\", "/").rpartition("/")[2] if c.isprintable() and not "\ud800" <= c <= "\udfff")
    return plain[-NAME_LENGTH:] or "file"


def _looked(work: Work, object_type: ObjectType, path: Path, reading: Reading | None) -> dict[str, Any]:
    """What a look at the file says: how it is read, its columns, how many rows, the mapping to propose."""
    with open_rows(path, reading) as file:
        header, found, sheets = file.header, file.reading.data(), list(file.sheets)
        samples, total = _samples(file)
    headers = files.fingerprint(header)
    columns = [[s.header, s.values[:SAMPLES]] for s in samples]
    choices = importable(work, object_type)
    mapping = guessing.mapping_of(object_type, choices, header, {s.header: s.values for s in samples}, _remembered(work, object_type.key, headers))
    key = guessing.key_of(key_fields(work, object_type), mapping)
    mode = "upsert" if key and may_import(work, object_type.key, "insert") else "update" if key else "insert"
    return {
        "reading": {**found, "sheets": sheets, "columns": columns},
        "headers": headers,
        "mapping": mapping,
        "key": key,
        "mode": mode,
        "total": total,
        "trial": None,
    }


def _samples(file: RowFile) -> tuple[list[Sample], int]:
    """Different values of the first rows, and the number of all rows."""
    values: list[list[str]] = [[] for _ in file.header]
    total = 0
    for row in file.rows():
        total += 1
        if total <= LOOKED_AT and row.bad is None:
            for kept, cell in zip(values, row.cells, strict=True):
                text = cell.strip()[:80]
                if text and text not in kept:
                    kept.append(text)
        if total % 65_536 == 0:
            limits.check("import_rows", total)
    limits.check("import_rows", total)
    return [Sample(h, tuple(v)) for h, v in zip(file.header, values, strict=True)], total


def _remembered(work: Work, object_key: str, headers: str) -> Mapping[str, Any]:
    """The mapping of the last run of the same columns that was imported."""
    r = import_runs.c
    query = sa.select(r.mapping).where(r.object == object_key, r.headers == headers, r.cursor > 0).order_by(r.id.desc()).limit(1)
    found = work.session.execute(query).scalar()
    return found or {}


# -- Looking -----------------------------------------------------------------------------------------------------------------


def get(work: Work, run_id: int) -> ImportRun:
    """A run, for who made it and for those who may see the audit."""
    row = work.session.execute(sa.select(import_runs).where(import_runs.c.id == run_id)).mappings().first()
    if row is None or not (row["by"] == work.actor.username or roles.may(work, "audit")):
        raise NotFound(Text("没有这次导入，或无权查看", "There is no such import, or you may not see it"))
    return _run(row)


def _run(row: Mapping[Any, Any]) -> ImportRun:
    said = dict(row["reading"])
    columns = tuple(Sample(header, tuple(values)) for header, values in said.pop("columns"))
    sheets = tuple(said.pop("sheets"))
    plain = {k: row[k] for k in ImportRun.__dataclass_fields__ if k not in {"reading", "columns", "sheets"}}
    return ImportRun(**plain, reading=Reading(**said), columns=columns, sheets=sheets)


def history(work: Work, object_key: str = "", limit: int = 50) -> list[ImportRun]:
    """Newest first: one's own, or everybody's for those who may see the audit."""
    query = sa.select(import_runs).order_by(import_runs.c.id.desc()).limit(limit)
    if object_key:
        query = query.where(import_runs.c.object == object_key)
    if not roles.may(work, "audit"):
        query = query.where(import_runs.c.by == work.actor.username)
    return [_run(row) for row in work.session.execute(query).mappings()]


@dataclass(frozen=True)
class Refusal:
    line: int
    problems: tuple[tuple[str, Text], ...]


def refusals(work: Work, run: ImportRun, limit: int = 100) -> list[Refusal]:
    """The first refused rows with what is wrong with them."""
    r = import_rows.c
    query = sa.select(r.line, r.problems).where(r.run == run.id, sa.not_(r.waiting)).order_by(r.line).limit(limit)
    return [Refusal(row.line, tuple((c, Text(zh, en)) for c, zh, en in row.problems)) for row in work.session.execute(query)]


def mended(work: Work, run: ImportRun) -> Iterator[tuple[int, Sequence[str], str]]:
    """(line, cells, why) of each refused row, for the file to mend; the header first, as line 0."""
    r = import_rows.c
    query = sa.select(r.line, r.problems).where(r.run == run.id, sa.not_(r.waiting))
    wrong = {row.line: row.problems for row in work.session.execute(query)}
    with files.laid_out(work.session, run.id) as path, open_rows(path, run.reading) as file:
        yield 0, file.header, ""
        for row in file.rows():
            if row.line in wrong:
                words = [
                    f"{column}: {Text(zh, en).of(work.actor.locale)}" if column else Text(zh, en).of(work.actor.locale) for column, zh, en in wrong[row.line]
                ]
                yield row.line, row.cells, "; ".join(words)


# -- Steps -------------------------------------------------------------------------------------------------------------------


def read_as(work: Work, run_id: int, reading: Reading) -> None:
    """Another encoding, separator or sheet: the file is looked at anew."""
    run = _mine(work, run_id)
    with files.laid_out(work.session, run_id) as path:
        found = _looked(work, object_of(work, run.object), path, reading)
    _set(work, run_id, **found, state="mapping")


def confirm(work: Work, run_id: int, mapping: Mapping[str, Any], key: str, mode: str, atomic: bool) -> None:
    """The columns as the person wants them; then the file is tried. Raises Invalid where something is unclear."""
    run = _mine(work, run_id)
    object_type = object_of(work, run.object)
    refuse_import(work, run.object, mode)
    with files.laid_out(work.session, run_id) as path, open_rows(path, run.reading) as file:
        plan(work, object_type, file.header, mapping, key, mode)
    if atomic:
        limits.check("import_atomic_rows", run.total)
    job = _enqueue(work, run, TRIAL)
    _set(work, run_id, mapping=dict(mapping), key=key, mode=mode, atomic=atomic, state="trying", trial=None, job=job)


def start(work: Work, run_id: int) -> None:
    """Runs it; one that was stopped or failed goes on where it came to."""
    run = _mine(work, run_id)
    if run.state not in {"tried", "cancelled", "failed"}:
        raise Conflict(Text("请先试运行", "Try it first"))
    refuse_import(work, run.object, run.mode)
    job = _enqueue(work, run, RUN)
    _set(work, run_id, state="running", job=job, finished_at=None)
    audit.record(work, "start_import", object=run.object, detail={"import": run.id, "mode": run.mode})


def stop(work: Work, run_id: int) -> None:
    """What was written stays; the rest is not done."""
    run = get(work, run_id)
    _owned(work, run)
    if run.job is not None and run.is_busy:
        ledger.cancel(work.session, work.now, run.job)
        found = ledger.status(work.session, run.job)
        if found is not None and not found.is_open:  # it had not begun
            _set(work, run_id, state="mapping" if run.state == "trying" else "cancelled", finished_at=work.now)


def again(work: Work, run_id: int) -> None:
    """Back to the mapping, before anything was written."""
    run = _mine(work, run_id)
    if run.cursor:
        raise Conflict(Text("已经写入了一部分，不能再改对应", "Some rows are written; the columns cannot be changed any more"))
    _set(work, run_id, state="mapping", trial=None)


def settled(work: Work, run: ImportRun) -> ImportRun:
    """A run whose job ended without saying so in the run (it failed, was stopped on the jobs page): as it is now."""
    if not run.is_busy or run.job is None:
        return run
    found = ledger.status(work.session, run.job)
    if found is not None and found.is_open:
        return run
    stopped = found is not None and found.state == "cancelled"
    return replace(run, state=("mapping" if run.state == "trying" else "cancelled") if stopped else "failed")


def _enqueue(work: Work, run: ImportRun, kind: str) -> int:
    args = {"run": run.id, "link": f"/imports/{run.id}", "title": run.file_name}
    return ledger.enqueue(work.session, work.now, work.actor.username, kind, args)


def _owned(work: Work, run: ImportRun) -> None:
    if run.by != work.actor.username:
        raise Conflict(Text(f"这是 {run.by} 的导入", f"This is {run.by}'s import"), Text("请自己上传文件", "Upload the file yourself"))


def _mine(work: Work, run_id: int) -> ImportRun:
    run = settled(work, get(work, run_id))
    _owned(work, run)
    if run.is_busy:
        raise Conflict(Text("正在进行，请等它结束或停止它", "It is under way; wait for its end or stop it"))
    return run


def _set(work: Work, run_id: int, **values: Any) -> None:
    work.session.execute(sa.update(import_runs).where(import_runs.c.id == run_id).values(**values))


def discard_files(connection: sa.Connection, before: datetime) -> int:
    """Files and refused rows of runs begun before the day; the runs stay, as history. Gives how many pieces."""
    old = sa.select(import_runs.c.id).where(import_runs.c.created_at < before)
    connection.execute(sa.delete(import_rows).where(import_rows.c.run.in_(old)))
    return connection.execute(sa.delete(import_parts).where(import_parts.c.run.in_(old))).rowcount
