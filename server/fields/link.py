"""A web address. Only http and https: others can run code in a reader's browser."""

import re
from urllib.parse import urlsplit

from server.errors import Problem, Text
from server.fields.base import FieldSpec, problem
from server.fields.line import Line

SHAPE = re.compile(r"https?://[^\s<>\"\\]+", re.IGNORECASE)


class LinkField(Line):
    key = "link"
    title = Text("网址", "Link")
    widget = "link"
    limit = 2000

    def shape_problem(self, field: FieldSpec, text: str) -> Problem | None:
        return (
            None if SHAPE.fullmatch(text) and _host(text) else problem(field, "link", Text("不是网址(http 或 https)", "Is not a web address (http or https)"))
        )


def _host(text: str) -> str:
    try:
        return urlsplit(text).hostname or ""
    except ValueError:
        return ""
