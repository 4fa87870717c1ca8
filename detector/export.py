"""Writes tables for people: Parquet, CSV, JSON lines or a spreadsheet, whole or not at all."""

from __future__ import annotations

import re
from pathlib import Path

import polars as pl

from detector.whole_files import drafted, require_folder
from features.errors import WardenError

ENDINGS = (".parquet", ".csv", ".jsonl", ".xlsx")
FORMULA_START = r"^(?:[\t\r\n\x00]|\s*[=+\-@＝＋－＠])"
"""What a spreadsheet takes for a formula: also after blanks, and in wide letters."""
AS_TEXT = {"strings_to_formulas": False, "strings_to_urls": False, "nan_inf_to_errors": True}
"""Texts of a spreadsheet stay texts; a link would even lose its first word (`internal:`)."""


def write_table(frame: pl.DataFrame, out: Path) -> None:
    """Writes the frame in the format its ending names, through a temporary file.

    In CSV a text that a spreadsheet would run as a formula is led by an apostrophe (OWASP ASVS
    1.2.10); in XLSX texts are stored as texts. Numbers stay numbers.

    Raises:
        WardenError: `unknown_ending`, or `no_folder` when the target folder does not exist.
    """
    ending = out.suffix.lower()
    if ending not in ENDINGS:
        raise WardenError(
            "unknown_ending",
            f"{out.name} does not end in a known format.",
            f"Use one of {', '.join(ENDINGS)}.",
        )
    require_folder(out)
    with drafted(out) as draft:
        if ending == ".parquet":
            frame.write_parquet(draft)
        elif ending == ".csv":
            disarm(frame).write_csv(draft)
        elif ending == ".jsonl":
            frame.write_ndjson(draft)
        else:
            _write_sheet(frame, draft, out.stem[:31] or "export")


def _write_sheet(frame: pl.DataFrame, path: Path, name: str) -> None:
    from xlsxwriter import Workbook

    with Workbook(path, AS_TEXT) as book:
        frame.write_excel(book, worksheet=name, autofit=False)


def disarmed(text: str) -> str:
    """A text led by an apostrophe where a spreadsheet would take it for a formula."""
    return f"'{text}" if re.search(FORMULA_START, text) else text


def disarm(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with texts that look like spreadsheet formulas led by an apostrophe."""
    return frame.with_columns(
        pl.when(pl.col(c).str.contains(FORMULA_START))
        .then(pl.concat_str(pl.lit("'"), pl.col(c)))
        .otherwise(pl.col(c))
        .alias(c)
        for c, dtype in frame.schema.items()
        if dtype == pl.String
    )
