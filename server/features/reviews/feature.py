"""What the rest of the product knows of reviews."""

from dataclasses import replace

from server.feature import Feature
from server.features.reviews.check import check_metric, check_review
from server.features.reviews.kind import METRIC, REVIEW

FEATURE = Feature(
    "reviews",
    kinds=(
        replace(METRIC, check=check_metric),
        replace(REVIEW, check=check_review),
    ),
)
