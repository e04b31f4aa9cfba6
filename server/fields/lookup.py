"""A live link: always the present value of a field of the record that a reference names. Compiled into the query, never stored. The value is of
the other field's type; this stands in for it only while that field is not there, in a document the check refuses."""

from server.errors import Text
from server.fields.line import Line


class LookupField(Line):
    key = "lookup"
    title = Text("实时引用值", "Live value")
    widget = "lookup"
