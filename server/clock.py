"""The only place that reads the time, so that tests and past days are exact."""

from datetime import UTC, datetime


def now() -> datetime:
    """The present instant, in UTC, with its offset."""
    return datetime.now(UTC)
