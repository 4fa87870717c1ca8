"""Formulas in filings, names and comments stay texts in every file a spreadsheet opens."""

from __future__ import annotations

import csv
from pathlib import Path

import openpyxl
import polars as pl
import pytest

from detector.bundle.archive import as_csv
from detector.export import write_table
from detector.extracts import extract
from detector.run import run_detection
from detector.system import System
from tests.detector.homes import breaches, file, opened

STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\x00", " =", "＝", "\t @", "{=")
PAYLOADS = (
    *(f"{start}1+1" for start in STARTS), "=cmd|' /C calc'!A0", '=HYPERLINK("http://x.y")',
    "http://x.y/=1", "internal:Sheet1!A1", "external:c:\\x", "mailto:a@b.c",
)  # fmt: skip
DANGEROUS = tuple("=+-@\t\r\n\x00＝＋－＠")
KINDS = ("alerts", "scores", "outcomes", "features:incident", "quarantine")


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> System:
    """An installation with an alert, and rows refused for what stands in them."""
    found = opened(tmp_path_factory.mktemp("market") / "home")
    folder = found.home.parent / "filings"
    file(found, folder, "breach_notifications", breaches())
    from detector.ingest.load import load_files

    path = folder / "bad.csv"
    path.write_text("incident_id,aware_at,persons\n=1+1,=cmd,-5\n", encoding="utf-8")
    balance = load_files(
        home=found.home, engine=found.engine, table="breach_notifications", files=[path],
        mapping=None, recorded_at=found.clock(), progress=None,
    )  # fmt: skip
    assert balance.quarantined == 1
    run_detection(found)
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_every_text_field_of_an_export_stays_text(
    system: System, kind: str, tmp_path: Path
) -> None:
    row = extract(system, kind).head(1)
    texts = [name for name, dtype in row.schema.items() if dtype == pl.String]
    assert row.height == 1 and texts
    frame = pl.concat(
        [row.with_columns(pl.lit(payload).alias(name) for name in texts) for payload in PAYLOADS]
    )
    write_table(frame, tmp_path / "out.csv")
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert len(rows) == len(PAYLOADS)
    for payload, told in zip(PAYLOADS, rows, strict=True):
        for name in texts:
            assert not told[name].lstrip(" ").startswith(DANGEROUS), (name, told[name])
            assert told[name].removeprefix("'") == payload

    write_table(frame, tmp_path / "out.xlsx")
    cells = [
        cell for line in openpyxl.load_workbook(tmp_path / "out.xlsx").active.iter_rows(min_row=2)
        for cell in line if cell.column <= frame.width and frame.columns[cell.column - 1] in texts
    ]  # fmt: skip
    assert len(cells) == len(PAYLOADS) * len(texts)
    assert {cell.data_type for cell in cells} == {"s"}
    assert [cell.coordinate for cell in cells if cell.hyperlink] == []
    kept = {str(cell.value).replace("_x0000_", "\x00") for cell in cells}
    assert {"internal:Sheet1!A1", "mailto:a@b.c", "=1+1", "http://x.y/=1"} <= kept


def test_files_of_a_bundle_keep_formulas_as_text() -> None:
    rows = [{"a": payload, "n": -1.5, "=h": payload} for payload in PAYLOADS]
    text = as_csv(["a", "n", "=h"], rows).decode()
    told = list(csv.reader(text.splitlines(keepends=True)))
    assert told[0] == ["a", "n", "'=h"]
    assert len(told) == len(PAYLOADS) + 1
    for line, payload in zip(told[1:], PAYLOADS, strict=True):
        assert line[1] == "-1.5"
        for cell in (line[0], line[2]):
            assert not cell.lstrip(" ").startswith(DANGEROUS)
            assert cell.removeprefix("'") == payload
