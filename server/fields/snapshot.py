"""A copy of a field of the record that a reference names, made when the reference is chosen; it can be taken anew. The value is of the other
field's type; this stands in for it only while that field is not there, in a document the check refuses."""

from server.errors import Text
from server.fields.line import Line


class SnapshotField(Line):
    key = "snapshot"
    title = Text("快照", "Snapshot")
    widget = "snapshot"
