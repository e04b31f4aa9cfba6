"""System tables of releases and drafts. Documents are kept once by their content, a release is a list of them."""

import sqlalchemy as sa

from server.storage.dialects import Instant
from server.storage.system import metadata

documents = sa.Table(
    "documents",
    metadata,
    sa.Column("digest", sa.String(64), primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("body", sa.Text, nullable=False),  # JSON text as the author ordered it: the order of fields is the order of the form
)

releases = sa.Table(
    "releases",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("parent", sa.Integer, nullable=False),  # the release it replaced; 0 for the first
    sa.Column("restored", sa.Integer),  # a rollback: the release whose documents it took
    sa.Column("digest", sa.String(64), nullable=False),  # of the whole set
    sa.Column("language", sa.Integer, nullable=False, server_default="1"),  # version of the expression language it was written for
)

release_documents = sa.Table(
    "release_documents",
    metadata,
    sa.Column("release", sa.Integer, sa.ForeignKey("releases.id"), primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("digest", sa.String(64), sa.ForeignKey("documents.digest"), nullable=False),
)

# One shared draft: what differs from the live release, document by document.
drafts = sa.Table(
    "drafts",
    metadata,
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("body", sa.Text),  # null: the document is to be removed
    sa.Column("base_digest", sa.String(64)),  # the live document when the draft began; null: there was none
    sa.Column("updated_at", Instant, nullable=False),
    sa.Column("updated_by", sa.Text, nullable=False),
)
