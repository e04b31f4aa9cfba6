"""Deleting records and bringing them back: what goes along, what forbids it, and the recycle bin."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from server.errors import Conflict, Text, TooLarge
from server.feature import Work
from server.features.objects.engine import SYSTEM_NAMES, table, tables
from server.features.objects.kind import Field, ObjectType
from server.features.records.moments import Place, earlier
from server.features.records.reading import no_record, object_of, permitted, records_of, reference_names, refuse_unless, row_of, stored_columns, values_of
from server.features.records.referring import Reference, references_to, referring
from server.features.records.tables import deleted_records
from server.features.records.writing import Revision, mark_deleted, mark_restored, refuse, same_version, taken, tell

PARTS_LIMIT = 2000  # records that go along with one
NOTHING_CHANGED = frozenset({"deleted_at"})
_c = deleted_records.c


@dataclass(frozen=True)
class Fate:
    """What deleting a record would do. `parts` go along; while there are `holds` it stays."""

    parts: tuple[Reference, ...]
    holds: tuple[Reference, ...]


@dataclass(frozen=True)
class Gone:
    """A deleted record as the recycle bin shows it. `parts`: how many went along and come back with it."""

    object: str
    id: int
    name: str
    version: int
    at: datetime
    by: str
    with_object: str
    with_id: int | None
    with_name: str
    merged_into: int | None
    merged_name: str
    parts: int


# -- Deleting ----------------------------------------------------------------------------------------------------------------


def fate(work: Work, object_key: str, record_id: int) -> Fate:
    """For a record the actor may delete."""
    before = row_of(work, object_key, record_id)
    if before is None:
        raise no_record()
    refuse_unless(work, object_key, "delete", before)
    parts, holds, _ = _fate(work, object_key, record_id, lock=False)
    return Fate(tuple(parts), tuple(holds))


def is_part(whole: ObjectType, other: ObjectType, field: Field) -> bool:
    """Whether records that refer through this field belong to the one they refer to: its document or the form of the whole says so."""
    return field.part or any(s.object == other.key and s.link == field.key for s in whole.subforms)


Rows = dict[str, dict[int, dict[str, Any]]]  # object -> id -> stored values


def _fate(work: Work, object_key: str, record_id: int, *, lock: bool = True) -> tuple[list[Reference], list[Reference], Rows]:
    """What goes along (parts, and their parts), what still refers to any of it, and the rows of the parts, locked."""
    going: Rows = {object_key: {record_id: {}}}
    counted: dict[tuple[str, str], Reference] = {}
    layer = {object_key: [record_id]}
    while layer:
        following: dict[str, list[int]] = {}
        for key, ids in layer.items():
            for other, field in references_to(work, key):
                if not is_part(work.catalog.get("object", key), other, field):
                    continue
                found = {i: row for i, row in _rows(work, other, field.key, ids, lock).items() if i not in going.get(other.key, {})}
                if found:
                    going.setdefault(other.key, {}).update(found)
                    following.setdefault(other.key, []).extend(found)
                    known = counted.get((other.key, field.key))
                    counted[other.key, field.key] = Reference(other, field, len(found) + (known.count if known else 0))
        layer = following
    total = sum(r.count for r in counted.values())
    if total > PARTS_LIMIT:
        raise TooLarge(
            Text(f"有 {total} 条记录会随之删除，一次最多 {PARTS_LIMIT} 条", f"{total} records would go along; {PARTS_LIMIT} may go at once"),
            Text("请先删除其中一部分", "Delete some of them first"),
        )
    holds = [r for key, rows in going.items() for r in referring(work, key, sorted(rows), going) if r.count]
    return list(counted.values()), holds, going


def _rows(work: Work, object_type: ObjectType, field: str, ids: Sequence[int], lock: bool) -> dict[int, dict[str, Any]]:
    source = table(object_type, work.catalog)
    query = sa.select(*stored_columns(object_type, source)).where(source.c[field].in_(ids), source.c.deleted_at.is_(None)).order_by(source.c.id)
    return {row["id"]: values_of(object_type, row) for row in work.session.execute(query.with_for_update(of=source) if lock else query).mappings()}


def delete(work: Work, object_key: str, record_id: int, version: int, merged_into: int | None = None) -> None:
    """Taken out of sight with its parts, kept in the database. A record that others refer to stays.
    `merged_into`: the record that takes its place, to which its address leads from now on."""
    object_type = object_of(work, object_key)
    before = row_of(work, object_key, record_id, lock=True, live=True)
    if before is None:
        raise no_record()
    refuse_unless(work, object_key, "delete", before)
    same_version(work, before, version)
    _, holds, going = _fate(work, object_key, record_id)
    if holds:
        raise Conflict(
            Text(
                "；".join(f"还有 {h.count} 条“{h.object_type.title.zh}”引用此记录" for h in holds),
                "; ".join(f"{h.count} records of {h.object_type.title.en} still refer to this record" for h in holds),
            ),
            Text("请先修改或删除它们", "Change or delete them first"),
        )
    going[object_key][record_id] = before
    for key, rows in going.items():
        _delete_rows(work, work.catalog.get("object", key), rows, (object_type.key, record_id), merged_into)


def _delete_rows(work: Work, object_type: ObjectType, rows: Mapping[int, Mapping[str, Any]], root: tuple[str, int], merged_into: int | None) -> None:
    """A part that the actor may not delete keeps the whole."""
    for record_id, before in rows.items():
        if (object_type.key, record_id) == root:
            mark_deleted(work, object_type, record_id, before["version"], merged_into=merged_into)
        else:
            refuse_unless(work, object_type.key, "delete", before)
            mark_deleted(work, object_type, record_id, before["version"], along=root)
    tell(work, object_type, [], [Revision(i, before, before, NOTHING_CHANGED) for i, before in rows.items()])


# -- Bringing back -----------------------------------------------------------------------------------------------------------


def undelete(work: Work, object_key: str, record_id: int) -> None:
    """Back with all that went along. Who may delete a record may bring it back; a unique value that somebody else has by now forbids it."""
    object_type = object_of(work, object_key)
    kept = work.session.execute(sa.select(deleted_records).where(_c.object == object_key, _c.record_id == record_id).with_for_update()).mappings().first()
    if kept is None or not _deleted_rows(work, object_type, [record_id]):
        raise no_record()
    if kept["with_object"] and _is_deleted(work, kept["with_object"], kept["with_id"]):
        whole = work.catalog.get("object", kept["with_object"])
        raise Conflict(
            Text(f"它随“{whole.title.zh}”一起删除", f"It was deleted along with its {whole.title.en.lower()}"),
            Text(f"请恢复那条“{whole.title.zh}”，它会一起回来", f"Bring that {whole.title.en.lower()} back; this one comes with it"),
        )
    parts = work.session.execute(sa.select(_c.object, _c.record_id).where(_c.with_object == object_key, _c.with_id == record_id)).all()
    coming: dict[str, list[int]] = {object_key: [record_id]}
    for key, part_id in parts:
        coming.setdefault(key, []).append(part_id)
    for key, ids in coming.items():
        if work.catalog.get("object", key) is not None:
            _restore_rows(work, work.catalog.get("object", key), ids)


def _restore_rows(work: Work, object_type: ObjectType, ids: Sequence[int]) -> None:
    source = table(object_type, work.catalog)
    query = sa.select(*stored_columns(object_type, source)).where(source.c.id.in_(ids), source.c.deleted_at.is_not(None)).order_by(source.c.id)
    rows = [values_of(object_type, row) for row in work.session.execute(query.with_for_update(of=source)).mappings()]
    refuse([p for found in taken(work, object_type, [(row["id"], row) for row in rows]).values() for p in found])
    for row in rows:
        mark_restored(work, object_type, row["id"], row["version"], row["deleted_at"])
    tell(work, object_type, [], [Revision(row["id"], row, row, NOTHING_CHANGED) for row in rows])


def _is_deleted(work: Work, object_key: str, record_id: int) -> bool:
    return work.session.scalar(sa.select(_c.record_id).where(_c.object == object_key, _c.record_id == record_id)) is not None


# -- The recycle bin ---------------------------------------------------------------------------------------------------------


def deleted(work: Work, object_key: str, before: Place | None = None, limit: int = 50) -> list[Gone]:
    """What was deleted of an object, the latest first, as far as the actor may delete. `before`: a place (rank 0) to go on from."""
    object_type = object_of(work, object_key)
    refuse_unless(work, object_key, "delete")
    return _gone(work, object_type, [*earlier(before, 0, _c.at, _c.record_id)], limit)


def gone(work: Work, object_key: str, record_id: int) -> Gone:
    """One deleted record, for who may bring it back."""
    found = _gone(work, object_of(work, object_key), [_c.record_id == record_id], 1)
    if not found:
        raise no_record()
    return found[0]


def just_deleted(work: Work, object_key: str, record_id: str) -> Gone | None:
    """The record an address says was deleted a moment ago, to be brought back at once; None when it was not, or not by the actor."""
    if not (record_id.isascii() and record_id.isdigit() and len(record_id) < 19):
        return None
    found = _gone(work, object_of(work, object_key), [_c.record_id == int(record_id), _c.by == work.actor.username], 1)
    return found[0] if found else None


def kept_record(work: Work, object_key: str, record_id: int) -> int | None:
    """Where a merged record's address leads: the one that was kept, when the actor may read it."""
    for _ in range(50):  # what was kept may have been merged in turn
        target = work.session.scalar(sa.select(_c.merged_into).where(_c.object == object_key, _c.record_id == record_id))
        if target is None:
            return None
        if row_of(work, object_key, target) is not None:
            return int(target)
        record_id = target
    return None


def _deleted_rows(work: Work, object_type: ObjectType, ids: Sequence[int]) -> list[Mapping[Any, Any]]:
    """Stored values of deleted records that the actor may read and delete."""
    source = tables(work.catalog)[object_type.key]
    conditions = [*permitted(work, object_type.key, source), *permitted(work, object_type.key, source, "delete")]
    query = sa.select(*stored_columns(object_type, source)).where(source.c.id.in_(ids), source.c.deleted_at.is_not(None), *conditions)
    return list(work.session.execute(query).mappings())


def _gone(work: Work, object_type: ObjectType, conditions: Sequence[sa.ColumnElement[bool]], limit: int) -> list[Gone]:
    source = tables(work.catalog)[object_type.key]
    mine = [*permitted(work, object_type.key, source), *permitted(work, object_type.key, source, "delete")]
    own = [source.c[k] for k in (*SYSTEM_NAMES, object_type.name_field) if k in source.c]
    facts = [_c.at.label("gone_at"), _c.by.label("gone_by"), _c.with_object, _c.with_id, _c.merged_into]
    joined = deleted_records.join(source, sa.and_(source.c.id == _c.record_id, source.c.deleted_at.is_not(None)))
    query = sa.select(*dict.fromkeys(own), *facts).select_from(joined).where(_c.object == object_type.key, *conditions, *mine)
    rows = work.session.execute(query.order_by(_c.at.desc(), _c.record_id.desc()).limit(limit)).mappings().all()
    records = records_of(work, object_type, rows, (object_type.name_field,))
    ids = [row["id"] for row in rows]
    counts = sa.select(_c.with_id, sa.func.count()).where(_c.with_object == object_type.key, _c.with_id.in_(ids)).group_by(_c.with_id)
    parts: dict[int, int] = {row[0]: row[1] for row in work.session.execute(counts)} if ids else {}
    wholes = {key: {row["with_id"] for row in rows if row["with_object"] == key} for key in {row["with_object"] for row in rows if row["with_object"]}}
    names = {key: reference_names(work, key, ids) for key, ids in wholes.items()}
    merged = reference_names(work, object_type.key, [row["merged_into"] for row in rows if row["merged_into"] is not None])
    return [
        Gone(
            object_type.key,
            row["id"],
            record.name,
            row["version"],
            row["gone_at"],
            row["gone_by"],
            row["with_object"] or "",
            row["with_id"],
            names.get(row["with_object"], {}).get(row["with_id"], ""),
            row["merged_into"],
            merged.get(row["merged_into"], ""),
            parts.get(row["id"], 0),
        )
        for row, record in zip(rows, records, strict=True)
    ]
