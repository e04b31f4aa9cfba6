"""A whole number of 64 bits."""

import math
import re
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from server.errors import Problem, Text
from server.expressions.types import INTEGER, Type
from server.fields.base import (
    FORM,
    INT64_MAX,
    INT64_MIN,
    NUMBER_TEXT_LIMIT,
    FieldSpec,
    FieldType,
    Reading,
    bounds_problem,
    bounds_schema,
    clean,
    finite,
    problem,
    too_big,
    wrong_type,
)
from server.fields.quick import Quick

WHOLE = re.compile(r"[+-]?[0-9]+")
BROKEN = re.compile(r"[+-]?[0-9]+\.[0-9]+")
KIND = Text("整数", "a whole number")


def whole(field: FieldSpec, raw: Any, reading: Reading) -> int | None | Problem:
    """A 64-bit whole number of what came in; also the ids of references are read by it."""
    if raw is None:
        return None
    if isinstance(raw, bool):
        return wrong_type(field, KIND)
    if isinstance(raw, float | Decimal):
        if not finite(raw):
            return wrong_type(field, KIND)
        if raw > 2**64 or raw < -(2**64):
            return too_big(field)
        if raw != int(raw):
            return _fraction(field)
        raw = int(raw)
    elif isinstance(raw, str) and not reading.strict:
        text = clean(field, raw)
        if not text or isinstance(text, Problem):
            return text or None
        if BROKEN.fullmatch(text):
            return _fraction(field)
        if not WHOLE.fullmatch(text):
            return wrong_type(field, KIND)
        if len(text) > NUMBER_TEXT_LIMIT:
            return too_big(field)
        raw = int(text)
    elif not isinstance(raw, int):
        return wrong_type(field, KIND)
    value: int = raw
    return value if INT64_MIN <= value <= INT64_MAX else too_big(field)


def _fraction(field: FieldSpec) -> Problem:
    return problem(field, "fraction", Text("不能有小数位", "Must have no digits after the point"))


def half_away(value: float) -> float:
    return math.copysign(math.floor(abs(value) + 0.5), value)


class IntegerField(FieldType):
    key = "integer"
    title = Text("整数", "Whole number")
    widget = "integer"
    stepped = True

    def expression_type(self, field: FieldSpec) -> Type:
        return INTEGER

    def column_type(self, field: FieldSpec) -> sa.types.TypeEngine[Any]:
        return sa.BigInteger()

    def parse(self, field: FieldSpec, raw: Any, reading: Reading = FORM) -> Any:
        value = whole(field, raw, reading)
        if value is None or isinstance(value, Problem):
            return value
        return bounds_problem(field, value) or value

    def quick(self, field: FieldSpec, reading: Reading) -> Quick | None:
        """Short ones: as text without a sign."""
        low, high = -(10**15) if field.minimum is None else field.minimum, 10**15 if field.maximum is None else field.maximum
        names = {"low": low, "high": min(high, 10**15)}
        if reading.strict:
            return Quick("{r}.__class__ is int and {low} <= {r} <= {high}", "{r}", names)
        test = "{r}.__class__ is str and len({r}) < 16 and {r}.isascii() and {r}.isdigit() and {low} <= (n := int({r})) <= {high}"
        return Quick(test, "n", names)

    def json_text(self, field: FieldSpec) -> str:
        return "str({v})"

    def schema(self, field: FieldSpec) -> dict[str, Any]:
        return {"type": "integer", "format": "int64", **bounds_schema(field)}

    def text(self, field: FieldSpec, value: Any, locale: str, zone: object = None) -> str:
        """In groups of thousands where it counts something; a year or a code (no unit) is left whole."""
        return "" if value is None else f"{value:,d}" if field.unit else str(value)

    def rounded(self, field: FieldSpec, source: str) -> str:
        return f"round({source})"

    def from_expression(self, field: FieldSpec, value: Any) -> Any:
        if isinstance(value, float):
            value = int(half_away(value)) if math.isfinite(value) else None
        return value if value is not None and INT64_MIN <= value <= INT64_MAX else None
