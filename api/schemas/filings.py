"""Shapes of filings: batches with their balance, tables, the quarantine, jobs."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, Field


class BalanceReport(BaseModel):
    """What became of the rows: read = accepted + corrected + repeated + quarantined."""

    batch_id: str
    table: str
    read: int
    accepted: int = Field(description="new keys")
    corrected: int = Field(description="known keys with other content")
    repeated: int = Field(description="known keys with the same content")
    quarantined: int
    unknown_columns: list[str] = Field(description="kept out")
    warnings: list[str]
    already_known: bool = Field(description="the same bytes were taken in before")


class BatchReport(BaseModel):
    """One batch."""

    batch_id: str
    table: str
    source_files: list[str]
    recorded_at: datetime
    filed_by: str | None
    read: int
    accepted: int
    corrected: int
    repeated: int
    quarantined: int
    waiting: int = Field(description="quarantined rows nobody has sent again")
    retry_of: str | None = Field(description="batch whose quarantined rows these are, corrected")


class BatchPage(BaseModel):
    """Batches, the newest first."""

    items: list[BatchReport]
    next_cursor: str | None = Field(description="opaque; null on the last page")


class TableReport(BaseModel):
    """What was filed into one canonical table."""

    table: str = Field(examples=["bids"])
    title: str
    batches: int
    rows: int = Field(description="rows in force")
    versions: int = Field(description="rows with their corrections")
    quarantined: int
    waiting: int
    last_at: datetime | None
    usual_gap: float | None = Field(description="days between filings; null for too few to tell")
    expected_on: datetime | None
    late_days: float
    rules: int = Field(description="active rules that read it")


class TableReports(BaseModel):
    """Every canonical table."""

    items: list[TableReport]


class RejectedRow(BaseModel):
    """One quarantined row."""

    batch_id: str
    table: str
    source_file: str
    line: int
    rule: str
    column: str | None
    value: str | None = Field(description="withheld for persons")
    message: str
    row: dict[str, str | None] | None = Field(description="null for a line that is no row")
    retry_batch_id: str | None
    refused: bool = Field(description="whether it was quarantined again there")


class RejectedPage(BaseModel):
    """Quarantined rows in the order they were filed."""

    items: list[RejectedRow]
    total: int
    next_cursor: str | None = Field(description="opaque; null on the last page")


class Correction(BaseModel):
    """New values of one quarantined row; columns not named stay as they were filed."""

    source_file: str = Field(max_length=255)
    line: int = Field(ge=1, lt=2**62)
    values: dict[str, str] = Field(min_length=1, max_length=512)


class Corrections(BaseModel):
    """Rows to send again."""

    rows: list[Correction] = Field(min_length=1, max_length=1000)


class RetriedReport(BaseModel):
    """What became of corrected rows."""

    balance: BalanceReport
    sent: int
    unchanged: int
    refused: int = Field(description="sent rows that are quarantined again")
