"""The check pass SHAPE: a document against the meta-schema of its kind, with messages a business admin can act on."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import date
from functools import cache
from typing import Any

import jsonschema
from referencing import Registry
from referencing.exceptions import Unresolvable

from server.config.document import Document
from server.config.names import did_you_mean, key_problem, option_problem, pointer, shown
from server.errors import Problem, Text
from server.settings import data_folder

FORMATS = jsonschema.FormatChecker(formats=())
_CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d|24:00", re.ASCII)
_WELL_FORMED = {
    "date": Text("写成 2026-10-01 这样的日期", "Write a day as 2026-10-01"),
    "time": Text("写成 09:30 这样的时间，一天结束为 24:00", "Write a time as 09:30; the end of a day is 24:00"),
}


@FORMATS.checks("key")
def _key(value: object) -> bool:
    return not isinstance(value, str) or key_problem(value) is None


@FORMATS.checks("key-or-star")
def _key_or_star(value: object) -> bool:
    return value == "*" or _key(value)


@FORMATS.checks("option")
def _option(value: object) -> bool:
    return not isinstance(value, str) or option_problem(value) is None


def is_day(text: str) -> bool:
    try:
        return len(text) == 10 and date.fromisoformat(text) is not None
    except ValueError:
        return False


@FORMATS.checks("date")
def _date(value: object) -> bool:
    return not isinstance(value, str) or is_day(value)


@FORMATS.checks("time")
def _time(value: object) -> bool:
    return not isinstance(value, str) or bool(_CLOCK.fullmatch(value))


_EMPTY: Registry[Any] = Registry()  # nothing outside the meta-schema is ever looked up, least of all by network
_TYPES = {
    "object": Text("对象 {…}", "an object {…}"),
    "array": Text("列表 […]", "a list […]"),
    "string": Text("文本", "a text"),
    "number": Text("数", "a number"),
    "integer": Text("整数", "a whole number"),
    "boolean": Text("true 或 false", "true or false"),
    "null": Text("null", "null"),
}


@cache
def meta_schema(kind: str) -> Mapping[str, Any] | None:
    """The meta-schema that ships with the product; None for a kind it does not know."""
    path = data_folder("schemas") / "meta" / f"{kind}.schema.json"
    if not kind.isidentifier() or not path.is_file():
        return None
    value: Mapping[str, Any] = json.loads(path.read_text("utf-8"))
    return value


def meta_kinds() -> list[str]:
    return sorted(p.name.removesuffix(".schema.json") for p in (data_folder("schemas") / "meta").glob("*.schema.json"))


@cache
def _validator(kind: str) -> Any:
    return jsonschema.Draft202012Validator(meta_schema(kind), registry=_EMPTY, format_checker=FORMATS)  # type: ignore[arg-type]


def check_shape(document: Document) -> list[Problem]:
    if meta_schema(document.kind) is None:
        message = Text(f"没有 “{shown(document.kind)}” 这种文档", f"There is no kind “{shown(document.kind)}”")
        return [Problem("/kind", message, did_you_mean(document.kind, meta_kinds()), document.file, code="unknown_kind")]
    try:
        found = [p for error in _validator(document.kind).iter_errors(document.body) for p in _problems(error, document.file)]
    except (RecursionError, Unresolvable):
        return [Problem("", Text("嵌套太深", "Nested too deep"), file=document.file, code="too_deep")]
    return sorted(found, key=lambda p: (p.path, p.message.en))


def _problems(error: Any, file: str) -> Iterator[Problem]:
    path = tuple(error.absolute_path)
    keyword, wanted, got = error.validator, error.validator_value, error.instance
    if keyword == "additionalProperties":
        known = list(error.schema.get("properties", {}))
        for name in sorted(str(n) for n in got if n not in known):
            yield Problem(pointer(*path, name), _unknown(name), _unknown_hint(name, known), file, code="unknown_member")
    elif keyword == "required":
        missing = error.message.split("'")[1]
        yield Problem(pointer(*path, missing), Text(f"缺少 “{missing}”", f"“{missing}” is missing"), file=file, code="required")
    elif keyword in {"anyOf", "oneOf"} and error.context:
        yield from _problems(min(error.context, key=lambda e: -len(e.absolute_path)), file)
    elif "propertyNames" in error.absolute_schema_path and isinstance(got, str):
        yield Problem(pointer(*path, got), _message(keyword, wanted, got), file=file, code=keyword)
    else:
        yield Problem(pointer(*path), _message(keyword, wanted, got), _hint(keyword, wanted, got), file, code=keyword)


def _unknown(name: str) -> Text:
    return Text(f"不认识 “{shown(name)}”", f"“{shown(name)}” is not known here")


def _unknown_hint(name: str, known: list[str]) -> Text | None:
    if name in {"$ref", "$id", "$schema", "$dynamicRef", "$defs"}:
        return Text("文档自成一体，不引用别处", "A document stands by itself; it refers to nothing elsewhere")
    if "x-" + name in known:
        return Text(f"您是否想写 “x-{name}”？", f"Did you mean “x-{name}”?")
    return did_you_mean(name, known)


def _hint(keyword: str, wanted: Any, got: Any) -> Text | None:
    if keyword == "enum":
        return did_you_mean(str(got), (str(w) for w in wanted))
    if keyword == "type" and isinstance(got, str) and wanted in ("number", "integer", "boolean"):
        return Text("去掉引号", "Remove the quotes")
    return _WELL_FORMED.get(wanted) if keyword == "format" else None


def _message(keyword: str, wanted: Any, got: Any) -> Text:
    value = shown(json.dumps(got, ensure_ascii=False) if not isinstance(got, str) else got, 40)
    match keyword:
        case "type":
            kinds = [_TYPES[w] for w in (wanted if isinstance(wanted, list) else [wanted])]
            return Text(f"应为{'或'.join(k.zh for k in kinds)}，而不是 {value}", f"Must be {' or '.join(k.en for k in kinds)}, not {value}")
        case "enum" | "const":
            return Text(f"“{value}” 不在可选值之中", f"“{value}” is not one of the possible values")
        case "format":
            why = None if wanted in _WELL_FORMED else option_problem(got) if wanted == "option" else key_problem(got)
            return why or Text(f"“{value}” 的写法不对", f"“{value}” is not well formed")
        case "pattern":
            return Text(f"“{value}” 的写法不对", f"“{value}” is not well formed")
        case "minLength" | "minItems" | "minProperties":
            return Text(f"至少要有 {wanted} 项", f"Needs at least {wanted}") if wanted > 1 else Text("不能为空", "Must not be empty")
        case "maxLength" | "maxItems" | "maxProperties":
            return Text(f"有 {len(got):,}，最多 {wanted:,}", f"Has {len(got):,}; the limit is {wanted:,}")
        case "minimum" | "exclusiveMinimum":
            sign = Text("大于" if keyword.startswith("e") else "不小于", "more than" if keyword.startswith("e") else "at least")
            return Text(f"{value} 太小，应{sign.zh} {wanted}", f"{value} is too small; must be {sign.en} {wanted}")
        case "maximum":
            return Text(f"{value} 太大，最多 {wanted}", f"{value} is too large; {wanted} at most")
        case "uniqueItems":
            return Text("列表里有重复的项", "The list has an item twice")
    return Text(f"{value} 不合要求（{keyword}）", f"{value} does not fit ({keyword})")
