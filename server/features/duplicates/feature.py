"""What the rest of the product knows of duplicates."""

from server.feature import Feature
from server.features.duplicates.service import on_published, on_saved

FEATURE = Feature("duplicates", on_saved=on_saved, on_published=on_published)
