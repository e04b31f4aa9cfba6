"""System tables of imports: each run with its file and how far it came, and the rows that were refused or wait for others."""

import sqlalchemy as sa

from server.storage.dialects import BigInt, Instant, Json
from server.storage.system import metadata

# `cursor` moves in the transaction that writes the rows it passes: a run that was cut off goes on at the next row, none is lost and none is doubled.
import_runs = sa.Table(
    "import_runs",
    metadata,
    sa.Column("id", BigInt, primary_key=True, autoincrement=True),
    sa.Column("object", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),  # mapping, trying, tried, running, done, refused, cancelled, failed
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("finished_at", Instant),
    sa.Column("file_name", sa.Text, nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("reading", Json, nullable=False),  # {"kind", "encoding", "delimiter", "sheet"}
    sa.Column("headers", sa.Text, nullable=False),  # fingerprint of the names of the columns
    sa.Column("mapping", Json, nullable=False),  # column -> {"field", "zone", "format", "by"}; "" leaves it out
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("mode", sa.Text, nullable=False),  # insert, update, upsert
    sa.Column("atomic", sa.Boolean, nullable=False),  # all rows or none
    sa.Column("job", BigInt),
    sa.Column("late", sa.Boolean, nullable=False),  # at the rows that waited
    sa.Column("cursor", sa.BigInteger, nullable=False),  # rows of the file passed
    sa.Column("total", sa.BigInteger, nullable=False),  # rows of the file, as far as known
    sa.Column("created", sa.BigInteger, nullable=False),
    sa.Column("updated", sa.BigInteger, nullable=False),
    sa.Column("unchanged", sa.BigInteger, nullable=False),
    sa.Column("rejected", sa.BigInteger, nullable=False),
    sa.Column("trial", Json),  # what the dry run found
    sa.Index("ix_import_runs_object", "object", "id"),
)

# The file as it came, in pieces; in the database, so that every process that may run the job can read it and a backup holds it.
import_parts = sa.Table(
    "import_parts",
    metadata,
    sa.Column("run", BigInt, sa.ForeignKey("import_runs.id"), primary_key=True),
    sa.Column("part", sa.Integer, primary_key=True),
    sa.Column("data", sa.LargeBinary, nullable=False),
)

# `line`: where the row stands in the file. A waiting row refers to a record of the same object that a later row may bring.
import_rows = sa.Table(
    "import_rows",
    metadata,
    sa.Column("run", BigInt, sa.ForeignKey("import_runs.id"), primary_key=True),
    sa.Column("line", BigInt, primary_key=True),
    sa.Column("waiting", sa.Boolean, nullable=False),
    sa.Column("problems", Json, nullable=False),  # [[column, zh, en], ...]
)
