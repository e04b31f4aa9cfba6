"""Saved views of lists, and changes of many records at once."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "list_views",
        sa.Column("id", BIG, autoincrement=True, nullable=False),
        sa.Column("object", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("shared", sa.Boolean(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_list_views")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_list_views_object", "list_views", ["object", "owner"], unique=False)
    op.create_table(
        "list_view_defaults",
        sa.Column("object", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("view", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["view"], ["list_views.id"], name=op.f("fk_list_view_defaults_view")),
        sa.PrimaryKeyConstraint("object", "holder", name=op.f("pk_list_view_defaults")),
    )
    op.create_table(
        "record_batches",
        sa.Column("id", BIG, autoincrement=True, nullable=False),
        sa.Column("object", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("values", sa.Text(), nullable=False),
        sa.Column("asked", sa.Integer(), nullable=False),
        sa.Column("changed", sa.Integer(), nullable=False),
        sa.Column("refused", sa.Text(), nullable=False),
        sa.Column("undone_at", sa.DateTime(), nullable=True),
        sa.Column("undone", sa.Integer(), nullable=True),
        sa.Column("kept", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_record_batches")),
    )
    op.create_index("ix_record_batches_object", "record_batches", ["object", "id"], unique=False)
    op.create_table(
        "record_batch_items",
        sa.Column("batch", sa.BigInteger(), nullable=False),
        sa.Column("record_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("wrote", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["batch"], ["record_batches.id"], name=op.f("fk_record_batch_items_batch")),
        sa.PrimaryKeyConstraint("batch", "record_id", name=op.f("pk_record_batch_items")),
    )
