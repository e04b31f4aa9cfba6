"""New records as the database takes them, and their first line of history, by one generated function an object: a file has a million of them."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from json.encoder import encode_basestring
from typing import Any

import sqlalchemy as sa

from server.config.catalog import Catalog
from server.expressions.generated import NO_BUILTINS, function_of
from server.features.objects.engine import is_stored, table
from server.features.objects.kind import ObjectType
from server.fields.registry import FIELD_TYPES
from server.storage.bulk import binder
from server.storage.changes import database_kind
from server.storage.dialects import canonical

Make = Callable[[int, tuple[Any, ...], Mapping[str, Any]], tuple[tuple[Any, ...], str]]
STAMPS = ("version", "created_at", "created_by", "updated_at", "updated_by")


@dataclass(frozen=True)
class Maker:
    """`make`: (id, the stamps, values) -> what stands in `columns`, and {field: [null, value]} of what is there, as canonical text."""

    columns: tuple[str, ...]
    make: Make


def maker(catalog: Catalog, object_type: ObjectType, connection: sa.Connection) -> Maker:
    memo = ("records.maker", object_type.key, database_kind(connection))
    if memo not in catalog.memo:
        catalog.memo[memo] = _maker(catalog, object_type, connection)
    found: Maker = catalog.memo[memo]
    return found


def _maker(catalog: Catalog, object_type: ObjectType, connection: sa.Connection) -> Maker:
    source = table(object_type, catalog)
    keys = [f.key for f in object_type.fields.values() if is_stored(f, object_type)]
    names: dict[str, Any] = {**NO_BUILTINS, "str": str, "repr": repr, "format": format, "int": int, "quote": encode_basestring, "canonical": canonical}
    code = "\n".join(_function(object_type, source, keys, connection, names))
    return Maker(("id", *STAMPS, *keys), function_of(code, "make", f"new records of {object_type.key}", names))


def _function(object_type: ObjectType, source: sa.Table, keys: Sequence[str], connection: sa.Connection, names: dict[str, Any]) -> Iterator[str]:
    at = {key: f"v{i}" for i, key in enumerate(keys)}
    row, told = [], []
    for key, v in at.items():
        field = object_type.fields[key]
        bind = names[f"bind_{v}"] = binder(connection, source.c[key])
        stored = FIELD_TYPES[field.type].stored(field).format(v=v) or (f"bind_{v}({v})" if bind else v)
        row.append(v if stored == v else f"None if {v} is None else {stored}")
    for key in sorted(keys):
        v, field = at[key], object_type.fields[key]
        kind = FIELD_TYPES[field.type]
        names[f"name_{v}"], names[f"json_{v}"] = json.dumps(key, ensure_ascii=False) + ":[null,", _json(kind.json, field)
        text = kind.json_text(field).format(v=v) or f"canonical(json_{v}({v}))"
        told.append(f"{{'' if {v} is None else name_{v} + {text} + '],'}}")
    yield "def make(record_id, stamps, values):"
    yield "  get = values.get"
    for key, v in at.items():
        yield f"  {v} = get({key!r})"
    yield f'  told = f"""{"".join(told)}"""'
    yield f"  return (record_id, *stamps, {', '.join(row)}), '{{' + told[:-1] + '}}'"


def _json(convert: Callable[[Any, Any], Any], field: Any) -> Callable[[Any], Any]:
    return lambda value: convert(field, value)
