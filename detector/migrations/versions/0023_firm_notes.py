"""Notes on firms."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates `firm_note`, empty."""
    op.create_table(
        "firm_note",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("firm_id", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("author", sa.String(128), nullable=False),
        sa.Column("case", sa.String(64), nullable=False),
        sa.Column("units", sa.JSON, nullable=False),
        sa.Column("jurisdictions", sa.JSON, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("text <> '' AND author <> ''", name="firm_note_said"),
    )
    op.create_index("ix_firm_note_firm", "firm_note", ["firm_id", "id"])


def downgrade() -> None:
    """Drops it, with what was written."""
    op.drop_table("firm_note")
