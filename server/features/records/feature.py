"""What the rest of the product knows of records."""

from server.feature import Feature
from server.features.records.together import carry

FEATURE = Feature("records", on_saved=carry)
