"""Yes, no, or not answered."""

from typing import Any

import sqlalchemy as sa

from server.errors import Problem, Text
from server.expressions.types import BOOLEAN, Type
from server.fields.base import FORM, FieldSpec, FieldType, Reading, clean, wrong_type
from server.fields.quick import Quick

YES, NO = frozenset({"true", "yes", "on", "1", "y", "是"}), frozenset({"false", "no", "off", "0", "n", "否"})
KIND = Text("是或否", "yes or no")


class YesNoField(FieldType):
    key = "yes_no"
    title = Text("是/否", "Yes or no")
    widget = "yes_no"

    def expression_type(self, field: FieldSpec) -> Type:
        return BOOLEAN

    def column_type(self, field: FieldSpec) -> sa.types.TypeEngine[Any]:
        return sa.Boolean()

    def parse(self, field: FieldSpec, raw: Any, reading: Reading = FORM) -> Any:
        if raw is None or isinstance(raw, bool):
            return raw
        if reading.strict or not isinstance(raw, str):
            return wrong_type(field, KIND)
        text = clean(field, raw)
        if not text or isinstance(text, Problem):
            return text or None
        word = text.lower()
        if word in YES or word in NO:
            return word in YES
        return wrong_type(field, KIND)

    def quick(self, field: FieldSpec, reading: Reading) -> Quick | None:
        if reading.strict:
            return Quick("{r}.__class__ is bool", "{r}")
        words = {**dict.fromkeys(YES, True), **dict.fromkeys(NO, False)}
        return Quick("{r}.__class__ is str and (b := {words}({r})) is not None", "b", {"words": words.get})

    def json_text(self, field: FieldSpec) -> str:
        return "('true' if {v} else 'false')"

    def text(self, field: FieldSpec, value: Any, locale: str, zone: object = None) -> str:
        return "" if value is None else (Text("是", "Yes") if value else Text("否", "No")).of(locale)

    def entry(self, field: FieldSpec, value: Any, reading: Reading = FORM) -> str:
        return "" if value is None else ("true" if value else "false")

    def from_expression(self, field: FieldSpec, value: Any) -> Any:
        return None if value is None else bool(value)
