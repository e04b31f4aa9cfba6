"""System tables of records: changes, what is deleted, counters of numbered fields, saved views, changes of many. The records are in object tables."""

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

# A list as somebody wants to find it again. `state` is what liststate.py writes.
list_views = sa.Table(
    "list_views",
    metadata,
    sa.Column("id", BigInt, primary_key=True, autoincrement=True),
    sa.Column("object", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("shared", sa.Boolean, nullable=False),
    sa.Column("state", Json, nullable=False),
    sa.Column("updated_at", Instant, nullable=False),
    sa.Index("ix_list_views_object", "object", "owner"),
    sqlite_autoincrement=True,  # an address that was sent around must not come to mean another view
)

# The view an object's list opens with: `holder` is "user:li" or "role:staff".
list_view_defaults = sa.Table(
    "list_view_defaults",
    metadata,
    sa.Column("object", sa.Text, primary_key=True),
    sa.Column("holder", sa.Text, primary_key=True),
    sa.Column("view", sa.BigInteger, sa.ForeignKey("list_views.id"), nullable=False),
)

# A change of many records at once. `values`: field -> new value as JSON; `refused`: [[record id, name, zh, en], ...].
record_batches = sa.Table(
    "record_batches",
    metadata,
    sa.Column("id", BigInt, primary_key=True, autoincrement=True),
    sa.Column("object", sa.Text, nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("values", Json, nullable=False),
    sa.Column("asked", sa.Integer, nullable=False),
    sa.Column("changed", sa.Integer, nullable=False),
    sa.Column("refused", Json, nullable=False),
    sa.Column("undone_at", Instant),
    sa.Column("undone", sa.Integer),
    sa.Column("kept", Json),  # what could not be undone, as in `refused`
    sa.Index("ix_record_batches_object", "object", "id"),
)

# The records a batch changed: the version it made, and the one the record had when all was done (a workflow may follow). Another one: changed since.
record_batch_items = sa.Table(
    "record_batch_items",
    metadata,
    sa.Column("batch", sa.BigInteger, sa.ForeignKey("record_batches.id"), primary_key=True),
    sa.Column("record_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("wrote", sa.Integer, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
)
