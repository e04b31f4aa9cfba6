"""Places in a timeline that is put together from several tables: newest first, and of one instant by the table's rank, then by id."""

import base64
import binascii
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa


@dataclass(frozen=True)
class Place:
    """Where something stands in the stream."""

    at: datetime
    rank: int
    id: int

    @property
    def order(self) -> tuple[float, int, int]:
        """Sorting by this gives the stream."""
        return (-self.at.timestamp(), self.rank, -self.id)

    @property
    def text(self) -> str:
        """For an address."""
        return base64.urlsafe_b64encode(json.dumps([self.at.astimezone(UTC).isoformat(), self.rank, self.id]).encode()).decode().rstrip("=")


def place_of(text: str) -> Place | None:
    """The place an address names; one that cannot be read is the beginning."""
    try:
        at, rank, number = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        moment = datetime.fromisoformat(at)
        if moment.tzinfo is None or not 0 <= int(rank) < 2**31 or not 0 <= int(number) < 2**63:
            return None
        return Place(moment.astimezone(UTC), int(rank), int(number))
    except (ValueError, TypeError, OverflowError, binascii.Error, RecursionError):
        return None


def earlier(place: Place | None, rank: int, at: sa.ColumnElement[Any], number: sa.ColumnElement[Any]) -> Sequence[sa.ColumnElement[bool]]:
    """Conditions for the rows of a table with this rank that stand behind a place."""
    if place is None:
        return ()
    if rank < place.rank:
        return (at < place.at,)
    if rank > place.rank:
        return (at <= place.at,)
    return (sa.or_(at < place.at, sa.and_(at == place.at, number < place.id)),)


def is_earlier(place: Place | None, other: Place) -> bool:
    """The same for what was read already."""
    return place is None or other.order > place.order


def first(places: Iterable[Place], count: int) -> list[Place]:
    return sorted(places, key=lambda p: p.order)[:count]
