"""The records that a record refers to and those that refer to it, as far as a write looks at them: what was chosen, whether it is there, what the
object's rules read of it."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from server.feature import Work
from server.features.access.departments import departments
from server.features.objects.engine import table, tables, value_columns
from server.features.objects.kind import ObjectType
from server.features.records.engine import given_values
from server.features.records.reading import permitted, readable
from server.features.records.rights import can
from server.features.records.rules import COPY, rules
from server.fields.registry import FIELD_TYPES

NO_RECORDS: Mapping[str, Mapping[str, Any]] = {}
NOTHING: Mapping[str, int | None] = {}


def chosen_ids(
    object_type: ObjectType, raw: Mapping[str, Any], before: Mapping[str, Any] | None, work: Work, channel: str, locked: frozenset[str]
) -> Mapping[str, int | None]:
    """The id in each reference field as it will be."""
    keys: list[str] = work.catalog.once(("records.references", object_type.key), lambda: [f.key for f in object_type.fields.values() if f.type == "reference"])
    if not keys:
        return NOTHING
    given, _ = given_values(object_type, {k: raw[k] for k in keys if k in raw}, before, work.at, channel, locked)
    return {k: given[k] if k in given else (before or {}).get(k) for k in keys}


def existing(
    work: Work, object_type: ObjectType, chosen: Sequence[Mapping[str, int | None]], befores: Sequence[Mapping[str, Any] | None]
) -> dict[str, set[int]]:
    """Object key -> ids that are there and may be read, of all newly chosen ones."""
    asked: dict[str, set[int]] = {}
    if not any(chosen):
        return {}
    for ids, before in zip(chosen, befores, strict=True):
        for key, value in ids.items():
            if value is not None and (before is None or before.get(key) != value):
                asked.setdefault(object_type.fields[key].reference, set()).add(value)
    known = {}
    for target, wanted in asked.items():
        source = tables(work.catalog)[target]
        query = sa.select(source.c.id).where(source.c.id.in_(sorted(wanted)), *readable(work, target, source))
        known[target] = set(work.session.execute(query).scalars())
    return known


def is_known(object_type: ObjectType, known: Mapping[str, set[int]], key: str, value: int, before: Mapping[str, Any] | None) -> bool:
    """A reference that was there before stays good even when its record was deleted meanwhile."""
    return (before is not None and before.get(key) == value) or value in known.get(object_type.fields[key].reference, ())


def referenced(work: Work, object_type: ObjectType, chosen: Sequence[Mapping[str, int | None]]) -> Sequence[Mapping[str, Mapping[str, Any]]]:
    """For each item: reference field -> expression values of its record, as far as the object's rules read them, and what snapshots copy as it is
    stored. One statement a field."""
    rule = rules(work.catalog, object_type)
    if not rule.reads:
        return [NO_RECORDS] * len(chosen)
    found: list[dict[str, Mapping[str, Any]]] = [{} for _ in chosen]
    for key, names in rule.reads.items():
        copied = sorted({c.name for c in rule.copies if c.reference == key})
        target = object_type.fields[key].reference
        ids = sorted({i for i in (c.get(key) for c in chosen) if i is not None})
        values: dict[int, Mapping[str, Any]] = {}
        if ids:
            source = tables(work.catalog)[target]
            columns = value_columns(work.catalog, target, source, work.at)
            read = [columns[n].label(n) for n in sorted(names)]
            kept = [(source.c[n] if n in source.c else columns[n]).label(COPY + n) for n in copied]
            statement = sa.select(source.c.id.label("·id"), *read, *kept).where(source.c.id.in_(ids))
            values = {row["·id"]: dict(row) for row in work.session.execute(statement).mappings()}
        for item, c in zip(found, chosen, strict=True):
            item[key] = values.get(c.get(key) or 0, dict.fromkeys(names))
    return found


def with_rollups(
    work: Work, object_type: ObjectType, items: Sequence[tuple[Mapping[str, Any], Mapping[str, Any] | None]]
) -> Sequence[tuple[Mapping[str, Any], Mapping[str, Any] | None]]:
    """The stored values together with the roll-ups that the object's rules read: over all records, since rules are the same for everybody."""
    wanted = rules(work.catalog, object_type).rollups
    ids = sorted({before["id"] for _, before in items if before is not None}) if wanted else ()
    if not ids:
        return items
    source = table(object_type, work.catalog)
    columns = value_columns(work.catalog, object_type.key, source, work.at)
    statement = sa.select(source.c.id.label("·id"), *(columns[f.key].label(f.key) for f in wanted)).where(source.c.id.in_(ids))
    found = {row["·id"]: {f.key: FIELD_TYPES[f.type].from_expression(f, row[f.key]) for f in wanted} for row in work.session.execute(statement).mappings()}
    return [(raw, None if before is None else {**before, **found.get(before["id"], {})}) for raw, before in items]


def permitted_only(work: Work, object_type: ObjectType, chosen: Mapping[str, int | None]) -> dict[str, int | None]:
    """The chosen records that the actor may read: a form shows nothing of others, whatever number is typed into it."""
    read = rules(work.catalog, object_type).reads
    found: dict[str, int | None] = {}
    for key, value in chosen.items():
        if value is not None and key in read:
            target = object_type.fields[key].reference
            source = tables(work.catalog)[target]
            seen = sa.select(source.c.id).where(source.c.id == value, *permitted(work, target, source)) if can(work, target, "read") else None
            value = None if seen is None else work.session.scalar(seen)
        found[key] = value
    return found


def departments_of(
    work: Work, object_type: ObjectType, raws: Sequence[Mapping[str, Any]], channel: str
) -> tuple[list[Mapping[str, Any]], dict[str, frozenset[str]]]:
    """The raw members with departments by their keys (outside JSON one may be named by its title), and the keys that may be chosen in each field."""
    keys = [f.key for f in object_type.fields.values() if f.type == "department" and not f.derived]
    if not keys or not any(key in raw for raw in raws for key in keys):
        return list(raws), {}
    tree = departments(work)
    known = {d.key for d in tree}
    titles = {} if channel == "api" else {title: d.key for d in reversed(tree) for title in d.title}
    clear = {title: key for title, key in titles.items() if title not in known and sum(title in d.title for d in tree) == 1}
    named: list[Mapping[str, Any]] = [{k: clear.get(v.strip(), v) if k in keys and isinstance(v, str) else v for k, v in raw.items()} for raw in raws]
    return named, dict.fromkeys(keys, frozenset(d.key for d in tree if d.open))
