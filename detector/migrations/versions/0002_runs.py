"""Run ledger, publications and the fence tokens are drawn from."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates the tables of `detector.tables` as they stood at this revision."""
    op.create_table(
        "run",
        sa.Column("run_id", sa.String(64), primary_key=True),
        sa.Column("job", sa.String(64), nullable=False),
        sa.Column("slot", sa.String(64), nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("token", sa.BigInteger, nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True)),
        sa.Column("heard_at", sa.DateTime(timezone=True)),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("worker", sa.String(255)),
        sa.Column("planned_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("not_before", sa.DateTime(timezone=True)),
        sa.Column("started_at", sa.DateTime(timezone=True)),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
        sa.Column("inputs_hash", sa.String(128)),
        sa.Column("outputs_hash", sa.String(128)),
        sa.Column("counts", sa.JSON),
        sa.Column("error", sa.Text),
        sa.Column("note", sa.Text),
        sa.UniqueConstraint("job", "slot", name="uq_run_job_slot"),
    )
    op.create_index("ix_run_state_lease", "run", ["state", "lease_until"])
    op.create_table(
        "publication",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("run_id", sa.String(64), nullable=False),
        sa.Column("token", sa.BigInteger, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "fence",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("value", sa.BigInteger, nullable=False),
    )


def downgrade() -> None:
    """Drops them; the history of runs is lost."""
    op.drop_table("fence")
    op.drop_table("publication")
    op.drop_index("ix_run_state_lease", table_name="run")
    op.drop_table("run")
