"""Putting validated values into object tables: stamps, numbers, unique values, history, audit and hooks, for one record or a chunk of them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from server.errors import Invalid, Problem, Stale, Text
from server.feature import Saved, Work
from server.features.audit.service import record_many
from server.features.objects.engine import is_stored, table
from server.features.objects.kind import Field, ObjectType
from server.features.records.making import maker
from server.features.records.tables import deleted_records, record_serials, records_history
from server.fields.registry import FIELD_TYPES
from server.fields.serial import Numbering, numbering
from server.storage import bulk
from server.storage.bulk import binder, next_ids
from server.storage.dialects import canonical

HISTORY = ("object", "record_id", "version", "at", "by", "cause", "release", "changes")
NEW: Mapping[str, Any] = {}  # what a new record was before
TAKEN = Text("已有其他记录使用此值", "Another record already has this value")
TAKEN_TOGETHER = Text("已有其他记录使用这组值", "Another record already has these values together")


@dataclass(frozen=True)
class Revision:
    """A record about to be changed: what is stored, and all values it shall have."""

    id: int
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    changed: frozenset[str]


def revision(object_type: ObjectType, record_id: int, before: Mapping[str, Any], after: Mapping[str, Any]) -> Revision:
    changed = frozenset(f.key for f in stored_fields(object_type) if before.get(f.key) != after.get(f.key))
    return Revision(record_id, before, after, changed)


def stored_fields(object_type: ObjectType) -> list[Field]:
    return [f for f in object_type.fields.values() if is_stored(f, object_type)]


def insert_rows(work: Work, object_type: ObjectType, rows: Sequence[Mapping[str, Any]]) -> list[int]:
    """New records, version 1, in the order given. The values are validated; a unique value that is another's ends as a problem at its field."""
    if not rows:
        return []
    source, by, making = table(object_type, work.catalog), work.actor.username, maker(work.catalog, object_type, work.session)
    now = _instant(work)
    ids = next_ids(work.session, source, len(rows))
    stamps = (1, now, by, now, by)
    made = [making.make(i, stamps, row) for i, row in zip(ids, rows, strict=True)]
    try:
        with bulk.undone(work.session, len(rows)):
            bulk.insert_rows(work.session, source, making.columns, [row for row, _ in made])
    except IntegrityError:
        raise Invalid(_clashes(work, object_type, [(None, row) for row in rows])) from None
    _tell_history(work, object_type, [(i, 1, text) for i, (_, text) in zip(ids, made, strict=True)])
    record_many(work, "create", object_type.key, [(i, None) for i in ids])
    return list(ids)


def update_rows(work: Work, object_type: ObjectType, revisions: Sequence[Revision], marks: Mapping[int, Mapping[str, Any]] | None = None) -> None:
    """Changed records, version + 1. The rows are locked (or the only writer writes), so that `before` is still what is stored.
    `marks`: record id -> what else the history tells of it, as {mark: [old, new]}."""
    source, fields = table(object_type, work.catalog), stored_fields(object_type)
    groups: dict[frozenset[str], list[dict[str, Any]]] = {}
    for r in revisions:
        values = {"v_" + key: r.after.get(key) for key in r.changed}
        groups.setdefault(r.changed, []).append({"b_id": r.id, "b_version": r.before["version"], **values})
    try:
        with bulk.undone(work.session, len(revisions)):
            for changed, parameters in groups.items():
                columns = {key: sa.bindparam("v_" + key, type_=source.c[key].type) for key in changed}
                stamp = {"version": source.c.version + 1, "updated_at": work.now, "updated_by": work.actor.username}
                where = (source.c.id == sa.bindparam("b_id")) & (source.c.version == sa.bindparam("b_version"))
                work.session.execute(sa.update(source).where(where).values({**stamp, **columns}), parameters)
    except IntegrityError:
        raise Invalid(_clashes(work, object_type, [(r.id, r.after) for r in revisions])) from None
    told = [(r, {**_diff([f for f in fields if f.key in r.changed], r.before, r.after), **(marks or {}).get(r.id, {})}) for r in revisions]
    _write_history(work, object_type, [(r.id, r.before["version"] + 1, changes) for r, changes in told])
    record_many(work, "update", object_type.key, [(r.id, {"fields": sorted(r.changed)}) for r in revisions])


def mark_deleted(
    work: Work, object_type: ObjectType, record_id: int, version: int, *, along: tuple[str, int] | None = None, merged_into: int | None = None
) -> None:
    """Out of sight, kept in the database and in the recycle bin. `along`: (object, id) of the record it goes along with;
    `merged_into`: the record that takes its place."""
    source = table(object_type, work.catalog)
    _stamp(work, source, record_id, version, work.now)
    with_object, with_id = along or (None, None)
    values = {"object": object_type.key, "record_id": record_id, "at": work.now, "by": work.actor.username}
    work.session.execute(sa.insert(deleted_records).values(**values, with_object=with_object, with_id=with_id, merged_into=merged_into))
    marks = {"@merged_into": [None, merged_into]} if merged_into is not None else {}
    _write_history(work, object_type, [(record_id, version + 1, {"deleted_at": [None, work.now.isoformat()], **marks})])
    record_many(work, "delete", object_type.key, [(record_id, None)])


def mark_restored(work: Work, object_type: ObjectType, record_id: int, version: int, deleted_at: datetime) -> None:
    """Back in sight. A unique value that is another record's by now ends as a problem at its field."""
    source = table(object_type, work.catalog)
    try:
        with work.session.begin_nested():
            _stamp(work, source, record_id, version, None)
    except IntegrityError:
        raise Invalid([Problem("", TAKEN, code="unique")]) from None
    d = deleted_records.c
    work.session.execute(sa.delete(deleted_records).where(d.object == object_type.key, d.record_id == record_id))
    _write_history(work, object_type, [(record_id, version + 1, {"deleted_at": [deleted_at.isoformat(), None]})])
    record_many(work, "undelete", object_type.key, [(record_id, None)])


def _stamp(work: Work, source: sa.Table, record_id: int, version: int, deleted_at: datetime | None) -> None:
    values = {"deleted_at": deleted_at, "version": version + 1, "updated_at": work.now, "updated_by": work.actor.username}
    work.session.execute(sa.update(source).where(source.c.id == record_id, source.c.version == version).values(values))


def refuse(problems: Sequence[Problem]) -> None:
    """Warnings pass."""
    if any(p.severity == "error" for p in problems):
        raise Invalid(problems)


def same_version(work: Work, before: Mapping[str, Any], version: int) -> None:
    """Refused when somebody changed the record since the actor looked at it."""
    if before["version"] != version:
        who, when = before["updated_by"], before["updated_at"].astimezone(work.zone).strftime("%Y-%m-%d %H:%M:%S")
        raise Stale(
            Text(f"{who} 已于 {when} 修改了此记录", f"{who} changed this record at {when}"),
            Text("请查看现在的内容后再保存", "Look at it as it is now, then save again"),
        )


def _write_history(work: Work, object_type: ObjectType, rows: Sequence[tuple[int, int, Mapping[str, Any]]]) -> None:
    _tell_history(work, object_type, [(record_id, version, canonical(changes)) for record_id, version, changes in rows])


def _tell_history(work: Work, object_type: ObjectType, rows: Sequence[tuple[int, int, str]]) -> None:
    """(record id, version, changes as canonical text)."""
    key, now, by, cause, release = object_type.key, _instant(work), work.actor.username, work.cause, work.catalog.release
    bulk.insert_rows(work.session, records_history, HISTORY, [(key, i, version, now, by, cause, release, changes) for i, version, changes in rows])


def _instant(work: Work) -> Any:
    bind = binder(work.session, records_history.c.at)
    return bind(work.now) if bind else work.now


def _diff(fields: Sequence[Field], before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, list[Any]]:
    changes = {}
    for f in fields:
        old, new = before.get(f.key), after.get(f.key)
        if old != new:
            kind = FIELD_TYPES[f.type]
            changes[f.key] = [kind.json(f, old), kind.json(f, new)]
    return changes


def tell(work: Work, object_type: ObjectType, created: Sequence[int], revisions: Sequence[Revision], values: Sequence[Mapping[str, Any]] = ()) -> None:
    """The hooks, once for all records written together. `values`: of the created ones, to say which fields they have."""
    ids = (*created, *(r.id for r in revisions))
    if not ids:
        return
    before: dict[int, Mapping[str, Any]] = dict.fromkeys(created, NEW)
    before.update((r.id, r.before) for r in revisions)
    changed = _Changed({r.id: r.changed for r in revisions}, dict(zip(created, values)))
    saved = Saved(object_type.key, ids, changed, before)
    for hook in work.hooks.on_saved:
        hook(work, saved)


@dataclass(frozen=True)
class _Changed(Mapping[int, frozenset[str]]):
    """Record id -> the fields that changed; of a new record those that it has, worked out when somebody asks."""

    revised: Mapping[int, frozenset[str]]
    made: Mapping[int, Mapping[str, Any]]

    def __getitem__(self, record_id: int) -> frozenset[str]:
        if record_id in self.revised:
            return self.revised[record_id]
        return frozenset([key for key, value in self.made[record_id].items() if value is not None])

    def __iter__(self) -> Iterator[int]:
        return chain(self.made, self.revised)

    def __len__(self) -> int:
        return len(self.made) + len(self.revised)


# -- Unique values -----------------------------------------------------------------------------------------------------------


def taken(work: Work, object_type: ObjectType, rows: Sequence[tuple[int | None, Mapping[str, Any]]]) -> dict[int, list[Problem]]:
    """Index of a row -> problems, where a unique value is another record's or an earlier row's; one statement for each unique key."""
    found: dict[int, list[Problem]] = {}
    keys = [(f.key,) for f in stored_fields(object_type) if f.unique] + list(object_type.keys)
    for key in keys:
        _taken(work, object_type, key, rows, found)
    return found


def _taken(
    work: Work, object_type: ObjectType, key: tuple[str, ...], rows: Sequence[tuple[int | None, Mapping[str, Any]]], found: dict[int, list[Problem]]
) -> None:
    source = table(object_type, work.catalog)
    wanted = [tuple(values.get(k) for k in key) for _, values in rows]
    asked = {w for w in wanted if None not in w}
    if not asked:
        return
    query: sa.Select[Any] = work.catalog.once(("records.owners", object_type.key, key), lambda: _owners(source, key))
    owners: dict[tuple[Any, ...], int | None] = {}
    for record_id, *values in work.session.execute(query, {"asked": [w[0] for w in asked] if len(key) == 1 else list(asked)}):
        owners[tuple(values)] = record_id
    seen: set[tuple[Any, ...]] = set()
    for index, (record_id, _) in enumerate(rows):
        value = wanted[index]
        if None in value:
            continue
        owner = owners.get(value)
        if value in seen or (owner is not None and owner != record_id):
            found.setdefault(index, []).append(Problem(key[0], TAKEN if len(key) == 1 else TAKEN_TOGETHER, code="unique"))
        seen.add(value)


def _owners(source: sa.Table, key: tuple[str, ...]) -> sa.Select[Any]:
    """The records that have one of the values, or of the groups of values, that are `asked` for."""
    columns = [source.c[k] for k in key]
    of = columns[0] if len(key) == 1 else sa.tuple_(*columns)
    return sa.select(source.c.id, *columns).where(of.in_(sa.bindparam("asked", expanding=True)), source.c.deleted_at.is_(None))


def _clashes(work: Work, object_type: ObjectType, rows: Sequence[tuple[int | None, Mapping[str, Any]]]) -> list[Problem]:
    problems = [p for found in taken(work, object_type, rows).values() for p in found]
    return problems or [Problem("", Text("与其他记录冲突，未保存", "Collides with another record; nothing was saved"), code="unique")]


# -- Numbers given at creation -----------------------------------------------------------------------------------------------


def take_numbers(work: Work, object_type: ObjectType, field: Field, count: int) -> list[str]:
    """The next `count` numbers of a serial field in today's period. The counter's row is locked until the transaction ends: no gap unless it fails."""
    by = numbering(field.pattern, work.at.today)
    found: list[str] = []
    while len(found) < count:
        first = _advance(work, _counter(object_type, field, by), count - len(found))
        numbers = [by.text(n) for n in range(first, first + count - len(found))]
        used = _used(work, object_type, field, numbers)
        found += [n for n in numbers if n not in used]
        if used:
            _jump(work, object_type, field, by)
    return found


def _counter(object_type: ObjectType, field: Field, by: Numbering) -> dict[str, str]:
    return {"object": object_type.key, "field": field.key, "period": by.period}


def _advance(work: Work, counter: Mapping[str, str], count: int) -> int:
    mine = [record_serials.c[name] == value for name, value in counter.items()]
    advance = sa.update(record_serials).where(*mine).values(next=record_serials.c.next + count).returning(record_serials.c.next)
    after = work.session.execute(advance).scalar()
    if after is None:
        try:
            with work.session.begin_nested():
                work.session.execute(sa.insert(record_serials).values(**counter, next=1 + count))
            return 1
        except IntegrityError:  # somebody else made the counter just now
            after = work.session.execute(advance).scalar_one()
    return int(after) - count


def _used(work: Work, object_type: ObjectType, field: Field, numbers: Sequence[str]) -> set[str]:
    column = table(object_type, work.catalog).c[field.key]
    return set(work.session.execute(sa.select(column).where(column.in_(numbers))).scalars())


def _jump(work: Work, object_type: ObjectType, field: Field, by: Numbering) -> None:
    """Past the numbers that an import brought along."""
    column = table(object_type, work.catalog).c[field.key]
    texts = work.session.execute(sa.select(column).where(column.startswith(by.prefix, autoescape=True), column.endswith(by.suffix, autoescape=True))).scalars()
    cores = [t[len(by.prefix) : len(t) - len(by.suffix)] for t in texts]
    highest = max((int(c) for c in cores if c.isascii() and c.isdigit() and len(c) < 18), default=0)
    mine = [record_serials.c[name] == value for name, value in _counter(object_type, field, by).items()]
    work.session.execute(sa.update(record_serials).where(*mine, record_serials.c.next <= highest).values(next=highest + 1))
