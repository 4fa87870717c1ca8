"""The audit trail: entries in a chain, where it ends, and who the pseudonyms are."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

COUNT = sa.BigInteger().with_variant(sa.Integer, "sqlite")
FIXED = {
    "audit_entry": ("UPDATE", "DELETE"),
    "audit_person": ("UPDATE",),
    "audit_head": ("DELETE",),
}
"""What is refused of the rows of each table; a person may be forgotten, so deleted."""


def upgrade() -> None:
    """Creates `audit_entry`, `audit_head` and `audit_person`; the chain begins empty."""
    op.create_table(
        "audit_entry",
        sa.Column("seq", COUNT, primary_key=True, autoincrement=False),
        sa.Column("at", sa.String(27), nullable=False),
        sa.Column("actor", sa.String(32), nullable=False),
        sa.Column("action", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("data", sa.Text, nullable=False),
        sa.Column("previous", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.CheckConstraint("actor <> ''", name="audit_entry_actor"),
    )
    op.create_index("ix_audit_entry_actor", "audit_entry", ["actor", "seq"])
    op.create_index("ix_audit_entry_object", "audit_entry", ["kind", "key", "seq"])
    op.create_index("ix_audit_entry_at", "audit_entry", ["at"])
    head = op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("seq", COUNT, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.CheckConstraint("id = 1", name="audit_head_one"),
    )
    op.bulk_insert(head, [{"id": 1, "seq": 0, "hash": "0" * 64}])
    op.create_table(
        "audit_person",
        sa.Column("person", sa.String(32), primary_key=True),
        sa.Column("name", sa.String(128), nullable=False, unique=True),
        sa.Column("salt", sa.String(32), nullable=False),
    )
    for table, acts in FIXED.items():
        _refuse(table, acts)


def _refuse(table: str, acts: tuple[str, ...]) -> None:
    if op.get_bind().dialect.name == "sqlite":
        for act in acts:
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
        f"CREATE TRIGGER {table}_fixed BEFORE {' OR '.join(acts)} ON {table} "
        f"FOR EACH ROW EXECUTE FUNCTION {table}_fixed()"
    )
    op.execute(
        f"CREATE TRIGGER {table}_kept BEFORE TRUNCATE ON {table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_fixed()"
    )


def downgrade() -> None:
    """Drops them; what was done is no longer proven."""
    for table in FIXED:
        op.drop_table(table)
        if op.get_bind().dialect.name == "postgresql":
            op.execute(f"DROP FUNCTION {table}_fixed()")
