"""A number as computers count: IEEE double, for measures and ratios. Money is `decimal`."""

import math
import re
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from server.errors import Problem, Text
from server.expressions import limits
from server.expressions.types import NUMBER, Type
from server.fields.base import FORM, NUMBER_TEXT_LIMIT, FieldSpec, FieldType, Reading, bounds_problem, bounds_schema, clean, too_big, wrong_type
from server.fields.quick import Quick

PLAIN = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")
KIND = Text("数字(如 12 或 12.5)", "a number (such as 12 or 12.5)")


class NumberField(FieldType):
    key = "number"
    title = Text("数字", "Number")
    widget = "number"

    def expression_type(self, field: FieldSpec) -> Type:
        return NUMBER

    def column_type(self, field: FieldSpec) -> sa.types.TypeEngine[Any]:
        return sa.Double()

    def parse(self, field: FieldSpec, raw: Any, reading: Reading = FORM) -> Any:
        if raw is None:
            return None
        if isinstance(raw, str) and not reading.strict:
            text = clean(field, raw)
            if not text or isinstance(text, Problem):
                return text or None
            if not PLAIN.fullmatch(text):
                return wrong_type(field, KIND)
            if len(text) > NUMBER_TEXT_LIMIT:
                return too_big(field)
            raw = Decimal(text)
        elif isinstance(raw, bool) or not isinstance(raw, int | float | Decimal):
            return wrong_type(field, KIND)
        try:
            value = float(raw) + 0.0  # + 0.0 makes -0.0 plain zero
        except (OverflowError, ValueError):
            return too_big(field)
        if not abs(value) < limits.NUMBER:
            return too_big(field)
        if abs(value) < limits.QUANTUM:
            value = 0.0
        return problem if (problem := bounds_problem(field, value)) else value

    def quick(self, field: FieldSpec, reading: Reading) -> Quick | None:
        """Short texts; in JSON, numbers that are neither tiny nor huge."""
        low, high = -math.inf if field.minimum is None else field.minimum, math.inf if field.maximum is None else field.maximum
        names = {"low": low, "high": high, "plain": PLAIN.fullmatch}
        if reading.strict:
            return Quick("{r}.__class__ is float and 1e-9 < {r} < 1e15 and {low} <= {r} <= {high}", "{r}", names)
        return Quick("{r}.__class__ is str and len({r}) < 16 and {plain}({r}) and {low} <= (x := float({r}) + 0.0) <= {high}", "x", names)

    def json_text(self, field: FieldSpec) -> str:
        return "repr({v})"

    def schema(self, field: FieldSpec) -> dict[str, Any]:
        return {"type": "number", "format": "double", **bounds_schema(field)}

    def text(self, field: FieldSpec, value: Any, locale: str, zone: object = None) -> str:
        if value is None:
            return ""
        if abs(value) >= 1e15:
            return f"{value:g}"
        text = f"{value:,.{field.decimals or 6}f}"
        return text.rstrip("0").rstrip(".") if not field.decimals else text

    def entry(self, field: FieldSpec, value: Any, reading: Reading = FORM) -> str:
        if value is None:
            return ""
        text = format(Decimal(repr(value)), "f")
        return text[:-2] if text.endswith(".0") else text

    def from_expression(self, field: FieldSpec, value: Any) -> Any:
        return float(value) + 0.0 if value is not None and math.isfinite(value) else None
