"""What the rest of the product knows of records."""

from server.feature import Feature
from server.features.records.api import router

FEATURE = Feature("records", api=router)
