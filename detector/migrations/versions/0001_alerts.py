"""Alerts and their events."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# Spelt out, not imported: a later change of the tables must not change this step.
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Creates `alert` and `alert_event`."""
    _create_alert()
    _create_event()


def _create_alert() -> None:
    op.create_table(
        "alert",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("fingerprint", sa.String(64), nullable=False, unique=True),
        sa.Column("typology", sa.String(64), nullable=False),
        sa.Column("subject_kind", sa.String(32), nullable=False),
        sa.Column("subject_key", sa.Text, nullable=False),
        sa.Column("period_start", sa.Date, nullable=False),
        sa.Column("period_end", sa.Date, nullable=False),
        sa.Column("lane", sa.String(8), nullable=False),
        sa.Column("severity", sa.Integer, nullable=False),
        sa.Column("suspicion", sa.Double, nullable=False),
        sa.Column("p_value", sa.Double),
        sa.Column("q_value", sa.Double),
        *(
            sa.Column(name, sa.JSON, nullable=False)
            for name in ("title", "message", "facts", "rules", "models")
        ),
        *(
            sa.Column(name, sa.JSON, nullable=False)
            for name in ("legal_basis", "innocent", "not_checked")
        ),
        sa.Column("snapshot_id", sa.String(128)),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("close_reason", sa.String(16)),
        sa.Column("closed_severity", sa.Integer),
        sa.Column("firing", sa.Boolean, nullable=False),
        sa.Column("assignee", sa.String(128)),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("opened_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("run_id", sa.String(64), nullable=False),
        *(
            sa.Column(name, sa.Double, nullable=False)
            for name in ("priority", "likely", "harm", "urgency", "queue_rank")
        ),
        sa.Column("search_text", sa.Text, nullable=False),
        sa.CheckConstraint("state IN ('open', 'acknowledged', 'closed')", name="alert_state"),
        sa.CheckConstraint(
            "(state = 'closed') = (close_reason IS NOT NULL)", name="alert_close_reason"
        ),
        sa.CheckConstraint("lane IN ('legal', 'screen')", name="alert_lane"),
        sa.CheckConstraint("severity BETWEEN 1 AND 5", name="alert_severity"),
    )
    op.create_index("alert_queue", "alert", ["queue_rank", "id"])
    op.create_index("alert_state_queue", "alert", ["state", "queue_rank", "id"])
    op.create_index("alert_subject", "alert", ["subject_key"])
    op.create_index("alert_typology", "alert", ["typology"])


def _create_event() -> None:
    op.create_table(
        "alert_event",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("alert_id", sa.String(64), sa.ForeignKey("alert.id"), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("kind", sa.String(24), nullable=False),
        sa.Column("actor", sa.String(128), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("run_id", sa.String(64)),
        sa.Column("reason", sa.String(32)),
        sa.Column("note", sa.Text),
        sa.Column("data", sa.JSON, nullable=False),
        sa.CheckConstraint("actor <> ''", name="alert_event_actor"),
    )
    op.create_index("alert_event_alert", "alert_event", ["alert_id", "id"])


def downgrade() -> None:
    """Drops both, and all they remember."""
    op.drop_table("alert_event")
    op.drop_table("alert")
