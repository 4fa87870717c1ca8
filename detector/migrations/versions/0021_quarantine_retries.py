"""A batch names who filed it, and quarantined rows remember being sent again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from alerts.tables import Instant

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the name to batches and the table of rows sent again."""
    op.add_column("batch", sa.Column("filed_by", sa.String(128)))
    op.create_table(
        "quarantine_retry",
        sa.Column("batch_id", sa.String(64), primary_key=True),
        sa.Column("source_file", sa.String(255), primary_key=True),
        sa.Column("line", sa.BigInteger, primary_key=True),
        sa.Column("retry_batch_id", sa.String(64), nullable=False),
        sa.Column("refused", sa.Boolean, nullable=False),
        sa.Column("actor", sa.String(128), nullable=False),
        sa.Column("at", Instant, nullable=False),
    )
    op.create_index("ix_quarantine_retry_batch", "quarantine_retry", ["retry_batch_id"])


def downgrade() -> None:
    """Drops both; which rows were sent again is no longer known."""
    op.drop_table("quarantine_retry")
    op.drop_column("batch", "filed_by")
