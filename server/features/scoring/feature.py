"""What the rest of the product knows of scoring."""

from dataclasses import replace

from server.feature import Feature
from server.features.scoring.check import check
from server.features.scoring.engine import gives
from server.features.scoring.kind import KIND

FEATURE = Feature("scoring", kinds=(replace(KIND, check=check, gives=gives),))
