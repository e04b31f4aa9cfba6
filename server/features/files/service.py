"""Files of records: taking them in, giving them to a record that is saved, showing them to those who may see the record and the field."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Any

import sqlalchemy as sa

from server.errors import Conflict, Forbidden, Invalid, NotFound, Problem, Text, TooLarge
from server.feature import Saved, Work
from server.features.access import service as access
from server.features.audit import service as audit
from server.features.files import engine, limits
from server.features.files.limits import FileLimits
from server.features.files.tables import file_uses, stored_files
from server.features.objects.engine import tables, value_columns
from server.features.objects.kind import Field, ObjectType
from server.fields.file import LOST, FileRef, ref_of
from server.fields.registry import FIELD_TYPES
from server.storage.blobs import Blob, BlobStore, BlobTooLargeError

TYPES = frozenset({"file", "image"})


@dataclass(frozen=True)
class Upload:
    """What was uploaded, before it is written down: its bytes are in the store."""

    blob: Blob
    name: str
    type: str
    thumb: bool


@dataclass(frozen=True)
class RecordFile:
    """One file of a record, with who added it. `record_id` is the record that has it: the one asked for, or one that refers to it."""

    ref: FileRef
    object: str
    record_id: int
    field: Field
    uploaded_at: datetime
    uploaded_by: str


@dataclass(frozen=True)
class Stored:
    """One file to be served."""

    ref: FileRef
    digest: str
    thumb: bool


def file_fields(object_type: ObjectType) -> tuple[Field, ...]:
    return tuple(f for f in object_type.fields.values() if f.type in TYPES)


# -- Taking in ---------------------------------------------------------------------------------------------------------------


def may_upload(work: Work, object_key: str, field_key: str, most: FileLimits) -> Field:
    """The field, when this person may write it and there is room; otherwise a refusal. Asked before the bytes are kept."""
    object_type: ObjectType | None = work.catalog.get("object", object_key)
    field = object_type.fields.get(field_key) if object_type else None
    if field is None or field.type not in TYPES or field_key in access.hidden_fields(work, object_key):
        raise NotFound(Text("没有这个附件字段", "There is no such field for files"))
    writable = access.allowed(work, object_key, "create") or access.allowed(work, object_key, "edit")
    if not writable or field.readonly or field_key in access.readonly_fields(work, object_key):
        raise Forbidden(Text("没有权限在这里添加文件", "You may not add files here"))
    waiting = sa.select(sa.func.count()).select_from(stored_files).where(stored_files.c.uploaded_by == work.actor.username, ~stored_files.c.attached)
    if work.session.execute(waiting).scalar_one() >= most.waiting:
        hint = Text("请先保存表单，或明天再试", "Save the form first, or try again tomorrow")
        raise Conflict(limits.too_many_waiting(most), hint)
    return field


def used_bytes(work: Work) -> int:
    """What all files take on disk; the same content counts once."""
    each = sa.select(stored_files.c.digest, stored_files.c.size).distinct().subquery()
    return int(work.session.execute(sa.select(sa.func.coalesce(sa.func.sum(each.c.size), 0))).scalar_one())


def receive(store: BlobStore, name: str, source: IO[bytes], field: Field, most: FileLimits) -> Upload:
    """The bytes into the store, and what they are. No transaction is open meanwhile: a large file takes its time."""
    clean = engine.clean_name(name)
    kind = engine.type_of(source)
    clean = engine.fitting_name(clean, kind)
    checked = FIELD_TYPES[field.type].parse(field, [FileRef("0" * 32, clean, kind)])
    if isinstance(checked, Problem):
        raise Invalid([checked])
    source.seek(0)
    if not source.read(1):
        raise Invalid([Problem(field.key, Text(f"“{clean}”是空文件", f"“{clean}” is empty"), code="empty_file")])
    source.seek(0)
    try:
        blob = store.put(source, most.file_bytes)
    except BlobTooLargeError:
        raise TooLarge(limits.too_big(most, clean)) from None
    small = engine.thumbnail(source) if kind.startswith("image/") else None
    if small is not None:
        store.put_thumb(blob.digest, small)
    return Upload(blob, clean, kind, small is not None)


def enter(work: Work, object_key: str, upload: Upload, most: FileLimits) -> FileRef:
    """Written down as this person's, waiting for a record to be saved with it."""
    used = used_bytes(work)
    known = work.session.scalar(sa.select(stored_files.c.id).where(stored_files.c.digest == upload.blob.digest).limit(1))
    if known is None and used + upload.blob.size > most.total_bytes:
        raise TooLarge(limits.over_quota(most, used), Text("请管理员清理附件或提高上限", "Ask an administrator to make room or to raise the limit"))
    ref = FileRef(secrets.token_hex(16), upload.name, upload.type, upload.blob.size)
    values = {"id": ref.id, "digest": upload.blob.digest, "name": ref.name, "type": ref.type, "size": ref.size, "thumb": upload.thumb}
    stamp = {"object": object_key, "uploaded_at": work.now, "uploaded_by": work.actor.username, "attached": False}
    work.session.execute(sa.insert(stored_files).values(**values, **stamp))
    audit.record(work, "upload", object_key, detail={"file": ref.id, "name": ref.name, "size": ref.size, "digest": upload.blob.digest})
    return ref


# -- Giving to records -------------------------------------------------------------------------------------------------------


def resolved(work: Work, object_type: ObjectType, items: Sequence[tuple[Mapping[str, Any], Mapping[str, Any] | None]]) -> list[Mapping[str, Any]]:
    """Raw members with each file that was named as it is stored. One that is not there, or not this person's to add, is marked as lost."""
    fields = file_fields(object_type)
    if not fields:
        return [raw for raw, _ in items]
    named = [{f.key: refs for f in fields if (refs := _refs(raw.get(f.key))) is not None} for raw, _ in items]
    had = [{ref.id: ref for f in fields for ref in (before or {}).get(f.key) or ()} for _, before in items]
    asked = {ref.id for given, old in zip(named, had, strict=True) for refs in given.values() for ref in refs if ref.id not in old}
    known = _usable(work, object_type.key, asked)
    made: list[Mapping[str, Any]] = []
    for (raw, _), given, old in zip(items, named, had, strict=True):
        found = {key: [old.get(r.id) or known.get(r.id) or FileRef(r.id, r.name, "", LOST) for r in refs] for key, refs in given.items()}
        made.append({**raw, **found})
    return made


def _refs(raw: Any) -> list[FileRef] | None:
    """The files a raw member names; None when it is something else (empty, a mistake, names in an import), which is for the field to judge."""
    parts = [p for p in raw.split("\n") if p.strip()] if isinstance(raw, str) else raw
    if not isinstance(parts, list | tuple) or isinstance(parts, FileRef) or not parts:
        return None
    refs = [ref_of(part) for part in parts]
    return None if None in refs else [r for r in refs if r is not None]


def _usable(work: Work, object_key: str, ids: set[str]) -> dict[str, FileRef]:
    """Own uploads for this object that wait, and files of records that the person may see: what one can download one may add elsewhere."""
    if not ids:
        return {}
    rows = work.session.execute(sa.select(stored_files).where(stored_files.c.id.in_(sorted(ids)))).mappings().all()
    found = {}
    for row in rows:
        own = not row["attached"] and row["uploaded_by"] == work.actor.username and row["object"] == object_key
        if own or work.actor.is_system or (row["attached"] and _in_sight(work, row["id"])):
            found[row["id"]] = _ref(row)
    return found


def _ref(row: Mapping[Any, Any]) -> FileRef:
    return FileRef(row["id"], row["name"], row["type"], row["size"])


def on_saved(work: Work, saved: Saved) -> None:
    """A record that was saved has the files it names: they no longer wait, and what it no longer names is marked as taken out."""
    object_type: ObjectType | None = work.catalog.get("object", saved.object)
    keys = [f.key for f in file_fields(object_type)] if object_type else []
    touched = {i: [k for k in keys if k in saved.changed.get(i, ())] for i in saved.ids} if keys else {}
    ids = [i for i, changed in touched.items() if changed]
    if not ids:
        return
    source = tables(work.catalog)[saved.object]
    for row in work.session.execute(sa.select(source.c.id, *(source.c[k] for k in keys)).where(source.c.id.in_(ids))).mappings():
        for key in touched[row["id"]]:
            was = {r.id for r in saved.before.get(row["id"], {}).get(key) or ()}
            now = {r.id for r in row[key] or ()}
            _use(work, saved.object, row["id"], key, sorted(now - was))
            _release(work, saved.object, row["id"], key, sorted(was - now))


def _use(work: Work, object_key: str, record_id: int, field_key: str, added: Sequence[str]) -> None:
    if not added:
        return
    u = file_uses
    mine = (u.c.object == object_key) & (u.c.record_id == record_id) & (u.c.field == field_key) & u.c.file_id.in_(added)
    there = set(work.session.execute(sa.select(u.c.file_id).where(mine)).scalars())
    work.session.execute(sa.update(u).where(mine).values(removed_at=None))
    stamp = {"object": object_key, "record_id": record_id, "field": field_key, "since": work.now, "by": work.actor.username}
    rows = [{"file_id": i, **stamp} for i in added if i not in there]
    if rows:
        work.session.execute(sa.insert(u), rows)
    work.session.execute(sa.update(stored_files).where(stored_files.c.id.in_(added), ~stored_files.c.attached).values(attached=True))


def _release(work: Work, object_key: str, record_id: int, field_key: str, gone: Sequence[str]) -> None:
    if gone:
        u = file_uses
        mine = (u.c.object == object_key) & (u.c.record_id == record_id) & (u.c.field == field_key) & u.c.file_id.in_(gone)
        work.session.execute(sa.update(u).where(mine).values(removed_at=work.now))


# -- Showing -----------------------------------------------------------------------------------------------------------------


def stored(work: Work, file_id: str) -> Stored:
    """A file for somebody who may see it: its uploader while it waits, then whoever may read the record and the field. Others find nothing."""
    row = work.session.execute(sa.select(stored_files).where(stored_files.c.id == file_id)).mappings().first()
    if row is not None:
        own = not row["attached"] and row["uploaded_by"] == work.actor.username
        if own or (row["attached"] and _in_sight(work, file_id)):
            return Stored(_ref(row), row["digest"], row["thumb"])
    raise NotFound(Text("没有这个文件，或无权查看", "There is no such file, or you may not see it"))


def _in_sight(work: Work, file_id: str) -> bool:
    """Whether some record has (or had: its history tells) the file where this person may read."""
    u = file_uses
    return any(
        _may_read(work, use.object, use.record_id, use.field)
        for use in work.session.execute(sa.select(u.c.object, u.c.record_id, u.c.field).where(u.c.file_id == file_id))
    )


def _may_read(work: Work, object_key: str, record_id: int, field_key: str) -> bool:
    object_type: ObjectType | None = work.catalog.get("object", object_key)
    if object_type is None or field_key not in object_type.fields or field_key in access.hidden_fields(work, object_key):
        return False
    source = tables(work.catalog)[object_key]
    columns = value_columns(work.catalog, object_key, source, work.at)
    query = sa.select(source.c.id).where(source.c.id == record_id, source.c.deleted_at.is_(None), access.row_filter(work, object_key, "read", columns))
    return work.session.execute(query).first() is not None


def may_have(work: Work, object_key: str) -> bool:
    """Whether records of an object, or those that refer to them, have fields for files that this person sees."""
    return any(
        _shown_fields(work, other) and (other.key == object_key or any(f.reference == object_key for f in other.fields.values()))
        for other in work.catalog.all("object")
        if access.allowed(work, other.key, "read")
    )


def _shown_fields(work: Work, object_type: ObjectType) -> dict[str, Field]:
    hidden = access.hidden_fields(work, object_type.key)
    return {f.key: f for f in file_fields(object_type) if f.key not in hidden}


def of_record(work: Work, object_key: str, record_id: int, limit: int = 200) -> list[RecordFile]:
    """The files of a record and of the records that refer to it, newest first, as far as this person may read them. The caller has found the record."""
    found: list[RecordFile] = []
    for other in work.catalog.all("object"):
        fields = _shown_fields(work, other)
        if not fields or not access.allowed(work, other.key, "read"):
            continue
        source = tables(work.catalog)[other.key]
        links = [
            source.c[f.key] == record_id for f in other.fields.values() if f.type == "reference" and f.reference == object_key and _is_shown(work, other, f)
        ]
        if other.key == object_key:
            links.append(source.c.id == record_id)
        if not links:
            continue
        columns = value_columns(work.catalog, other.key, source, work.at)
        readable = (source.c.deleted_at.is_(None), access.row_filter(work, other.key, "read", columns), sa.or_(*links))
        u = file_uses
        query = (
            sa.select(stored_files, u.c.record_id, u.c.field)
            .join(u, u.c.file_id == stored_files.c.id)
            .join(source, source.c.id == u.c.record_id)
            .where(u.c.object == other.key, u.c.removed_at.is_(None), u.c.field.in_(sorted(fields)), *readable)
            .order_by(stored_files.c.uploaded_at.desc(), stored_files.c.id)
            .limit(limit)
        )
        for row in work.session.execute(query).mappings():
            found.append(RecordFile(_ref(row), other.key, row["record_id"], fields[row["field"]], row["uploaded_at"], row["uploaded_by"]))
    return sorted(found, key=lambda f: f.uploaded_at, reverse=True)[:limit]


def _is_shown(work: Work, object_type: ObjectType, field: Field) -> bool:
    return field.key not in access.hidden_fields(work, object_type.key) | access.masked_fields(work, object_type.key)
