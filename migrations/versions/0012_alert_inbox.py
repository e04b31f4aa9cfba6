"""The inbox of alerts is read in its order.

Revision ID: 0012
Revises: 0011
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

ACTIVE = sa.text("state IN ('open', 'acknowledged', 'in_work', 'snoozed')")


def upgrade() -> None:
    op.drop_index("ix_alerts_state", "alerts")
    op.create_index("ix_alerts_state", "alerts", ["state", "opened_at", "id"])
    op.create_index("ix_alerts_active", "alerts", ["severity", "opened_at", "id"], sqlite_where=ACTIVE, postgresql_where=ACTIVE)
