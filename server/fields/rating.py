"""Stars: a whole number from 1 to the field's maximum, five unless it says otherwise."""

from typing import Any

from server.errors import Problem, Text
from server.fields.base import FORM, FieldSpec, Reading, problem
from server.fields.integer import IntegerField, whole
from server.fields.quick import Quick

STARS, MOST = 5, 10


def stars(field: FieldSpec) -> int:
    return STARS if field.maximum is None else max(2, min(MOST, int(field.maximum)))


class RatingField(IntegerField):
    key = "rating"
    title = Text("星级", "Rating")
    widget = "rating"

    def parse(self, field: FieldSpec, raw: Any, reading: Reading = FORM) -> Any:
        value = whole(field, raw, reading)
        if value is None or isinstance(value, Problem):
            return value
        most = stars(field)
        if not 1 <= value <= most:
            return problem(field, "range", Text(f"星级是 1 到 {most} 的整数", f"A rating is a whole number from 1 to {most}"))
        return value

    def quick(self, field: FieldSpec, reading: Reading) -> Quick | None:
        return None

    def schema(self, field: FieldSpec) -> dict[str, Any]:
        return {"type": "integer", "minimum": 1, "maximum": stars(field)}

    def text(self, field: FieldSpec, value: Any, locale: str, zone: object = None) -> str:
        return "" if value is None else f"{value} / {stars(field)}"

    def from_expression(self, field: FieldSpec, value: Any) -> Any:
        found = super().from_expression(field, value)
        return found if found is not None and 1 <= found <= stars(field) else None
