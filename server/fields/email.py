"""An e-mail address."""

import re

from server.errors import Problem, Text
from server.fields.base import FieldSpec, Reading, problem
from server.fields.line import Line
from server.fields.quick import Quick

SHAPE = re.compile(r"[^\s@<>\"(),;:\\]+@[^\s@<>\"(),;:\\.]+(\.[^\s@<>\"(),;:\\.]+)+")


class EmailField(Line):
    key = "email"
    title = Text("电子邮箱", "E-mail")
    widget = "email"
    limit = 254
    searchable = True

    def shape_problem(self, field: FieldSpec, text: str) -> Problem | None:
        return None if SHAPE.fullmatch(text) else problem(field, "email", Text("不是邮箱地址", "Is not an e-mail address"))

    def quick(self, field: FieldSpec, reading: Reading) -> Quick | None:
        most = min(self.limit, field.max_length if field.max_length is not None else self.limit)
        if field.min_length is not None:
            return None
        test = f"{{r}}.__class__ is str and len({{r}}) <= {most} and {{r}}.isascii() and {{r}}.isprintable() and {{fits}}({{r}})"
        return Quick(test, "{r}", {"fits": SHAPE.fullmatch})
