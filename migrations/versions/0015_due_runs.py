"""Runs that work out only who is due since an earlier one.

Revision ID: 0015
Revises: 0014
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("assessment_runs", sa.Column("since", sa.DateTime(), nullable=True))
    op.add_column("assessment_runs", sa.Column("zone", sa.Text(), nullable=False, server_default=""))  # of earlier runs unknown: none goes on from them
