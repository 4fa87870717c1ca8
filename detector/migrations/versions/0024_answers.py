"""Answers of alerts are kept, and the queue is read and counted off indexes alone."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

FILTERED = ("state", "lane", "typology", "severity", "set_aside", "assignee")
DOWN = sa.text("queue_rank DESC")
INDEXES: dict[str, tuple[list[Any], list[str]]] = {
    "alert_queue": ([DOWN, "id", *FILTERED], ["queue_rank", "id"]),
    "alert_state_queue": (["state", DOWN, "id"], ["state", "queue_rank", "id"]),
    "alert_typology": (
        ["typology", DOWN, "id", "state", "lane", "severity"], ["typology"],
    ),
    "ix_alert_spread": (list(FILTERED), ["state", "lane"]),
}  # fmt: skip
"""Columns after and before."""

FORGET = "DELETE FROM alert_answer WHERE alert_id = NEW.id"
TRIGGERS = {
    "sqlite": (
        f"CREATE TRIGGER alert_answer_stale AFTER UPDATE ON alert BEGIN {FORGET}; END",
    ),
    "postgresql": (
        "CREATE FUNCTION alert_answer_stale() RETURNS trigger LANGUAGE plpgsql AS"
        f" $$ BEGIN {FORGET}; RETURN NULL; END $$",
        "CREATE TRIGGER alert_answer_stale AFTER UPDATE ON alert"
        " FOR EACH ROW EXECUTE FUNCTION alert_answer_stale()",
    ),
}  # fmt: skip


def upgrade() -> None:
    """Creates the table, empty: answers are kept by whoever writes an alert next, and by a server
    for the rest. A change of an alert by anybody forgets its answer."""
    op.create_table(
        "alert_answer",
        sa.Column(
            "alert_id",
            sa.String(64),
            sa.ForeignKey("alert.id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("form", sa.Integer, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("withheld", sa.LargeBinary),
        sa.Column("opened_day", sa.Integer),
        sa.Column("due_day", sa.Integer),
    )
    for statement in TRIGGERS[op.get_bind().dialect.name]:
        op.execute(statement)
    for name, (after, _) in INDEXES.items():
        op.drop_index(name, "alert")
        op.create_index(name, "alert", after)


def downgrade() -> None:
    """Drops the answers; pages are made from the alerts again."""
    for name, (_, before) in INDEXES.items():
        op.drop_index(name, "alert")
        op.create_index(name, "alert", before)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TRIGGER alert_answer_stale ON alert")
        op.execute("DROP FUNCTION alert_answer_stale")
    else:
        op.execute("DROP TRIGGER alert_answer_stale")
    op.drop_table("alert_answer")
