"""A point in time: entered with its offset (or in a known zone), stored in UTC."""

import re
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from server.errors import Problem, Text
from server.expressions.types import DATETIME, Type
from server.fields.base import FORM, FieldSpec, FieldType, Reading, clean, problem
from server.fields.date import day_text
from server.storage.dialects import Instant

DAY, OFFSET = r"([0-9]{4}-[0-9]{2}-[0-9]{2})", r"([Zz]|[+-][0-9]{2}:[0-9]{2})"
RFC_3339 = re.compile(DAY + r"[Tt ]([0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?)" + OFFSET)
LOCAL = re.compile(DAY + r"[Tt ]([0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?)")  # what a browser's date-time input sends


class DatetimeField(FieldType):
    key = "datetime"
    title = Text("日期时间", "Date and time")
    widget = "datetime"

    def expression_type(self, field: FieldSpec) -> Type:
        return DATETIME

    def column_type(self, field: FieldSpec) -> sa.types.TypeEngine[Any]:
        return Instant()

    def parse(self, field: FieldSpec, raw: Any, reading: Reading = FORM) -> Any:
        if raw is None:
            return None
        if isinstance(raw, datetime):
            return raw.astimezone(UTC) if raw.tzinfo else self._in_zone(field, raw, reading)
        text = clean(field, raw) if isinstance(raw, str) else raw
        if text is None or text == "" or isinstance(text, Problem):
            return text or None
        if not isinstance(text, str):
            return self._shape(field)
        try:
            if found := RFC_3339.fullmatch(text):
                day, clock, offset = found.groups()
                return datetime.fromisoformat(f"{day}T{clock}{'+00:00' if offset in 'Zz' else offset}").astimezone(UTC)
            if found := LOCAL.fullmatch(text):
                return self._in_zone(field, datetime.fromisoformat(f"{found[1]}T{found[2]}"), reading)
        except (ValueError, OverflowError):
            return problem(field, "datetime", Text("没有这个时刻", "There is no such moment"))
        return self._shape(field)

    def _in_zone(self, field: FieldSpec, local: datetime, reading: Reading) -> datetime | Problem:
        if reading.naive is None:
            return problem(field, "datetime", Text("缺少时区，如 +08:00 或 Z", "The offset is missing, such as +08:00 or Z"))
        try:
            return local.replace(tzinfo=reading.naive).astimezone(UTC)
        except OverflowError:
            return problem(field, "datetime", Text("没有这个时刻", "There is no such moment"))

    def _shape(self, field: FieldSpec) -> Problem:
        return problem(field, "datetime", Text("时间应写作 2024-01-05T08:30:00+08:00", "A time is written 2024-01-05T08:30:00+08:00"))

    def text(self, field: FieldSpec, value: Any, locale: str, zone: ZoneInfo | None = None) -> str:
        if value is None:
            return ""
        there = value.astimezone(zone or UTC)
        return f"{day_text(there.date(), locale)} {there:%H:%M}"

    def entry(self, field: FieldSpec, value: Any, reading: Reading = FORM) -> str:
        """With a zone in the reading: its local time as a browser's input holds it (shown in minutes when there are no seconds)."""
        if value is None:
            return ""
        if reading.naive is None:
            return str(self.json(field, value))
        local = value.astimezone(reading.naive).replace(tzinfo=None)
        return str(local.isoformat(timespec="minutes" if not local.second and not local.microsecond else "auto"))

    def json(self, field: FieldSpec, value: Any) -> Any:
        return None if value is None else value.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"

    def from_expression(self, field: FieldSpec, value: Any) -> Any:
        if isinstance(value, str):
            value = datetime.fromisoformat(value)
        return value if value is None or value.tzinfo else value.replace(tzinfo=UTC)

    def sql_value(self, field: FieldSpec, column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        return column
