"""Two records of one object become one: chosen values, everything that refers to the other moves, the other is deleted and leads to the kept one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from server.errors import Conflict, Invalid, Problem, Text, TooLarge
from server.feature import Merged, Work
from server.features.objects.engine import is_stored, table
from server.features.objects.kind import Field, ObjectType
from server.features.records.deleting import delete
from server.features.records.history import MERGED, field_text, names_of
from server.features.records.listing import query
from server.features.records.reading import Record, no_record, object_of, records_of, refuse_unless, row_of, stored_columns, values_of
from server.features.records.referring import Reference, referring
from server.features.records.rights import rights
from server.features.records.service import prepare
from server.features.records.writing import refuse, revision, same_version, taken, tell, update_rows
from server.fields.registry import FIELD_TYPES

MOVES_LIMIT = 5000  # records that refer to the one that goes
MOVED_AT_ONCE = 500
TELLING = frozenset({"text", "email", "phone", "link"})  # field types in which an equal value tells that two records are one


@dataclass(frozen=True)
class Choice:
    """One field of both, in words. `fixed`: the actor cannot write it, so the kept record's value stays."""

    field: Field
    kept: str
    gone: str
    same: bool
    take_gone: bool  # what is suggested: the other's value where the kept record has none
    fixed: bool


@dataclass(frozen=True)
class Candidate:
    """A record that may be the same thing; `shares`: the fields that speak for it."""

    record: Record
    shares: tuple[Field, ...]


@dataclass(frozen=True)
class Plan:
    """What a merge would do. While there are `objections` it is refused. `moves`: records that will refer to the kept one."""

    choices: tuple[Choice, ...]
    moves: tuple[Reference, ...]
    objections: tuple[Text, ...]


def plan(work: Work, object_key: str, kept_id: int, gone_id: int) -> Plan:
    """For who may edit the kept record and delete the other."""
    object_type = object_of(work, object_key)
    kept, gone = _both(work, object_type, kept_id, gone_id, lock=False)
    allowed = rights(work, object_key)
    fields = [f for f in object_type.fields.values() if is_stored(f, object_type) and not f.computed and not f.derived and f.key not in allowed.hidden]
    names = names_of(work, object_type, [(f.key, kept.get(f.key), gone.get(f.key)) for f in fields])
    choices = []
    for f in fields:
        ours, theirs = kept.get(f.key), gone.get(f.key)
        texts = [field_text(work, object_type, f.key, v, names, f.key in allowed.masked) for v in (ours, theirs)]
        fixed = f.readonly or f.key in allowed.readonly
        choices.append(Choice(f, texts[0], texts[1], ours == theirs, ours is None and theirs is not None and not fixed, fixed))
    moves = tuple(r for r in referring(work, object_key, [gone_id]) if r.count)
    return Plan(tuple(choices), moves, tuple(_objections(work, object_key, kept_id, gone_id, moves)))


def merge(work: Work, object_key: str, kept_id: int, gone_id: int, take: Sequence[str], kept_version: int, gone_version: int) -> None:
    """`take`: the fields whose value comes from the record that goes. One transaction, or nothing: what is refused says why."""
    object_type = object_of(work, object_key)
    kept, gone = _both(work, object_type, kept_id, gone_id, lock=True)
    same_version(work, kept, kept_version)
    same_version(work, gone, gone_version)
    moves = [r for r in referring(work, object_key, [gone_id]) if r.count]
    objections = _objections(work, object_key, kept_id, gone_id, moves)
    if objections:
        raise Conflict(objections[0], objections[1] if len(objections) > 1 else None)
    work = replace(work, cause="merge")
    for reference in moves:
        _move(work, reference, kept_id, gone_id)
    now = row_of(work, object_key, gone_id)  # its version may have moved with a reference to itself
    if now is None:
        raise no_record()
    delete(work, object_key, gone_id, now["version"], merged_into=kept_id)
    _take(work, object_type, kept_id, gone, gone_id, take)
    for hook in work.hooks.on_merged:
        hook(work, Merged(object_key, kept_id, gone_id))


def candidates(work: Work, object_key: str, record_id: int, text: str = "", limit: int = 20) -> list[Candidate]:
    """Records the kept one could be merged with: those that contain the text; without one those that share a telling value with it
    (an address, a phone number, a code, a name), and those whose name begins like its own."""
    object_type = object_of(work, object_key)
    columns = tuple(dict.fromkeys([object_type.name_field, *object_type.search_fields, *object_type.list_columns]))
    shown = [c for c in columns if c in object_type.fields][:6]
    if text:
        page = query(work, object_key, search=text, columns=shown, limit=limit + 1, count=False)
        return [Candidate(r, ()) for r in page.rows if r.id != record_id][:limit]
    own = row_of(work, object_key, record_id)
    if own is None:
        raise no_record()
    covered = rights(work, object_key).covered
    found: dict[int, tuple[Record, list[Field]]] = {}
    for f in object_type.fields.values():
        value = own.get(f.key)
        if f.key in covered or f.computed or f.derived or f.pattern or not isinstance(value, str) or f.type not in TELLING:
            continue
        is_name = f.key == object_type.name_field
        if f.type == "text" and not (f.unique or is_name or f.key in object_type.search_fields):
            continue
        for op, wanted in [("eq", value)] + ([("contains", beginning(value))] if is_name and len(value) > 2 else []):
            for r in query(work, object_key, conditions=[(f.key, op, wanted)], columns=shown, limit=limit, count=False).rows:
                if r.id != record_id and f not in found.setdefault(r.id, (r, []))[1]:
                    found[r.id][1].append(f)
    ordered = sorted(found.values(), key=lambda pair: -len(pair[1]))
    return [Candidate(r, tuple(fields)) for r, fields in ordered[:limit]]


def beginning(name: str) -> str:
    """What two spellings of one name are likely to share: the first word, or half of the Han characters."""
    word = name.split()[0] if name.split() else name
    return word[: max(2, len(word) // 2)] if any(c > "\u2e7f" for c in word) else word[: max(3, len(word) * 2 // 3)]


def _both(work: Work, object_type: ObjectType, kept_id: int, gone_id: int, *, lock: bool) -> tuple[dict[str, Any], dict[str, Any]]:
    """Both rows, locked in the order of their ids, so that two merges at once do not wait for each other."""
    if kept_id == gone_id:
        raise Invalid([Problem("", Text("请选择另一条记录", "Choose another record"), code="same_record")])
    rows = {i: row_of(work, object_type.key, i, lock=lock, live=not lock) for i in sorted((kept_id, gone_id))}
    kept, gone = rows[kept_id], rows[gone_id]
    if kept is None or gone is None:
        raise no_record()
    refuse_unless(work, object_type.key, "edit", kept)
    refuse_unless(work, object_type.key, "delete", gone)
    return kept, gone


def _objections(work: Work, object_key: str, kept_id: int, gone_id: int, moves: Sequence[Reference]) -> list[Text]:
    total = sum(r.count for r in moves)
    if total > MOVES_LIMIT:
        raise TooLarge(Text(f"有 {total} 条记录引用它，一次最多移动 {MOVES_LIMIT} 条", f"{total} records refer to it; {MOVES_LIMIT} move at once"))
    found = [text for reference in moves for text in _collisions(work, reference, kept_id, gone_id)]
    return found + [text for hook in work.hooks.merge_objections for text in hook(work, Merged(object_key, kept_id, gone_id))]


def _collisions(work: Work, reference: Reference, kept_id: int, gone_id: int) -> list[Text]:
    """Unique keys that hold once for each record: one of each side with the same rest of the key cannot both belong to the kept one."""
    other, field = reference.object_type, reference.field
    keys = [k for k in ([(f.key,) for f in other.fields.values() if f.unique] + list(other.keys)) if field.key in k]
    found = []
    for key in keys:
        ours, theirs = table(other, work.catalog).alias("a"), table(other, work.catalog).alias("b")
        level = [ours.c[k] == theirs.c[k] for k in key if k != field.key]
        sides = (ours.c[field.key] == kept_id, theirs.c[field.key] == gone_id, ours.c.deleted_at.is_(None), theirs.c.deleted_at.is_(None))
        query = sa.select(sa.func.count()).select_from(ours.join(theirs, sa.and_(*sides, *level)))
        count = work.session.scalar(query) or 0
        if count:
            titles = [other.fields[k].title for k in key if k != field.key] or [field.title]
            zh, en = "、".join(t.zh for t in titles), ", ".join(t.en for t in titles)
            found.append(
                Text(
                    f"两边各有 {count} 条“{other.title.zh}”的“{zh}”相同，而一条记录只能有一条；请先改掉或删除其中一边的",
                    f"{count} {other.plural.en.lower()} of both sides have the same {en}, which a record can have once; change or delete one side first",
                )
            )
    return found


def _move(work: Work, reference: Reference, kept_id: int, gone_id: int) -> None:
    """Every record that refers to the one that goes, whoever may see it; a record must not come to refer to itself."""
    other, field = reference.object_type, reference.field
    source = table(other, work.catalog)
    after = 0
    while True:
        query = sa.select(*stored_columns(other, source)).where(source.c[field.key] == gone_id, source.c.deleted_at.is_(None), source.c.id > after)
        rows = work.session.execute(query.order_by(source.c.id).limit(MOVED_AT_ONCE).with_for_update(of=source)).mappings().all()
        if not rows:
            return
        after = rows[-1]["id"]
        befores = [values_of(other, row) for row in rows]
        itself = {kept_id, gone_id} if other.key == work.catalog.get("object", field.reference).key else set()
        raws = [({field.key: None if before["id"] in itself else kept_id}, before) for before in befores]
        prepared = prepare(work, other, raws, "system")
        for before, (_, problems) in zip(befores, prepared, strict=True):
            _refuse_named(work, other, before, problems)
        revisions = [r for r in (revision(other, b["id"], b, values) for b, (values, _) in zip(befores, prepared, strict=True)) if r.changed]
        clashes = taken(work, other, [(r.id, r.after) for r in revisions])
        for i, found in clashes.items():
            _refuse_named(work, other, revisions[i].before, found)
        update_rows(work, other, revisions)
        tell(work, other, [], revisions)


def _refuse_named(work: Work, object_type: ObjectType, row: Mapping[str, Any], problems: Sequence[Problem]) -> None:
    """A refusal of a record that would move, with the record it is about."""
    errors = [p for p in problems if p.severity == "error"]
    if not errors:
        return
    name = records_of(work, object_type, [row], (object_type.name_field,))[0].name
    zh, en = f"{object_type.title.zh}“{name}”", f"{object_type.title.en} “{name}”"
    raise Invalid([replace(p, path="", message=Text(f"{zh}：{p.message.zh}", f"{en}: {p.message.en}")) for p in errors])


def _take(work: Work, object_type: ObjectType, kept_id: int, gone: Mapping[str, Any], gone_id: int, take: Sequence[str]) -> None:
    """The chosen values, validated as any change is; the history says with whom it was merged, also where no value changed."""
    before = row_of(work, object_type.key, kept_id)
    if before is None:
        raise no_record()
    raw = {}
    for f in object_type.fields.values():
        if f.key in take and before.get(f.key) != gone.get(f.key):
            raw[f.key] = FIELD_TYPES[f.type].json(f, gone.get(f.key))
        if f.type == "reference" and f.reference == object_type.key and (raw.get(f.key, before.get(f.key)) in (kept_id, gone_id)):
            raw[f.key] = None
    ((values, problems),) = prepare(work, object_type, [(raw, before)], "api")
    refuse(problems)
    change = revision(object_type, kept_id, before, values)
    refuse([p for found in taken(work, object_type, [(kept_id, values)]).values() for p in found])
    update_rows(work, object_type, [change], {kept_id: {MERGED: [None, gone_id]}})
    tell(work, object_type, [], [change])
