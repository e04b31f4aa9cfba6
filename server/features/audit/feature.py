"""What the rest of the product knows of audit."""

from server.feature import Feature

FEATURE = Feature("audit")
