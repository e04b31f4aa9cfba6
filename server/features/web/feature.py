"""What the rest of the product knows of requests."""

from server.feature import Feature

FEATURE = Feature("web")
