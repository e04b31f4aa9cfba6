"""What the rest of the product knows of assessment: results follow every save, tables and indexes every release, and time every night."""

from server.feature import Feature
from server.features.assessment.jobs import JOBS
from server.features.assessment.service import on_published, on_saved

FEATURE = Feature("assessment", on_saved=on_saved, on_published=on_published, jobs=JOBS)
