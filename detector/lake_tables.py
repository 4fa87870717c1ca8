"""Tables of the lake's book-keeping: batches, and which version of each table is visible."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, String, Table, Text

from alerts.tables import Instant
from detector.tables import metadata

batch = Table(
    "batch",
    metadata,
    Column("batch_id", String(64), primary_key=True),
    Column("table_name", String(64), nullable=False),
    # order of the batches of the whole lake: breaks ties of equal recorded_at
    Column("sequence", Integer, nullable=False, unique=True),
    Column("source_files", Text, nullable=False),
    Column("mapping_hash", String(64)),
    Column("recorded_at", Instant, nullable=False),
    Column("read", BigInteger, nullable=False),
    Column("accepted", BigInteger, nullable=False),
    Column("corrected", BigInteger, nullable=False),
    Column("repeated", BigInteger, nullable=False),
    Column("quarantined", BigInteger, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("finished_at", Instant, nullable=False),
    # versions of the two Delta tables that first hold the rows; empty when none were written
    Column("lake_version", BigInteger),
    Column("quarantine_version", BigInteger),
    # empty for what was filed before names were kept here
    Column("filed_by", String(128)),
    Index("ix_batch_table_recorded", "table_name", "recorded_at"),
)
"""One row per batch that was taken in; `batch_id` is the hash of table, mapping and files."""

lake_pointer = Table(
    "lake_pointer",
    metadata,
    Column("table_name", String(64), primary_key=True),
    Column("version", BigInteger, nullable=False),
)
"""The Delta version readers see; a log ahead of it is an interrupted ingest."""

quarantine_retry = Table(
    "quarantine_retry",
    metadata,
    Column("batch_id", String(64), primary_key=True),
    Column("source_file", String(255), primary_key=True),
    Column("line", BigInteger, primary_key=True),
    Column("retry_batch_id", String(64), nullable=False),
    # whether the corrected row was quarantined again; then it stands in the other batch
    Column("refused", Boolean, nullable=False),
    Column("actor", String(128), nullable=False),
    Column("at", Instant, nullable=False),
    Index("ix_quarantine_retry_batch", "retry_batch_id"),
)
"""Quarantined rows that were sent again, each once; the row as filed stays in the quarantine."""
