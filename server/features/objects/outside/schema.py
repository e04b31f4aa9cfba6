"""An outside JSON Schema as it comes: read, brought to 2020-12, and refused with places where we cannot keep it exactly."""

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import jsonschema

from server.config.load import read_json
from server.config.names import pointer, shown
from server.errors import Problem, Text
from server.features.objects.contract import BadPatternError, linear

Schema = Mapping[str, Any]
DEEPEST, MOST_PARTS = 24, 5000
# Members whose value is one schema, a list of schemas, a map of schemas.
ONE = ("if", "then", "else", "not", "contains", "items", "additionalProperties")
SEVERAL = ("allOf", "anyOf", "oneOf")
MAPS = ("properties", "dependentSchemas", "$defs", "definitions")
_LEAVE_OUT = Text("请改写成受支持的写法，或去掉它", "Write it with what is supported, or leave it out")
REFUSED: Mapping[str, tuple[Text, Text]] = {
    "patternProperties": (Text("成员名不固定，表单画不出来", "Names of members that are not fixed cannot be drawn as a form"), _LEAVE_OUT),
    "propertyNames": (Text("成员名不固定，表单画不出来", "Names of members that are not fixed cannot be drawn as a form"), _LEAVE_OUT),
    "prefixItems": (
        Text("按位置规定各项的列表不受支持", "Lists whose items differ by position are not supported"),
        Text("改成有名称的成员", "Make them named members"),
    ),
    "additionalItems": (Text("按位置规定各项的列表不受支持", "Lists whose items differ by position are not supported"), _LEAVE_OUT),
    "unevaluatedProperties": (Text("不受支持", "Is not supported"), Text("用 additionalProperties: false", "Use additionalProperties: false")),
    "unevaluatedItems": (Text("不受支持", "Is not supported"), _LEAVE_OUT),
    "$dynamicRef": (Text("只支持文件内的 $ref", "Only a $ref inside the file is supported"), _LEAVE_OUT),
    "$recursiveRef": (Text("只支持文件内的 $ref", "Only a $ref inside the file is supported"), _LEAVE_OUT),
    "$dynamicAnchor": (Text("不受支持", "Is not supported"), _LEAVE_OUT),
    "$anchor": (Text("不受支持", "Is not supported"), Text("用 #/$defs/… 引用", "Refer by #/$defs/…")),
    "contentSchema": (Text("不受支持", "Is not supported"), _LEAVE_OUT),
    "extends": (Text("是旧草案的写法，不受支持", "Is of an old draft and not supported"), Text("用 allOf", "Use allOf")),
    "disallow": (Text("是旧草案的写法，不受支持", "Is of an old draft and not supported"), Text("用 not", "Use not")),
    "divisibleBy": (Text("是旧草案的写法，不受支持", "Is of an old draft and not supported"), Text("用 multipleOf", "Use multipleOf")),
}
DRAFTS = ("2020-12", "2019-09", "draft-07", "draft-06")


def read_outside(text: str) -> tuple[Schema | None, list[Problem]]:
    """The schema in the words of 2020-12, or what is wrong with it and where."""
    value, problems = read_json(text)
    if problems:
        return None, problems
    if not isinstance(value, dict):
        return None, [_problem("", "应为对象 {…}", "Must be an object {…}", "type")]
    draft = str(value.get("$schema", ""))
    if draft and not any(name in draft for name in DRAFTS):
        zh, en = f"不支持 {shown(draft)}", f"{shown(draft)} is not supported"
        return None, [_problem("/$schema", zh, en, "draft", Text("支持 2020-12 与 draft-07", "Supported are 2020-12 and draft-07"))]
    is_old = "draft-0" in draft or (not draft and "definitions" in value)
    try:
        schema = modern(value, is_old)
    except RecursionError:
        return None, [_problem("", "嵌套太深", "Nested too deep", "too_deep")]
    problems = list(findings(schema))
    return (None if problems else schema), problems


def modern(schema: Any, is_old: bool) -> Any:
    """Draft-07 in the words of 2020-12: `dependencies` in two, and what stands beside a `$ref` there does not count."""
    if not isinstance(schema, dict):
        return schema
    made: dict[str, Any] = {}
    for name, value in schema.items():
        if is_old and "$ref" in schema and name not in {"$ref", "title", "description", "definitions", "$defs", "$schema"}:
            continue
        if name == "dependencies" and isinstance(value, dict):
            lists = {k: v for k, v in value.items() if isinstance(v, list)}
            others = {k: modern(v, is_old) for k, v in value.items() if not isinstance(v, list)}
            made |= {"dependentRequired": lists} if lists else {}
            made |= {"dependentSchemas": others} if others else {}
        elif name in ONE and isinstance(value, dict):
            made[name] = modern(value, is_old)
        elif name in SEVERAL and isinstance(value, list):
            made[name] = [modern(v, is_old) for v in value]
        elif name in MAPS and isinstance(value, dict):
            made[name] = {k: modern(v, is_old) for k, v in value.items()}
        elif name not in {"$schema", "$id", "id"}:
            made[name] = value
    return made


# -- What cannot be kept ---------------------------------------------------------------------------------------------------------------


def findings(schema: Any) -> tuple[Problem, ...]:
    """Whatever stands in the way of keeping this schema exactly, with its place. Also run when a document that holds one is published."""
    try:
        return _findings(json.dumps(schema))
    except RecursionError:
        return (_problem("", "嵌套太深", "Nested too deep", "too_deep"),)


@lru_cache(512)
def _findings(text: str) -> tuple[Problem, ...]:
    """Remembered by content: of a whole draft mostly one schema is new."""
    return tuple(_found(json.loads(text)))


def _found(schema: Any) -> Iterator[Problem]:
    try:
        jsonschema.Draft202012Validator.check_schema(schema, format_checker=jsonschema.FormatChecker(formats=()))  # patterns are RE2's to judge
    except jsonschema.SchemaError as error:
        said = shown(error.message, 120)
        yield _problem(pointer(*error.absolute_path), f"不是正确的 JSON Schema：{said}", f"Is not proper JSON Schema: {said}", "schema")
        return
    if not isinstance(schema, dict):
        yield _problem("", "应为对象 {…}", "Must be an object {…}", "type")
        return
    for count, (at, part) in enumerate(every_part(schema)):
        if count > MOST_PARTS or at.count("/") > 2 * DEEPEST:
            yield _problem(
                at,
                f"模式太大，最多 {MOST_PARTS} 个部分、{DEEPEST} 层",
                f"The schema is too large: {MOST_PARTS} parts and {DEEPEST} levels at most",
                "too_large",
            )
            return
        yield from _part(schema, at, part)
    yield from _circles(schema)


def every_part(schema: Any, at: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every schema inside a schema, with its place."""
    todo: list[tuple[str, Any]] = [(at, schema)]
    while todo:
        place, part = todo.pop()
        if not isinstance(part, Mapping):
            continue
        yield place, part
        todo += [(place + pointer(name), part[name]) for name in ONE if name in part]
        todo += [(place + pointer(name, i), inner) for name in SEVERAL for i, inner in enumerate(part.get(name) or ())]
        todo += [(place + pointer(name, key), inner) for name in MAPS if isinstance(part.get(name), Mapping) for key, inner in part[name].items()]


def _part(root: Schema, at: str, part: Schema) -> Iterator[Problem]:
    for name, (message, hint) in REFUSED.items():
        if name in part:
            yield Problem(at + pointer(name), Text(f"{name} {message.zh}", f"{name}: {message.en}"), hint, code="not_supported")
    if isinstance(part.get("additionalProperties"), Mapping) and part["additionalProperties"]:
        zh, en = "任意名称的成员无法画成表单", "Members of any name cannot be drawn as a form"
        yield _problem(at + "/additionalProperties", zh, en, "not_supported", Text("用列表：每项有名称和值", "Use a list whose items have a name and a value"))
    if isinstance(part.get("pattern"), str):
        yield from _pattern(at + "/pattern", part["pattern"])
    ref = part.get("$ref")
    if isinstance(ref, str) and (not ref.startswith("#") or resolve(root, ref) is None):
        zh, en = f"找不到 {shown(ref)}，只支持文件内的引用", f"{shown(ref)} leads nowhere; only references inside the file are supported"
        yield _problem(at + "/$ref", zh, en, "ref")


def _pattern(at: str, pattern: str) -> Iterator[Problem]:
    try:
        linear(pattern)
    except BadPatternError as error:
        hint = Text(
            "不支持前后预查 (?=…) 和反向引用 \\1；可拆成 allOf 中的几个 pattern",
            "Look-around (?=…) and back references \\1 are not supported; several patterns in an allOf often say the same",
        )
        yield _problem(at, f"正则不能在线性时间内运行：{shown(error)}", f"The pattern cannot be run in linear time: {shown(error)}", "pattern", hint)


def resolve(root: Schema, ref: str) -> Any:
    """What a local reference leads to; None when it leads nowhere."""
    at: Any = root
    for part in ref.removeprefix("#").split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~").replace("%25", "%")
        if isinstance(at, list) and name.isdigit() and int(name) < len(at):
            at = at[int(name)]
        elif isinstance(at, Mapping) and name in at:
            at = at[name]
        else:
            return None
    return at if isinstance(at, Mapping | bool) else None


def _circles(root: Schema) -> Iterator[Problem]:
    """A schema that contains itself has no last form."""
    done: set[str] = set()

    def visit(part: Any, trail: tuple[str, ...]) -> str | None:
        for _, inner in every_part({k: v for k, v in part.items() if k not in {"$defs", "definitions"}} if isinstance(part, Mapping) else part):
            ref = inner.get("$ref")
            if not isinstance(ref, str) or ref in done:
                continue
            if ref in trail:
                return ref
            found = visit(resolve(root, ref), (*trail, ref))
            if found:
                return found
            done.add(ref)
        return None

    found = "#" if any(p.get("$ref") == "#" for _, p in every_part(root)) else visit(root, ())
    if found:
        place = next((at for at, p in every_part(root) if p.get("$ref") == found), "")
        yield _problem(place + "/$ref", f"{shown(found)} 包含自己，表单画不完", f"{shown(found)} contains itself; its form would have no end", "recursive")


def _problem(path: str, zh: str, en: str, code: str, hint: Text | None = None) -> Problem:
    return Problem(path, Text(zh, en), hint, code=code)
