"""One line of text."""

from server.errors import Text
from server.fields.line import Line


class TextField(Line):
    key = "text"
    title = Text("单行文本", "Text")
    widget = "text"
    searchable = True
