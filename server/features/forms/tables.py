"""System tables of forms: what people typed and did not save yet, the public links and what came through them."""

import sqlalchemy as sa

from server.storage.dialects import BigInt, Instant, Json
from server.storage.system import metadata

# One row a person, object, record (0: a new one) and form ("": the standard one). `values` are the posted members
# and rows, not yet validated.
form_drafts = sa.Table(
    "form_drafts",
    metadata,
    sa.Column("id", BigInt, primary_key=True, autoincrement=True),
    sa.Column("username", sa.Text, nullable=False),
    sa.Column("object", sa.Text, nullable=False),
    sa.Column("record_id", BigInt, nullable=False),
    sa.Column("form", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),  # of the record that was being changed
    sa.Column("updated_at", Instant, nullable=False),
    sa.Column("values", Json, nullable=False),
    sa.UniqueConstraint("username", "object", "record_id", "form"),
)

# The token is part of an address that is handed around, so it is kept as it is: it opens one form and nothing else.
form_links = sa.Table(
    "form_links",
    metadata,
    sa.Column("id", BigInt, primary_key=True, autoincrement=True),
    sa.Column("token", sa.Text, nullable=False, unique=True),
    sa.Column("form", sa.Text, nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("preset", Json, nullable=False),  # {reference field: id}
    sa.Column("created_by", sa.Text, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("expires_on", sa.Date),  # the last day
    sa.Column("most", sa.Integer),
    sa.Column("used", sa.Integer, nullable=False),
    sa.Column("revoked_at", Instant),
    sa.Column("revoked_by", sa.Text),
)

# Who sent is known by a digest of the address only, to hold back those who send too often.
form_submissions = sa.Table(
    "form_submissions",
    metadata,
    sa.Column("id", BigInt, primary_key=True, autoincrement=True),
    sa.Column("link_id", BigInt, sa.ForeignKey("form_links.id"), nullable=False),
    sa.Column("sender", sa.Text, nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("record_id", BigInt),  # none: a robot, nothing was saved
    sa.Index("ix_form_submissions_sender", "link_id", "sender", "at"),
)
