"""Two more states of an alert, its day, labels, files, and what is asked of others about it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from alembic.operations import BatchOperations

revision = "0009"
down_revision = "0016"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
STATES = ("open", "acknowledged", "in_review", "escalated", "closed")
# spelt out: what an installation says today must not change what this step did
DAYS = {"legal": (60, 45, 30, 14, 7), "screen": (120, 90, 60, 30, 14)}


def upgrade() -> None:
    """Adds the columns, gives every alert its day, and takes the new states in."""
    op.add_column("alert", sa.Column("due_on", sa.Date))
    op.add_column("alert", sa.Column("labels", sa.JSON))
    op.add_column("alert", sa.Column("stale_since", MOMENT))
    op.add_column("alert", sa.Column("pending", sa.JSON))
    _give_days()
    with op.batch_alter_table("alert") as batch:
        batch.alter_column("due_on", existing_type=sa.Date(), nullable=False)
        _states(batch, STATES)
    op.create_index("ix_alert_due", "alert", ["due_on", "id"])
    op.create_index("ix_alert_opened", "alert", ["opened_at", "id"])
    op.create_index("ix_alert_assignee", "alert", ["assignee"])
    _create_tables()


def _states(batch: BatchOperations, states: tuple[str, ...]) -> None:
    listed = ", ".join(f"'{state}'" for state in states)
    batch.drop_constraint("alert_state", type_="check")
    batch.create_check_constraint("alert_state", f"state IN ({listed})")


def _give_days() -> None:
    connection = op.get_bind()
    lite = connection.dialect.name == "sqlite"
    day = (
        "date(opened_at, '+' || :days || ' days')"
        if lite
        else "(opened_at AT TIME ZONE 'UTC')::date + CAST(:days AS integer)"
    )
    change = f"UPDATE alert SET due_on = {day} WHERE lane = :lane AND severity = :severity"  # noqa: S608  nothing of it is data
    for lane, days in DAYS.items():
        for severity, n in enumerate(days, 1):
            values = {"days": n, "lane": lane, "severity": severity}
            connection.execute(sa.text(change), values)


def _create_tables() -> None:
    op.create_table(
        "alert_label",
        sa.Column("label", sa.String(40), primary_key=True),
        sa.Column("alert_id", sa.String(64), sa.ForeignKey("alert.id"), primary_key=True),
    )
    op.create_index("ix_alert_label_alert", "alert_label", ["alert_id"])
    op.create_table(
        "attachment",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("alert_id", sa.String(64), sa.ForeignKey("alert.id"), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("media_type", sa.String(100), nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("added_by", sa.String(128), nullable=False),
        sa.Column("added_at", MOMENT, nullable=False),
        sa.CheckConstraint("size > 0", name="attachment_size"),
    )
    op.create_index("ix_attachment_alert", "attachment", ["alert_id", "id"])
    op.create_table(
        "tuning_request",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("rule_id", sa.String(80), nullable=False),
        sa.Column("rule_version", sa.String(32), nullable=False),
        sa.Column("alert_id", sa.String(64), sa.ForeignKey("alert.id"), nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("asked_by", sa.String(128), nullable=False),
        sa.Column("asked_at", MOMENT, nullable=False),
    )
    op.create_index("ix_tuning_request_rule", "tuning_request", ["rule_id", "id"])


def downgrade() -> None:
    """Drops them; what is in review or escalated was acknowledged, and a closure asked is lost."""
    for table in ("tuning_request", "attachment", "alert_label"):
        op.drop_table(table)
    for index in ("ix_alert_assignee", "ix_alert_opened", "ix_alert_due"):
        op.drop_index(index, "alert")
    moved = "UPDATE alert SET state = 'acknowledged' WHERE state IN ('in_review', 'escalated')"
    op.get_bind().execute(sa.text(moved))
    with op.batch_alter_table("alert") as batch:
        _states(batch, ("open", "acknowledged", "closed"))
        for column in ("due_on", "labels", "stale_since", "pending"):
            batch.drop_column(column)
