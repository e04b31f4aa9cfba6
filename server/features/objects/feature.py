"""What the rest of the product knows of objects."""

from server.feature import Feature
from server.features.objects.kind import KIND
from server.features.objects.service import on_published

FEATURE = Feature("objects", kinds=(KIND,), on_published=on_published)
