"""What the rest of the product knows of classification."""

from server.feature import Feature
from server.features.classification.kind import KIND

FEATURE = Feature("classification", kinds=(KIND,))
