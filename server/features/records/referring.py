"""Which records refer to which: counted for the tabs of a record page, and for what must stay when a record goes."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from server.feature import Work
from server.features.objects.engine import tables
from server.features.objects.kind import Field, ObjectType
from server.features.records.reading import readable
from server.features.records.rights import can, rights


@dataclass(frozen=True)
class Reference:
    """A reference field of `object_type`, and how many of its records refer through it."""

    object_type: ObjectType
    field: Field
    count: int


def references_to(work: Work, object_key: str) -> list[tuple[ObjectType, Field]]:
    """The stored reference fields of all objects that lead to records of this one."""
    return [(o, f) for o in work.catalog.all("object") for f in o.fields.values() if f.type == "reference" and f.reference == object_key and not f.computed]


def related(work: Work, object_key: str, record_id: int) -> list[tuple[ObjectType, str, int]]:
    """(object, its reference field, how many of its records refer here), as far as the actor may read them. One statement."""
    allowed = [
        (o, f, readable(work, o.key, tables(work.catalog)[o.key]))
        for o, f in references_to(work, object_key)
        if f.key not in rights(work, o.key).hidden and can(work, o.key, "read")
    ]
    return [(r.object_type, r.field.key, r.count) for r in _count(work, allowed, [record_id])]


def referring(work: Work, object_key: str, ids: Sequence[int], but: Mapping[str, Collection[int]] | None = None) -> list[Reference]:
    """How many records refer to any of these, whoever may see them; those in `but` (object -> ids) are not counted."""
    wanted = []
    for o, f in references_to(work, object_key):
        source = tables(work.catalog)[o.key]
        others = [source.c.id.not_in(sorted((but or {})[o.key]))] if (but or {}).get(o.key) else []
        wanted.append((o, f, [source.c.deleted_at.is_(None), *others]))
    return _count(work, wanted, ids)


def _count(work: Work, wanted: Sequence[tuple[ObjectType, Field, Sequence[sa.ColumnElement[bool]]]], ids: Sequence[int]) -> list[Reference]:
    if not wanted or not ids:
        return []
    counts = []
    for i, (o, f, conditions) in enumerate(wanted):
        source = tables(work.catalog)[o.key]
        counted = sa.select(sa.func.count()).select_from(source).where(source.c[f.key].in_(ids), *conditions)
        counts.append(counted.scalar_subquery().label(f"n{i}"))
    row = work.session.execute(sa.select(*counts)).one()
    return [Reference(o, f, row[i]) for i, (o, f, _) in enumerate(wanted)]
