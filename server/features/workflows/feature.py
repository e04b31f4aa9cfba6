"""What the rest of the product knows of workflows."""

from server.feature import Feature
from server.features.workflows.kind import KIND

FEATURE = Feature("workflows", kinds=(KIND,))
