"""Lives of rules: their texts, what was decided about them, exceptions, and tags of alerts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
FIXED = ("rule_version", "rule_event")
"""Tables of which no row may ever change."""


def upgrade() -> None:
    """Creates `rule_version`, `rule_event` and `rule_exception`, and adds tags to `alert`."""
    _create_version()
    _create_event()
    _create_exception()
    _add_tags()
    for table in FIXED:
        _refuse_changes(table)


def _create_version() -> None:
    op.create_table(
        "rule_version",
        sa.Column("rule_id", sa.String(80), primary_key=True),
        sa.Column("version", sa.String(64), primary_key=True),
        sa.Column("content_hash", sa.String(64), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("source", sa.String(16), nullable=False),
        sa.Column("first_seen", MOMENT, nullable=False),
        sa.CheckConstraint("source IN ('shipped', 'local', 'overlay')", name="rule_version_source"),
    )


def _create_event() -> None:
    op.create_table(
        "rule_event",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("rule_id", sa.String(80), nullable=False),
        sa.Column("version", sa.String(64), nullable=False),
        sa.Column("content_hash", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("actor", sa.String(128), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("note", sa.Text),
        sa.Column("data", sa.JSON, nullable=False),
        sa.CheckConstraint("actor <> ''", name="rule_event_actor"),
        sa.ForeignKeyConstraint(
            ["rule_id", "version"],
            ["rule_version.rule_id", "rule_version.version"],
            name="rule_event_version",
        ),
    )
    op.create_index("ix_rule_event_rule", "rule_event", ["rule_id", "id"])


def _create_exception() -> None:
    op.create_table(
        "rule_exception",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("rule_id", sa.String(80), nullable=False),
        sa.Column("subject_kind", sa.String(32)),
        sa.Column("subject_key", sa.Text),
        sa.Column("first_day", sa.Date),
        sa.Column("last_day", sa.Date),
        sa.Column("expires", sa.Date, nullable=False),
        sa.Column("owner", sa.String(128), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("added_by", sa.String(128), nullable=False),
        sa.Column("added_at", MOMENT, nullable=False),
        sa.Column("needs_second", sa.Boolean, nullable=False),
        sa.Column("approved_by", sa.String(128)),
        sa.Column("approved_at", MOMENT),
        sa.Column("ended_on", sa.Date),
        sa.Column("ended_by", sa.String(128)),
        sa.Column("ended_at", MOMENT),
        sa.Column("version", sa.Integer, nullable=False),
        sa.CheckConstraint("owner <> '' AND reason <> ''", name="rule_exception_owner"),
        sa.CheckConstraint(
            "subject_kind IS NOT NULL OR subject_key IS NOT NULL", name="rule_exception_scope"
        ),
    )
    op.create_index("ix_rule_exception_rule", "rule_exception", ["rule_id"])


def _add_tags() -> None:
    """In place: SQLite would have to make the table anew for more, and events hang on it."""
    op.add_column("alert", sa.Column("tags", sa.JSON))
    op.add_column(
        "alert", sa.Column("set_aside", sa.Boolean, nullable=False, server_default=sa.false())
    )


def _refuse_changes(table: str) -> None:
    if op.get_bind().dialect.name == "sqlite":
        for act in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{act.lower()} BEFORE {act} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is never changed'); END"
            )
        return
    op.execute(
        f"CREATE FUNCTION {table}_fixed() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{table} is never changed'; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {table}_fixed BEFORE UPDATE OR DELETE ON {table} "
        f"FOR EACH ROW EXECUTE FUNCTION {table}_fixed()"
    )


def downgrade() -> None:
    """Drops them; what was decided about rules is lost."""
    with op.batch_alter_table("alert") as batch:
        batch.drop_column("set_aside")
        batch.drop_column("tags")
    op.drop_table("rule_exception")
    op.drop_table("rule_event")
    op.drop_table("rule_version")
    if op.get_bind().dialect.name == "postgresql":
        for table in FIXED:
            op.execute(f"DROP FUNCTION {table}_fixed()")
