"""A record as JSON, as the API and JSON lines give it: system members, fields by key, and beside them what has a `$` before its name."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from server.features.objects.kind import ObjectType
from server.features.records.reading import Record
from server.features.records.service import Change
from server.fields.file import FileRef
from server.fields.registry import FIELD_TYPES


def record_json(object_type: ObjectType, record: Record, fields: Iterable[str] | None = None) -> dict[str, Any]:
    """Empty fields are null; a masked one holds its covered text and is named in `$masked`; hidden ones do not appear."""
    shown = [key for key in record.values if key in object_type.fields and (fields is None or key in fields)]
    masked = sorted(record.masked & set(shown))
    return {
        "id": record.id,
        "version": record.version,
        "created_at": plain(record.created_at),
        "created_by": record.created_by,
        "updated_at": plain(record.updated_at),
        "updated_by": record.updated_by,
        **{key: field_json(object_type, key, record.values[key], covered=key in record.masked) for key in shown},
        "$name": record.name,
        **({"$masked": masked} if masked else {}),
        **({"$results": {key: plain(value) for key, value in record.results.items()}} if record.results else {}),
    }


def field_json(object_type: ObjectType, key: str, value: Any, *, covered: bool = False) -> Any:
    if covered:
        return value or None
    field = object_type.fields[key]
    return None if value is None else FIELD_TYPES[field.type].json(field, value)


def plain(value: Any) -> Any:
    """A value of no field: instants in UTC with Z, days, exact numbers as text."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=None).isoformat() + "Z"
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value


def change_json(object_type: ObjectType, change: Change, masked: frozenset[str]) -> Mapping[str, Any]:
    covered = change.field in masked
    old, new = (_history_json(object_type, change.field, v, covered) for v in (change.old, change.new))
    return {
        "at": plain(change.at),
        "by": change.by,
        "cause": change.cause,
        "version": change.version,
        "release": change.release,
        "field": change.field,
        "old": old,
        "new": new,
    }


def _is_files(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(v, FileRef) for v in value)


def _history_json(object_type: ObjectType, key: str, value: Any, covered: bool) -> Any:
    """A value of the past; one that the field no longer takes is given as it was written."""
    if isinstance(value, str | int | float | bool | list) and not _is_files(value):
        return value
    return field_json(object_type, key, value, covered=covered)
