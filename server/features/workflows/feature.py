"""What the rest of the product knows of workflows."""

from dataclasses import replace

from server.feature import Feature
from server.features.workflows.check import check
from server.features.workflows.kind import KIND

FEATURE = Feature("workflows", kinds=(replace(KIND, check=check),))
