"""Alerts: one row for each episode of a rule at a record, and what happened to it."""

import sqlalchemy as sa

from server.storage.dialects import BigInt, Instant, Json
from server.storage.system import metadata

OPEN_STATES = ("open", "acknowledged", "in_work", "snoozed")  # somebody is to do something
NOT_BEGUN = ("open", "acknowledged", "snoozed")  # nobody works on it yet
STATES = (*OPEN_STATES, "suppressed", "closed")
ACTIVE = tuple(sa.literal_column(f"'{state}'", sa.Text) for state in OPEN_STATES)  # as the index of the active ones says it: a parameter would not do

alerts = sa.Table(
    "alerts",
    metadata,
    sa.Column("id", BigInt, primary_key=True, autoincrement=True),
    sa.Column("rule", sa.Text, nullable=False),
    sa.Column("object", sa.Text, nullable=False),
    sa.Column("record_id", BigInt, nullable=False),
    sa.Column("episode", sa.Integer, nullable=False),  # the how-manieth time of this rule at this record
    sa.Column("severity", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("opened_at", Instant, nullable=False),
    sa.Column("as_of", sa.Date, nullable=False),
    sa.Column("due_at", Instant, nullable=False),  # until when somebody must have responded
    sa.Column("escalate_at", Instant),  # when people are told again if nobody responded by then; null: not any more
    sa.Column("message_zh", sa.Text, nullable=False),
    sa.Column("message_en", sa.Text, nullable=False),
    sa.Column("values", Json, nullable=False),  # what the rule saw when it fired
    sa.Column("release", sa.Integer, nullable=False),
    sa.Column("recipients", Json, nullable=False),  # ["user:li.wei", "role:credit_control"]
    sa.Column("suppressed_reason", sa.Text),
    sa.Column("suppressed_until", Instant),  # null while suppressed: until the condition clears
    sa.Column("acknowledged_by", sa.Text),
    sa.Column("acknowledged_at", Instant),
    sa.Column("snoozed_until", sa.Date),
    sa.Column("snooze_reason", sa.Text),
    sa.Column("closed_at", Instant),
    sa.Column("closed_by", sa.Text),
    sa.Column("close_reason", sa.Text),  # cleared, resolved, left_population, rule_removed
    sa.Column("verdict", sa.Text),  # right, false, late
    sa.Column("note", sa.Text),
)
_going_on = alerts.c.state != "closed"
sa.Index("uq_alerts_open_episode", alerts.c.rule, alerts.c.object, alerts.c.record_id, unique=True, sqlite_where=_going_on, postgresql_where=_going_on)
sa.Index("ix_alerts_record", alerts.c.object, alerts.c.record_id, alerts.c.rule)
sa.Index("ix_alerts_state", alerts.c.state, alerts.c.opened_at, alerts.c.id)
_active = alerts.c.state.in_(ACTIVE)
sa.Index("ix_alerts_active", alerts.c.severity, alerts.c.opened_at, alerts.c.id, sqlite_where=_active, postgresql_where=_active)
IS_OPEN = alerts.c.state == sa.literal_column("'open'", sa.Text)
sa.Index("ix_alerts_unanswered", alerts.c.escalate_at, sqlite_where=IS_OPEN, postgresql_where=IS_OPEN)

alert_events = sa.Table(
    "alert_events",
    metadata,
    sa.Column("id", BigInt, primary_key=True, autoincrement=True),
    sa.Column("alert_id", BigInt, sa.ForeignKey("alerts.id"), nullable=False, index=True),
    sa.Column("at", Instant, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("what", sa.Text, nullable=False),
    sa.Column("note", sa.Text, nullable=False, default=""),
)
