"""What the rest of the product knows of strategies."""

from server.feature import Feature
from server.features.strategies.kind import KIND

FEATURE = Feature("strategies", kinds=(KIND,))
