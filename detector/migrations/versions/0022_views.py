"""People keep views of the queue, and find what they did lately."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from alerts.tables import Instant

revision = "0022"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the table of views, and an index over the acts of a person."""
    op.create_table(
        "queue_view",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("owner", sa.String(128), nullable=False),
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("query", sa.Text, nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.CheckConstraint("owner <> '' AND name <> ''", name="queue_view_owner"),
    )
    op.create_index("ix_queue_view_owner", "queue_view", ["owner"])
    op.create_index("ix_alert_event_actor", "alert_event", ["actor", "id"])


def downgrade() -> None:
    """Drops them; what people kept is lost."""
    op.drop_index("ix_alert_event_actor", "alert_event")
    op.drop_table("queue_view")
