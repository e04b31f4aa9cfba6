"""Snapshots of metrics, and reviews with what was said and signed."""

import sqlalchemy as sa

from server.storage.dialects import BigInt, Instant, Json
from server.storage.system import metadata

metric_snapshots = sa.Table(
    "metric_snapshots",
    metadata,
    sa.Column("metric", sa.Text, primary_key=True),
    sa.Column("as_of", sa.Date, primary_key=True),
    sa.Column("period", sa.Text, nullable=False),  # the month of as_of: 2026-03
    sa.Column("value", sa.Double),
    sa.Column("target", sa.Double, nullable=False),
    sa.Column("better", sa.Text, nullable=False),
    sa.Column("decimals", sa.Integer, nullable=False),
    sa.Column("numerator", sa.Double),
    sa.Column("denominator", sa.Double),
    sa.Column("release", sa.Integer, nullable=False),
    sa.Column("taken_at", Instant, nullable=False),
)

reviews = sa.Table(
    "reviews",
    metadata,
    sa.Column("id", BigInt, primary_key=True, autoincrement=True),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("period", sa.Text, nullable=False),
    sa.Column("first_day", sa.Date, nullable=False),
    sa.Column("last_day", sa.Date, nullable=False),
    sa.Column("state", sa.Text, nullable=False),  # open, signed
    sa.Column("opened_at", Instant, nullable=False),
    sa.Column("opened_by", sa.Text, nullable=False),
    sa.Column("closed_at", Instant),
    sa.Column("release", sa.Integer, nullable=False),  # its agenda and signers stay those of this release
    sa.Column("frozen", Json),  # what the signers signed: metrics and facts as they were
    sa.UniqueConstraint("key", "period"),
)

review_comments = sa.Table(
    "review_comments",
    metadata,
    sa.Column("id", BigInt, primary_key=True, autoincrement=True),
    sa.Column("review_id", sa.BigInteger, sa.ForeignKey("reviews.id"), nullable=False, index=True),
    sa.Column("item", sa.Text, nullable=False),  # key of a metric or of an agenda item
    sa.Column("at", Instant, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
)

review_signatures = sa.Table(
    "review_signatures",
    metadata,
    sa.Column("review_id", sa.BigInteger, sa.ForeignKey("reviews.id"), primary_key=True),
    sa.Column("role", sa.Text, primary_key=True),  # one signature of each role
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("comment", sa.Text, nullable=False),
    sa.UniqueConstraint("review_id", "by"),  # and each by another person
)
