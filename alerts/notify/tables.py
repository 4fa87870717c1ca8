"""Tables of notices: what happened, who is told, the messages that tell it, and where to."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    true,
)

from alerts.tables import Instant, metadata

notice = Table(
    "notice",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    # names the event: whatever is written twice is told once
    Column("mark", String(160), nullable=False, unique=True),
    Column("kind", String(32), nullable=False),
    Column("about", String(8), nullable=False),
    Column("key", String(64), nullable=False),
    Column("actor", String(128), nullable=False),
    # the one person it is for; null for everybody whom its kind concerns
    Column("person", String(128)),
    Column("at", Instant, nullable=False),
    Column("planned_at", Instant),
    CheckConstraint("about IN ('alert', 'case', 'run', 'webhook')", name="notice_about"),
    Index("ix_notice_planned", "planned_at", "id"),
)
"""Events somebody may want to hear of, written in the transaction of the event."""

message = Table(
    "notice_message",
    metadata,
    # the same however often it is sent: receivers know a repeat by it
    Column("id", String(40), primary_key=True),
    # of a digest: person and hour, so that two workers fill the same one
    Column("mark", String(96), unique=True),
    Column("channel", String(8), nullable=False),
    # id of a person or of an endpoint
    Column("recipient", String(32), nullable=False),
    Column("state", String(12), nullable=False),
    Column("made_at", Instant, nullable=False),
    # when it may be sent; null once nothing more is tried
    Column("due_at", Instant),
    # also the fence: whoever confirms shows the attempt that was handed out
    Column("attempts", Integer, nullable=False),
    # attempts that may have arrived without being confirmed
    Column("doubts", Integer, nullable=False),
    Column("worker", String(255)),
    Column("lease_until", Instant),
    Column("sent_at", Instant),
    Column("error", Text),
    CheckConstraint("channel IN ('email', 'webhook')", name="notice_message_channel"),
    CheckConstraint(
        "state IN ('waiting', 'sending', 'sent', 'unsure', 'dead', 'cancelled')",
        name="notice_message_state",
    ),
    CheckConstraint("doubts BETWEEN 0 AND 2", name="notice_message_doubts"),
    Index("ix_notice_message_due", "state", "due_at"),
)
"""What is sent: one notice to an endpoint, one or several to a person."""

delivery = Table(
    "notice_delivery",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("notice_id", Integer, ForeignKey("notice.id"), nullable=False),
    Column("channel", String(8), nullable=False),
    Column("recipient", String(32), nullable=False),
    Column("message_id", String(40), ForeignKey("notice_message.id"), nullable=False),
    UniqueConstraint("notice_id", "channel", "recipient", name="uq_notice_delivery"),
    Index("ix_notice_delivery_message", "message_id"),
    Index("ix_notice_delivery_recipient", "recipient", "id"),
)
"""That somebody is told of an event: once by each channel, whatever restarts between."""

choice = Table(
    "notice_choice",
    metadata,
    # of a person
    Column("person_id", String(32), primary_key=True),
    Column("email", String(254)),
    Column("language", String(2), nullable=False),
    Column("kinds", JSON, nullable=False),
    Column("least_severity", Integer, nullable=False),
    Column("digest_hour", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Column("changed_at", Instant, nullable=False),
    CheckConstraint("least_severity BETWEEN 1 AND 5", name="notice_choice_severity"),
    CheckConstraint("digest_hour BETWEEN 0 AND 23", name="notice_choice_hour"),
)
"""What each person wants to hear of, and where; without a row nothing is sent."""

webhook = Table(
    "webhook",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("url", String(500), nullable=False),
    # empty: every kind
    Column("kinds", JSON, nullable=False),
    # encrypted with a key outside the database; they must be known to sign with them
    Column("secret", LargeBinary, nullable=False),
    Column("old_secret", LargeBinary),
    Column("old_until", Instant),
    Column("enabled", Boolean, nullable=False, server_default=true()),
    Column("version", Integer, nullable=False),
    Column("added_by", String(128), nullable=False),
    Column("added_at", Instant, nullable=False),
)
"""Endpoints of other programs; a removed one keeps its row, for what was sent to it."""
