"""A telephone number, as people write it."""

import re

from server.errors import Problem, Text
from server.fields.base import FieldSpec, problem
from server.fields.line import Line


class PhoneField(Line):
    key = "phone"
    title = Text("电话", "Phone")
    widget = "phone"
    limit = 40
    searchable = True
    shape = re.compile(r"\+?[0-9][0-9 ().-]{3,28}[0-9]|\([0-9]{1,6}\)[0-9 .-]{3,24}[0-9]")

    def shape_problem(self, field: FieldSpec, text: str) -> Problem | None:
        if self.shape.fullmatch(text):
            return None
        return problem(field, "phone", Text("不是电话号码，只用数字、空格、+ - ( )", "Is not a telephone number; use digits, spaces and + - ( )"))
