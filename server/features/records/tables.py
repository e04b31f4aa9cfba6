"""System tables of records: what was changed by whom, and the counters of serial fields. The records themselves are in object tables."""

import sqlalchemy as sa

from server.storage.dialects import BigInt, Instant, Json
from server.storage.system import metadata

# One row a write: `changes` is {field: [old, new]} as JSON values. Replaying them from version 1 gives the record.
records_history = sa.Table(
    "records_history",
    metadata,
    sa.Column("id", BigInt, primary_key=True, autoincrement=True),
    sa.Column("object", sa.Text, nullable=False),
    sa.Column("record_id", BigInt, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("cause", sa.Text, nullable=False),
    sa.Column("release", sa.Integer, nullable=False),
    sa.Column("changes", Json, nullable=False),
    sa.UniqueConstraint("object", "record_id", "version"),
)

# The next number of a serial field ("C-00042") in a period ("2026", "2026-11", "" for ever); the row's lock makes creators take turns, so that
# no number is given twice.
record_serials = sa.Table(
    "record_serials",
    metadata,
    sa.Column("object", sa.Text, primary_key=True),
    sa.Column("field", sa.Text, primary_key=True),
    sa.Column("period", sa.Text, primary_key=True),
    sa.Column("next", sa.BigInteger, nullable=False),
)
