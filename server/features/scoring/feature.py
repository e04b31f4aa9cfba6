"""What the rest of the product knows of scoring."""

from server.feature import Feature
from server.features.scoring.kind import KIND

FEATURE = Feature("scoring", kinds=(KIND,))
