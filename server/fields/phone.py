"""A telephone number, as people write it."""

import re

from server.errors import Problem, Text
from server.fields.base import FieldSpec, Reading, problem
from server.fields.line import Line
from server.fields.quick import Quick

SHAPE = re.compile(r"\+?[0-9][0-9 ().-]{3,28}[0-9]|\([0-9]{1,6}\)[0-9 .-]{3,24}[0-9]")


class PhoneField(Line):
    key = "phone"
    title = Text("电话", "Phone")
    widget = "phone"
    limit = 40
    searchable = True

    def shape_problem(self, field: FieldSpec, text: str) -> Problem | None:
        if SHAPE.fullmatch(text):
            return None
        return problem(field, "phone", Text("不是电话号码，只用数字、空格、+ - ( )", "Is not a telephone number; use digits, spaces and + - ( )"))

    def quick(self, field: FieldSpec, reading: Reading) -> Quick | None:
        most = min(self.limit, field.max_length if field.max_length is not None else self.limit)
        if field.min_length is not None:
            return None
        test = f"{{r}}.__class__ is str and len({{r}}) <= {most} and {{r}}.isascii() and {{r}}.isprintable() and {{fits}}({{r}})"
        return Quick(test, "{r}", {"fits": SHAPE.fullmatch})
