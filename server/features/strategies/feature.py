"""What the rest of the product knows of strategies."""

from dataclasses import replace

from server.feature import Feature
from server.features.strategies.check import check
from server.features.strategies.kind import KIND

FEATURE = Feature("strategies", kinds=(replace(KIND, check=check),))
