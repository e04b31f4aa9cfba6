"""What the rest of the product knows of reviews."""

from server.feature import Feature
from server.features.reviews.kind import METRIC, REVIEW

FEATURE = Feature(
    "reviews",
    kinds=(
        METRIC,
        REVIEW,
    ),
)
