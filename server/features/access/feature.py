"""What the rest of the product knows of access."""

from server.feature import Feature
from server.features.access.kind import KIND

FEATURE = Feature("access", kinds=(KIND,))
