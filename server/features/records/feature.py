"""What the rest of the product knows of records."""

from server.feature import Feature
from server.features.records.api import router
from server.features.records.together import carry

FEATURE = Feature("records", api=router, on_saved=carry)
