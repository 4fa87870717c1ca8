"""Tables of people: accounts, what they are signed in with, and keys of programs."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    true,
)

from alerts.tables import Instant
from detector.tables import metadata

person = Table(
    "person",
    metadata,
    Column("id", String(32), primary_key=True),
    # the name beside every act; never used again for somebody else
    Column("name", String(80), nullable=False, unique=True),
    Column("roles", JSON, nullable=False),
    # empty: no limit by unit, by jurisdiction
    Column("units", JSON, nullable=False),
    Column("jurisdictions", JSON, nullable=False),
    # null for who signs in through the authority's own identity provider only
    Column("password", Text),
    Column("issuer", String(255)),
    Column("subject", String(255)),
    Column("enabled", Boolean, nullable=False, server_default=true()),
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("not_before", Instant),
    Column("version", Integer, nullable=False),
    Column("added_by", String(128), nullable=False),
    Column("added_at", Instant, nullable=False),
    UniqueConstraint("issuer", "subject", name="uq_person_subject"),
    CheckConstraint("name <> ''", name="person_name"),
)
"""Everyone who may act here; an account is disabled, never deleted: its acts keep their name."""

session = Table(
    "session",
    metadata,
    # SHA-256 of what the browser holds: a copy of this table opens no session
    Column("id", String(64), primary_key=True),
    Column("person_id", String(32), ForeignKey("person.id"), nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Index("ix_session_person", "person_id"),
)
"""Browsers that are signed in; a row deleted is a session ended."""

api_key = Table(
    "api_key",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("hash", String(64), nullable=False),
    Column("person_id", String(32), ForeignKey("person.id"), nullable=False),
    Column("title", String(80), nullable=False),
    Column("scopes", JSON, nullable=False),
    Column("added_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("revoked_at", Instant),
    Column("revoked_by", String(128)),
    Index("ix_api_key_person", "person_id"),
)
"""Keys of programs that act for a person; what is kept is a hash, the key is shown once."""

sign_in_attempt = Table(
    "sign_in_attempt",
    metadata,
    # SHA-256 of the state the browser was sent away with
    Column("id", String(64), primary_key=True),
    Column("nonce", String(128), nullable=False),
    Column("verifier", String(128), nullable=False),
    Column("back", Text, nullable=False),
    Column("expires_at", Instant, nullable=False),
)
"""Browsers that are at the identity provider; each row serves once."""
