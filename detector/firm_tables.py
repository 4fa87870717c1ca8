"""Tables about firms: one row a firm to search, what was indexed, notes, saved searches, hits."""

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
)

from alerts.tables import Instant
from detector.tables import metadata

firm_entry = Table(
    "firm_entry",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("firm_id", Text, nullable=False, unique=True),
    # to look an id up by its beginning
    Column("folded_id", Text, nullable=False),
    # of the words of this module, by comma: what the filings name it as
    Column("roles", Text, nullable=False),
    Column("name", Text),
    Column("name_zh", Text),
    Column("group_id", Text),
    Column("country", Text),
    Column("sector", Text),
    # whose rules apply to it first, with what that lies in, between commas; null: not filed
    Column("jurisdiction", Text),
    # one a line: earlier names, shops
    Column("aliases", Text, nullable=False),
    # id, names and aliases, one a line, folded (`detector.firm_words.folded`)
    Column("search_text", Text, nullable=False),
    Index(
        "ix_firm_entry_folded",
        "folded_id",
        postgresql_ops={"folded_id": "text_pattern_ops"},
    ),
)
"""What is known by name; made from the filings, so it may be dropped and built again."""

firm_index_state = Table(
    "firm_index_state",
    metadata,
    Column("name", String(16), primary_key=True),
    # version of each table of the lake that was read
    Column("versions", JSON, nullable=False),
    Column("firms", Integer, nullable=False),
    Column("at", Instant, nullable=False),
)
"""Which filings the entries were made from."""

firm_note = Table(
    "firm_note",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("firm_id", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("author", String(128), nullable=False),
    # the case its author worked on
    Column("case", String(64), nullable=False),
    # limits of its author when it was written; empty: none
    Column("units", JSON, nullable=False),
    Column("jurisdictions", JSON, nullable=False),
    Column("at", Instant, nullable=False),
    CheckConstraint("text <> '' AND author <> ''", name="firm_note_said"),
    Index("ix_firm_note_firm", "firm_id", "id"),
)
"""What people who worked on a firm wrote down; never changed."""

saved_search = Table(
    "saved_search",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("name", String(120), nullable=False),
    Column("owner", String(128), nullable=False),
    # `firms` or `alerts`
    Column("about", String(8), nullable=False),
    Column("query", JSON, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("run_at", Instant),
    Column("version", Integer, nullable=False),
    CheckConstraint("about IN ('firms', 'alerts')", name="saved_search_about"),
    CheckConstraint("owner <> '' AND name <> ''", name="saved_search_owner"),
    Index("ix_saved_search_owner", "owner"),
)
"""What a person wants to hear of, and how it is looked for."""

saved_search_hit = Table(
    "saved_search_hit",
    metadata,
    Column("search_id", String(32), ForeignKey("saved_search.id"), primary_key=True),
    # id of the firm or of the alert
    Column("key", String(255), primary_key=True),
    Column("title", JSON, nullable=False),
    # found when the search was saved, so nothing new
    Column("known", Boolean, nullable=False),
    Column("found_at", Instant, nullable=False),
    Column("seen_at", Instant),
    Column("seen_by", String(128)),
    Index("ix_saved_search_hit_found", "search_id", "found_at"),
)
"""What a saved search has found, each thing once."""
