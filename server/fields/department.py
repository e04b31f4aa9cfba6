"""A department of the organisation, kept by its key. Which there are is for the settings to say; the records service asks."""

from server.errors import Text
from server.fields.line import Line


class DepartmentField(Line):
    key = "department"
    title = Text("部门", "Department")
    widget = "department"
    limit = 60
