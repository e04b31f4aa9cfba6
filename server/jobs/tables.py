"""System tables of background jobs: what was asked for and how it went, and which processes work."""

import sqlalchemy as sa

from server.storage.dialects import BigInt, Instant, Json
from server.storage.system import metadata

# One row a job. It is written in the transaction of what wants it done, so that neither is there without the other.
jobs = sa.Table(
    "jobs",
    metadata,
    sa.Column("id", BigInt, primary_key=True, autoincrement=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("key", sa.Text, unique=True),  # the same key is the same job
    sa.Column("args", Json, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),  # queued, running, done, failed, cancelled
    sa.Column("handed", sa.Boolean, nullable=False),  # the engine knows of it
    sa.Column("cancel", sa.Boolean, nullable=False),  # somebody wants it to stop
    sa.Column("attempts", sa.Integer, nullable=False),  # starts since somebody last asked for it
    sa.Column("tries", sa.Integer, nullable=False),  # how often somebody asked for it
    sa.Column("done", sa.BigInteger, nullable=False),
    sa.Column("total", sa.BigInteger, nullable=False),
    sa.Column("result", Json),
    sa.Column("error_zh", sa.Text),
    sa.Column("error_en", sa.Text),
    sa.Column("hint_zh", sa.Text),
    sa.Column("hint_en", sa.Text),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("started_at", Instant),
    sa.Column("finished_at", Instant),
    sa.Index("ix_jobs_state", "state", "id"),
)

# Processes that run jobs, with their sign of life; a dead one's jobs go to another.
job_workers = sa.Table(
    "job_workers",
    metadata,
    sa.Column("executor", sa.Text, primary_key=True),
    sa.Column("host", sa.Text, nullable=False),
    sa.Column("pid", sa.Integer, nullable=False),
    sa.Column("started_at", Instant, nullable=False),
    sa.Column("seen_at", Instant, nullable=False),
)
