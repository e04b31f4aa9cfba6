"""Keys by which records are found that may be the same."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "duplicate_keys",
        sa.Column("object", sa.Text(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("record_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("object", "field", "key", "record_id", name=op.f("pk_duplicate_keys")),
    )
    op.create_index("ix_duplicate_keys_record", "duplicate_keys", ["object", "record_id"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_duplicate_keys_record", table_name="duplicate_keys")
    op.drop_table("duplicate_keys")
