"""A share in per cent, exact: 12.5 is 12.5 %, in expressions too. The sign may be typed."""

from typing import Any

from server.errors import Text
from server.fields.base import FORM, FieldSpec, Reading
from server.fields.decimal import DecimalField

SIGNS = ("%", "\uff05")


class PercentField(DecimalField):
    key = "percent"
    title = Text("百分比", "Percent")
    widget = "percent"

    def parse(self, field: FieldSpec, raw: Any, reading: Reading = FORM) -> Any:
        if isinstance(raw, str) and not reading.strict and (text := raw.rstrip()).endswith(SIGNS):
            raw = text[:-1]
            if not raw.strip():
                raw = "%"  # a sign alone is no number, and not nothing either
        return super().parse(field, raw, reading)

    def text(self, field: FieldSpec, value: Any, locale: str, zone: object = None) -> str:
        return "" if value is None else f"{value:,.{field.decimals}f}%"

    def unit(self, field: FieldSpec) -> str:
        return "%"
