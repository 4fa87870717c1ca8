"""The long-run budget of false alarms: its ledger, and what each alert says about it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates `wealth_batch` and adds `budget` to `alert` in place."""
    op.create_table(
        "wealth_batch",
        sa.Column("stream", sa.String(160), primary_key=True),
        sa.Column("batch", sa.String(96), primary_key=True),
        sa.Column("place", sa.Integer, nullable=False),
        sa.Column("granted", sa.Double, nullable=False),
        sa.Column("level", sa.Double, nullable=False),
        sa.Column("tests", sa.Integer, nullable=False),
        sa.Column("found", sa.Integer, nullable=False),
        sa.Column("most", sa.Integer, nullable=False),
        sa.Column("run_id", sa.String(64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.UniqueConstraint("stream", "place", name="uq_wealth_batch_place"),
        sa.CheckConstraint("level >= 0 AND tests > 0", name="wealth_batch_level"),
    )
    op.add_column("alert", sa.Column("budget", sa.JSON))


def downgrade() -> None:
    """Drops them; what was spent is forgotten."""
    with op.batch_alter_table("alert") as batch:
        batch.drop_column("budget")
    op.drop_table("wealth_batch")
