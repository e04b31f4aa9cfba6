"""What the rest of the product knows of access."""

from dataclasses import replace

from server.feature import Feature
from server.features.access.check import check
from server.features.access.kind import KIND

FEATURE = Feature("access", kinds=(replace(KIND, check=check),))
