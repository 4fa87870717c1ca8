"""What few alerts have is found without reading the others: a closing asked for, silence, a tag."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

IN_ORDER = [sa.text("queue_rank DESC"), "id"]
INDEXES = {
    "ix_alert_pending": "pending IS NOT NULL",
    "ix_alert_stale": "stale_since IS NOT NULL",
    "ix_alert_tagged": "tags IS NOT NULL",
}


def upgrade() -> None:
    """Adds an index of each, in the order of the queue."""
    for name, has in INDEXES.items():
        only = sa.text(has)
        op.create_index(name, "alert", IN_ORDER, sqlite_where=only, postgresql_where=only)


def downgrade() -> None:
    """Drops them; every alert is then read to find these."""
    for name in INDEXES:
        op.drop_index(name, "alert")
