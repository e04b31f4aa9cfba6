"""What the rest of the product knows of notifications: they hear what people should be told."""

from server.feature import Feature
from server.features.notifications.raising import on_noticed

FEATURE = Feature("notifications", on_noticed=on_noticed)
