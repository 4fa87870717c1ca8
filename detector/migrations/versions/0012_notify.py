"""Notices of what happened, the messages that tell it, what people chose, endpoints of programs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
STATES = "'waiting', 'sending', 'sent', 'unsure', 'dead', 'cancelled'"


def upgrade() -> None:
    """Creates the tables, all empty: what happened before is no news."""
    op.create_table(
        "notice",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("mark", sa.String(160), nullable=False, unique=True),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("about", sa.String(8), nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("actor", sa.String(128), nullable=False),
        sa.Column("person", sa.String(128)),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("planned_at", MOMENT),
        sa.CheckConstraint("about IN ('alert', 'case', 'run', 'webhook')", name="notice_about"),
    )
    op.create_index("ix_notice_planned", "notice", ["planned_at", "id"])
    _create_messages()
    op.create_table(
        "notice_choice",
        sa.Column("person_id", sa.String(32), primary_key=True),
        sa.Column("email", sa.String(254)),
        sa.Column("language", sa.String(2), nullable=False),
        sa.Column("kinds", sa.JSON, nullable=False),
        sa.Column("least_severity", sa.Integer, nullable=False),
        sa.Column("digest_hour", sa.Integer, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("changed_at", MOMENT, nullable=False),
        sa.CheckConstraint("least_severity BETWEEN 1 AND 5", name="notice_choice_severity"),
        sa.CheckConstraint("digest_hour BETWEEN 0 AND 23", name="notice_choice_hour"),
    )
    op.create_table(
        "webhook",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("url", sa.String(500), nullable=False),
        sa.Column("kinds", sa.JSON, nullable=False),
        sa.Column("secret", sa.LargeBinary, nullable=False),
        sa.Column("old_secret", sa.LargeBinary),
        sa.Column("old_until", MOMENT),
        sa.Column("enabled", sa.Boolean, nullable=False, server_default=sa.true()),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("added_by", sa.String(128), nullable=False),
        sa.Column("added_at", MOMENT, nullable=False),
    )


def _create_messages() -> None:
    op.create_table(
        "notice_message",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("mark", sa.String(96), unique=True),
        sa.Column("channel", sa.String(8), nullable=False),
        sa.Column("recipient", sa.String(32), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("due_at", MOMENT),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("doubts", sa.Integer, nullable=False),
        sa.Column("worker", sa.String(255)),
        sa.Column("lease_until", MOMENT),
        sa.Column("sent_at", MOMENT),
        sa.Column("error", sa.Text),
        sa.CheckConstraint("channel IN ('email', 'webhook')", name="notice_message_channel"),
        sa.CheckConstraint(f"state IN ({STATES})", name="notice_message_state"),
        sa.CheckConstraint("doubts BETWEEN 0 AND 2", name="notice_message_doubts"),
    )
    op.create_index("ix_notice_message_due", "notice_message", ["state", "due_at"])
    op.create_table(
        "notice_delivery",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("notice_id", sa.Integer, sa.ForeignKey("notice.id"), nullable=False),
        sa.Column("channel", sa.String(8), nullable=False),
        sa.Column("recipient", sa.String(32), nullable=False),
        sa.Column("message_id", sa.String(40), sa.ForeignKey("notice_message.id"), nullable=False),
        sa.UniqueConstraint("notice_id", "channel", "recipient", name="uq_notice_delivery"),
    )
    op.create_index("ix_notice_delivery_message", "notice_delivery", ["message_id"])
    op.create_index("ix_notice_delivery_recipient", "notice_delivery", ["recipient", "id"])


def downgrade() -> None:
    """Drops them: what waits is not sent, and endpoints and choices are lost."""
    for table in ("notice_delivery", "notice_message", "notice", "notice_choice", "webhook"):
        op.drop_table(table)
