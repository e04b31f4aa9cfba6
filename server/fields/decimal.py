"""A number with a fixed count of decimals, exact: money. Stored as a scaled whole number of 64 bits."""

import re
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.types import TypeDecorator

from server.errors import Problem, Text
from server.expressions.types import NUMBER, Type
from server.fields.base import (
    FORM,
    INT64_MAX,
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
from server.fields.number import PLAIN
from server.fields.quick import Quick

EXACT = Context(prec=60)
KIND = Text("金额或数字(如 1234.50)", "an amount (such as 1234.50)")


@cache
def scale(decimals: int) -> tuple[Decimal, Decimal]:
    """The smallest step of so many decimals, and the largest number."""
    step = Decimal(1).scaleb(-decimals, EXACT)
    return step, INT64_MAX * step


class Scaled(TypeDecorator[Decimal]):
    """Decimal in Python, value × 10^decimals as a whole number in the database."""

    impl = sa.BigInteger
    cache_ok = True

    def __init__(self, decimals: int) -> None:
        super().__init__()
        self.decimals, self.factor = decimals, 10**decimals

    def process_bind_param(self, value: Decimal | int | None, dialect: sa.Dialect) -> int | None:
        if value is None:
            return None
        return int((value if value.__class__ is Decimal else Decimal(value)) * self.factor)

    def process_result_value(self, value: int | None, dialect: sa.Dialect) -> Decimal | None:
        return None if value is None else Decimal(value).scaleb(-self.decimals, EXACT)

    def coerce_compared_value(self, op: Any, value: Any) -> Any:
        return self


class DecimalField(FieldType):
    key = "decimal"
    title = Text("金额或小数", "Decimal")
    widget = "decimal"
    stepped = True

    def expression_type(self, field: FieldSpec) -> Type:
        return NUMBER

    def column_type(self, field: FieldSpec) -> sa.types.TypeEngine[Any]:
        return Scaled(field.decimals)

    def parse(self, field: FieldSpec, raw: Any, reading: Reading = FORM) -> Any:
        if raw is None:
            return None
        if isinstance(raw, str):  # in JSON too: a decimal of more than 15 digits has no other exact form there
            text = clean(field, raw)
            if not text or isinstance(text, Problem):
                return text or None
            if not PLAIN.fullmatch(text):
                return wrong_type(field, KIND)
            if len(text) > NUMBER_TEXT_LIMIT:
                return too_big(field)
            if len(text.partition(".")[2]) > field.decimals:
                return self._fraction(field)
            value = Decimal(text)
        elif isinstance(raw, bool) or not isinstance(raw, int | float | Decimal) or not finite(raw):
            return wrong_type(field, KIND)
        else:
            value = Decimal(repr(raw)) if isinstance(raw, float) else Decimal(raw)
        if value and value.adjusted() > 20:
            return too_big(field)
        exact = self._rounded(field, value)
        if exact is None:
            return too_big(field)
        if exact != value:
            return self._fraction(field)
        return found if (found := self._bounds(field, exact)) else exact

    def quick(self, field: FieldSpec, reading: Reading) -> Quick | None:
        """Short texts without a sign, in JSON too."""
        low, high = Decimal(-1) if field.minimum is None else Decimal(field.minimum), Decimal(10**15) if field.maximum is None else Decimal(field.maximum)
        fraction = rf"(?:\.[0-9]{{1,{field.decimals}}})?" if field.decimals else ""
        names = {"plain": re.compile("[0-9]{1,12}" + fraction).fullmatch, "decimal": Decimal, "step": scale(field.decimals)[0], "low": low, "high": high}
        bounds = "{low} <= (d := {decimal}({r})) <= {high}" if low > 0 else "(d := {decimal}({r})) <= {high}"
        return Quick(f"{{r}}.__class__ is str and {{plain}}({{r}}) and {bounds}", "d.quantize({step})", names) if field.decimals < 12 else None

    def stored(self, field: FieldSpec) -> str:
        return f"int({{v}} * {10**field.decimals})"

    def json_text(self, field: FieldSpec) -> str:
        """`str` says the same in a quarter of the time as long as it has no reason for an exponent."""
        return "'\"' + str({v}) + '\"'" if field.decimals <= 6 else "'\"' + format({v}, 'f') + '\"'"

    def _bounds(self, field: FieldSpec, value: Decimal) -> Problem | None:
        return bounds_problem(field, value)

    def _fraction(self, field: FieldSpec) -> Problem:
        return problem(field, "fraction", Text(f"最多 {field.decimals} 位小数", f"At most {field.decimals} digits after the point"))

    def _rounded(self, field: FieldSpec, value: Decimal) -> Decimal | None:
        step, most = scale(field.decimals)
        try:
            exact = value.quantize(step, ROUND_HALF_UP, EXACT)
        except InvalidOperation:
            return None
        if not -most <= exact <= most:
            return None
        return exact if exact else abs(exact)  # no minus zero

    def schema(self, field: FieldSpec) -> dict[str, Any]:
        """Given as text, taken as text or number: a number of more than 15 digits is exact as text only."""
        point = rf"(\.[0-9]{{1,{field.decimals}}})?" if field.decimals else ""
        return {"type": ["string", "number"], "pattern": rf"^\s*([+-]?[0-9]+{point})?\s*$", **bounds_schema(field)}

    def text(self, field: FieldSpec, value: Any, locale: str, zone: object = None) -> str:
        return "" if value is None else f"{value:,.{field.decimals}f}"

    def entry(self, field: FieldSpec, value: Any, reading: Reading = FORM) -> str:
        return "" if value is None else format(value, "f")

    def json(self, field: FieldSpec, value: Any) -> Any:
        return None if value is None else format(value, "f")

    def rounded(self, field: FieldSpec, source: str) -> str:
        return f"round({source}, {field.decimals})" if field.decimals else f"round({source})"

    def to_expression(self, field: FieldSpec, value: Any) -> Any:
        return None if value is None else float(value)

    def from_expression(self, field: FieldSpec, value: Any) -> Any:
        if value is None or not finite(value):
            return None
        return self._rounded(field, Decimal(repr(value)) if isinstance(value, float) else Decimal(value))

    def sql_value(self, field: FieldSpec, column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        return sa.cast(sa.type_coerce(column, sa.BigInteger()), sa.Double()) / sa.literal(10.0**field.decimals, sa.Double())
