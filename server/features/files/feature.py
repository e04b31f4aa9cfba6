"""What the rest of the product knows of files."""

from server.feature import Feature
from server.features.files.service import on_saved

FEATURE = Feature("files", on_saved=on_saved)
