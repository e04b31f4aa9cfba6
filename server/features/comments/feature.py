"""What the rest of the product knows of comments: they move with the record when two become one."""

from server.feature import Feature
from server.features.comments.service import on_merged

FEATURE = Feature("comments", on_merged=on_merged)
