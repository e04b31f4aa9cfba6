"""JSON lines as records: each line an object as the API gives it. What nobody enters is passed over, so that an export comes back without a change."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from server.errors import AppError, Invalid, Problem, Text
from server.feature import Work
from server.features.objects.engine import table
from server.features.objects.kind import ObjectType
from server.features.records.bulk import Operation, problem_at, write_many
from server.features.records.describing import SYSTEM
from server.features.records.importing import CHUNK, OpenWork, Report, RolledBack, refuse_import
from server.features.records.mapping import key_fields
from server.features.records.reading import object_of, readable
from server.features.records.rights import rights
from server.features.records.rowfile import Tally
from server.features.web.bodies import parsed
from server.fields.base import JSON
from server.fields.registry import FIELD_TYPES

ID = "id"  # as a key: the number every record has
Line = tuple[int, Mapping[str, Any]]


def import_lines(open_work: OpenWork, object_key: str, content: bytes, key: str = "", mode: str = "", *, dry_run: bool = False, atomic: bool = False) -> Report:
    """As `import_file`. `key`: a field, or "id". Lines that are no JSON objects are reported like others that cannot be saved."""
    mode = mode or ("upsert" if key else "insert")
    with open_work() as work:
        object_type = object_of(work, object_key)
        refuse_import(work, object_key, mode)
        if key and key != ID and key not in {f.key for f in key_fields(work, object_type)}:
            raise Invalid([Problem("key", Text(f"字段“{key}”不能作为键", f"The field {key!r} cannot be the key"), code="key")])
        if mode == "update" and not key:
            raise Invalid([Problem("key", Text("只更新时要选键", "To change known records a key is needed"), code="key")])
    tally = Tally()
    lines = list(_lines(content, tally))
    chunks = [lines] if atomic else list(_chunks(lines, key))
    refused = False
    for chunk in chunks:
        done = Tally()
        try:
            with open_work() as work:
                for part in _chunks(chunk, key):
                    _write(work, object_key, part, key, mode, done)
                if dry_run or (atomic and (done.rejected or tally.rejected)):
                    raise RolledBack
        except RolledBack:
            refused = atomic and not dry_run
        tally.add(done)
    tally.errors.sort(key=lambda e: e.line)
    return Report(tally.rows, tally.created, tally.updated, tally.unchanged, tally.rejected, tuple(tally.errors), "utf-8", dry_run, refused)


def _lines(content: bytes, tally: Tally) -> Iterator[Line]:
    for number, raw in enumerate(content.split(b"\n"), 1):
        if not raw.strip():
            continue
        tally.rows += 1
        try:
            value = parsed(raw)
        except AppError as error:
            tally.refuse(number, [("", error.message)])
            continue
        if isinstance(value, dict):
            yield number, value
        else:
            tally.refuse(number, [("", Text("应为 JSON 对象", "Must be a JSON object"))])


def _chunks(lines: Sequence[Line], key: str) -> Iterator[list[Line]]:
    """A key that comes again begins a new chunk: the later line changes the earlier one's record."""
    chunk: list[Line] = []
    seen: set[str] = set()
    for number, members in lines:
        mark = repr(members.get(key)) if key else ""
        if len(chunk) >= CHUNK or (mark and mark in seen):
            yield chunk
            chunk, seen = [], set()
        chunk.append((number, members))
        seen.add(mark)
    if chunk:
        yield chunk


def _write(work: Work, object_key: str, lines: Sequence[Line], key: str, mode: str, done: Tally) -> None:
    object_type = object_of(work, object_key)
    stored = _stored(work, object_type, [members.get(key) for _, members in lines], key)
    passed = {*SYSTEM, *(f.key for f in object_type.fields.values() if f.computed or f.readonly), *rights(work, object_key).readonly}
    tried: list[tuple[int, Operation]] = []
    for number, members in lines:
        values = {k: v for k, v in members.items() if k not in passed and not k.startswith("$")}
        wanted = _value(object_type, key, members.get(key))
        found = stored.get(wanted) if key and wanted is not None else None
        refusal = _refusal(key, mode, wanted, found)
        if refusal is not None:
            done.refuse(number, [(key, refusal)])
        elif found is None:
            tried.append((number, Operation("create", values)))
        else:
            tried.append((number, Operation("update", values, found)))
    for (number, _), outcome in zip(tried, write_many(work, object_key, [o for _, o in tried]), strict=True):
        if outcome.error is not None:
            done.refuse(number, [(p.path, p.message) for p in problem_at(outcome.error) if p.severity == "error"])
        else:
            done.created += outcome.done == "created"
            done.updated += outcome.done == "updated"
            done.unchanged += outcome.done == "unchanged"


def _refusal(key: str, mode: str, wanted: Any, found: int | None) -> Text | None:
    if key and key != ID and wanted is None:
        return Text("键为空或有误", "The key is empty or wrong")
    if found is not None and mode == "insert":
        return Text("已有这条记录；只新建时不更新它", "This record is there already; it is not changed, as only new ones are made")
    if found is None and mode == "update":
        return Text("没有这条记录；只更新时不新建", "There is no such record; it is not made, as only known ones are changed")
    if found is None and key == ID and wanted is not None:
        return Text("没有这条记录，编号由系统给出", "There is no such record; numbers are given by the system")
    return None


def _value(object_type: ObjectType, key: str, raw: Any) -> Any:
    """The key's value, None for what is none."""
    if not key:
        return None
    if key == ID:
        return raw if isinstance(raw, int) and not isinstance(raw, bool) and 0 < raw < 2**63 else None
    value = FIELD_TYPES[object_type.fields[key].type].parse(object_type.fields[key], raw, JSON)
    return None if isinstance(value, Problem) else value


def _stored(work: Work, object_type: ObjectType, raws: Sequence[Any], key: str) -> dict[Any, int]:
    """Value of the key -> id of its record; of several with one value the first."""
    values = {v for v in (_value(object_type, key, raw) for raw in raws) if v is not None}
    if not values:
        return {}
    source = table(object_type, work.catalog)
    column = source.c[key]
    query = sa.select(column, source.c.id).where(column.in_(list(values)), *readable(work, object_type.key, source)).order_by(source.c.id.desc())
    return {row[0]: row[1] for row in work.session.execute(query)}
