"""Words for what is wrong: with a whole file (an error) or with one row (a quarantine entry)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from features.errors import WardenError

SHOWN = 60
"""Characters of a wrong value shown in a message."""

ADVICE = "Correct it and send the line again."

QUARANTINE = {
    "source_file": pl.String(),
    "line": pl.Int64(),
    "rule": pl.String(),
    "column": pl.String(),
    "value": pl.String(),
    "message": pl.String(),
    "row": pl.String(),
}
"""Columns of a quarantine entry before the batch is known."""

FAULT = {
    "line": pl.Int64(),
    "rule": pl.String(),
    "column": pl.String(),
    "value": pl.String(),
    "says": pl.String(),
}
"""One broken rule of one row; `says` is the part of the sentence after "Line 17: "."""


@dataclass(frozen=True, slots=True)
class LineFault:
    """A line that could not be read as a row at all.

    Attributes:
        says: what is wrong and what would be right, without the line number.
        text: the line as filed, or None when it is not to be kept.
        file: the file it was filed in, where that is not the file being read.
    """

    line: int
    rule: str
    says: str
    text: str | None
    file: str | None = None


def file_error(path: Path, code: str, says: str, hint: str, line: int | None = None) -> WardenError:
    """Error about a whole file: nothing of it is taken in."""
    place = f"{path.name}, line {line}" if line else path.name
    return WardenError(code, f"{place}: {says}", hint)


def shorten(value: str) -> str:
    """The value as shown in a sentence."""
    return value if len(value) <= SHOWN else value[: SHOWN - 1] + "…"
