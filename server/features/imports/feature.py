"""What the rest of the product knows of imports: their jobs."""

from server.feature import Feature
from server.features.imports.jobs import JOBS

FEATURE = Feature("imports", jobs=JOBS)
