"""Whose authorities an alert concerns, and what else waits for a second person."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0021"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
STATES = "'waiting', 'approved', 'rejected', 'withdrawn', 'used'"


def upgrade() -> None:
    """Adds whom alerts concern, empty: the next run looks it up in the filings, which no migration
    reads. Until then an alert is within reach of nobody who is limited to jurisdictions."""
    op.add_column("alert", sa.Column("jurisdictions", sa.JSON))
    op.create_index(
        "ix_alert_unplaced",
        "alert",
        ["id"],
        sqlite_where=sa.text("jurisdictions IS NULL"),
        postgresql_where=sa.text("jurisdictions IS NULL"),
    )
    op.create_table(
        "alert_jurisdiction",
        sa.Column("alert_id", sa.String(64), sa.ForeignKey("alert.id"), primary_key=True),
        sa.Column("jurisdiction", sa.String(16), primary_key=True),
    )
    op.add_column("firm_entry", sa.Column("jurisdiction", sa.Text))
    op.execute("DELETE FROM firm_index_state")  # the entries are made again with it
    _create_approvals()


def _create_approvals() -> None:
    op.create_table(
        "approval",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("kind", sa.String(24), nullable=False),
        sa.Column("about", sa.JSON, nullable=False),
        sa.Column("content", sa.String(64), nullable=False),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("case_number", sa.String(64), nullable=False),
        sa.Column("asked_by", sa.String(128), nullable=False),
        sa.Column("asked_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("decided_by", sa.String(128)),
        sa.Column("decided_at", MOMENT),
        sa.Column("note", sa.Text),
        sa.Column("used_at", MOMENT),
        sa.Column("version", sa.Integer, nullable=False),
        sa.CheckConstraint("kind IN ('export', 'reidentification')", name="approval_kind"),
        sa.CheckConstraint(f"state IN ({STATES})", name="approval_state"),
        sa.CheckConstraint("decided_by IS NULL OR decided_by <> asked_by", name="approval_second"),
        sa.CheckConstraint("asked_by <> '' AND purpose <> ''", name="approval_asked"),
    )
    op.create_index("ix_approval_state", "approval", ["state", "id"])


def downgrade() -> None:
    """Drops both; who is limited to jurisdictions sees what everybody else sees again."""
    op.drop_table("approval")
    op.drop_column("firm_entry", "jurisdiction")
    op.drop_table("alert_jurisdiction")
    op.drop_index("ix_alert_unplaced", "alert")
    op.drop_column("alert", "jurisdictions")
