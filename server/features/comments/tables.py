"""What people say about records, what it said before it was edited, and who was mentioned."""

import sqlalchemy as sa

from server.storage.dialects import BigInt, Instant
from server.storage.system import metadata

comments = sa.Table(
    "comments",
    metadata,
    sa.Column("id", BigInt, primary_key=True, autoincrement=True),
    sa.Column("object", sa.Text, nullable=False),
    sa.Column("record_id", BigInt, nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),  # plain text; "@username" where somebody is mentioned
    sa.Column("edited_at", Instant),
    sa.Column("deleted_at", Instant),  # its place stays in the timeline, its text is no longer shown
    sa.Index("ix_comments_record", "object", "record_id", "at", "id"),
)

comment_versions = sa.Table(
    "comment_versions",
    metadata,
    sa.Column("id", BigInt, primary_key=True, autoincrement=True),
    sa.Column("comment_id", BigInt, sa.ForeignKey("comments.id"), nullable=False, index=True),
    sa.Column("at", Instant, nullable=False),  # when this text gave way
    sa.Column("text", sa.Text, nullable=False),
)

comment_mentions = sa.Table(
    "comment_mentions",
    metadata,
    sa.Column("comment_id", BigInt, sa.ForeignKey("comments.id"), primary_key=True, autoincrement=False),
    sa.Column("username", sa.Text, primary_key=True),
    sa.Column("seen_at", Instant),
    sa.Index("ix_comment_mentions_unread", "username", "comment_id", sqlite_where=sa.text("seen_at IS NULL"), postgresql_where=sa.text("seen_at IS NULL")),
)
