"""What the rest of the product knows of strategies: new results start and stop them."""

from dataclasses import replace

from server.feature import Feature
from server.features.strategies.check import check
from server.features.strategies.kind import KIND
from server.features.strategies.service import on_assessed, on_published
from server.features.strategies.timeline import on_merged

FEATURE = Feature("strategies", kinds=(replace(KIND, check=check),), on_assessed=on_assessed, on_published=on_published, on_merged=on_merged)
