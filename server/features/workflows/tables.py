"""Where each record stands in its workflow, and how it came there."""

import sqlalchemy as sa

from server.storage.dialects import BigInt, Instant
from server.storage.system import metadata

workflow_instances = sa.Table(
    "workflow_instances",
    metadata,
    sa.Column("id", BigInt, primary_key=True, autoincrement=True),
    sa.Column("object", sa.Text, nullable=False),
    sa.Column("record_id", sa.BigInteger, nullable=False),
    sa.Column("workflow", sa.Text, nullable=False),
    sa.Column("release", sa.Integer, nullable=False),  # its document stays that of this release
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("final", sa.Boolean, nullable=False),
    sa.Column("entered_at", Instant, nullable=False),
    sa.Column("due_at", Instant),
    sa.Column("started_at", Instant, nullable=False),
    sa.Column("started_by", sa.Text, nullable=False),
    sa.Column("asked_by", sa.Text),  # who took it out of its first state
    sa.Column("submitted_by", sa.Text),  # who last moved it into an approval state
    sa.Column("step", sa.Integer, nullable=False),  # goes up with each transition: of two at once, one finds it moved
    sa.UniqueConstraint("object", "record_id", "workflow"),
    sa.Index("ix_workflow_instances_state", "workflow", "state"),
)

workflow_steps = sa.Table(
    "workflow_steps",
    metadata,
    sa.Column("id", BigInt, primary_key=True, autoincrement=True),
    sa.Column("instance_id", sa.BigInteger, sa.ForeignKey("workflow_instances.id"), nullable=False),
    sa.Column("step", sa.Integer, nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("from", sa.Text, nullable=False),
    sa.Column("to", sa.Text, nullable=False),
    sa.Column("transition", sa.Text, nullable=False),
    sa.Column("comment", sa.Text, nullable=False),
    sa.UniqueConstraint("instance_id", "step"),
)
