"""What the rest of the product knows of objects."""

from dataclasses import replace

from server.feature import Feature
from server.features.objects.check import check, check_change
from server.features.objects.derived import resolve
from server.features.objects.kind import KIND
from server.features.objects.service import on_published

FEATURE = Feature("objects", kinds=(replace(KIND, check=check, check_change=check_change, settle=resolve),), on_published=on_published)
