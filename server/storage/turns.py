"""Writers that work out something from what others write take turns where they meet. SQLite has one writer anyway; on PostgreSQL each would see
the world without the other's uncommitted rows, and whoever commits last would leave what only he saw."""

import zlib
from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

SLOTS = 512  # locks of one subject at most: PostgreSQL holds some thousands in all, whatever the number of records
NEAR = 32  # records that share one: a chunk of neighbours takes few


def in_turn(connection: sa.Connection, what: str, ids: Iterable[int]) -> None:
    """Nobody else does `what` with these numbers until this transaction ends; statements that follow see all that those before have done.
    Everything that one transaction does at once is asked for at once, in one order, so that no two wait for each other."""
    if connection.dialect.name != "postgresql":
        return
    slots = sorted({i // NEAR % SLOTS for i in ids})
    if slots:
        connection.execute(_TAKE, {"what": zlib.crc32(what.encode()) - 2**31, "slots": slots})


def span(low: int, high: int) -> range:
    """Numbers that stand for all of low < n <= high: one for each slot, at most all."""
    return range((low + 1) // NEAR * NEAR, min(high, low + NEAR * SLOTS) + 1, NEAR)


_TAKE = sa.select(
    sa.func.pg_advisory_xact_lock(
        sa.bindparam("what", type_=sa.Integer()),
        sa.func.unnest(sa.bindparam("slots", type_=ARRAY(sa.Integer()))).column_valued("slot"),
    )
)
