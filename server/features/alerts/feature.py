"""What the rest of the product knows of alerts."""

from server.feature import Feature
from server.features.alerts.kind import KIND

FEATURE = Feature("alerts", kinds=(KIND,))
