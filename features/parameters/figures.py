"""Single figures of law, each with its source, its dates and a mark of verification."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal


@dataclass(frozen=True, slots=True)
class Figure:
    """One number a feature computes with.

    Attributes:
        name: what it limits.
        unit: what is counted.
        verified: seen in a source during the work on the catalogue (its section 9).
        valid_from: first day of the event it applies to.
        valid_to: last day; None while it holds.
        threshold_class: who may change it (catalogue, section 1.1).
    """

    name: str
    value: int
    unit: str
    source: str
    verified: bool
    valid_from: date
    valid_to: date | None = None
    threshold_class: Literal["LEGAL", "GUIDE", "ENG"] = "LEGAL"
