"""System tables of records: what was changed by whom, what was deleted, and the counters of numbered fields. The records themselves are in object tables."""

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

# The next number of a numbered field ("C-00042"); the row's lock makes creators take turns, so that no number is given twice.
record_numbers = sa.Table(
    "record_numbers",
    metadata,
    sa.Column("object", sa.Text, primary_key=True),
    sa.Column("field", sa.Text, primary_key=True),
    sa.Column("next", sa.BigInteger, nullable=False),
)

# The recycle bin: one row for each record that is deleted now. What went along with another names it in `with_`; a merged one says where it went.
deleted_records = sa.Table(
    "deleted_records",
    metadata,
    sa.Column("object", sa.Text, primary_key=True),
    sa.Column("record_id", BigInt, primary_key=True, autoincrement=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("with_object", sa.Text),
    sa.Column("with_id", sa.BigInteger),
    sa.Column("merged_into", sa.BigInteger),
    sa.Index("ix_deleted_records_at", "object", "at", "record_id"),
    sa.Index("ix_deleted_records_with", "with_object", "with_id"),
)
