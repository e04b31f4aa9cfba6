"""Records that may be the same as the one being saved: told before it is kept twice."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import sqlalchemy as sa

from server.config.catalog import Catalog
from server.feature import Saved, Work
from server.features.duplicates.engine import ALIKE, keys, likeness
from server.features.duplicates.tables import duplicate_keys
from server.features.objects.engine import table
from server.features.objects.kind import ObjectType
from server.features.records.reading import readable, reference_names
from server.features.records.rights import can, rights

BATCH = 2000
CANDIDATES = 300  # looked at for one field
SHOWN = 5


@dataclass(frozen=True)
class Similar:
    """`field`: by which they are alike; `percent` 100: the same."""

    id: int
    name: str
    field: str
    percent: int


def texts(work: Work, object_type: ObjectType, record_id: int) -> dict[str, str]:
    """What is compared of a record, as it is stored."""
    found = _stored(work, object_type, [record_id])
    return found.get(record_id, {})


def similar(work: Work, object_type: ObjectType, record_id: int, before: Mapping[str, str]) -> tuple[Similar, ...]:
    """Other records like this one in a compared field that differs from `before`; only those the actor may read, by fields he sees in full."""
    now = texts(work, object_type, record_id)
    covered = rights(work, object_type.key).covered
    found: dict[int, tuple[float, str]] = {}
    for rule in object_type.duplicates if can(work, object_type.key, "read") else ():
        text = now.get(rule.field, "")
        if rule.field in covered or not text or text == before.get(rule.field):
            continue
        for other, theirs in _candidates(work, object_type, rule.field, keys(rule.by, text)).items():
            share = likeness(rule.by, text, theirs)
            if other != record_id and share >= ALIKE and share > found.get(other, (0.0, ""))[0]:
                found[other] = (share, rule.field)
    best = sorted(found, key=lambda i: (-found[i][0], i))[:SHOWN]
    names = reference_names(work, object_type.key, best)
    return tuple(Similar(i, names.get(i, f"#{i}"), found[i][1], int(found[i][0] * 100)) for i in best)


def _candidates(work: Work, object_type: ObjectType, field: str, wanted: frozenset[str]) -> dict[int, str]:
    source, k = table(object_type, work.catalog), duplicate_keys.c
    here = sa.select(k.record_id).where(k.object == object_type.key, k.field == field, k.key.in_(sorted(wanted))).distinct().limit(CANDIDATES)
    rows = work.session.execute(
        sa.select(source.c.id, source.c[field]).where(source.c.id.in_(here), source.c[field].is_not(None), *readable(work, object_type.key, source))
    )
    return {record_id: str(value) for record_id, value in rows}


# -- Keeping the keys ----------------------------------------------------------------------------------------------------------


def on_saved(work: Work, saved: Saved) -> None:
    object_type: ObjectType = work.catalog.get("object", saved.object)
    fields = {rule.field for rule in object_type.duplicates}
    changed = [i for i in saved.ids if fields & saved.changed.get(i, frozenset())] if fields else []
    for start in range(0, len(changed), BATCH):
        index(work, object_type, changed[start : start + BATCH])


def on_published(work: Work, old: Catalog, new: Catalog) -> None:
    """Keys follow the rules: an object whose rules changed gets all of them anew."""
    during = replace(work, catalog=new)
    for object_type in new.all("object"):
        before = old.get("object", object_type.key)
        if object_type.duplicates == (before.duplicates if before else ()):
            continue
        work.session.execute(sa.delete(duplicate_keys).where(duplicate_keys.c.object == object_type.key))
        source, last = table(object_type, new), 0
        while ids := list(work.session.execute(sa.select(source.c.id).where(source.c.id > last).order_by(source.c.id).limit(BATCH)).scalars()):
            last = ids[-1]
            index(during, object_type, ids)


def index(work: Work, object_type: ObjectType, ids: Sequence[int]) -> None:
    """Write the keys of records as they are stored now, in place of what there was."""
    k = duplicate_keys.c
    work.session.execute(sa.delete(duplicate_keys).where(k.object == object_type.key, k.record_id.in_(ids)))
    by = {rule.field: rule.by for rule in object_type.duplicates}
    rows = [
        {"object": object_type.key, "field": field, "key": key, "record_id": record_id}
        for record_id, values in _stored(work, object_type, ids).items()
        for field, text in values.items()
        for key in keys(by[field], text)
    ]
    if rows:
        work.session.execute(sa.insert(duplicate_keys), rows)


def _stored(work: Work, object_type: ObjectType, ids: Sequence[int]) -> dict[int, dict[str, str]]:
    source = table(object_type, work.catalog)
    fields = [rule.field for rule in object_type.duplicates if rule.field in source.c]
    if not fields:
        return {}
    rows = work.session.execute(sa.select(source.c.id, *(source.c[f] for f in fields)).where(source.c.id.in_(ids)))
    return {row[0]: {f: str(v) for f, v in zip(fields, row[1:], strict=True) if v is not None} for row in rows}
