"""Stored rows as records for people: typed values, live fields, names of referenced records; covered where the actor may not see."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
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
    live = work.catalog.once(("records.live", object_type.key), lambda: [key for key, f in object_type.fields.items() if not is_stored(f, object_type)])
    return [columns[key].label(LIVE + key) for key in live if fields is None or key in fields]


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
    if not rows:
        return ()
    cells = [_cell(work, f, f.key in allowed.masked, names.get(f.key), rows[0]) for f in fields]
    masked = allowed.masked & object_type.fields.keys()
    return tuple(_record(object_type, cells, row, masked, {r: row.get("result:" + r) for r in results}) for row in rows)


@dataclass(frozen=True)
class _Cell:
    """How one field of many rows becomes a value and a text: `source` is its column in the row, `fit` makes a live value one of the field."""

    key: str
    source: str
    fit: Callable[[Any], Any] | None
    text: Callable[[Any], str]
    masked: bool


def _cell(work: Work, field: Field, masked: bool, names: Mapping[Any, str] | None, row: Mapping[Any, Any]) -> _Cell:
    kind, live = FIELD_TYPES[field.type], LIVE + field.key
    fit = partial(kind.from_expression, field) if live in row else None
    text: Callable[[Any], str]
    if masked:
        text = partial(mask, field)
    elif names is None:
        text = kind.texts(field, work.actor.locale, work.zone)
    else:
        text = partial(_named, names, "#" if field.type == "reference" else "")
    return _Cell(field.key, live if live in row else field.key, fit, text, masked)


def _named(names: Mapping[Any, str], sign: str, value: Any) -> str:
    return names.get(value) or f"{sign}{value}"


def _record(object_type: ObjectType, cells: Sequence[_Cell], row: Mapping[Any, Any], masked: frozenset[str], results: Mapping[str, Any]) -> Record:
    seen, display = dict[str, Any](), dict[str, str]()
    for cell in cells:
        value = row.get(cell.source)
        if cell.fit is not None and value is not None:
            value = cell.fit(value)
        text = "" if value is None else cell.text(value)
        seen[cell.key] = text if cell.masked else value
        display[cell.key] = text
    id = row["id"]
    return Record(
        object_type.key,
        id,
        row["version"],
        display.get(object_type.name_field) or f"#{id}",
        seen,
        display,
        row["created_at"],
        row["created_by"],
        row["updated_at"],
        row["updated_by"],
        masked,
        results,
    )


def row_of(work: Work, object_key: str, record_id: int, *, lock: bool = False, live: bool = False) -> dict[str, Any] | None:
    """The stored values of one record that is not deleted and that the actor may read."""
    object_type = object_of(work, object_key)
    source = table(object_type, work.catalog)
    columns = stored_columns(object_type, source) + (live_columns(work, object_type, source) if live else [])
    query = sa.select(*columns).where(source.c.id == record_id, *readable(work, object_key, source))
    row = work.session.execute(query.with_for_update(of=source) if lock else query).mappings().first()
    return None if row is None else values_of(object_type, row)
