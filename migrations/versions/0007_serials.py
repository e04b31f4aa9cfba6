"""Serial numbers are counted by period."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def _counters(name, *, period):
    columns = [sa.column(c) for c in ("object", "field", *(("period",) if period else ()), "next")]
    return sa.table(name, *columns)


def upgrade() -> None:
    op.create_table('record_serials',
    sa.Column('object', sa.Text(), nullable=False),
    sa.Column('field', sa.Text(), nullable=False),
    sa.Column('period', sa.Text(), nullable=False),
    sa.Column('next', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('object', 'field', 'period', name=op.f('pk_record_serials'))
    )
    old, new = _counters('record_numbers', period=False), _counters('record_serials', period=True)
    kept = sa.select(old.c.object, old.c.field, sa.literal(''), old.c.next)
    op.execute(new.insert().from_select(['object', 'field', 'period', 'next'], kept))
    op.drop_table('record_numbers')


def downgrade() -> None:
    op.create_table('record_numbers',
    sa.Column('object', sa.Text(), nullable=False),
    sa.Column('field', sa.Text(), nullable=False),
    sa.Column('next', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('object', 'field', name=op.f('pk_record_numbers'))
    )
    old, new = _counters('record_numbers', period=False), _counters('record_serials', period=True)
    kept = sa.select(new.c.object, new.c.field, sa.func.max(new.c.next)).group_by(new.c.object, new.c.field)
    op.execute(old.insert().from_select(['object', 'field', 'next'], kept))
    op.drop_table('record_serials')
