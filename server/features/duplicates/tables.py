"""System table of duplicates: by which keys records are found that may be the same. Written with each record, in its transaction."""

import sqlalchemy as sa

from server.storage.dialects import BigInt
from server.storage.system import metadata

duplicate_keys = sa.Table(
    "duplicate_keys",
    metadata,
    sa.Column("object", sa.Text, primary_key=True),
    sa.Column("field", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("record_id", BigInt, primary_key=True, autoincrement=False),
    sa.Index("ix_duplicate_keys_record", "object", "record_id"),
)
