"""An earlier state of a record: how it differs from the present one, and taking single fields or all of it back."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from server.errors import Invalid, NotFound, Problem, Text
from server.feature import Work
from server.features.objects.engine import is_stored
from server.features.objects.kind import Field, ObjectType
from server.features.records.history import field_text, from_json, names_of
from server.features.records.reading import no_record, object_of, refuse_unless, row_of
from server.features.records.rights import rights
from server.features.records.service import update
from server.features.records.tables import records_history
from server.fields.registry import FIELD_TYPES

COMPUTED = Text("由公式算出", "computed")
LOCKED = Text("您不能填写此字段", "you may not write it")
SYSTEM_ONLY = Text("只由流程和系统写入", "written by workflows only")


@dataclass(frozen=True)
class Difference:
    """One field as it was and as it is, in words; `blocked` says why it cannot be taken back by itself."""

    field: Field
    then: str
    now: str
    blocked: Text | None


def differences(work: Work, object_key: str, record_id: int, version: int) -> list[Difference]:
    """In which fields the record differs from what it was after that save, in the order of the form. Hidden fields do not exist."""
    object_type, now, then = _states(work, object_key, record_id, version)
    allowed = rights(work, object_key)
    found = [f for f in object_type.fields.values() if f.key in then and f.key not in allowed.hidden and then[f.key] != now[f.key]]
    values = {f.key: (from_json(object_type, f.key, then[f.key]), from_json(object_type, f.key, now[f.key])) for f in found}
    names = names_of(work, object_type, [(key, *both) for key, both in values.items()])
    texts = {key: [field_text(work, object_type, key, v, names, key in allowed.masked) for v in both] for key, both in values.items()}
    return [Difference(f, texts[f.key][0], texts[f.key][1], _blocked(f, f.key in allowed.readonly)) for f in found]


def restore(work: Work, object_key: str, record_id: int, to_version: int, version: int, fields: Collection[str] | None = None) -> int:
    """Write the fields as they were after the save `to_version`: the given ones, or all that can be written. The record is validated like
    any other change of it. `version` is the present one, as the actor saw it. Gives how many fields differed."""
    object_type, now, then = _states(work, object_key, record_id, to_version)
    allowed = rights(work, object_key)
    wanted = [f for f in object_type.fields.values() if f.key in then and then[f.key] != now[f.key] and (fields is None or f.key in fields)]
    refused = {f.key: _blocked(f, f.key in allowed.readonly) for f in wanted if f.key not in allowed.hidden}
    if fields is not None:
        blocked = [Problem(key, why, code="readonly") for key, why in refused.items() if why]
        if blocked:
            raise Invalid(blocked)
    raw = {f.key: then[f.key] for f in wanted if f.key in refused and refused[f.key] is None}
    before = row_of(work, object_key, record_id)
    refuse_unless(work, object_key, "edit", before)
    update(replace(work, cause="restore"), object_key, record_id, raw, version, "api")
    return len(raw)


def _blocked(field: Field, is_locked: bool) -> Text | None:
    return COMPUTED if field.computed or field.derived else SYSTEM_ONLY if field.readonly else LOCKED if is_locked else None


def _states(work: Work, object_key: str, record_id: int, version: int) -> tuple[ObjectType, Mapping[str, Any], Mapping[str, Any]]:
    """The present values and those after the save `version`, as JSON: what was changed since is taken back, the latest first."""
    object_type = object_of(work, object_key)
    row = row_of(work, object_key, record_id)
    if row is None:
        raise no_record()
    if not 1 <= version <= row["version"]:
        raise NotFound(Text(f"没有版本 {version}", f"There is no version {version}"))
    now = {f.key: FIELD_TYPES[f.type].json(f, row[f.key]) for f in object_type.fields.values() if is_stored(f, object_type)}
    then, h = dict(now), records_history
    later = sa.select(h.c.changes).where(h.c.object == object_key, h.c.record_id == record_id, h.c.version > version).order_by(h.c.version.desc())
    for changes in work.session.execute(later).scalars():
        then.update({key: old for key, (old, _) in changes.items() if key in now})
    return object_type, now, then
