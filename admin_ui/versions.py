"""The versions of a record as its history tab shows them: which field from what to what, and what can be taken back."""

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from admin_ui.timeline import CAUSES, About, field_title
from server.errors import Text
from server.features.objects.kind import ObjectType
from server.features.records import history
from server.features.records.history import DELETED, MARKS, MERGED, MERGED_INTO, Change
from server.features.records.moments import Place, place_of
from server.features.records.reading import Record
from server.features.records.rights import rights

SHOWN = 30


@dataclass(frozen=True)
class VersionLine:
    """`restore`: the field can be given its old value by one press."""

    key: str
    title: Text
    old: str
    new: str
    restore: bool


@dataclass(frozen=True)
class Version:
    """What one save changed. `restore`: the record can be taken back to this state."""

    number: int
    at: datetime
    by: str
    cause: Text
    release: int
    note: Text | None  # what happened beside the fields: deleted, brought back, merged
    lines: tuple[VersionLine, ...]
    restore: bool


def versions(about: About, record: Record, after: str, *, may_edit: bool) -> tuple[tuple[Version, ...], str]:
    """A page of versions, and the address of those before ("" when there are none)."""
    before = place_of(after) if after else None
    found = history.saves_of(about.work, about.object_type, about.record_id, before, 0, SHOWN + 1, by_version=False)
    shown = found[:SHOWN]
    made = tuple(_version(about, record, save, may_edit) for save in shown)
    if len(found) <= SHOWN:
        return made, ""
    place = Place(shown[-1].at, 0, shown[-1].id).text
    return made, f"/o/{about.object_type.key}/{about.record_id}?" + urlencode({"tab": "history", "next": place})


def _version(about: About, record: Record, save: history.Save, may_edit: bool) -> Version:
    fixed = rights(about.work, about.object_type.key).readonly
    marks = {c.field: c for c in save.changes if c.field in MARKS}
    lines = tuple(_line(about.object_type, record, c, may_edit and save.version > 1, fixed) for c in save.changes if c.field not in MARKS)
    cause = CAUSES.get(save.cause, Text(save.cause, save.cause))
    may_restore = may_edit and save.version < record.version
    return Version(save.version, save.at, about.name(save.by) or save.by, cause, save.release, _note(marks), lines, may_restore)


def _line(object_type: ObjectType, record: Record, change: Change, may_edit: bool, fixed: frozenset[str]) -> VersionLine:
    field = object_type.fields[change.field]
    writable = may_edit and not field.computed and not field.derived and not field.readonly and field.key not in fixed
    is_now = record.display.get(field.key, "") == change.old_text
    return VersionLine(change.field, field_title(object_type, change.field), change.old_text, change.new_text, writable and not is_now)


def _note(marks: dict[str, Change]) -> Text | None:
    if MERGED in marks:
        name = marks[MERGED].new_text
        return Text(f"合并了“{name}”", f"Merged with “{name}”")
    if MERGED_INTO in marks:
        name = marks[MERGED_INTO].new_text
        return Text(f"并入“{name}”", f"Merged into “{name}”")
    if DELETED in marks:
        return Text("删除后恢复", "Brought back") if marks[DELETED].new is None else Text("删除", "Deleted")
    return None
