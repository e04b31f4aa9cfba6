"""What the rest of the product knows of reports."""

from server.feature import Feature

FEATURE = Feature("reports")
