"""What the rest of the product knows of records."""

from server.feature import Feature

FEATURE = Feature("records")
