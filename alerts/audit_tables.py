"""Tables of the audit trail: the entries, where the chain ends, and who the pseudonyms are."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Integer, String, Table, Text

from alerts.tables import metadata

# SQLite counts rows by INTEGER alone
_COUNT = BigInteger().with_variant(Integer, "sqlite")

audit_entry = Table(
    "audit_entry",
    metadata,
    Column("seq", _COUNT, primary_key=True, autoincrement=False),
    # texts, not moments and JSON: they are the very characters that were hashed
    Column("at", String(27), nullable=False),
    Column("actor", String(32), nullable=False),
    Column("action", String(64), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("key", Text, nullable=False),
    Column("data", Text, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    CheckConstraint("actor <> ''", name="audit_entry_actor"),
    Index("ix_audit_entry_actor", "actor", "seq"),
    Index("ix_audit_entry_object", "kind", "key", "seq"),
    Index("ix_audit_entry_at", "at"),
)
"""One row an act or a sensitive read; triggers refuse to change or delete any."""

audit_head = Table(
    "audit_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("seq", _COUNT, nullable=False),
    Column("hash", String(64), nullable=False),
    CheckConstraint("id = 1", name="audit_head_one"),
)
"""The end of the chain, one row; its lock lets one transaction at a time append."""

audit_person = Table(
    "audit_person",
    metadata,
    Column("person", String(32), primary_key=True),
    Column("name", String(128), nullable=False, unique=True),
    Column("salt", String(32), nullable=False),
)
"""Who stands behind a pseudonym. The one table to keep from readers of the log, and the one to
delete from when a person must be forgotten: the entries stay whole."""
