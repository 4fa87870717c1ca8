"""Tables of cases: the case, what belongs to it, every event, and leads that others handed over."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    CheckConstraint,
    Column,
    Date,
    Double,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
)

from alerts.tables import Instant, metadata

NUMBER = String(16)

case_counter = Table(
    "case_counter",
    metadata,
    Column("year", Integer, primary_key=True, autoincrement=False),
    Column("last", Integer, nullable=False),
)
"""The last serial number given out in a year; who opens a case holds its row."""

case_file = Table(
    "case_file",
    metadata,
    Column("number", NUMBER, primary_key=True),
    Column("year", Integer, nullable=False),
    Column("serial", Integer, nullable=False),
    Column("title", String(200), nullable=False),
    # who may see it: people limited to units or jurisdictions see only cases of these
    Column("unit", String(64)),
    Column("jurisdiction", String(16)),
    Column("state", String(16), nullable=False),
    Column("outcome", String(24)),
    Column("owner", String(128)),
    Column("version", Integer, nullable=False),
    Column("opened_by", String(128), nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    CheckConstraint(
        "state IN ('open', 'in_progress', 'decided', 'closed')", name="case_file_state"
    ),
    CheckConstraint("(state = 'closed') = (outcome IS NOT NULL)", name="case_file_outcome"),
    Index("ux_case_file_serial", "year", "serial", unique=True),
    Index("ix_case_file_state", "state"),
)

case_party = Table(
    "case_party",
    metadata,
    Column("case_number", NUMBER, ForeignKey("case_file.number"), primary_key=True),
    Column("firm_id", String(255), primary_key=True),
    Column("role", String(16), nullable=False),
    CheckConstraint("role IN ('subject', 'complainant', 'witness')", name="case_party_role"),
    Index("ix_case_party_firm", "firm_id"),
)

case_alert = Table(
    "case_alert",
    metadata,
    Column("case_number", NUMBER, ForeignKey("case_file.number"), primary_key=True),
    Column("alert_id", String(64), ForeignKey("alert.id"), primary_key=True),
    Column("added_by", String(128), nullable=False),
    Column("added_at", Instant, nullable=False),
    Index("ix_case_alert_alert", "alert_id"),
)

case_task = Table(
    "case_task",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("case_number", NUMBER, ForeignKey("case_file.number"), nullable=False),
    Column("text", Text, nullable=False),
    Column("assignee", String(128)),
    Column("due_on", Date),
    Column("done_by", String(128)),
    Column("done_at", Instant),
    Column("added_by", String(128), nullable=False),
    Column("added_at", Instant, nullable=False),
    Index("ix_case_task_case", "case_number", "id"),
)

case_note = Table(
    "case_note",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("case_number", NUMBER, ForeignKey("case_file.number"), nullable=False),
    Column("text", Text, nullable=False),
    Column("author", String(128), nullable=False),
    Column("at", Instant, nullable=False),
    Index("ix_case_note_case", "case_number", "id"),
)

case_event = Table(
    "case_event",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("case_number", NUMBER, ForeignKey("case_file.number"), nullable=False),
    # of the case once this has happened; what changes nothing keeps it
    Column("version", Integer, nullable=False),
    Column("kind", String(24), nullable=False),
    Column("actor", String(128), nullable=False),
    Column("at", Instant, nullable=False),
    Column("note", Text),
    Column("data", JSON, nullable=False),
    CheckConstraint("actor <> ''", name="case_event_actor"),
    Index("ix_case_event_case", "case_number", "id"),
)

case_intervention = Table(
    "case_intervention",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("case_number", NUMBER, ForeignKey("case_file.number"), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("decided_on", Date, nullable=False),
    Column("text", Text, nullable=False),
    Column("amount", Double),
    Column("currency", String(3)),
    Column("legal_basis", Text, nullable=False),
    Column("added_by", String(128), nullable=False),
    Column("added_at", Instant, nullable=False),
    CheckConstraint(
        "kind IN ('order', 'commitment', 'fine', 'guidance')", name="case_intervention_kind"
    ),
    CheckConstraint("amount >= 0", name="case_intervention_amount"),
    CheckConstraint("(amount IS NULL) = (currency IS NULL)", name="case_intervention_currency"),
    Index("ix_case_intervention_case", "case_number", "id"),
)

case_target = Table(
    "case_target",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column(
        "intervention_id", Integer, ForeignKey("case_intervention.id"), nullable=False, index=True
    ),
    Column("feature", String(80), nullable=False),
    Column("grain", String(32), nullable=False),
    Column("subject_key", Text, nullable=False),
    Column("direction", String(4), nullable=False),
    Column("by_day", Date, nullable=False),
    CheckConstraint("direction IN ('up', 'down')", name="case_target_direction"),
)
"""What an intervention is to move."""

case_follow_up = Table(
    "case_follow_up",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("target_id", Integer, ForeignKey("case_target.id"), nullable=False, index=True),
    Column("at", Instant, nullable=False),
    # the run whose results were looked at; null before the first
    Column("run_id", String(64)),
    Column("verdict", String(16), nullable=False),
    Column("reason", String(32)),
    Column("data", JSON, nullable=False),
    CheckConstraint(
        "verdict IN ('moved', 'no_change', 'against', 'cannot_tell')", name="case_follow_up_verdict"
    ),
    CheckConstraint(
        "(verdict = 'cannot_tell') = (reason IS NOT NULL)", name="case_follow_up_reason"
    ),
)
"""What became of a target, one row each time that something else was found than before."""

lead = Table(
    "lead",
    metadata,
    Column("alert_id", String(64), ForeignKey("alert.id"), primary_key=True),
    # who sent it: the hash of the public key, and the name it gave itself
    Column("sender", String(64), nullable=False),
    Column("installation", String(200), nullable=False),
    Column("their_case", String(64), nullable=False),
    Column("their_alert", String(64), nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("received_by", String(128), nullable=False),
    # the alert as it was sent, with what judged it there
    Column("sent", JSON, nullable=False),
    Index("ux_lead_origin", "sender", "their_alert", unique=True),
)
"""Alerts that another installation handed over; no run touches them."""
