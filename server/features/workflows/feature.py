"""What the rest of the product knows of workflows: a new record begins its workflow, a closed state keeps people from changing it."""

from dataclasses import replace

from server.feature import Feature
from server.features.workflows.check import check
from server.features.workflows.instances import merge_objections, on_saved
from server.features.workflows.kind import KIND

FEATURE = Feature("workflows", kinds=(replace(KIND, check=check),), on_saved=on_saved, merge_objections=merge_objections)
