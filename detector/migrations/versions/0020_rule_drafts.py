"""Drafts of rules are kept beside what was decided about."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from alerts.tables import Instant

revision = "0020"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the table of drafts."""
    op.create_table(
        "rule_draft",
        sa.Column("rule_id", sa.String(80), primary_key=True),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("content_hash", sa.String(64), nullable=False),
        sa.Column("saved_by", sa.String(128), nullable=False),
        sa.Column("saved_at", Instant, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.CheckConstraint("saved_by <> ''", name="rule_draft_actor"),
    )


def downgrade() -> None:
    """Drops it; what was being written is lost."""
    op.drop_table("rule_draft")
