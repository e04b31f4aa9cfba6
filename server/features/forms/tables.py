"""System tables of forms: what people typed and did not save yet."""

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
