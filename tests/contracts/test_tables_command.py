"""`warden tables`: what a clerk reads and starts from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from detector.cli.main import app
from detector.cli.output import STATE
from features.contracts import CONTRACTS
from features.errors import WardenError

RUN = CliRunner()


def _output(*words: str) -> str:
    result = RUN.invoke(app, words)
    STATE.json = False
    assert result.exit_code == 0, result.output
    return result.stdout


def test_list_names_every_table() -> None:
    listed = json.loads(_output("--json", "tables", "list"))
    assert [row["table"] for row in listed] == list(CONTRACTS)
    bids = next(row for row in listed if row["table"] == "bids")
    assert bids["required"] == "tender_id"
    assert "merchant_presence" in _output("tables", "list")


def test_show_gives_unit_range_and_meaning_of_every_column() -> None:
    shown = json.loads(_output("--json", "tables", "show", "consent_metrics"))
    columns = {c["column"]: c for c in shown["columns"]}
    assert list(columns) == [c.name for c in CONTRACTS["consent_metrics"].columns]
    assert columns["shown"]["unit"] == "dialogues"
    assert columns["shown"]["note"] == "0 or more"
    assert any("nobody answers" in check for check in shown["checks"])
    assert shown["references"] == ["`app_id` in apps"]


def test_show_in_words() -> None:
    text = _output("tables", "show", "bids")
    for words in ("tender_id, lot_id, bidder_id", "stored as a keyed hash", "above 0"):
        assert words in text
    assert "refused" in _output("tables", "show", "tenders")


def test_summary_counts_what_is_in_force(tmp_path: Path) -> None:
    filed, home = tmp_path / "bids.csv", str(tmp_path / "home")
    head = "tender_id,bid_id,bidder_id,amount,contact_hash\n"
    filed.write_text(head + "T1,1,A,5,x\nT1,2,B,,y\nT1,1,A,7,x\n")
    _output("--home", home, "ingest", "bids", str(filed))
    found = json.loads(_output("--home", home, "--json", "tables", "summary", "bids"))
    assert (found["rows"], found["versions"]) == (2, 3)
    columns = {c.pop("column"): c for c in found["columns"]}
    assert columns["amount"] == {"filled": 1, "distinct": 1, "least": 7, "most": 7}
    assert columns["contact_hash"] == {"filled": 2, "distinct": 2, "least": None, "most": None}
    assert columns["won"]["filled"] == columns["won"]["distinct"] == 0
    text = _output("--home", home, "tables", "summary", "bids")
    assert text.startswith("bids: 2 rows in force of 3 versions")
    none = json.loads(_output("--home", home, "--json", "tables", "summary", "tenders"))
    assert (none["rows"], none["versions"]) == (0, 0)


def test_template_is_a_header_line() -> None:
    lines = _output("tables", "template", "transactions").splitlines()
    assert len(lines) == 1
    names = lines[0].split(",")
    assert names[:2] == ["tx_id", "ts"]
    assert "seller_hash" not in names, "computed, never filed"


def test_template_writes_a_file_once(tmp_path: Path) -> None:
    path = tmp_path / "bids.yaml"
    _output("tables", "template", "bids", "--mapping", "--out", str(path))
    assert "#   your amount: amount" in path.read_text()
    result = RUN.invoke(app, ["tables", "template", "bids", "--out", str(path)])
    assert isinstance(result.exception, WardenError)
    assert result.exception.code == "file_exists"
    assert "your amount" in path.read_text()


@pytest.mark.parametrize("command", ["show", "template"])
def test_unknown_table_points_to_the_list(command: str) -> None:
    result = RUN.invoke(app, ["tables", command, "bidz"])
    assert isinstance(result.exception, WardenError)
    assert result.exception.code == "unknown_table"
    assert "`bids`" in result.exception.hint
    assert "warden tables list" in result.exception.hint
