"""Table of what waits for a second person and is no decision about an alert."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    CheckConstraint,
    Column,
    Index,
    Integer,
    String,
    Table,
    Text,
)

from alerts.tables import Instant, metadata

approval = Table(
    "approval",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("kind", String(24), nullable=False),
    # what is asked for, as whoever approves reads it
    Column("about", JSON, nullable=False),
    # hash of that, of the purpose and of the case: an approval speaks of nothing else
    Column("content", String(64), nullable=False),
    Column("purpose", Text, nullable=False),
    Column("case_number", String(64), nullable=False),
    Column("asked_by", String(128), nullable=False),
    Column("asked_at", Instant, nullable=False),
    # not approved by then, or not used by then, it is over
    Column("expires_at", Instant, nullable=False),
    Column("state", String(12), nullable=False),
    Column("decided_by", String(128)),
    Column("decided_at", Instant),
    Column("note", Text),
    Column("used_at", Instant),
    Column("version", Integer, nullable=False),
    CheckConstraint("kind IN ('export', 'reidentification')", name="approval_kind"),
    CheckConstraint(
        "state IN ('waiting', 'approved', 'rejected', 'withdrawn', 'used')",
        name="approval_state",
    ),
    # the last word against one person in two roles, whatever the code above says
    CheckConstraint("decided_by IS NULL OR decided_by <> asked_by", name="approval_second"),
    CheckConstraint("asked_by <> '' AND purpose <> ''", name="approval_asked"),
    Index("ix_approval_state", "state", "id"),
)
"""Exports above the limit and re-identifications: asked for, approved by another, used once."""
