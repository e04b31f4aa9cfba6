"""What the rest of the product knows of indicators."""

from dataclasses import replace

from server.feature import Feature
from server.features.indicators.check import check
from server.features.indicators.engine import gives
from server.features.indicators.kind import KIND

FEATURE = Feature("indicators", kinds=(replace(KIND, check=check, gives=gives),))
