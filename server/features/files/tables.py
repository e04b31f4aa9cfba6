"""System tables of files: what was uploaded, and which records use it. The bytes are in the file store, by digest."""

import sqlalchemy as sa

from server.storage.dialects import BigInt, Instant
from server.storage.system import metadata

# One row an upload. `attached`: some record has (or had) it; one that none has is swept after a day.
stored_files = sa.Table(
    "stored_files",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),  # random: it cannot be guessed
    sa.Column("digest", sa.Text, nullable=False, index=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("thumb", sa.Boolean, nullable=False),
    sa.Column("object", sa.Text, nullable=False),
    sa.Column("uploaded_at", Instant, nullable=False),
    sa.Column("uploaded_by", sa.Text, nullable=False),
    sa.Column("attached", sa.Boolean, nullable=False),
    sa.Index("ix_stored_files_waiting", "uploaded_by", "uploaded_at", sqlite_where=sa.text("NOT attached"), postgresql_where=sa.text("NOT attached")),
)

# Which record has a file in which field; `removed_at` when it was taken out (history still shows it).
file_uses = sa.Table(
    "file_uses",
    metadata,
    sa.Column("file_id", sa.Text, sa.ForeignKey("stored_files.id"), primary_key=True),
    sa.Column("object", sa.Text, primary_key=True),
    sa.Column("record_id", BigInt, primary_key=True, autoincrement=False),
    sa.Column("field", sa.Text, primary_key=True),
    sa.Column("since", Instant, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("removed_at", Instant),
    sa.Index("ix_file_uses_record", "object", "record_id"),
)
