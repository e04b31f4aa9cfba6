"""Which column of a file goes to which field."""

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from server.errors import AppError, Invalid, Problem, Text
from server.feature import Work
from server.features.objects import results
from server.features.objects.engine import is_stored
from server.features.objects.kind import Field, ObjectType
from server.features.records.describing import SYSTEM
from server.features.records.rights import rights
from server.features.records.rowfile import LINE_COLUMN, REASON_COLUMN, unusable

FILES = frozenset({"file", "image"})
NO_KEYS = frozenset({"long_text", "rich_text", "multi_choice", "region", "number", "file", "image"})


@dataclass(frozen=True)
class Column:
    """Where a column of the file goes. `zone`: in which times without offset are taken; `format`: how dates are written (strptime); `by`: the
    field of the referenced object that the cell names its record by."""

    header: str
    field: Field
    zone: ZoneInfo | None = None
    format: str = ""
    by: str = ""


def load_mapping(path: Path) -> dict[str, Any]:
    """The mapping file: {"column": "field"}, {"column": {"field": ..., "zone": ..., "format": ..., "by": ...}} or {"column": ""} to leave it out."""
    try:
        found = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise AppError(Text(f"无法读取 {path}：{error.strerror}", f"Cannot read {path}: {error.strerror}")) from error
    except (ValueError, RecursionError) as error:
        raise unusable(Text(f"{path} 不是 JSON：{error}", f"{path} is not JSON: {error}")) from error
    if not isinstance(found, dict):
        raise unusable(Text('对照表应为 {"列名": "字段"}', 'The mapping must look like {"column": "field"}'))
    return found


def importable(work: Work, object_type: ObjectType) -> list[Field]:
    """The fields this person may import into; hidden and read-only ones are not among them."""
    allowed = rights(work, object_type.key)
    return [f for f in _entered(object_type) if f.key not in allowed.hidden | allowed.readonly]


def _entered(object_type: ObjectType) -> list[Field]:
    """Fields that a text can fill: nothing that is worked out, written by the system, or a file."""
    return [f for f in object_type.fields.values() if not f.computed and not f.derived and not f.readonly and f.type not in FILES]


def plan(work: Work, object_type: ObjectType, header: Sequence[str], mapping: Mapping[str, Any], key: str, mode: str = "insert") -> list[Column]:
    """The columns that are taken. Whatever is unclear is an error before any row is read."""
    problems: list[Problem] = []
    hidden = rights(work, object_type.key).hidden
    choices = [f for f in _entered(object_type) if f.key not in hidden]
    columns: list[Column] = []
    untaken = _untaken(work, object_type, choices)
    for missing in [m for m in mapping if m not in header]:
        problems.append(Problem(missing, Text(f"文件里没有“{missing}”这一列", f"The file has no column {missing!r}"), code="no_column"))
    for name in header:
        wanted = mapping[name] if name in mapping else "" if name.casefold() in untaken else guess(choices, name)
        if wanted == "":
            continue
        found = _column(object_type, choices, name, wanted)
        if isinstance(found, Problem):
            problems.append(found)
        elif any(c.field.key == found.field.key for c in columns):
            problems.append(Problem(name, Text(f"有两列对应字段“{found.field.key}”", f"Two columns go to the field {found.field.key!r}"), code="twice"))
        else:
            columns.append(found)
    if not columns and not problems:
        problems.append(
            Problem("", Text("没有一列对应到字段", "No column goes to a field"), Text("请至少选一个字段", "Choose one field at least"), code="mapping")
        )
    if mode == "update" and not key:
        problems.append(Problem("key", Text("只更新时要选键", "To change known records a key is needed"), code="key"))
    if key and not problems:
        problems += _key_problems(work, object_type, columns, key)
    if problems:
        raise Invalid(problems)
    return columns


def _untaken(work: Work, object_type: ObjectType, choices: Sequence[Field]) -> set[str]:
    """How exported columns are headed that nobody enters: computed fields, results of the assessment, number and stamps. They are passed over."""
    hidden = rights(work, object_type.key).hidden  # what one may not see is as unknown as what is not there
    others = {f.key: f.title for f in object_type.fields.values() if f not in choices and f.key not in hidden}
    outputs = results.outputs(work.catalog, object_type.key).values() if object_type.assessed else ()
    others |= {o.name: o.title for o in outputs} | {key: title for key, (_, title) in SYSTEM.items()}
    entered = {word for f in choices for word in _words(f.key, f.title)}
    return {word for key, title in others.items() for word in _words(key, title)} - entered


def _words(key: str, title: Text) -> set[str]:
    return {key.casefold(), title.zh.casefold(), title.en.casefold()}


def guess(choices: Sequence[Field], name: str) -> str | None:
    """A column named like a field's key or one of its titles, whatever its case, spaces, signs or unit in brackets; "" for our own columns."""
    if name in (*LINE_COLUMN, *REASON_COLUMN):
        return ""
    plain = folded(name)
    exact = next((f.key for f in choices if name.casefold() in {f.key.casefold(), f.title.zh.casefold(), f.title.en.casefold()}), None)
    return exact or next((f.key for f in choices if plain and plain in {folded(f.key), folded(f.title.zh), folded(f.title.en)}), None)


def folded(name: str) -> str:
    """A name without case, spaces, signs and what stands in brackets."""
    plain = unicodedata.normalize("NFKC", name).casefold()
    return "".join(c for c in re.sub(r"\([^()]*\)", "", plain) if c.isalnum())


def _column(object_type: ObjectType, choices: Sequence[Field], name: str, wanted: Any) -> Column | Problem:
    said = {"field": wanted} if isinstance(wanted, str) else wanted
    known = {f.key: f for f in choices}
    listed = ", ".join(known)
    hint = Text(f'可选字段：{listed}；不需要的列对应 ""', f'Fields: {listed}; map a column to "" to leave it out')
    if said is None:
        return Problem(name, Text(f"不知道“{name}”列对应哪个字段", f"It is not known which field the column {name!r} is"), hint, code="unknown_column")
    if not isinstance(said, Mapping) or set(said) - {"field", "zone", "format", "by"} or not all(isinstance(v, str) for v in said.values()):
        may = Text("可写 field、zone、format、by", "It may have field, zone, format, by")
        return Problem(name, Text("对照写法有误", "This mapping cannot be read"), may, code="mapping")
    to = said.get("field", "")
    f = known.get(to)
    if f is None:
        return Problem(name, Text(f"没有可导入的字段“{to}”", f"There is no field {to!r} to import into"), hint, code="unknown_field")
    try:
        zone = ZoneInfo(said["zone"]) if "zone" in said else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return Problem(name, Text(f"没有“{said['zone']}”这一时区", f"There is no time zone {said['zone']!r}"), code="zone")
    if (zone or "format" in said) and f.type not in {"date", "datetime"}:
        return Problem(name, Text("zone 和 format 只用于日期与时间", "zone and format are for dates and times"), code="mapping")
    if "by" in said and f.type != "reference":
        return Problem(name, Text("by 只用于引用", "by is for references"), code="mapping")
    return Column(name, f, zone, said.get("format", ""), said.get("by", ""))


def key_fields(work: Work, object_type: ObjectType) -> list[Field]:
    """Fields that can tell which record a row is; what is shown covered cannot."""
    covered = rights(work, object_type.key).covered
    return [f for f in object_type.fields.values() if is_stored(f, object_type) and f.type not in NO_KEYS and f.key not in covered]


def _key_problems(work: Work, object_type: ObjectType, columns: Sequence[Column], key: str) -> list[Problem]:
    if all(f.key != key for f in key_fields(work, object_type)):
        return [Problem(key, Text(f"字段“{key}”不能作为键", f"The field {key!r} cannot be the key"), code="key")]
    if all(c.field.key != key for c in columns):
        return [Problem(key, Text(f"文件里没有键“{key}”这一列", f"The file has no column for the key {key!r}"), code="key")]
    return []
