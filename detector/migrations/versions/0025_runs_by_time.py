"""The latest runs are found by an index."""

from __future__ import annotations

from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Indexes runs by when they were planned: one job leaves half a million rows a year."""
    op.create_index("ix_run_planned", "run", ["planned_at"])


def downgrade() -> None:
    """Drops the index; the latest runs are sorted out of all."""
    op.drop_index("ix_run_planned", "run")
