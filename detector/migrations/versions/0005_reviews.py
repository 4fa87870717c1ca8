"""Reviews: how a rank came about, blind alerts, and where they were drawn from."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds `evidence` and `blind` to `alert` in place, and creates `review_draw` and `weights`."""
    op.add_column("alert", sa.Column("evidence", sa.JSON))
    op.add_column(
        "alert", sa.Column("blind", sa.Boolean, nullable=False, server_default=sa.false())
    )
    op.create_table(
        "review_draw",
        sa.Column("alert_id", sa.String(64), sa.ForeignKey("alert.id"), primary_key=True),
        sa.Column("role", sa.String(8), nullable=False),
        sa.Column("slot", sa.String(16), nullable=False),
        sa.Column("grain", sa.String(32), nullable=False),
        sa.Column("population", sa.Integer, nullable=False),
        sa.Column("alerted", sa.Integer, nullable=False),
        sa.Column("probability", sa.Double, nullable=False),
        sa.Column("suspicion", sa.Double),
        sa.Column("run_id", sa.String(64), nullable=False),
        sa.Column("drawn_by", sa.String(128), nullable=False),
        sa.Column("drawn_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("role IN ('sample', 'decoy')", name="review_draw_role"),
        sa.CheckConstraint("probability > 0 AND probability <= 1", name="review_draw_probability"),
    )
    op.create_index("ix_review_draw_slot", "review_draw", ["slot"])
    op.create_table(
        "weights",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("mark", sa.String(16), nullable=False),
        sa.Column("data", sa.JSON, nullable=False),
        sa.Column("run_id", sa.String(64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    )


def downgrade() -> None:
    """Drops them; which alerts were drawn for review is lost."""
    op.drop_table("weights")
    op.drop_table("review_draw")
    with op.batch_alter_table("alert") as batch:
        batch.drop_column("blind")
        batch.drop_column("evidence")
