"""What the rest of the product knows of indicators."""

from server.feature import Feature
from server.features.indicators.kind import KIND

FEATURE = Feature("indicators", kinds=(KIND,))
