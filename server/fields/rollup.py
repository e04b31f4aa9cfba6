"""A count, sum, average, least or greatest value over the records that refer here. Compiled into the query, never stored. The value's type follows
from what is counted; this stands in for it only while that is not there, in a document the check refuses."""

from server.errors import Text
from server.fields.line import Line


class RollupField(Line):
    key = "rollup"
    title = Text("汇总", "Roll-up")
    widget = "rollup"
