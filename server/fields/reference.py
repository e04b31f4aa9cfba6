"""A record of another object, kept by its id. Whether it exists (and may be seen) is for the records service to say."""

from typing import Any

import sqlalchemy as sa

from server.errors import Problem, Text
from server.expressions.types import INTEGER, Type
from server.fields.base import FORM, FieldSpec, FieldType, Reading, problem
from server.fields.integer import whole
from server.fields.quick import Quick
from server.storage.dialects import BigInt


class ReferenceField(FieldType):
    key = "reference"
    title = Text("引用记录", "Reference")
    widget = "reference"

    def expression_type(self, field: FieldSpec) -> Type:
        return INTEGER

    def column_type(self, field: FieldSpec) -> sa.types.TypeEngine[Any]:
        return BigInt

    def parse(self, field: FieldSpec, raw: Any, reading: Reading = FORM) -> Any:
        value = whole(field, raw, reading)
        if isinstance(value, Problem) or (value is not None and value < 1):
            return problem(field, "reference", Text("请选择一条记录", "Choose a record"))
        return value

    def quick(self, field: FieldSpec, reading: Reading) -> Quick | None:
        return Quick("{r}.__class__ is int and 0 < {r} < 9223372036854775808", "{r}")

    def json_text(self, field: FieldSpec) -> str:
        return "str({v})"

    def schema(self, field: FieldSpec) -> dict[str, Any]:
        return {"type": "integer", "format": "int64", "minimum": 1}
