"""What judging an alert again gave."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates `alert_replay`, empty."""
    op.create_table(
        "alert_replay",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("alert_id", sa.String(64), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("differences", sa.Integer, nullable=False),
        sa.Column("data", sa.JSON, nullable=False),
        sa.Column("actor", sa.String(128), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("outcome IN ('identical', 'differs')", name="alert_replay_outcome"),
    )
    op.create_index("ix_alert_replay_alert", "alert_replay", ["alert_id", "id"])


def downgrade() -> None:
    """Drops it; every alert can be judged again."""
    op.drop_table("alert_replay")
