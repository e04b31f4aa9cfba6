"""An e-mail address."""

import re

from server.errors import Problem, Text
from server.fields.base import FieldSpec, problem
from server.fields.line import Line


class EmailField(Line):
    key = "email"
    title = Text("电子邮箱", "E-mail")
    widget = "email"
    limit = 254
    searchable = True
    shape = re.compile(r"[^\s@<>\"(),;:\\]+@[^\s@<>\"(),;:\\.]+(\.[^\s@<>\"(),;:\\.]+)+")

    def shape_problem(self, field: FieldSpec, text: str) -> Problem | None:
        return None if self.shape.fullmatch(text) else problem(field, "email", Text("不是邮箱地址", "Is not an e-mail address"))
