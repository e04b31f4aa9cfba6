"""What people were told and how they want to be told; channels to the outside, and the messages that went or go through them."""

import sqlalchemy as sa

from server.storage.dialects import BigInt, Instant, Json
from server.storage.system import metadata

WAITING, SENT, PARKED, DROPPED = STATES = ("waiting", "sent", "parked", "dropped")

# One row per person and event, or per person and group of events. A channel of a group of people is an owner like a person: "channel:3".
notifications = sa.Table(
    "notifications",
    metadata,
    sa.Column("id", BigInt, primary_key=True, autoincrement=True),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("severity", sa.Text, nullable=False),
    sa.Column("group", sa.Text, nullable=False),
    sa.Column("times", sa.Integer, nullable=False),
    sa.Column("object", sa.Text, nullable=False),
    sa.Column("record_id", BigInt),  # null: about no record, or about many
    sa.Column("title_zh", sa.Text, nullable=False),
    sa.Column("title_en", sa.Text, nullable=False),
    sa.Column("body_zh", sa.Text, nullable=False),
    sa.Column("body_en", sa.Text, nullable=False),
    sa.Column("link", sa.Text, nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("read_at", Instant),
    sa.Column("message_id", BigInt, index=True),  # the message that carries it outside
)
_unread = notifications.c.read_at.is_(None)
sa.Index("ix_notifications_owner", notifications.c.owner, notifications.c.id)
sa.Index("ix_notifications_unread", notifications.c.owner, notifications.c.id, sqlite_where=_unread, postgresql_where=_unread)
sa.Index("ix_notifications_at", notifications.c.at)

notification_preferences = sa.Table(
    "notification_preferences",
    metadata,
    sa.Column("username", sa.Text, primary_key=True),
    sa.Column("email", sa.Text, nullable=False),
    sa.Column("choices", Json, nullable=False),  # topic -> {"app": true, "mail": "now"}
    sa.Column("daily_hour", sa.Integer, nullable=False),
    sa.Column("quiet_from", sa.Text, nullable=False),  # "22:00"; "" no quiet hours
    sa.Column("quiet_to", sa.Text, nullable=False),
    sa.Column("urgent", sa.Boolean, nullable=False),  # what is urgent comes in quiet hours too
    sa.Column("zone", sa.Text, nullable=False),
)

notification_channels = sa.Table(
    "notification_channels",
    metadata,
    sa.Column("id", BigInt, primary_key=True, autoincrement=True),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("enabled", sa.Boolean, nullable=False),
    sa.Column("topics", Json, nullable=False),  # what a channel of a group is told
    sa.Column("config", Json, nullable=False),  # what may be shown
    sa.Column("secrets", Json, nullable=False),  # what is never shown again
    sa.Column("changed_at", Instant, nullable=False),
    sa.Column("changed_by", sa.Text, nullable=False),
)

notification_messages = sa.Table(
    "notification_messages",
    metadata,
    sa.Column("id", BigInt, primary_key=True, autoincrement=True),
    sa.Column("key", sa.Text, nullable=False, unique=True),  # constant over all tries: receivers know a repetition by it
    sa.Column("channel_id", BigInt, nullable=False),
    sa.Column("username", sa.Text, nullable=False),  # "" for a channel of a group
    sa.Column("batch", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("due_at", Instant, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("claimed_until", Instant),  # somebody is sending it; after that moment it is free again
    sa.Column("content", Json),  # as it was first sent; null before
    sa.Column("reason_zh", sa.Text),  # of the last try that failed
    sa.Column("reason_en", sa.Text),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("ended_at", Instant),
)
_m = notification_messages.c
IS_WAITING = _m.state == sa.literal_column(f"'{WAITING}'", sa.Text)  # as the indexes say it: a parameter would not do
_wordless = sa.and_(IS_WAITING, _m.content.is_(None))
sa.Index("ix_notification_messages_due", _m.channel_id, _m.due_at, sqlite_where=IS_WAITING, postgresql_where=IS_WAITING)
sa.Index("ix_notification_messages_wordless", _m.username, _m.batch, sqlite_where=_wordless, postgresql_where=_wordless)
sa.Index("ix_notification_messages_channel", _m.channel_id, _m.id)
sa.Index("ix_notification_messages_state", _m.state, _m.id)
sa.Index("ix_notification_messages_created", _m.created_at)
