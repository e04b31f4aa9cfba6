"""Files of records: what was uploaded and which records use it."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "stored_files",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("thumb", sa.Boolean(), nullable=False),
        sa.Column("object", sa.Text(), nullable=False),
        sa.Column("uploaded_at", sa.DateTime(), nullable=False),
        sa.Column("uploaded_by", sa.Text(), nullable=False),
        sa.Column("attached", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stored_files")),
    )
    op.create_index(op.f("ix_stored_files_digest"), "stored_files", ["digest"])
    op.create_index(
        "ix_stored_files_waiting",
        "stored_files",
        ["uploaded_by", "uploaded_at"],
        sqlite_where=sa.text("NOT attached"),
        postgresql_where=sa.text("NOT attached"),
    )
    op.create_table(
        "file_uses",
        sa.Column("file_id", sa.Text(), nullable=False),
        sa.Column("object", sa.Text(), nullable=False),
        sa.Column("record_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("removed_at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(["file_id"], ["stored_files.id"], name=op.f("fk_file_uses_file_id")),
        sa.PrimaryKeyConstraint("file_id", "object", "record_id", "field", name=op.f("pk_file_uses")),
    )
    op.create_index("ix_file_uses_record", "file_uses", ["object", "record_id"])


def downgrade() -> None:
    op.drop_index("ix_file_uses_record", table_name="file_uses")
    op.drop_table("file_uses")
    op.drop_index("ix_stored_files_waiting", table_name="stored_files", sqlite_where=sa.text("NOT attached"), postgresql_where=sa.text("NOT attached"))
    op.drop_index(op.f("ix_stored_files_digest"), table_name="stored_files")
    op.drop_table("stored_files")
