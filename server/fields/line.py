"""What the types of one line of text share. Not a type by itself."""

import re
from typing import Any

import sqlalchemy as sa

from server.errors import Problem, Text
from server.expressions.types import TEXT, Type
from server.fields.base import FORM, LINE_LIMIT, FieldSpec, FieldType, Reading, clean, length_problem, wrong_type
from server.fields.quick import Quick

# Text is ordered by code point on every database.
CODE_POINT_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


class Line(FieldType):
    limit = LINE_LIMIT
    shape: re.Pattern[str] | None = None  # what all texts of the type look like, where that is all `shape_problem` asks for

    def expression_type(self, field: FieldSpec) -> Type:
        return TEXT

    def column_type(self, field: FieldSpec) -> sa.types.TypeEngine[Any]:
        return CODE_POINT_TEXT

    def parse(self, field: FieldSpec, raw: Any, reading: Reading = FORM) -> Any:
        if raw is None:
            return None
        if not isinstance(raw, str):
            return wrong_type(field, Text("文本", "text"))
        text = clean(field, raw)
        if not text or isinstance(text, Problem):
            return text or None
        return length_problem(field, text, self.limit) or self.shape_problem(field, text) or text

    def quick(self, field: FieldSpec, reading: Reading) -> Quick | None:
        """Plain letters, not too long, and of the type's shape; what has another test goes the long way unless its type knows better."""
        if field.min_length is not None or (self.shape is None and type(self).shape_problem is not Line.shape_problem):
            return None
        most = min(self.limit, field.max_length if field.max_length is not None else self.limit)
        test = f"{{r}}.__class__ is str and len({{r}}) <= {most} and {{r}}.isascii() and {{r}}.isprintable()"
        if self.shape is None:
            return Quick(test, "{r}.strip(' ') or None")
        return Quick(test + " and {fits}({r})", "{r}", {"fits": self.shape.fullmatch})

    def json_text(self, field: FieldSpec) -> str:
        return "quote({v})"

    def schema(self, field: FieldSpec) -> dict[str, Any]:
        """Lengths count what is left when white space is taken off, so only the upper limit is sure to be one of what is sent too."""
        return {"type": "string", "maxLength": field.max_length if field.max_length is not None else self.limit}

    def shape_problem(self, field: FieldSpec, text: str) -> Problem | None:
        return None
