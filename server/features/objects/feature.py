"""What the rest of the product knows of objects."""

from server.feature import Feature
from server.features.objects.kind import KIND

FEATURE = Feature("objects", kinds=(KIND,))
