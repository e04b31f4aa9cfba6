"""The audit log and the blocks that seal it."""

import sqlalchemy as sa

from server.storage.dialects import BigInt, Instant
from server.storage.system import metadata

audit_log = sa.Table(
    "audit_log",
    metadata,
    sa.Column("id", BigInt, primary_key=True, autoincrement=True),
    sa.Column("at", Instant, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("object", sa.Text, nullable=False),
    sa.Column("record_id", sa.BigInteger),
    sa.Column("detail", sa.Text, nullable=False),  # canonical JSON; kept as text because the hash is over these very characters
    sa.Column("hash", sa.Text, nullable=False),
    sa.Column("block", sa.BigInteger),  # null until sealed
    sa.Index("ix_audit_log_unsealed", "id", sqlite_where=sa.text("block IS NULL"), postgresql_where=sa.text("block IS NULL")),
    sa.Index("ix_audit_log_block", "block"),
    sa.Index("ix_audit_log_record", "object", "record_id"),
    sa.Index("ix_audit_log_actor", "actor"),
)

audit_blocks = sa.Table(
    "audit_blocks",
    metadata,
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),  # the key keeps two sealers from forking the chain
    sa.Column("sealed_at", Instant, nullable=False),
    sa.Column("first_id", sa.BigInteger, nullable=False),
    sa.Column("last_id", sa.BigInteger, nullable=False),
    sa.Column("rows", sa.Integer, nullable=False),
    sa.Column("prev_hash", sa.Text, nullable=False),
    sa.Column("hash", sa.Text, nullable=False),
)
