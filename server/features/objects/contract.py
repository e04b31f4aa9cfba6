"""An outside JSON Schema that records of an object must fit, beside the rules of their fields: the judge that agrees with every other reader of that schema.

A record is put together again as the document the schema speaks of (`assemble`), then judged by jsonschema. Patterns run on RE2, in
linear time; `multipleOf` counts in decimals, so that 19.99 is a multiple of 0.01.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

import jsonschema
import re2
from referencing import Registry

from server.config.names import pointer, shown
from server.errors import Problem, Text
from server.features.objects.kind import ObjectType
from server.fields.registry import FIELD_TYPES

_EMPTY: Registry[Any] = Registry()  # nothing is ever fetched
FORMATS = jsonschema.FormatChecker(formats=("email", "idn-email", "date", "ipv4", "ipv6", "uuid", "regex"))
_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`]*", re.ASCII)


@FORMATS.checks("date-time")
def _date_time(value: object) -> bool:
    if not isinstance(value, str):
        return True
    try:
        return _RFC_3339.fullmatch(value) is not None and datetime.fromisoformat(value.upper()) is not None
    except ValueError:
        return False


@FORMATS.checks("time")
def _time(value: object) -> bool:
    return not isinstance(value, str) or _date_time(f"2000-01-01T{value}")


@FORMATS.checks("uri")
def _uri(value: object) -> bool:
    return not isinstance(value, str) or _URI.fullmatch(value) is not None


# -- Patterns ------------------------------------------------------------------------------------------------------------------


class BadPatternError(Exception):
    """A pattern that no linear-time engine runs."""


@lru_cache(1024)
def linear(pattern: str) -> Any:
    """The pattern on RE2. Raises BadPatternError where it needs more: look-around, references to groups."""
    options = re2.Options()
    options.log_errors = False
    options.max_mem = 1 << 20
    try:
        return re2.compile(_translated(pattern), options)
    except re2.error as error:
        why = error.args[0] if error.args else ""
        raise BadPatternError(why.decode(errors="replace") if isinstance(why, bytes) else str(why)) from None


def _translated(pattern: str) -> str:
    """ECMAScript spellings that RE2 writes otherwise."""
    text = re.sub(r"\\u\{?([0-9A-Fa-f]{4,6})\}?", r"\\x{\1}", pattern)
    text = re.sub(r"\\p\{(?:Script|sc|General_Category|gc)=(\w+)\}", r"\\p{\1}", text)
    return re.sub(r"\\p\{Letter\}", r"\\p{L}", text)


# -- Keywords of our own ----------------------------------------------------------------------------------------------------------


def _pattern(validator: Any, wanted: str, instance: Any, schema: Any) -> Iterator[Any]:
    if validator.is_type(instance, "string") and not linear(wanted).search(instance):
        yield jsonschema.ValidationError(f"{instance!r} does not match {wanted!r}")


def _multiple_of(validator: Any, wanted: Any, instance: Any, schema: Any) -> Iterator[Any]:
    if not validator.is_type(instance, "number"):
        return
    try:
        is_multiple = Decimal(repr(instance)) % Decimal(repr(wanted)) == 0
    except InvalidOperation:  # the quotient has more digits than decimals hold
        is_multiple = float(instance) % float(wanted) == 0
    if not is_multiple:
        yield jsonschema.ValidationError(f"{instance!r} is not a multiple of {wanted!r}")


_Validator: Any = jsonschema.validators.extend(  # type: ignore[no-untyped-call]
    jsonschema.Draft202012Validator, {"pattern": _pattern, "multipleOf": _multiple_of}
)


# -- What an object document says of it --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Places:
    """Where values stand in the document. `values`: of a choice, option key -> what the schema calls it."""

    at: Mapping[str, str]
    values: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    always: Mapping[str, Any] = field(default_factory=dict)  # pointer -> what stands there when nothing was filled in: {}, [], null


@dataclass(frozen=True)
class Contract:
    schema: Mapping[str, Any]
    places: Places
    rows: Mapping[str, tuple[str, Places]] = field(default_factory=dict)  # key of the rows' object -> pointer of their list, places in an item


def parse_contract(body: Mapping[str, Any]) -> Contract:
    rows = {r["object"]: (r["at"], _places(r)) for r in body.get("rows", ())}
    return Contract(body["schema"], _places(body), rows)


def _places(body: Mapping[str, Any]) -> Places:
    return Places(body.get("places", {}), body.get("values", {}), body.get("always", {}))


RowValues = Mapping[str, Sequence[tuple[str, Mapping[str, Any]]]]  # object key -> (token, values)
Children = Mapping[str, ObjectType]


def parts(at: str) -> list[str]:
    return [p.replace("~1", "/").replace("~0", "~") for p in at.split("/")[1:]]


# -- A record as a document ----------------------------------------------------------------------------------------------------------


def assemble(object_type: ObjectType, contract: Contract, values: Mapping[str, Any], rows: RowValues | None, children: Children) -> Any:
    """The record as the schema's document. Without `rows` their lists are left out."""
    document = _document(object_type, contract.places, values)
    for key, (at, places) in contract.rows.items():
        items = [_document(children[key], places, row) for _, row in (rows or {}).get(key, ())]
        if items:
            _put(document, parts(at), items)
    return document


def _document(object_type: ObjectType, places: Places, values: Mapping[str, Any]) -> Any:
    found: Any = {}
    for at, empty in places.always.items():
        _put(found, parts(at), dict(empty) if isinstance(empty, Mapping) else list(empty) if isinstance(empty, list) else empty)
    for key, at in places.at.items():
        value = _json(object_type, key, places.values.get(key), values.get(key))
        if value is None:
            continue
        if not at:  # a list of plain values: the row is the value
            return value
        _put(found, parts(at), value)
    return found


def _json(object_type: ObjectType, key: str, names: Mapping[str, Any] | None, value: Any) -> Any:
    if value is None:
        return None
    if isinstance(value, list | tuple):
        return [(names or {}).get(v, v) for v in value]
    if names is not None:
        return names.get(value, value)
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, datetime | date):
        return FIELD_TYPES[object_type.fields[key].type].json(object_type.fields[key], value)
    return value


def _put(document: Any, way: Sequence[str], value: Any) -> None:
    for part in way[:-1]:
        inner = document.get(part)
        if not isinstance(inner, dict):
            inner = document[part] = {}
        document = inner
    document[way[-1]] = value


# -- The verdict -------------------------------------------------------------------------------------------------------------------


def judge(schema: Mapping[str, Any], document: Any) -> list[Any]:
    """jsonschema's errors, empty when the document fits."""
    return list(_Validator(schema, registry=_EMPTY, format_checker=FORMATS).iter_errors(document))


def problems(object_type: ObjectType, contract: Contract, values: Mapping[str, Any], rows: RowValues | None, children: Children) -> list[Problem]:
    """What the schema has against a record, at its fields; of rows at object-token-field. Without `rows` nothing is said about their lists."""
    document = assemble(object_type, contract, values, rows, children)
    tokens = {at: [token for token, _ in (rows or {}).get(key, ())] for key, (at, _) in contract.rows.items()}
    found: list[Problem] = []
    for error in judge(contract.schema, document):
        for at, problem in told(error):
            if rows is None and any(at == r or at.startswith(r + "/") for r, _ in contract.rows.values()):
                continue
            found.append(Problem(place_of(contract, at, tokens), problem.message, problem.hint, code=problem.code))
    return list(dict.fromkeys(found))


def place_of(contract: Contract, at: str, tokens: Mapping[str, Sequence[str]]) -> str:
    """The field (or row) that a pointer leads to, the nearest above it otherwise; "" is the record."""
    for key, (head, places) in contract.rows.items():
        if at == head:
            return key
        if at.startswith(head + "/"):
            index, _, rest = at.removeprefix(head + "/").partition("/")
            known = tokens.get(head, ())
            token = known[int(index)] if index.isdigit() and int(index) < len(known) else f"n{index}"
            inner = _field_at(places, "/" + rest if rest else "")
            return f"{key}-{token}-{inner}" if inner else f"{key}-{token}"
    return _field_at(contract.places, at)


def _field_at(places: Places, at: str) -> str:
    by_pointer = {where: key for key, where in places.at.items()}
    while True:
        if at in by_pointer:
            return by_pointer[at]
        if not at:
            return ""
        below = next((key for where, key in by_pointer.items() if where.startswith(at + "/")), None)
        if below is not None:  # a group of fields that is missing as a whole
            return below
        at = at.rpartition("/")[0]


def told(error: Any) -> Iterator[tuple[str, Problem]]:
    """(pointer into the document, problem). Alternatives are told by the one that was nearest."""
    way, keyword, wanted, got = list(error.absolute_path), error.validator, error.validator_value, error.instance
    if keyword == "required":
        yield from ((pointer(*way, name), Problem("", Text("必填", "Must be filled in"), code="required")) for name in wanted if name not in got)
    elif keyword == "dependentRequired":
        for cause, names in wanted.items():
            for name in names if cause in got else ():
                if name not in got:
                    message = Text(f"填写了“{shown(cause)}”就必填", f"Must be filled in when “{shown(cause)}” is")
                    yield pointer(*way, name), Problem("", message, code="required")
    elif keyword == "additionalProperties":
        known = error.schema.get("properties", {})
        for name in got:
            if name not in known:
                message = Text(f"外部模式没有“{shown(name)}”", f"The outside schema has no “{shown(name)}”")
                yield pointer(*way, name), Problem("", message, code="unknown_field")
    elif keyword in {"anyOf", "oneOf"} and error.context:
        nearest = _nearest(error)
        if nearest and keyword == "oneOf" or len(nearest) == 1:
            for inner in nearest:
                yield from told(inner)
        else:
            yield pointer(*way), Problem("", _alternatives(error), code=keyword)
    else:
        yield pointer(*way), Problem("", _message(keyword, wanted, got), code=keyword or "forbidden")


def _nearest(error: Any) -> list[Any]:
    """The errors of the one alternative whose fixed values fit (a discriminated choice); nothing when that does not tell which was meant."""
    branches: dict[Any, list[Any]] = {}
    for inner in error.context:
        branches.setdefault(inner.schema_path[0], []).append(inner)
    fitting = [found for found in branches.values() if not any(e.validator in {"const", "enum", "type"} for e in found)]
    return fitting[0] if len(fitting) == 1 else []


def _alternatives(error: Any) -> Text:
    lists = [branch.get("required") for branch in error.validator_value if isinstance(branch, Mapping)]
    if error.validator == "anyOf" and all(isinstance(names, list) for names in lists):
        options = [" + ".join(names or ()) for names in lists]
        return Text("至少填写其一：" + "、".join(options), "Fill in at least one of: " + ", ".join(options))
    return Text("不符合任何一种允许的组合", "Fits none of the combinations that are allowed")


_BOUNDS: Mapping[str, Text] = {
    "minimum": Text("不能小于 {}", "Must not be less than {}"),
    "maximum": Text("不能大于 {}", "Must not be more than {}"),
    "exclusiveMinimum": Text("必须大于 {}", "Must be more than {}"),
    "exclusiveMaximum": Text("必须小于 {}", "Must be less than {}"),
    "multipleOf": Text("必须是 {} 的倍数", "Must be a multiple of {}"),
    "minLength": Text("至少 {} 个字符", "At least {} characters"),
    "maxLength": Text("最多 {} 个字符", "At most {} characters"),
    "minItems": Text("至少选或填 {} 项", "At least {} of them"),
    "maxItems": Text("最多 {} 项", "At most {} of them"),
    "minProperties": Text("至少填写 {} 项", "At least {} must be filled in"),
    "maxProperties": Text("最多填写 {} 项", "At most {} may be filled in"),
    "pattern": Text("不符合规定的格式 {}", "Does not have the form {}"),
    "uniqueItems": Text("有重复的项", "Has the same item twice"),
    "enum": Text("不在允许的值之中", "Is not one of the allowed values"),
    "const": Text("必须是 {}", "Must be {}"),
    "format": Text("不是正确的 {}", "Is not a proper {}"),
    "type": Text("类型不对，应为 {}", "Is of the wrong type; must be {}"),
    "not": Text("这样的组合不允许", "This combination is not allowed"),
    "oneOf": Text("同时符合多种组合，只能是一种", "Fits several combinations; it must be exactly one"),
    "contains": Text("缺少必须包含的项", "An item it must contain is missing"),
}


def _message(keyword: str | None, wanted: Any, got: Any) -> Text:
    known = _BOUNDS.get(keyword or "")
    if known is None:
        return Text("这里不允许填写", "Must be left empty here")
    word = (
        ", ".join(wanted)
        if keyword == "type" and isinstance(wanted, list)
        else {True: "true", False: "false"}.get(wanted, wanted)
        if isinstance(wanted, bool)
        else wanted
    )
    return Text(known.zh.format(shown(word)), known.en.format(shown(word)))


def unjudged(found: Iterable[Problem]) -> list[Problem]:
    """Of a form being filled in: without what is still missing."""
    return [p for p in found if p.code not in {"required", "minItems", "anyOf", "oneOf", "contains", "minProperties"}]
