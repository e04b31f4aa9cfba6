"""Rows of a CSV file as records: read as a stream, judged by the one validation, written in chunks of one transaction each.

A file imported by key may be imported again, also after a crash in the middle: what is there already is left as it is.
"""

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from server.errors import AppError, Invalid, Problem, Text
from server.feature import Work
from server.features.objects.engine import is_stored, table, tables
from server.features.objects.kind import Field, ObjectType
from server.features.records.csvfile import Row, RowError, Tally, detect, dialect_of, header_of, rows_of
from server.features.records.mapping import Column, plan
from server.features.records.reading import object_of, readable, refuse_unless, stored_columns, values_of
from server.features.records.rights import can, rights
from server.features.records.service import number, prepare
from server.features.records.writing import Revision, insert_rows, revision, taken, tell, update_rows
from server.fields.base import Reading
from server.fields.registry import FIELD_TYPES

CHUNK = 500
OpenWork = Callable[[], AbstractContextManager[Work]]
Progress = Callable[[int, int, int], None]  # bytes read, bytes in all, rows done


@dataclass(frozen=True)
class Report:
    """rows = created + updated + unchanged + rejected: nothing is lost without a line in `errors`."""

    rows: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0
    errors: tuple[RowError, ...] = ()
    encoding: str = "utf-8"
    dry_run: bool = False


class RolledBack(Exception):
    """Ends the transaction of a dry run."""


def import_csv(
    open_work: OpenWork,
    object_key: str,
    path: Path,
    mapping: Mapping[str, Any] | None = None,
    key: str = "",
    dry_run: bool = False,
    progress: Progress | None = None,
) -> Report:
    """Every row of the file becomes a record, or changes the one with the same `key`, or is reported. Raises when the file as a whole cannot be used."""
    encoding, size = detect(path)
    tally = Tally()
    with path.open("rb") as file, io.TextIOWrapper(file, encoding, newline="") as text:
        reader = csv.reader(text, dialect_of(path, encoding), strict=True)
        header = header_of(reader)
        with open_work() as work:
            object_type = object_of(work, object_key)
            refuse_unless(work, object_key, "create")
            columns = plan(work, object_type, header, mapping or {}, key)
        run = Run(open_work, object_key, columns, key, dry_run)
        for chunk in _chunks(rows_of(reader, header, {c.header: c.field.key for c in columns}, tally), object_type.fields[key] if key else None):
            run.chunk(chunk, tally)
            if progress is not None:
                progress(min(file.tell(), size), size, tally.rows)
        run.late(tally)
    tally.errors.sort(key=lambda e: e.line)
    return Report(tally.rows, tally.created, tally.updated, tally.unchanged, tally.rejected, tuple(tally.errors), encoding, dry_run)


def _chunks(rows: Iterator[Row], key: Field | None) -> Iterator[list[Row]]:
    """Chunks in the order of the file. A key that comes again begins a new chunk, so that the later row changes the earlier one's record."""
    chunk: list[Row] = []
    seen: set[Any] = set()
    for row in rows:
        mark = None if key is None else _parsed(key, row.cells[key.key])
        if len(chunk) >= CHUNK or (mark is not None and mark in seen):
            yield chunk
            chunk, seen = [], set()
        chunk.append(row)
        seen.add(mark)
    if chunk:
        yield chunk


# -- The rows ----------------------------------------------------------------------------------------------------------------


@dataclass
class Run:
    """One import under way. `waiting`: rows that refer to records of the same object which later lines may bring."""

    open_work: OpenWork
    object_key: str
    columns: Sequence[Column]
    key: str
    dry_run: bool
    waiting: list[Row] = field(default_factory=list)

    def chunk(self, rows: Sequence[Row], tally: Tally, *, may_wait: bool = True) -> None:
        """One transaction; what it did counts when it is committed."""
        done, waiting = Tally(), list[Row]()
        try:
            with self.open_work() as work:
                self._write(work, rows, done, waiting if may_wait else None)
                if self.dry_run:
                    raise RolledBack
        except RolledBack:
            pass
        self.waiting += waiting
        tally.add(done)

    def late(self, tally: Tally) -> None:
        """Rows that waited, as long as each round brings some of them home; then those that cannot be."""
        while self.waiting:
            rows, self.waiting = self.waiting, []
            for start in range(0, len(rows), CHUNK):
                self.chunk(rows[start : start + CHUNK], tally)
            if len(self.waiting) == len(rows):
                rows, self.waiting = self.waiting, []
                for start in range(0, len(rows), CHUNK):
                    self.chunk(rows[start : start + CHUNK], tally, may_wait=False)

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
        items = [(row, raw, befores.get(row.line)) for row, raw in raws if row.line not in self._refused(done)]
        good: list[tuple[Row, Mapping[str, Any] | None, dict[str, Any]]] = []
        for (row, _, before), (values, problems) in zip(items, prepare(work, object_type, [(raw, before) for _, raw, before in items]), strict=True):
            errors = [(self._header_of(p.path), p.message) for p in problems if p.severity == "error"]
            if not errors and not (can(work, self.object_key, "create", values) if before is None else can(work, self.object_key, "edit", before)):
                errors = [("", Text("没有权限写入此记录", "You may not write this record"))]
            if errors:
                done.refuse(row.line, errors)
            else:
                good.append((row, before, values))
        number(work, object_type, [values for _, before, values in good if before is None])
        clashes = taken(work, object_type, [(before["id"] if before else None, values) for _, before, values in good])
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
        done.created += len(made)
        done.updated += len(revisions)
        done.unchanged += len(good) - len(made) - len(revisions)

    @staticmethod
    def _refused(done: Tally) -> set[int]:
        return {e.line for e in done.errors}

    def _header_of(self, path: str) -> str:
        return next((c.header for c in self.columns if c.field.key == path), path)

    def _raws(self, work: Work, object_type: ObjectType, rows: Sequence[Row], done: Tally, waiting: list[Row] | None) -> list[tuple[Row, dict[str, Any]]]:
        """Cells as the validation takes them: references by id, dates of a named format or zone as dates."""
        named = {c.field.key: self._named(work, c, rows) for c in self.columns if c.field.type == "reference"}
        special = [c for c in self.columns if c.field.type == "reference" or c.zone or c.format]
        found = []
        for row in rows:
            raw: dict[str, Any] = dict(row.cells)
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

    def _named(self, work: Work, column: Column, rows: Sequence[Row]) -> Mapping[str, set[int]]:
        """Text of a cell -> ids of the records it may name: by the field said, else by unique fields, else by the name."""
        target: ObjectType = work.catalog.get("object", column.field.reference)
        texts = {t for t in (row.cells[column.field.key].strip() for row in rows) if t}
        covered = rights(work, target.key).covered
        fields = [f for f in target.fields.values() if f.unique] + [f for f in target.fields.values() if f.key == target.name_field and not f.unique]
        if column.by == "id":
            return {t: {int(t)} if t.isascii() and t.isdigit() and len(t) < 19 else set() for t in texts}
        if column.by:
            fields = [target.fields[column.by]] if column.by in target.fields else []
        found: dict[str, set[int]] = {}
        source = tables(work.catalog)[target.key]
        for f in fields:
            if f.key in covered or not is_stored(f, target) or f.type == "reference":
                continue
            values = {_parsed(f, t): t for t in texts if t not in found}
            values.pop(None, None)
            if values:
                query = sa.select(source.c.id, source.c[f.key]).where(source.c[f.key].in_(values), *readable(work, target.key, source))
                for record_id, value in work.session.execute(query):
                    found.setdefault(values[value], set()).add(record_id)
        return found

    def _stored(self, work: Work, object_type: ObjectType, raws: Sequence[tuple[Row, dict[str, Any]]], done: Tally) -> dict[int, Mapping[str, Any]]:
        """Line -> the record that has the row's key already, locked."""
        if not self.key:
            return {}
        f, source = object_type.fields[self.key], table(object_type, work.catalog)
        wanted: dict[Any, int] = {}
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
            if line in found and line not in self._refused(done):
                done.refuse(line, [(self._header_of(f.key), Text("有多条记录使用这个键", "Several records have this key"))])
            found[line] = values_of(object_type, stored)
        return found


def _parsed(field: Field, text: str) -> Any:
    value = FIELD_TYPES[field.type].parse(field, text, Reading(titles=True))
    return None if isinstance(value, Problem | list) else value


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
            return Text(f"不符合格式 {column.format}", f"Is not written as {column.format}")
        raw = raw.date() if column.field.type == "date" else raw
    value = FIELD_TYPES[column.field.type].parse(column.field, raw, Reading(naive=column.zone or work.zone))
    return value.message if isinstance(value, Problem) else value
