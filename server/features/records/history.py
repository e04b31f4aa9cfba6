"""What was changed when by whom: each field of each save with its old and new value, as far as the actor may see."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from server.errors import Problem
from server.feature import Work
from server.features.access.departments import department_titles
from server.features.access.people import user_names
from server.features.objects.kind import ObjectType
from server.features.records.moments import Place, earlier
from server.features.records.reading import no_record, object_of, reference_names, refuse_unless, row_of
from server.features.records.rights import mask, rights
from server.features.records.tables import records_history
from server.fields.base import JSON
from server.fields.registry import FIELD_TYPES

# What happened to a record beside its fields. No field can have these names.
DELETED, MERGED, MERGED_INTO = "deleted_at", "@merged", "@merged_into"
MARKS = (DELETED, MERGED, MERGED_INTO)


@dataclass(frozen=True)
class Change:
    """One field changed once. `old`, `new` are values; `old_text`, `new_text` what people read. A mark of `MARKS` stands as a field too:
    its values are an instant (deleted) or the id of a record of the same object (merged)."""

    at: datetime
    by: str
    cause: str
    version: int
    field: str
    old: Any
    new: Any
    old_text: str
    new_text: str
    release: int = 0


@dataclass(frozen=True)
class Save:
    """What one save changed; `id` is its place in the history."""

    id: int
    at: datetime
    by: str
    cause: str
    version: int
    release: int
    changes: tuple[Change, ...]


def history(work: Work, object_key: str, record_id: int, limit: int = 500) -> list[Change]:
    """Newest first. Hidden fields have no history, masked ones a covered one."""
    return [change for save in saves(work, object_key, record_id, limit=limit) for change in save.changes]


def saves(work: Work, object_key: str, record_id: int, *, before: Place | None = None, rank: int = 0, limit: int = 500, by_version: bool = True) -> list[Save]:
    """The saves of a record the actor may read, newest first; those of which the actor may see nothing are left out.
    `before`, `rank`: the place in a timeline to go on from."""
    object_type = object_of(work, object_key)
    refuse_unless(work, object_key, "read")
    if row_of(work, object_key, record_id) is None:
        raise no_record()
    return saves_of(work, object_type, record_id, before, rank, limit, by_version=by_version)


def saves_of(
    work: Work, object_type: ObjectType, record_id: int, before: Place | None, rank: int, limit: int, *, by_version: bool = True, blanks: bool = False
) -> list[Save]:
    """The same for who has seen already that the record may be read. `blanks`: with those of which the actor may see nothing, without their changes."""
    allowed, h = rights(work, object_type.key), records_history
    order = (h.c.version.desc(),) if by_version else (h.c.at.desc(), h.c.id.desc())
    statement = sa.select(h).where(h.c.object == object_type.key, h.c.record_id == record_id, *earlier(before, rank, h.c.at, h.c.id))
    rows = work.session.execute(statement.order_by(*order).limit(limit)).mappings().all()
    fields = [*object_type.fields]
    found: list[tuple[Any, str, Any, Any]] = []
    for row in rows:
        for key in sorted(row["changes"], key=lambda k: fields.index(k) if k in object_type.fields else len(fields)):
            if key in MARKS:
                found.append((row, key, *row["changes"][key]))
            elif key in object_type.fields and key not in allowed.hidden:
                found.append((row, key, *(from_json(object_type, key, v) for v in row["changes"][key])))
    names = names_of(work, object_type, [(key, old, new) for _, key, old, new in found])
    changes: dict[int, list[Change]] = {}
    for row, key, old, new in found:
        texts = [field_text(work, object_type, key, v, names, key in allowed.masked) for v in (old, new)]
        if key in allowed.masked:
            old, new = (t or None for t in texts)
        change = Change(row["at"], row["by"], row["cause"], row["version"], key, old, new, texts[0], texts[1], row["release"])
        changes.setdefault(row["id"], []).append(change)
    return [
        Save(row["id"], row["at"], row["by"], row["cause"], row["version"], row["release"], tuple(changes.get(row["id"], ())))
        for row in rows
        if blanks or row["id"] in changes
    ]


def from_json(object_type: ObjectType, key: str, value: Any) -> Any:
    """A stored value; one that the field no longer takes (its options changed) is shown as it was written."""
    f = object_type.fields[key]
    parsed = FIELD_TYPES[f.type].parse(f, value, JSON)
    return value if isinstance(parsed, Problem) else parsed


Names = Mapping[str, Mapping[Any, str]]


def names_of(work: Work, object_type: ObjectType, values: Sequence[tuple[str, Any, Any]]) -> Names:
    """(field, value, value) -> field -> names of the records, people or departments behind its values, one statement a field; also of those merged."""
    keys = {key for key, _, _ in values if key in object_type.fields and object_type.fields[key].type == "reference"}
    wanted = {k: object_type.fields[k].reference for k in keys} | {k: object_type.key for k, _, _ in values if k in (MERGED, MERGED_INTO)}
    ids = {k: [v for key, *both in values if key == k for v in both if isinstance(v, int)] for k in wanted}
    users = {key for key, _, _ in values if key in object_type.fields and object_type.fields[key].type == "user"}
    people = user_names(work) if users else {}
    departments = {key for key, _, _ in values if key in object_type.fields and object_type.fields[key].type == "department"}
    titles = {key: title.of(work.actor.locale) for key, title in department_titles(work).items()} if departments else {}
    return {**{k: reference_names(work, target, ids[k]) for k, target in wanted.items()}, **dict.fromkeys(users, people), **dict.fromkeys(departments, titles)}


def field_text(work: Work, object_type: ObjectType, key: str, value: Any, names: Names, is_masked: bool) -> str:
    """A value as people read it; `names` as `names_of` gives them."""
    if value is None:
        return ""
    f = object_type.fields.get(key)
    if f is not None and is_masked:
        return mask(f, value)
    if key in names:
        return names[key].get(value, str(value) if f is not None and f.type != "reference" else f"#{value}")
    if f is None:
        return str(value)
    try:
        return FIELD_TYPES[f.type].text(f, value, work.actor.locale, work.zone)
    except (TypeError, ValueError, AttributeError):  # the field's type changed since
        return str(value)
