"""The queue is counted by an index."""

from __future__ import annotations

from alembic import op

revision = "0017"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Indexes what the queue is counted by."""
    op.create_index("ix_alert_spread", "alert", ["state", "lane"])


def downgrade() -> None:
    """Drops the index; counting reads every alert again."""
    op.drop_index("ix_alert_spread", "alert")
