"""What reviews taught about the order of the queue, and what an alert says of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates `lesson` and adds `learned` to `alert` in place."""
    op.create_table(
        "lesson",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("conduct", sa.String(64), nullable=False),
        sa.Column("grain", sa.String(32), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("run_id", sa.String(64), nullable=False),
        sa.Column("data", sa.JSON, nullable=False),
    )
    op.create_index("ix_lesson_conduct", "lesson", ["conduct", "grain", "id"])
    op.add_column("alert", sa.Column("learned", sa.JSON))


def downgrade() -> None:
    """Drops them; the queue keeps its order until the next run."""
    with op.batch_alter_table("alert") as batch:
        batch.drop_column("learned")
    op.drop_table("lesson")
