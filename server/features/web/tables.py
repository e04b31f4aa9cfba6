"""The system table of writes that were made with a key of the caller's, so that sending one twice does it once."""

import sqlalchemy as sa

from server.storage.dialects import Instant, Json
from server.storage.system import metadata

idempotent_requests = sa.Table(
    "idempotent_requests",
    metadata,
    sa.Column("username", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("at", Instant, nullable=False, index=True),
    sa.Column("digest", sa.String(64), nullable=False),  # of what was asked: method, address, kind of body, body
    sa.Column("status", sa.Integer),  # null only inside the transaction that does the work
    sa.Column("headers", Json),
    sa.Column("body", sa.Text),
)
