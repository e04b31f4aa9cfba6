"""What the rest of the product knows of forms."""

from dataclasses import replace

from server.feature import Feature
from server.features.forms.check import check
from server.features.forms.kind import KIND

FEATURE = Feature("forms", kinds=(replace(KIND, check=check),))
