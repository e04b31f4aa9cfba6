"""Which records of a table a statement is about: some by their ids, or all of a range of ids."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from server.storage.turns import span

HIGHEST = 2**62
Element = sa.ColumnElement[Any]


@dataclass(frozen=True)
class Part:
    """`ids`, where there are some; else `low` < id <= `high`. The range may hold numbers that no record has."""

    ids: tuple[int, ...] = ()
    low: int = -1
    high: int = HIGHEST

    @staticmethod
    def one(record_id: int) -> "Part":
        return Part(low=record_id - 1, high=record_id)

    @property
    def by_ids(self) -> bool:
        return bool(self.ids)

    @property
    def is_one(self) -> bool:
        return self.high - self.low == 1

    @property
    def numbers(self) -> Iterable[int]:
        """For turns: the ids, or numbers that stand for the range."""
        return self.ids or span(self.low, self.high)

    @property
    def bound(self) -> dict[str, Any]:
        """What `within` wants to know when the statement runs."""
        return {"ids": list(self.ids)} if self.ids else {"low": self.low, "high": self.high}


def within(column: Element, by_ids: bool) -> sa.ColumnElement[bool]:
    """Whether a record is of the part that is bound when the statement runs; a statement is made for one of the two ways."""
    if by_ids:
        return column.in_(sa.bindparam("ids", type_=sa.BigInteger(), expanding=True))
    return sa.and_(column > sa.bindparam("low", type_=sa.BigInteger()), column <= sa.bindparam("high", type_=sa.BigInteger()))
