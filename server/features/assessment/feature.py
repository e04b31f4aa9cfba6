"""What the rest of the product knows of assessment: results follow every save, tables and indexes every release."""

from server.feature import Feature
from server.features.assessment.service import on_published, on_saved

FEATURE = Feature("assessment", on_saved=on_saved, on_published=on_published)
