"""Rows of a file as records: read as a stream, judged by the one validation, written in chunks of one transaction each.

A file imported by key may be imported again, also after a crash in the middle: what is there already is left as it is.
"""

import gc
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from operator import itemgetter
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from server.errors import AppError, Forbidden, Invalid, Problem, Text
from server.feature import Work
from server.features.objects.engine import table
from server.features.objects.kind import Field, ObjectType
from server.features.records import limits, naming
from server.features.records.mapping import Column, plan
from server.features.records.reading import object_of, readable, stored_columns, values_of
from server.features.records.rights import can
from server.features.records.rowfile import Reading as FileReading
from server.features.records.rowfile import Row, RowError, Tally, bare, open_rows
from server.features.records.service import number, prepare
from server.features.records.writing import Revision, insert_rows, revision, taken, tell, update_rows
from server.fields.base import Reading
from server.fields.registry import FIELD_TYPES

CHUNK = 2_000
USUAL = gc.get_threshold()
MODES: Mapping[str, Text] = {
    "upsert": Text("有则更新，无则新建", "Change those that are there, make the others"),
    "insert": Text("只新建", "Only make new ones"),
    "update": Text("只更新已有的", "Only change those that are there"),
}
OpenWork = Callable[[], AbstractContextManager[Work]]
Progress = Callable[[int, int, int], None]  # bytes read, bytes in all, rows done


@dataclass(frozen=True)
class Report:
    """rows = created + updated + unchanged + rejected: nothing is lost without a line in `errors`. `refused`: all-or-nothing, and nothing it was."""

    rows: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0
    errors: tuple[RowError, ...] = ()
    encoding: str = "utf-8"
    dry_run: bool = False
    refused: bool = False


class RolledBack(Exception):
    """Ends a transaction that shall leave nothing."""


def may_import(work: Work, object_key: str, mode: str) -> bool:
    create, edit = can(work, object_key, "create"), can(work, object_key, "edit")
    return create if mode == "insert" else edit if mode == "update" else create or edit


def refuse_import(work: Work, object_key: str, mode: str) -> None:
    if mode not in MODES:
        raise Invalid([Problem("mode", Text(f"没有“{mode}”这种方式", f"There is no mode {mode!r}"), code="mode")])
    if not may_import(work, object_key, mode):
        raise Forbidden(
            Text("没有权限这样导入", "You may not import this way"),
            Text("请找管理员要新建或编辑的权限", "Ask an administrator for the right to create or edit"),
        )


def import_file(
    open_work: OpenWork,
    object_key: str,
    path: Path,
    mapping: Mapping[str, Any] | None = None,
    key: str = "",
    dry_run: bool = False,
    progress: Progress | None = None,
    *,
    mode: str = "",
    atomic: bool = False,
    reading: FileReading | None = None,
) -> Report:
    """Every row of the file becomes a record, or changes the one with the same `key`, or is reported. Raises when the file as a whole cannot be used.

    `mode`: one of MODES; without one: upsert when there is a key, else insert. `atomic`: one bad row, and nothing is written.
    """
    mode = mode or ("upsert" if key else "insert")
    with undisturbed(), open_rows(path, reading) as file:
        with open_work() as work:
            object_type = object_of(work, object_key)
            refuse_import(work, object_key, mode)
            columns = plan(work, object_type, file.header, mapping or {}, key, mode)
        run = Run(object_key, columns, places(file.header, columns), key, mode)
        tally = Tally()
        refused = False
        if atomic:
            refused = _together(open_work, run, file.rows(), tally, dry_run)
        else:
            for chunk in chunks(run, file.rows(), object_type.fields[key] if key else None):
                tally.rows += len(chunk)
                _apart(open_work, run, chunk, tally, dry_run)
                if progress is not None:
                    progress(file.position(), file.size, tally.rows)
            _late(lambda rows, may_wait: _apart(open_work, run, rows, tally, dry_run, may_wait), run)
        encoding = file.reading.encoding
    tally.errors.sort(key=lambda e: e.line)
    return Report(tally.rows, tally.created, tally.updated, tally.unchanged, tally.rejected, tuple(tally.errors), encoding, dry_run, refused)


@contextmanager
def undisturbed() -> Iterator[None]:
    """The collector of cycles leaves alone what was there before, and comes by less often: it took a quarter of an import's time and found nothing."""
    gc.freeze()
    gc.set_threshold(50_000, *USUAL[1:])
    try:
        yield
    finally:
        gc.set_threshold(*USUAL)
        gc.unfreeze()


def _apart(open_work: OpenWork, run: "Run", rows: Sequence[Row], tally: Tally, dry_run: bool, may_wait: bool = True) -> None:
    """One transaction; what it did counts when it is committed."""
    done, waiting = Tally(), list[Row]()
    try:
        with open_work() as work:
            done, waiting = run.chunk(work, rows, may_wait=may_wait)
            if dry_run:
                raise RolledBack
    except RolledBack:
        pass
    run.waiting += waiting
    tally.add(done)


def _together(open_work: OpenWork, run: "Run", rows: Iterable[Row], tally: Tally, dry_run: bool) -> bool:
    """One transaction for all. Gives whether it was refused."""
    try:
        with open_work() as work:
            whole(work, run, rows, tally)
            if dry_run or tally.rejected:
                raise RolledBack
    except RolledBack:
        return bool(tally.rejected) and not dry_run
    return False


def whole(work: Work, run: "Run", rows: Iterable[Row], tally: Tally, limit: int = 0) -> None:
    """All rows in the caller's transaction, those that wait for others last. More than `limit` rows (0: of an all-or-nothing import) are refused."""

    def some(part: Sequence[Row], may_wait: bool) -> None:
        done, waiting = run.chunk(work, part, may_wait=may_wait)
        run.waiting += waiting
        tally.add(done)

    object_type = object_of(work, run.object_key)
    for part in chunks(run, rows, object_type.fields[run.key] if run.key else None):
        tally.rows += len(part)
        if not limit:
            limits.check("import_atomic_rows", tally.rows)
        some(part, may_wait=True)
    _late(some, run)


def _late(some: Callable[[Sequence[Row], bool], None], run: "Run") -> None:
    """Rows that waited, as long as each round brings some of them home; then those that cannot be."""
    while run.waiting:
        rows, run.waiting = run.waiting, []
        for start in range(0, len(rows), CHUNK):
            some(rows[start : start + CHUNK], True)
        if len(run.waiting) == len(rows):
            rows, run.waiting = run.waiting, []
            for start in range(0, len(rows), CHUNK):
                some(rows[start : start + CHUNK], False)


def places(header: Sequence[str], columns: Sequence[Column]) -> Mapping[str, int]:
    """Field key -> place of its cell."""
    at = {name: i for i, name in enumerate(header)}
    return {c.field.key: at[c.header] for c in columns}


def chunks(run: "Run", rows: Iterable[Row], key: Field | None) -> Iterator[list[Row]]:
    """Chunks in the order of the file. A key that comes again begins a new chunk, so that the later row changes the earlier one's record."""
    chunk: list[Row] = []
    seen: set[Any] = set()
    place = run.places[key.key] if key else 0
    for row in rows:
        mark = None if key is None or row.bad else naming.parsed(key, bare(row.cells[place]))
        if len(chunk) >= CHUNK or (mark is not None and mark in seen):
            yield chunk
            chunk, seen = [], set()
        chunk.append(row)
        if mark is not None:
            seen.add(mark)
    if chunk:
        yield chunk


# -- The rows ----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Outcome:
    """What became of a row: "created", "updated" or "unchanged"; `changes` is {field: (old, new)}."""

    line: int
    kind: str
    record_id: int
    changes: Mapping[str, tuple[Any, Any]]
    values: Mapping[str, Any]


def cells_at(places: tuple[int, ...]) -> Callable[[Sequence[str]], tuple[str, ...]]:
    if len(places) < 2:  # itemgetter gives a tuple of two and more
        return lambda cells: tuple(cells[i] for i in places)
    return itemgetter(*places)


@dataclass
class Run:
    """One import under way. `waiting`: rows that refer to records of the same object which later lines may bring. `watched`: outcomes are kept."""

    object_key: str
    columns: Sequence[Column]
    places: Mapping[str, int]
    key: str
    mode: str
    watched: bool = False
    waiting: list[Row] = field(default_factory=list)

    def chunk(self, work: Work, rows: Sequence[Row], *, may_wait: bool = True) -> tuple[Tally, list[Row]]:
        """Writes the rows in the caller's transaction. Gives what it did, and the rows that wait for others."""
        done, waiting = Tally(), list[Row]()
        self._write(work, rows, done, waiting if may_wait else None)
        return done, waiting

    def _write(self, work: Work, rows: Sequence[Row], done: Tally, waiting: list[Row] | None) -> None:
        """All good rows together; when the whole is refused (a race, a hook's veto), row by row to find which."""
        tried, held = Tally(), list[Row]()
        try:
            with work.session.begin_nested():
                self._write_together(work, rows, tried, None if waiting is None else held)
        except AppError as error:
            if len(rows) == 1:
                problems = error.problems if isinstance(error, Invalid) else (Problem("", error.message),)
                done.refuse(rows[0].line, [(self._header_of(p.path), p.message) for p in problems])
                return
            for row in rows:
                self._write(work, [row], done, waiting)
            return
        done.add(tried)
        if waiting is not None:
            waiting += held

    def _write_together(self, work: Work, rows: Sequence[Row], done: Tally, waiting: list[Row] | None) -> None:
        object_type = object_of(work, self.object_key)
        raws = self._raws(work, object_type, rows, done, waiting)
        befores = self._stored(work, object_type, raws, done)
        refused = {e.line for e in done.errors}
        items = [(row, raw, befores.get(row.line)) for row, raw in raws if row.line not in refused]
        good: list[tuple[Row, Mapping[str, Any] | None, dict[str, Any]]] = []
        for (row, _, before), (values, problems) in zip(items, prepare(work, object_type, [(raw, before) for _, raw, before in items]), strict=True):
            errors = [(self._header_of(p.path), _said(p)) for p in problems if p.severity == "error"]
            if not errors and not (can(work, self.object_key, "create", values) if before is None else can(work, self.object_key, "edit", before)):
                errors = [("", Text("没有权限写入此记录", "You may not write this record"))]
            if errors:
                done.refuse(row.line, errors)
            else:
                good.append((row, before, values))
        number(work, object_type, [values for _, before, values in good if before is None])
        try:
            with work.session.begin_nested():
                self._store(work, object_type, good, done)
        except Invalid:  # mostly unique values that are another's: who has them is asked when the database says so
            clashes = taken(work, object_type, [(before["id"] if before else None, values) for _, before, values in good])
            if not clashes:
                raise
            for index, found in clashes.items():
                done.refuse(good[index][0].line, [(self._header_of(p.path), p.message) for p in found])
            self._store(work, object_type, [g for i, g in enumerate(good) if i not in clashes], done)

    def _store(self, work: Work, object_type: ObjectType, good: Sequence[tuple[Row, Mapping[str, Any] | None, Mapping[str, Any]]], done: Tally) -> None:
        made = [values for _, before, values in good if before is None]
        revisions: list[Revision] = []
        for _, before, values in good:
            if before is not None:
                change = revision(object_type, before["id"], before, values)
                revisions += [change] if change.changed else []
        ids = insert_rows(work, object_type, made)
        update_rows(work, object_type, revisions)
        tell(work, object_type, ids, revisions, made)
        if self.watched:
            done.outcomes += _outcomes(good, ids, {r.id: r for r in revisions})
        done.created += len(made)
        done.updated += len(revisions)
        done.unchanged += len(good) - len(made) - len(revisions)

    def _header_of(self, path: str) -> str:
        return next((c.header for c in self.columns if c.field.key == path), path)

    def _raws(self, work: Work, object_type: ObjectType, rows: Sequence[Row], done: Tally, waiting: list[Row] | None) -> list[tuple[Row, dict[str, Any]]]:
        """Cells as the validation takes them: references by id, dates of a named format or zone as dates."""
        keys, cells_of = tuple(self.places), cells_at(tuple(self.places.values()))
        read: list[tuple[Row, dict[str, Any]]] = []
        for row in rows:
            if row.bad is not None:
                done.refuse(row.line, [("", row.bad)])
            else:
                cells = cells_of(row.cells)
                read.append((row, dict(zip(keys, map(bare, cells) if "'" in "".join(cells) else cells))))
        special = [c for c in self.columns if c.field.type == "reference" or c.zone or c.format]
        if not special:
            return read
        refer = [c for c in special if c.field.type == "reference"]
        named = {c.field.key: naming.named(work, c.field.reference, {raw[c.field.key].strip() for _, raw in read}, c.by) for c in refer}
        found = []
        for row, raw in read:
            errors: list[tuple[str, Text]] = []
            waits = False
            for c in special:
                value = _resolved(named[c.field.key], raw[c.field.key]) if c.field.type == "reference" else _moment(work, c, raw[c.field.key])
                if isinstance(value, Text):
                    waits = waits or (c.field.reference == object_type.key and waiting is not None)
                    errors.append((c.header, value))
                raw[c.field.key] = value
            if waits and waiting is not None:
                waiting.append(row)
            elif errors:
                done.refuse(row.line, errors)
            else:
                found.append((row, raw))
        return found

    def _stored(self, work: Work, object_type: ObjectType, raws: Sequence[tuple[Row, dict[str, Any]]], done: Tally) -> dict[int, Mapping[str, Any]]:
        """Line -> the record that has the row's key already, locked."""
        if not self.key:
            return {}
        f, source = object_type.fields[self.key], table(object_type, work.catalog)
        wanted: dict[Any, int] = {}
        twice: set[int] = set()
        for row, raw in raws:
            value = FIELD_TYPES[f.type].parse(f, raw[f.key], Reading(titles=True, naive=work.zone))
            if isinstance(value, Problem):
                continue  # the validation will say so
            if value is None:
                done.refuse(row.line, [(self._header_of(f.key), Text("键为空", "The key is empty"))])
            else:
                wanted[value] = row.line
        query = sa.select(*stored_columns(object_type, source)).where(source.c[f.key].in_(list(wanted)), *readable(work, object_type.key, source))
        found: dict[int, Mapping[str, Any]] = {}
        for stored in work.session.execute(query.with_for_update(of=source)).mappings():
            line = wanted[stored[f.key]]
            if line in found and line not in twice:
                twice.add(line)
                done.refuse(line, [(self._header_of(f.key), Text("有多条记录使用这个键", "Several records have this key"))])
            found[line] = values_of(object_type, stored)
        if self.mode == "insert":
            for line in found.keys() - twice:
                done.refuse(
                    line,
                    [
                        (
                            self._header_of(f.key),
                            Text("已有这条记录；只新建时不更新它", "This record is there already; it is not changed, as only new ones are made"),
                        )
                    ],
                )
        if self.mode == "update":
            for line in set(wanted.values()) - found.keys():
                done.refuse(
                    line,
                    [(self._header_of(f.key), Text("没有这条记录；只更新时不新建", "There is no such record; it is not made, as only known ones are changed"))],
                )
        return found


def _outcomes(
    good: Sequence[tuple[Row, Mapping[str, Any] | None, Mapping[str, Any]]], ids: Sequence[int], revisions: Mapping[int, Revision]
) -> Iterator[Outcome]:
    new = iter(ids)
    for row, before, values in good:
        if before is None:
            yield Outcome(row.line, "created", next(new), {}, values)
        elif before["id"] in revisions:
            changes = {k: (before.get(k), values.get(k)) for k in sorted(revisions[before["id"]].changed)}
            yield Outcome(row.line, "updated", before["id"], changes, values)
        else:
            yield Outcome(row.line, "unchanged", before["id"], {}, values)


def _said(problem: Problem) -> Text:
    """The message with what to do about it."""
    if problem.hint is None:
        return problem.message
    return Text(f"{problem.message.zh}（{problem.hint.zh}）", f"{problem.message.en} ({problem.hint.en})")


def _resolved(named: Mapping[str, set[int]], text: str) -> int | None | Text:
    name = text.strip()
    if not name:
        return None
    ids = named.get(name, set())
    if len(ids) == 1:
        return next(iter(ids))
    if ids:
        return Text(f"有 {len(ids)} 条记录叫“{name}”", f"{len(ids)} records are named {name!r}")
    return Text(f"没有“{name}”这条记录", f"There is no record {name!r}")


def _moment(work: Work, column: Column, text: str) -> Any:
    """A date or time in the mapping's own format or zone."""
    text = text.strip()
    if not text:
        return None
    raw: Any = text
    if column.format:
        try:
            raw = datetime.strptime(text, column.format)  # noqa: DTZ007  the zone is the mapping's
        except ValueError:
            written = datetime(2024, 1, 5, 8, 30).strftime(column.format)  # noqa: DTZ001  an example
            return Text(f"不是写作 {written} 那样的日期", f"Is no date written like {written}")
        raw = raw.date() if column.field.type == "date" else raw
    value = FIELD_TYPES[column.field.type].parse(column.field, raw, Reading(naive=column.zone or work.zone))
    return value.message if isinstance(value, Problem) else value
