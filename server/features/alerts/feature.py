"""What the rest of the product knows of alerts."""

from dataclasses import replace

from server.feature import Feature
from server.features.alerts.check import check
from server.features.alerts.kind import KIND
from server.features.alerts.raising import on_assessed
from server.features.alerts.telling import on_tick
from server.features.alerts.timeline import on_merged

FEATURE = Feature("alerts", kinds=(replace(KIND, check=check),), on_assessed=on_assessed, on_merged=on_merged, on_tick=on_tick)
