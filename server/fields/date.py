"""A calendar day, `YYYY-MM-DD` and nothing else."""

import re
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from server.errors import Problem, Text
from server.expressions.types import DATE, Type
from server.fields.base import FORM, FieldSpec, FieldType, Reading, clean, problem
from server.fields.quick import Quick

SHAPE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")  # date.fromisoformat alone takes 20240105 and 2024-W01-5 too


# Written by hand and not by Babel: a list has hundreds of days, and two languages have two ways. tests/fields compares them with Babel's.
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def day_text(day: date, locale: str) -> str:
    """2026-10-16, 16 Oct 2026."""
    return day.isoformat() if locale.startswith("zh") else f"{day.day} {MONTHS[day.month - 1]} {day.year}"


class DateField(FieldType):
    key = "date"
    title = Text("日期", "Date")
    widget = "date"

    def expression_type(self, field: FieldSpec) -> Type:
        return DATE

    def column_type(self, field: FieldSpec) -> sa.types.TypeEngine[Any]:
        return sa.Date()

    def parse(self, field: FieldSpec, raw: Any, reading: Reading = FORM) -> Any:
        if raw is None or (isinstance(raw, date) and not isinstance(raw, datetime)):
            return raw
        text = clean(field, raw) if isinstance(raw, str) else raw
        if text is None or text == "" or isinstance(text, Problem):
            return text or None
        if isinstance(text, str) and SHAPE.fullmatch(text):
            try:
                return date.fromisoformat(text)
            except ValueError:
                return problem(field, "date", Text("没有这一天", "There is no such day"))
        return problem(field, "date", Text("日期应写作 年-月-日，如 2024-01-05", "A date is written YYYY-MM-DD, such as 2024-01-05"))

    def quick(self, field: FieldSpec, reading: Reading) -> Quick | None:
        return Quick("{r}.__class__ is str and {shape}({r})", "{day}({r})", {"shape": SHAPE.fullmatch, "day": date.fromisoformat})

    def json_text(self, field: FieldSpec) -> str:
        return "'\"' + {v}.isoformat() + '\"'"

    def text(self, field: FieldSpec, value: Any, locale: str, zone: object = None) -> str:
        return "" if value is None else day_text(value, locale)

    def entry(self, field: FieldSpec, value: Any, reading: Reading = FORM) -> str:
        return "" if value is None else str(value.isoformat())

    def json(self, field: FieldSpec, value: Any) -> Any:
        return None if value is None else value.isoformat()

    def from_expression(self, field: FieldSpec, value: Any) -> Any:
        return date.fromisoformat(value) if isinstance(value, str) else value
