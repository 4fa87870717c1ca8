"""What few alerts have is found without reading the others: a tag, an owner, a closing asked."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

IN_ORDER = [sa.text("queue_rank DESC"), "id"]
INDEXES: dict[str, tuple[str, list[Any]]] = {
    "ix_alert_pending": ("pending IS NOT NULL", IN_ORDER),
    "ix_alert_stale": ("stale_since IS NOT NULL", IN_ORDER),
    "ix_alert_tagged": ("tags IS NOT NULL", IN_ORDER),
    "ix_alert_assignee": ("assignee IS NOT NULL", ["assignee", "state", "lane"]),
}
"""What they have, and the columns."""


def upgrade() -> None:
    """Adds an index of each, in the order of the queue."""
    op.drop_index("ix_alert_assignee", "alert")
    for name, (has, columns) in INDEXES.items():
        only = sa.text(has)
        op.create_index(name, "alert", columns, sqlite_where=only, postgresql_where=only)


def downgrade() -> None:
    """Drops them; every alert is then read to find these."""
    for name in INDEXES:
        op.drop_index(name, "alert")
    op.create_index("ix_alert_assignee", "alert", ["assignee"])
