"""Running strategies and tasks."""

import sqlalchemy as sa

from server.storage.dialects import BigInt, Instant, Json
from server.storage.system import metadata

strategy_runs = sa.Table(
    "strategy_runs",
    metadata,
    sa.Column("id", BigInt, primary_key=True, autoincrement=True),
    sa.Column("strategy", sa.Text, nullable=False),
    sa.Column("object", sa.Text, nullable=False),
    sa.Column("record_id", sa.BigInteger, nullable=False),
    sa.Column("started_at", Instant, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("alert_id", sa.BigInteger),
    sa.Column("release", sa.Integer, nullable=False),
    sa.Column("level", sa.Text),  # the class or level its condition looked at, as it was
    sa.Column("values", Json, nullable=False),  # what the condition looked at, as it was: why it started
    sa.Column("armed", sa.Boolean, nullable=False),  # started by hand while its end condition held: that condition must first become false
    sa.Column("ended_at", Instant),
    sa.Column("ended_by", sa.Text),
    sa.Column("end_reason", sa.Text),  # stopped, by_hand, left_population, removed
    sa.Index("ix_strategy_runs_record", "object", "record_id"),
    sa.Index(
        "uq_strategy_runs_open",
        "object",
        "record_id",
        "strategy",
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    ),
)

tasks = sa.Table(
    "tasks",
    metadata,
    sa.Column("id", BigInt, primary_key=True, autoincrement=True),
    sa.Column("kind", sa.Text, nullable=False),  # measure, response, follow_up
    sa.Column("object", sa.Text, nullable=False),
    sa.Column("record_id", sa.BigInteger),
    sa.Column("title_zh", sa.Text, nullable=False),
    sa.Column("title_en", sa.Text, nullable=False),
    sa.Column("checklist_zh", sa.Text, nullable=False),
    sa.Column("checklist_en", sa.Text, nullable=False),
    sa.Column("strategy_run_id", sa.BigInteger, sa.ForeignKey("strategy_runs.id"), index=True),
    sa.Column("measure", sa.Text, nullable=False),
    sa.Column("repeat_days", sa.Integer),
    sa.Column("alert_id", sa.BigInteger),
    sa.Column("review_id", sa.BigInteger, index=True),
    sa.Column("assignee", sa.Text),
    sa.Column("role", sa.Text),
    sa.Column("due_on", sa.Date, nullable=False),
    sa.Column("state", sa.Text, nullable=False),  # open, waiting_approval, done, superseded, cancelled
    sa.Column("approver", sa.Text),  # role
    sa.Column("approved_by", sa.Text),
    sa.Column("approved_at", Instant),
    sa.Column("done_at", Instant),
    sa.Column("done_by", sa.Text),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("created_by", sa.Text, nullable=False),
    sa.Index("ix_tasks_record", "object", "record_id"),
    sa.Index("ix_tasks_assignee", "assignee", "state"),
    sa.Index("ix_tasks_state", "state", "due_on"),
    # An alert gets its first response once, however often its subject is assessed.
    sa.Index("uq_tasks_response", "alert_id", unique=True, sqlite_where=sa.text("kind = 'response'"), postgresql_where=sa.text("kind = 'response'")),
)

task_events = sa.Table(
    "task_events",
    metadata,
    sa.Column("id", BigInt, primary_key=True, autoincrement=True),
    sa.Column("task_id", sa.BigInteger, sa.ForeignKey("tasks.id"), nullable=False, index=True),
    sa.Column("at", Instant, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("what", sa.Text, nullable=False),  # note, reassigned, done, approved, refused, reopened, cancelled, superseded
    sa.Column("note", sa.Text, nullable=False),
)
