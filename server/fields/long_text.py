"""Text of many lines, kept as typed but for its line ends."""

from typing import Any

from server.errors import Problem, Text
from server.fields.base import FORM, LONG_TEXT_LIMIT, FieldSpec, Reading, clean, length_problem, wrong_type
from server.fields.line import Line
from server.fields.quick import Quick


class LongTextField(Line):
    key = "long_text"
    title = Text("多行文本", "Long text")
    widget = "long_text"
    searchable = True
    limit = LONG_TEXT_LIMIT

    def parse(self, field: FieldSpec, raw: Any, reading: Reading = FORM) -> Any:
        if raw is None:
            return None
        if not isinstance(raw, str):
            return wrong_type(field, Text("文本", "text"))
        text = clean(field, raw, lines=True)
        if not text or isinstance(text, Problem):
            return text or None
        return length_problem(field, text, self.limit) or text

    def quick(self, field: FieldSpec, reading: Reading) -> Quick | None:
        plain = super().quick(field, reading)
        return plain and Quick(plain.test, "{r} if {r}.strip(' ') else None")
