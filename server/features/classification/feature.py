"""What the rest of the product knows of classification."""

from dataclasses import replace

from server.feature import Feature
from server.features.classification.check import check
from server.features.classification.engine import gives
from server.features.classification.kind import KIND

FEATURE = Feature("classification", kinds=(replace(KIND, check=check, gives=gives),))
