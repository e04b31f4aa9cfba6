"""What the rest of the product knows of assessment: results follow every save."""

from server.feature import Feature

FEATURE = Feature("assessment")
