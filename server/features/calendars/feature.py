"""What the rest of the product knows of the working calendar."""

from dataclasses import replace

from server.feature import Feature
from server.features.calendars.check import check
from server.features.calendars.kind import KIND

FEATURE = Feature("calendars", kinds=(replace(KIND, check=check),))
