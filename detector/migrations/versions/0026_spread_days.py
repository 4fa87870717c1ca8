"""What is due, and what came when, is counted off an index alone."""

from __future__ import annotations

from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

FILTERED = ("state", "lane", "typology", "severity", "set_aside", "assignee")


def upgrade() -> None:
    """Takes the days alerts are filtered by into the index the queue is counted by."""
    op.drop_index("ix_alert_spread", "alert")
    op.create_index("ix_alert_spread", "alert", [*FILTERED, "due_on", "opened_at"])


def downgrade() -> None:
    """Leaves the days out; counting by them reads the alerts again."""
    op.drop_index("ix_alert_spread", "alert")
    op.create_index("ix_alert_spread", "alert", list(FILTERED))
