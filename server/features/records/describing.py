"""An object as JSON Schema 2020-12: what a caller gets, what may be sent to make a record, what may be sent to change one."""

from typing import Any

from server.errors import Text
from server.expressions.types import Name
from server.feature import Work
from server.features.objects.kind import Field, ObjectType
from server.features.records.results import stored_results
from server.features.records.rights import rights
from server.fields.registry import FIELD_TYPES

SYSTEM: dict[str, tuple[dict[str, Any], Text]] = {
    "id": ({"type": "integer", "minimum": 1}, Text("编号", "Id")),
    "version": ({"type": "integer", "minimum": 1}, Text("版本", "Version")),
    "created_at": ({"type": "string", "format": "date-time"}, Text("创建时间", "Created at")),
    "created_by": ({"type": "string"}, Text("创建人", "Created by")),
    "updated_at": ({"type": "string", "format": "date-time"}, Text("更新时间", "Updated at")),
    "updated_by": ({"type": "string"}, Text("更新人", "Updated by")),
}
USES = ("record", "create", "change")


def schema_of(work: Work, object_type: ObjectType, use: str = "record") -> dict[str, Any]:
    """By the rights of the actor: hidden fields do not appear, what may not be written appears only in `record` (`readOnly` there)."""
    allowed, locale = rights(work, object_type.key), work.actor.locale
    fields = [f for f in object_type.fields.values() if f.key not in allowed.hidden]
    locked = {f.key for f in fields if f.computed or f.readonly or f.key in allowed.readonly}
    if use == "record":
        properties = {key: {**spec, "title": title.of(locale), "readOnly": True} for key, (spec, title) in SYSTEM.items()}
        properties |= {f.key: _field(f, locale, locked=f.key in locked, masked=f.key in allowed.masked) for f in fields}
        properties |= _beside(work, object_type, bool(allowed.masked))
        required = [*SYSTEM, "$name"]
    else:
        properties = {f.key: _field(f, locale, masked=f.key in allowed.masked) for f in fields if f.key not in locked}
        required = [f.key for f in fields if use == "create" and f.key in properties and _must(f)]
    found: dict[str, Any] = {"type": "object", "title": object_type.title.of(locale), "properties": properties, "additionalProperties": False}
    return {**found, "required": required} if required else found


def _must(field: Field) -> bool:
    """Whether a new record cannot be without it; what hangs on other fields is for the server to say."""
    return field.required and not field.visible and field.default is None and not field.default_expression and not field.pattern


def _field(field: Field, locale: str, *, locked: bool = False, masked: bool = False) -> dict[str, Any]:
    spec = {"type": ["string", "null"]} if masked else _nullable(FIELD_TYPES[field.type].schema(field))
    found: dict[str, Any] = {**spec, "title": field.title.of(locale)}
    if field.help:
        found["description"] = field.help.of(locale)
    if locked:
        found["readOnly"] = True
    if field.default is not None and not masked:
        found["default"] = field.default
    if field.options:
        found["x-titles"] = {o.key: o.title.of(locale) for o in field.options}
    if field.unit:
        found["x-unit"] = field.unit
    if field.reference:
        found["x-reference"] = field.reference
    if masked:
        found["x-masked"] = True
    return found


def _nullable(spec: dict[str, Any]) -> dict[str, Any]:
    kinds = spec.get("type", [])
    found = {**spec, "type": [*(kinds if isinstance(kinds, list) else [kinds]), "null"]}
    return {**found, "enum": [*spec["enum"], None]} if "enum" in spec else found


def _beside(work: Work, object_type: ObjectType, some_masked: bool) -> dict[str, Any]:
    locale = work.actor.locale
    found: dict[str, Any] = {"$name": {"type": "string", "title": Text("名称", "Name for people").of(locale), "readOnly": True}}
    if some_masked:
        title = Text("只显示一部分的字段", "Fields of which a part is shown").of(locale)
        found["$masked"] = {"type": "array", "items": {"type": "string"}, "title": title, "readOnly": True}
    stored = stored_results(work.catalog, object_type)
    if stored is not None:
        title = Text("评估结果，用 results 参数索取", "Results of the assessment, asked for by the parameter results").of(locale)
        properties = {name: _result(what, locale) for name, what in stored.names.items()}
        found["$results"] = {"type": "object", "title": title, "properties": properties, "additionalProperties": False, "readOnly": True}
    return found


def _result(what: Name, locale: str) -> dict[str, Any]:
    kinds = {"integer": {"type": "integer"}, "number": {"type": "number"}, "boolean": {"type": "boolean"}, "date": {"type": "string", "format": "date"}}
    kinds["datetime"] = {"type": "string", "format": "date-time"}
    spec = _nullable(kinds.get(what.type.name, {"type": "string"}))
    return {**spec, **({"title": what.title.of(locale)} if what.title else {})}
