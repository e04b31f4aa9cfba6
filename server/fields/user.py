"""A person who uses the product, kept by user name."""

from server.errors import Text
from server.fields.line import Line


class UserField(Line):
    key = "user"
    title = Text("人员", "Person")
    widget = "user"
    limit = 150
