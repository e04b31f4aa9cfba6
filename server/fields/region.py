"""A place in a tree of options, chosen level by level. The value is the way to it from the top, ["zhejiang", "hangzhou"]: so a filter for a
region finds what lies in it, `has(region, "zhejiang")` in an expression too. JSON and exports name the last step alone."""

import json
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from server.errors import Problem, Text
from server.expressions.types import TEXTS, Type
from server.fields.base import FORM, FieldSpec, FieldType, OptionSpec, Reading, clean, problem, wrong_type
from server.fields.choice import option_key, option_text
from server.storage.dialects import Keys

SEPARATORS = re.compile(r"\s*[/>;\uff0f]\s*")
KIND = Text("一个地区", "one place of the tree")
DEEPEST = 8  # levels


@lru_cache(maxsize=64)
def _ways(options: tuple[OptionSpec, ...]) -> Mapping[str, tuple[str, ...]]:
    parents = {o.key: o.parent for o in options}
    found = {}
    for key in parents:
        way, at = [key], parents[key]
        while at in parents and at not in way and len(way) < DEEPEST:
            way.append(at)
            at = parents[at]
        found[key] = tuple(reversed(way))
    return found


def ways(field: FieldSpec) -> Mapping[str, tuple[str, ...]]:
    """Option key -> the way to it from the top, itself included."""
    return _ways(tuple(field.options))


class RegionField(FieldType):
    key = "region"
    title = Text("地区(多级)", "Region (levels)")
    widget = "region"

    def expression_type(self, field: FieldSpec) -> Type:
        return TEXTS

    def column_type(self, field: FieldSpec) -> sa.types.TypeEngine[Any]:
        return Keys()

    def parse(self, field: FieldSpec, raw: Any, reading: Reading = FORM) -> Any:
        """The key of a place. From a form or a file also its title, or the levels from the top, of which the last that fits counts."""
        if raw is None:
            return None
        if isinstance(raw, list | tuple) and not reading.strict:
            return _walk(field, raw, reading)
        if not isinstance(raw, str):
            return wrong_type(field, KIND)
        text = clean(field, raw)
        if not text or isinstance(text, Problem):
            return text or None
        known = option_key(field, text, reading)
        steps = SEPARATORS.split(text)
        if isinstance(known, Problem):
            return known if reading.strict or len(steps) < 2 else _walk(field, steps, reading)
        if text != known and sum(text in o.title for o in field.options) > 1:
            hint = Text("写明上级，例如 浙江/杭州", "Say where it lies, such as A/B")
            return problem(field, "option", Text("有几个地区叫这个名称", "Several places have this name"), hint)
        return list(ways(field)[str(known)])

    def schema(self, field: FieldSpec) -> dict[str, Any]:
        return {"type": "string", "enum": [o.key for o in field.options]}

    def text(self, field: FieldSpec, value: Any, locale: str, zone: object = None) -> str:
        return " / ".join(option_text(field, key, locale) for key in value or ())

    def entry(self, field: FieldSpec, value: Any, reading: Reading = FORM) -> str:
        return value[-1] if value else ""

    def json(self, field: FieldSpec, value: Any) -> Any:
        return value[-1] if value else None

    def to_expression(self, field: FieldSpec, value: Any) -> Any:
        return None if value is None else list(value)

    def from_expression(self, field: FieldSpec, value: Any) -> Any:
        if isinstance(value, str):  # as the database keeps it
            value = json.loads(value)
        return _walk(field, [key for key in value if key in ways(field)], FORM) if value else None

    def sql_value(self, field: FieldSpec, column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        return sa.type_coerce(column, sa.Text())


def _walk(field: FieldSpec, steps: Sequence[Any], reading: Reading) -> Any:
    """Down from the top. A step that does not lie in the one before is left out: it was chosen below a level that was changed since."""
    found, at = ways(field), tuple[str, ...]()
    for step in steps:
        near = _below(field, step, at) if reading.titles else None
        key = near or option_key(field, step, reading)
        if isinstance(key, Problem):
            return key
        if key is None or found[key][: len(at)] != at:
            break
        at = found[key]
    return list(at) or None


def _below(field: FieldSpec, step: Any, at: tuple[str, ...]) -> str | None:
    """The nearest place of that title or key below another."""
    found = ways(field)
    keys = [o.key for o in field.options if (step in o.title or step == o.key) and found[o.key][: len(at)] == at and len(found[o.key]) > len(at)]
    return min(keys, key=lambda key: len(found[key])) if keys else None
