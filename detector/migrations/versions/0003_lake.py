"""Batches taken in, and which version of each lake table is visible."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_COUNTS = ("read", "accepted", "corrected", "repeated", "quarantined")


def upgrade() -> None:
    """Creates `batch` and `lake_pointer`."""
    op.create_table(
        "batch",
        sa.Column("batch_id", sa.String(64), primary_key=True),
        sa.Column("table_name", sa.String(64), nullable=False),
        sa.Column("sequence", sa.Integer, nullable=False, unique=True),
        sa.Column("source_files", sa.Text, nullable=False),
        sa.Column("mapping_hash", sa.String(64)),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in _COUNTS),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lake_version", sa.BigInteger),
        sa.Column("quarantine_version", sa.BigInteger),
    )
    op.create_index("ix_batch_table_recorded", "batch", ["table_name", "recorded_at"])
    op.create_table(
        "lake_pointer",
        sa.Column("table_name", sa.String(64), primary_key=True),
        sa.Column("version", sa.BigInteger, nullable=False),
    )


def downgrade() -> None:
    """Drops them; the rows in the lake stay."""
    op.drop_table("lake_pointer")
    op.drop_table("batch")
