"""Cases, what belongs to them, what came of their interventions, and leads from elsewhere."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0009"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
NUMBER = sa.String(16)


def _id() -> sa.Column[int]:
    return sa.Column("id", sa.Integer, primary_key=True, autoincrement=True)


def _case() -> sa.Column[str]:
    return sa.Column("case_number", NUMBER, sa.ForeignKey("case_file.number"), nullable=False)


def upgrade() -> None:
    """Creates the tables, all empty."""
    op.create_table(
        "case_counter",
        sa.Column("year", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("last", sa.Integer, nullable=False),
    )
    op.create_table(
        "case_file",
        sa.Column("number", NUMBER, primary_key=True),
        sa.Column("year", sa.Integer, nullable=False),
        sa.Column("serial", sa.Integer, nullable=False),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("unit", sa.String(64)),
        sa.Column("jurisdiction", sa.String(16)),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("outcome", sa.String(24)),
        sa.Column("owner", sa.String(128)),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("opened_by", sa.String(128), nullable=False),
        sa.Column("opened_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.CheckConstraint(
            "state IN ('open', 'in_progress', 'decided', 'closed')", name="case_file_state"
        ),
        sa.CheckConstraint("(state = 'closed') = (outcome IS NOT NULL)", name="case_file_outcome"),
    )
    op.create_index("ux_case_file_serial", "case_file", ["year", "serial"], unique=True)
    op.create_index("ix_case_file_state", "case_file", ["state"])
    _create_parts()
    _create_interventions()
    _create_leads()


def _create_parts() -> None:
    op.create_table(
        "case_party",
        sa.Column("case_number", NUMBER, sa.ForeignKey("case_file.number"), primary_key=True),
        sa.Column("firm_id", sa.String(255), primary_key=True),
        sa.Column("role", sa.String(16), nullable=False),
        sa.CheckConstraint("role IN ('subject', 'complainant', 'witness')", name="case_party_role"),
    )
    op.create_index("ix_case_party_firm", "case_party", ["firm_id"])
    op.create_table(
        "case_alert",
        sa.Column("case_number", NUMBER, sa.ForeignKey("case_file.number"), primary_key=True),
        sa.Column("alert_id", sa.String(64), sa.ForeignKey("alert.id"), primary_key=True),
        sa.Column("added_by", sa.String(128), nullable=False),
        sa.Column("added_at", MOMENT, nullable=False),
    )
    op.create_index("ix_case_alert_alert", "case_alert", ["alert_id"])
    op.create_table(
        "case_task",
        _id(),
        _case(),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("assignee", sa.String(128)),
        sa.Column("due_on", sa.Date),
        sa.Column("done_by", sa.String(128)),
        sa.Column("done_at", MOMENT),
        sa.Column("added_by", sa.String(128), nullable=False),
        sa.Column("added_at", MOMENT, nullable=False),
    )
    op.create_index("ix_case_task_case", "case_task", ["case_number", "id"])
    op.create_table(
        "case_note",
        _id(),
        _case(),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("author", sa.String(128), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
    )
    op.create_index("ix_case_note_case", "case_note", ["case_number", "id"])
    op.create_table(
        "case_event",
        _id(),
        _case(),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("kind", sa.String(24), nullable=False),
        sa.Column("actor", sa.String(128), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("note", sa.Text),
        sa.Column("data", sa.JSON, nullable=False),
        sa.CheckConstraint("actor <> ''", name="case_event_actor"),
    )
    op.create_index("ix_case_event_case", "case_event", ["case_number", "id"])


def _create_interventions() -> None:
    op.create_table(
        "case_intervention",
        _id(),
        _case(),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("decided_on", sa.Date, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("amount", sa.Double),
        sa.Column("currency", sa.String(3)),
        sa.Column("legal_basis", sa.Text, nullable=False),
        sa.Column("added_by", sa.String(128), nullable=False),
        sa.Column("added_at", MOMENT, nullable=False),
        sa.CheckConstraint(
            "kind IN ('order', 'commitment', 'fine', 'guidance')", name="case_intervention_kind"
        ),
        sa.CheckConstraint("amount >= 0", name="case_intervention_amount"),
        sa.CheckConstraint(
            "(amount IS NULL) = (currency IS NULL)", name="case_intervention_currency"
        ),
    )
    op.create_index("ix_case_intervention_case", "case_intervention", ["case_number", "id"])
    op.create_table(
        "case_target",
        _id(),
        sa.Column(
            "intervention_id", sa.Integer, sa.ForeignKey("case_intervention.id"), nullable=False
        ),
        sa.Column("feature", sa.String(80), nullable=False),
        sa.Column("grain", sa.String(32), nullable=False),
        sa.Column("subject_key", sa.Text, nullable=False),
        sa.Column("direction", sa.String(4), nullable=False),
        sa.Column("by_day", sa.Date, nullable=False),
        sa.CheckConstraint("direction IN ('up', 'down')", name="case_target_direction"),
    )
    op.create_index("ix_case_target_intervention_id", "case_target", ["intervention_id"])
    op.create_table(
        "case_follow_up",
        _id(),
        sa.Column("target_id", sa.Integer, sa.ForeignKey("case_target.id"), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("run_id", sa.String(64)),
        sa.Column("verdict", sa.String(16), nullable=False),
        sa.Column("reason", sa.String(32)),
        sa.Column("data", sa.JSON, nullable=False),
        sa.CheckConstraint(
            "verdict IN ('moved', 'no_change', 'against', 'cannot_tell')",
            name="case_follow_up_verdict",
        ),
        sa.CheckConstraint(
            "(verdict = 'cannot_tell') = (reason IS NOT NULL)", name="case_follow_up_reason"
        ),
    )
    op.create_index("ix_case_follow_up_target_id", "case_follow_up", ["target_id"])


def _create_leads() -> None:
    op.create_table(
        "lead",
        sa.Column("alert_id", sa.String(64), sa.ForeignKey("alert.id"), primary_key=True),
        sa.Column("sender", sa.String(64), nullable=False),
        sa.Column("installation", sa.String(200), nullable=False),
        sa.Column("their_case", sa.String(64), nullable=False),
        sa.Column("their_alert", sa.String(64), nullable=False),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.Column("received_by", sa.String(128), nullable=False),
        sa.Column("sent", sa.JSON, nullable=False),
    )
    op.create_index("ux_lead_origin", "lead", ["sender", "their_alert"], unique=True)


def downgrade() -> None:
    """Drops them; alerts that came as leads stay, without their origin."""
    for table in (
        "lead", "case_follow_up", "case_target", "case_intervention", "case_event", "case_note",
        "case_task", "case_alert", "case_party", "case_file", "case_counter",
    ):  # fmt: skip
        op.drop_table(table)
