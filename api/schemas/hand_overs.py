"""What another installation handed over, as the interface shows it."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field


class PutAside(BaseModel):
    """A file that holds and was kept."""

    sha256: str


class LookReport(BaseModel):
    """What taking a file in would raise."""

    sha256: str
    sender: str = Field(description="SHA-256 of the public key that signed it")
    installation: str
    case: dict[str, Any]
    parties: list[dict[str, Any]]
    notes: list[dict[str, Any]]
    alerts: list[dict[str, Any]] = Field(description="Those within one's limits, as sent.")
    known: dict[str, str] = Field(
        description="Ids of the alerts here, by id there, that were received before."
    )
    hidden: int = Field(description="Alerts beyond one's limits.")


class ReceivedReport(BaseModel):
    """What came of taking a file in."""

    installation: str
    case: str
    alerts: list[str] = Field(description="Ids of the new alerts.")
    known: int = Field(description="Alerts that were received before.")
