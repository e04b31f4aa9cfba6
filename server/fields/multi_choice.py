"""Several of the options the field declares, kept by their keys in the order of the options."""

import json
import re
from typing import Any

import sqlalchemy as sa

from server.errors import Problem, Text
from server.expressions.types import TEXTS, Type
from server.fields.base import FORM, FieldSpec, FieldType, Reading, wrong_type
from server.fields.choice import option_key, option_text
from server.storage.dialects import Keys

SEPARATORS = re.compile("[;,|\uff1b\uff0c\u3001]")


class MultiChoiceField(FieldType):
    key = "multi_choice"
    title = Text("多选", "Choices")
    widget = "multi_choice"

    def expression_type(self, field: FieldSpec) -> Type:
        return TEXTS

    def column_type(self, field: FieldSpec) -> sa.types.TypeEngine[Any]:
        return Keys()

    def parse(self, field: FieldSpec, raw: Any, reading: Reading = FORM) -> Any:
        """A list; as text, the keys (or titles) with commas or semicolons between them."""
        if raw is None:
            return None
        if isinstance(raw, str) and not reading.strict:
            whole = option_key(field, raw, reading)
            raw = [raw] if not isinstance(whole, Problem) else SEPARATORS.split(raw)
        if not isinstance(raw, list | tuple):
            return wrong_type(field, Text("选项列表", "a list of options"))
        chosen: set[str] = set()
        for part in raw:
            key = option_key(field, part, reading)
            if isinstance(key, Problem):
                return key
            if key is not None:
                chosen.add(key)
        return [o.key for o in field.options if o.key in chosen] or None

    def schema(self, field: FieldSpec) -> dict[str, Any]:
        return {"type": "array", "items": {"type": "string", "enum": [o.key for o in field.options]}}

    def text(self, field: FieldSpec, value: Any, locale: str, zone: object = None) -> str:
        return Text("、", ", ").of(locale).join(option_text(field, key, locale) for key in value or ())

    def entry(self, field: FieldSpec, value: Any, reading: Reading = FORM) -> str:
        return ";".join(value or ())

    def to_expression(self, field: FieldSpec, value: Any) -> Any:
        return None if value is None else list(value)

    def from_expression(self, field: FieldSpec, value: Any) -> Any:
        if isinstance(value, str):  # as the database keeps it
            value = json.loads(value)
        return None if not value else [o.key for o in field.options if o.key in value] or None

    def sql_value(self, field: FieldSpec, column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        return sa.type_coerce(column, sa.Text())
