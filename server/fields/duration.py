"""A length of time. Stored in whole seconds; expressions see a number in the field's own unit: minutes unless it says otherwise."""

import math
import re
from collections.abc import Mapping
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import sqlalchemy as sa

from server.errors import Problem, Text
from server.expressions.types import NUMBER, Type
from server.fields.base import FORM, NUMBER_TEXT_LIMIT, FieldSpec, FieldType, Reading, bounds_problem, clean, problem, too_big, wrong_type

SECONDS: Mapping[str, int] = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86400}
WORDS: Mapping[str, Text] = {
    "days": Text("天", "d"),
    "hours": Text("小时", "h"),
    "minutes": Text("分", "min"),
    "seconds": Text("秒", "s"),
}
LONGEST = 10**12  # seconds; some thirty thousand years
KIND = Text("时长，如 1:30、90分钟、1小时30分", "a length of time, such as 1:30, 90 min or 1 h 30 min")
CLOCK = re.compile(r"([0-9]{1,9}):([0-5][0-9])(?::([0-5][0-9]))?")
PLAIN = re.compile(r"[0-9]+(?:\.[0-9]+)?")
ISO = re.compile(r"P(?:([0-9]{1,12})D)?(?:T(?:([0-9]{1,12})H)?(?:([0-9]{1,12})M)?(?:([0-9]{1,12})S)?)?")
AMOUNT = r"([0-9]{1,12}(?:\.[0-9]{1,6})?)\s*"
SPOKEN = re.compile(
    rf"(?:{AMOUNT}(?:天|日|days?|d))?\s*(?:{AMOUNT}(?:小时|时|hours?|hrs?|h))?\s*"
    rf"(?:{AMOUNT}(?:分钟|分|minutes?|mins?|m))?\s*(?:{AMOUNT}(?:秒钟|秒|seconds?|secs?|s))?",
    re.IGNORECASE,
)


class DurationField(FieldType):
    key = "duration"
    title = Text("时长", "Duration")
    widget = "duration"
    stepped = True

    def expression_type(self, field: FieldSpec) -> Type:
        return NUMBER

    def column_type(self, field: FieldSpec) -> sa.types.TypeEngine[Any]:
        return sa.BigInteger()

    def unit(self, field: FieldSpec) -> str:
        return field.duration_unit

    def parse(self, field: FieldSpec, raw: Any, reading: Reading = FORM) -> Any:
        """`1:30` (hours and minutes), `1:30:15`, `90 min`, `PT1H30M`, a plain number in the field's unit. JSON takes the ISO form alone."""
        if raw is None:
            return None
        if isinstance(raw, timedelta):
            seconds: int | None = round(raw.total_seconds())
        elif isinstance(raw, int) and not isinstance(raw, bool) and not reading.strict:
            seconds = raw  # the value itself
        elif not isinstance(raw, str):
            return wrong_type(field, KIND)
        else:
            text = clean(field, raw)
            if not text or isinstance(text, Problem):
                return text or None
            if len(text) > NUMBER_TEXT_LIMIT:
                return too_big(field)
            seconds = _iso(text) if reading.strict else _read(text, SECONDS[field.duration_unit])
        if seconds is None:
            return wrong_type(field, KIND if not reading.strict else Text("时长，如 PT1H30M", "a length of time such as PT1H30M"))
        if not 0 <= seconds <= LONGEST:
            return too_big(field) if seconds > 0 else problem(field, "minimum", Text("时长不能是负的", "A length of time is not negative"))
        return bounds_problem(field, seconds / SECONDS[field.duration_unit]) or seconds

    def schema(self, field: FieldSpec) -> dict[str, Any]:
        return {"type": "string", "format": "duration"}

    def text(self, field: FieldSpec, value: Any, locale: str, zone: object = None) -> str:
        if value is None:
            return ""
        sizes = ("days", "hours", "minutes", "seconds") if field.duration_unit == "days" else ("hours", "minutes", "seconds")
        parts, rest = [], int(value)
        for size in sizes:
            count, rest = divmod(rest, SECONDS[size])
            if count:
                parts.append(WORDS[size].of(locale).join((str(count), "")) if locale.startswith("zh") else f"{count} {WORDS[size].en}")
        if not parts:
            parts = ["0 " + WORDS[field.duration_unit].of(locale)]
        return ("" if locale.startswith("zh") else " ").join(parts)

    def entry(self, field: FieldSpec, value: Any, reading: Reading = FORM) -> str:
        if value is None:
            return ""
        minutes, seconds = divmod(int(value), 60)
        return f"{minutes // 60}:{minutes % 60:02d}" + (f":{seconds:02d}" if seconds else "")

    def json(self, field: FieldSpec, value: Any) -> Any:
        if value is None:
            return None
        minutes, seconds = divmod(int(value), 60)
        parts = [f"{n}{letter}" for n, letter in ((minutes // 60, "H"), (minutes % 60, "M"), (seconds, "S")) if n]
        return "PT" + ("".join(parts) or "0S")

    def rounded(self, field: FieldSpec, source: str) -> str:
        size = SECONDS[field.duration_unit]
        return f"round({source})" if size == 1 else f"round(({source}) * {size}) / {size}"

    def to_expression(self, field: FieldSpec, value: Any) -> Any:
        return None if value is None else value / SECONDS[field.duration_unit]

    def from_expression(self, field: FieldSpec, value: Any) -> Any:
        if value is None or not math.isfinite(value):
            return None
        seconds = math.floor(value * SECONDS[field.duration_unit] + 0.5)
        return seconds if 0 <= seconds <= LONGEST else None

    def sql_value(self, field: FieldSpec, column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        size: sa.ColumnElement[float] = sa.literal(float(SECONDS[field.duration_unit]), sa.Double())
        return sa.cast(sa.type_coerce(column, sa.BigInteger()), sa.Double()) / size


def _read(text: str, size: int) -> int | None:
    """Seconds of what people type; `size` is the unit of a plain number in seconds."""
    if found := CLOCK.fullmatch(text):
        return int(found[1]) * 3600 + int(found[2]) * 60 + int(found[3] or 0)
    if PLAIN.fullmatch(text):
        return _seconds(Decimal(text) * size)
    found = SPOKEN.fullmatch(text)
    if found and any(found.groups()):
        return _seconds(sum((Decimal(n) * s for n, s in zip(found.groups(), (86400, 3600, 60, 1), strict=True) if n), Decimal(0)))
    return _iso(text.upper())


def _seconds(value: Decimal) -> int:
    return LONGEST + 1 if value > LONGEST else int(value.to_integral_value(ROUND_HALF_UP))


def _iso(text: str) -> int | None:
    found = ISO.fullmatch(text)
    if not found or not any(found.groups()):
        return None
    return sum(int(n) * s for n, s in zip(found.groups(), (86400, 3600, 60, 1), strict=True) if n)
