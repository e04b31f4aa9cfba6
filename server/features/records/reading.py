"""Stored rows as records for people: typed values, live fields, names of referenced records; covered where the actor may not see."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from server.errors import Forbidden, NotFound, Text
from server.feature import Work
from server.features.access.departments import department_titles
from server.features.objects.engine import SYSTEM_NAMES, is_stored, table, tables, value_columns
from server.features.objects.kind import Field, ObjectType
from server.features.records.rights import Rights, can, mask, rights, row_filter, visible_columns
from server.fields.registry import FIELD_TYPES

LIVE = "live:"  # before the key of a field without a column, in rows: its value is one of an expression


@dataclass(frozen=True)
class Record:
    """One record as the actor may see it. `values` by field key: a masked one holds its covered text. `display`: texts for people."""

    object: str
    id: int
    version: int
    name: str
    values: Mapping[str, Any]
    display: Mapping[str, str]
    created_at: datetime
    created_by: str
    updated_at: datetime
    updated_by: str
    masked: frozenset[str] = frozenset()
    results: Mapping[str, Any] = field(default_factory=dict)


def object_of(work: Work, object_key: str) -> ObjectType:
    """The object, if there is one and the actor may see records of it at all."""
    found: ObjectType | None = work.catalog.get("object", object_key)
    if found is None:
        raise NotFound(Text(f"没有“{object_key}”这个对象", f"There is no object {object_key!r}"))
    return found


def refuse_unless(work: Work, object_key: str, action: str, values: Mapping[str, Any] | None = None) -> None:
    if not can(work, object_key, action, values):
        raise Forbidden(Text("没有权限进行此操作", "You may not do this"))


def no_record() -> NotFound:
    return NotFound(Text("没有这条记录，或无权查看", "There is no such record, or you may not see it"))


def readable(work: Work, object_key: str, source: sa.FromClause, action: str = "read") -> list[sa.ColumnElement[Any]]:
    """Conditions every statement that reads records for a person carries."""
    return [source.c.deleted_at.is_(None), *permitted(work, object_key, source, action)]


def permitted(work: Work, object_key: str, source: sa.FromClause, action: str = "read") -> list[sa.ColumnElement[Any]]:
    allowed = row_filter(work, object_key, action, value_columns(work.catalog, object_key, source, work.at))
    return [] if allowed is None else [allowed]


def stored_columns(object_type: ObjectType, source: sa.FromClause) -> list[sa.ColumnElement[Any]]:
    return [source.c[key] for key in [*SYSTEM_NAMES, *object_type.fields] if key in source.c]


def live_columns(work: Work, object_type: ObjectType, source: sa.FromClause, fields: Collection[str] | None = None) -> list[sa.ColumnElement[Any]]:
    """The values of fields without a column, as far as the actor may read the records they come from."""
    columns = visible_columns(work, object_type.key, source)
    keys = [key for key, f in object_type.fields.items() if not is_stored(f, object_type) and (fields is None or key in fields)]
    return [columns[key].label(LIVE + key) for key in keys]


def values_of(object_type: ObjectType, row: Mapping[Any, Any]) -> dict[str, Any]:
    """Field values of a row; live ones come out of expressions and are fitted to their field."""
    values = {key: row[key] for key in SYSTEM_NAMES if key in row}
    for key, f in object_type.fields.items():
        value = row.get(LIVE + key)
        values[key] = row.get(key) if value is None else FIELD_TYPES[f.type].from_expression(f, value)
    return values


def reference_names(work: Work, object_key: str, ids: Iterable[int]) -> dict[int, str]:
    """Names of records for people, by one statement; those the actor may not read are left out."""
    wanted = sorted(set(ids))
    target: ObjectType | None = work.catalog.get("object", object_key)
    if not wanted or target is None or not can(work, object_key, "read"):
        return {}
    source = tables(work.catalog)[object_key]
    allowed = rights(work, object_key)
    field = target.fields.get(target.name_field)
    if field is None or field.key in allowed.hidden:
        return {i: f"#{i}" for i in wanted}
    shown = value_columns(work.catalog, object_key, source, work.at)[field.key] if field.key not in source.c else source.c[field.key]
    # A deleted record keeps its name.
    rows = work.session.execute(sa.select(source.c.id, shown).where(source.c.id.in_(wanted), *permitted(work, object_key, source)))
    return {i: name_text(work, field, value, allowed) or f"#{i}" for i, value in rows}


def name_text(work: Work, field: Field, value: Any, allowed: Rights) -> str:
    if value is None:
        return ""
    return mask(field, value) if field.key in allowed.masked else FIELD_TYPES[field.type].text(field, value, work.actor.locale, work.zone)


def records_of(
    work: Work, object_type: ObjectType, rows: Sequence[Mapping[Any, Any]], columns: Iterable[str] | None = None, results: Sequence[str] = ()
) -> tuple[Record, ...]:
    """Rows as records; one further statement for each reference field shown, however many rows there are."""
    allowed = rights(work, object_type.key)
    wanted = set(object_type.fields if columns is None else columns) | {object_type.name_field}
    fields = [f for f in object_type.fields.values() if f.key in wanted and f.key not in allowed.hidden]
    names: dict[str, Mapping[Any, str]] = {
        f.key: reference_names(work, f.reference, (row[f.key] for row in rows if row.get(f.key) is not None))
        for f in fields
        if f.type == "reference" and f.key not in allowed.masked
    }
    if any(f.type == "department" for f in fields):
        titles = {key: title.of(work.actor.locale) for key, title in department_titles(work).items()}
        names |= {f.key: titles for f in fields if f.type == "department" and f.key not in allowed.masked}
    return tuple(_record(work, object_type, fields, values_of(object_type, row), names, allowed, {r: row.get("result:" + r) for r in results}) for row in rows)


def _record(
    work: Work,
    object_type: ObjectType,
    fields: Sequence[Field],
    values: Mapping[str, Any],
    names: Mapping[str, Mapping[Any, str]],
    allowed: Rights,
    results: Mapping[str, Any],
) -> Record:
    seen, display = dict[str, Any](), dict[str, str]()
    for f in fields:
        value = values[f.key]
        if f.key in allowed.masked:
            seen[f.key] = display[f.key] = "" if value is None else mask(f, value)
        else:
            seen[f.key] = value
            display[f.key] = (
                names[f.key].get(value, f"#{value}" if f.type == "reference" else str(value)) if f.key in names and value is not None else _text(work, f, value)
            )
    return Record(
        object_type.key,
        values["id"],
        values["version"],
        display.get(object_type.name_field) or f"#{values['id']}",
        seen,
        display,
        values["created_at"],
        values["created_by"],
        values["updated_at"],
        values["updated_by"],
        allowed.masked & set(object_type.fields),
        results,
    )


def _text(work: Work, field: Field, value: Any) -> str:
    return FIELD_TYPES[field.type].text(field, value, work.actor.locale, work.zone)


def row_of(work: Work, object_key: str, record_id: int, *, lock: bool = False, live: bool = False) -> dict[str, Any] | None:
    """The stored values of one record that is not deleted and that the actor may read."""
    object_type = object_of(work, object_key)
    source = table(object_type, work.catalog)
    columns = stored_columns(object_type, source) + (live_columns(work, object_type, source) if live else [])
    query = sa.select(*columns).where(source.c.id == record_id, *readable(work, object_key, source))
    row = work.session.execute(query.with_for_update(of=source) if lock else query).mappings().first()
    return None if row is None else values_of(object_type, row)
