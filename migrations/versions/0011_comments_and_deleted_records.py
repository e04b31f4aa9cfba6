"""Comments with mentions; the recycle bin.

Revision ID: 0011
Revises: 0010
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "deleted_records",
        sa.Column("object", sa.Text(), nullable=False),
        sa.Column("record_id", BIG, autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("with_object", sa.Text(), nullable=True),
        sa.Column("with_id", sa.BigInteger(), nullable=True),
        sa.Column("merged_into", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("object", "record_id", name=op.f("pk_deleted_records")),
    )
    op.create_index("ix_deleted_records_at", "deleted_records", ["object", "at", "record_id"])
    op.create_index("ix_deleted_records_with", "deleted_records", ["with_object", "with_id"])
    op.create_table(
        "comments",
        sa.Column("id", BIG, autoincrement=True, nullable=False),
        sa.Column("object", sa.Text(), nullable=False),
        sa.Column("record_id", BIG, nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("edited_at", sa.DateTime(), nullable=True),
        sa.Column("deleted_at", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_comments")),
    )
    op.create_index("ix_comments_record", "comments", ["object", "record_id", "at", "id"])
    op.create_table(
        "comment_versions",
        sa.Column("id", BIG, autoincrement=True, nullable=False),
        sa.Column("comment_id", BIG, nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["comment_id"], ["comments.id"], name=op.f("fk_comment_versions_comment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_comment_versions")),
    )
    op.create_index(op.f("ix_comment_versions_comment_id"), "comment_versions", ["comment_id"])
    op.create_table(
        "comment_mentions",
        sa.Column("comment_id", BIG, autoincrement=False, nullable=False),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("seen_at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(["comment_id"], ["comments.id"], name=op.f("fk_comment_mentions_comment_id")),
        sa.PrimaryKeyConstraint("comment_id", "username", name=op.f("pk_comment_mentions")),
    )
    unseen = sa.text("seen_at IS NULL")
    op.create_index("ix_comment_mentions_unread", "comment_mentions", ["username", "comment_id"], sqlite_where=unseen, postgresql_where=unseen)
    _what_was_deleted_before()


def _what_was_deleted_before() -> None:
    """Records deleted before there was a bin get into it: each by its last deletion."""
    history = sa.table("records_history", *(sa.column(name) for name in ("object", "record_id", "at", "by", "version", "changes")))
    gone = sa.table("deleted_records", *(sa.column(name) for name in ("object", "record_id", "at", "by")))
    deleted = history.c.changes.startswith('{"deleted_at":[null,', autoescape=True)
    last = sa.select(history.c.object, history.c.record_id, sa.func.max(history.c.version).label("version")).where(deleted)
    last = last.group_by(history.c.object, history.c.record_id).subquery()
    same = sa.and_(history.c.object == last.c.object, history.c.record_id == last.c.record_id, history.c.version == last.c.version)
    found = sa.select(history.c.object, history.c.record_id, history.c.at, history.c.by).select_from(history.join(last, same))
    op.execute(sa.insert(gone).from_select(["object", "record_id", "at", "by"], found))


def downgrade() -> None:
    for table in ("comment_mentions", "comment_versions", "comments", "deleted_records"):
        op.drop_table(table)
