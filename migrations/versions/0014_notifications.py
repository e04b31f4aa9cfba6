"""Notifications, preferences, channels and messages; alerts that nobody answered are told once more.

Revision ID: 0014
Revises: 0013
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
UNREAD = sa.text("read_at IS NULL")
WAITS = sa.text("state = 'waiting'")
WORDLESS = sa.text("state = 'waiting' AND content IS NULL")
OPEN = sa.text("state = 'open'")


def upgrade() -> None:
    op.create_table(
        "notifications",
        sa.Column("id", BIG, autoincrement=True, nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("group", sa.Text(), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("object", sa.Text(), nullable=False),
        sa.Column("record_id", BIG, nullable=True),
        sa.Column("title_zh", sa.Text(), nullable=False),
        sa.Column("title_en", sa.Text(), nullable=False),
        sa.Column("body_zh", sa.Text(), nullable=False),
        sa.Column("body_en", sa.Text(), nullable=False),
        sa.Column("link", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("read_at", sa.DateTime(), nullable=True),
        sa.Column("message_id", BIG, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notifications")),
    )
    op.create_index(op.f("ix_notifications_message_id"), "notifications", ["message_id"])
    op.create_index("ix_notifications_owner", "notifications", ["owner", "id"])
    op.create_index("ix_notifications_at", "notifications", ["at"])
    op.create_index("ix_notifications_unread", "notifications", ["owner", "id"], sqlite_where=UNREAD, postgresql_where=UNREAD)
    op.create_table(
        "notification_preferences",
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("choices", sa.Text(), nullable=False),
        sa.Column("daily_hour", sa.Integer(), nullable=False),
        sa.Column("quiet_from", sa.Text(), nullable=False),
        sa.Column("quiet_to", sa.Text(), nullable=False),
        sa.Column("urgent", sa.Boolean(), nullable=False),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("username", name=op.f("pk_notification_preferences")),
    )
    op.create_table(
        "notification_channels",
        sa.Column("id", BIG, autoincrement=True, nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("topics", sa.Text(), nullable=False),
        sa.Column("config", sa.Text(), nullable=False),
        sa.Column("secrets", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.DateTime(), nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notification_channels")),
    )
    op.create_table(
        "notification_messages",
        sa.Column("id", BIG, autoincrement=True, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("channel_id", BIG, nullable=False),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("batch", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("due_at", sa.DateTime(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("claimed_until", sa.DateTime(), nullable=True),
        sa.Column("content", sa.Text(), nullable=True),
        sa.Column("reason_zh", sa.Text(), nullable=True),
        sa.Column("reason_en", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("ended_at", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notification_messages")),
        sa.UniqueConstraint("key", name=op.f("uq_notification_messages_key")),
    )
    op.create_index("ix_notification_messages_due", "notification_messages", ["channel_id", "due_at"], sqlite_where=WAITS, postgresql_where=WAITS)
    op.create_index("ix_notification_messages_wordless", "notification_messages", ["username", "batch"], sqlite_where=WORDLESS, postgresql_where=WORDLESS)
    op.create_index("ix_notification_messages_channel", "notification_messages", ["channel_id", "id"])
    op.create_index("ix_notification_messages_state", "notification_messages", ["state", "id"])
    op.create_index("ix_notification_messages_created", "notification_messages", ["created_at"])
    op.add_column("alerts", sa.Column("escalate_at", sa.DateTime(), nullable=True))
    op.execute(sa.text("UPDATE alerts SET escalate_at = due_at WHERE state = 'open'"))
    op.create_index("ix_alerts_unanswered", "alerts", ["escalate_at"], sqlite_where=OPEN, postgresql_where=OPEN)
