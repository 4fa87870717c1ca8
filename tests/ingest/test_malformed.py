"""Malformed input: a clear error or a quarantine entry each time, and the balance holds."""

from __future__ import annotations

import gzip
import io

import polars as pl
import pytest

from detector.ingest.limits import Limits
from features.errors import WardenError
from tests.ingest.homes import Home, figures

HEADER = "tender_id,bid_id,bidder_id,amount,submitted_at\n"
GOOD = "t1,b1,f1,5,2024-01-01\n"
CHINESE = "".join(f"招标{i},b{i},f1,5,\n" for i in range(20))


def _many(count: int) -> bytes:
    return (HEADER + "".join(f"t{i},b{i},f,{i + 1},\n" for i in range(count))).encode()


WHOLE_FILE_FAULTS = [
    ("empty", "in.csv", b"", "empty_file"),
    ("only blank lines", "in.csv", b"\n \n\n", "empty_file"),
    ("binary", "in.csv", bytes(range(256)) * 40, "binary_file"),
    ("picture", "in.csv", b"\x89PNG\r\n\x1a\n" + bytes(1000), "binary_file"),
    ("duplicate headers", "in.csv", b"tender_id,amount,amount\nt,1,2\n", "duplicate_column"),
    ("missing column", "in.csv", b"tender,amount\nt,1\n", "missing_column"),
    ("other encoding", "in.csv", (HEADER + CHINESE).encode("gb18030"), "wrong_encoding"),
    (
        "header in other encoding",
        "in.csv",
        "编号,amount\nt,1\n".encode("gb18030"),
        "wrong_encoding",
    ),
    ("quote left open", "in.csv", (HEADER + GOOD + '"t2,b2\n' + GOOD).encode(), "unclosed_quote"),
    ("open quote in the last cell", "in.csv", b'tender_id,amount\nt,"1\nu,2\n', "unclosed_quote"),
    ("600 columns", "in.csv", ",".join(f"c{i}" for i in range(600)).encode(), "too_many_columns"),
    ("row of 5 MiB", "in.csv", HEADER.encode() + b"x" * (5 << 20) + b"\n", "row_too_long"),
    ("truncated gzip", "in.csv.gz", gzip.compress(_many(5000))[:-500], "truncated_file"),
    ("not gzip", "in.csv.gz", b"hello", "broken_gzip"),
    ("flipped gzip", "in.csv.gz", gzip.compress(_many(50))[:-6] + b"123456", "broken_gzip"),
    ("spreadsheet", "in.xlsx", b"PK\x03\x04", "unknown_file_type"),
    ("no parquet", "in.parquet", b"PAR1 and then nothing", "unreadable_parquet"),
    ("empty parquet", "in.parquet", b"", "empty_file"),
    ("jsonl without the key", "in.jsonl", b'{"amount": 1}\n', "missing_column"),
    ("jsonl of garbage", "in.jsonl", b"hello\n", "missing_column"),
]


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [fault[1:] for fault in WHOLE_FILE_FAULTS],
    ids=[fault[0] for fault in WHOLE_FILE_FAULTS],
)
def test_whole_file_faults_write_nothing(home: Home, name: str, content: bytes, code: str) -> None:
    with pytest.raises(WardenError) as caught:
        home.load("bids", content, name)
    assert caught.value.code == code
    assert name in caught.value.message
    assert caught.value.hint
    assert len(str(caught.value)) < 600
    assert home.lake.tables() == ()
    assert not (home.path / "lake").exists()
    assert list((home.path / "staging").iterdir()) == []


def test_a_fault_in_the_second_file_undoes_the_first(home: Home) -> None:
    files = [home.file("a.csv", HEADER + GOOD), home.file("b.csv", "")]
    with pytest.raises(WardenError, match=r"b\.csv"):
        home.load_files("bids", files)
    assert home.lake.tables() == ()


def test_folders_and_absent_files(home: Home) -> None:
    with pytest.raises(WardenError) as caught:
        home.load_files("bids", [home.path])
    assert caught.value.code == "not_a_file"
    with pytest.raises(WardenError) as caught:
        home.load_files("bids", [home.path / "nowhere.csv"])
    assert caught.value.code == "file_not_found"
    with pytest.raises(WardenError) as caught:
        home.load_files("bids", [])
    assert caught.value.code == "no_files"


def test_gzip_bombs_are_refused_before_they_fill_the_disk(home: Home) -> None:
    bomb = gzip.compress(HEADER.encode() + GOOD.encode() * 400_000)
    small = Limits(unpacked_bytes=1 << 20)
    with pytest.raises(WardenError) as caught:
        home.load("bids", bomb, "in.csv.gz", limits=small)
    assert caught.value.code == "unpacks_too_large"
    steep = Limits(ratio=20, ratio_from=1 << 16)
    with pytest.raises(WardenError) as caught:
        home.load("bids", bomb, "in.csv.gz", limits=steep)
    assert caught.value.code == "unpacks_too_large"
    assert home.lake.tables() == ()


def test_a_gzip_that_only_claims_two_gigabytes(home: Home) -> None:
    packed = gzip.compress((HEADER + GOOD).encode())
    with pytest.raises(WardenError) as caught:
        home.load("bids", packed[:-4] + (2**31).to_bytes(4, "little"), "in.csv.gz")
    assert caught.value.code == "broken_gzip"


def test_a_parquet_that_unpacks_too_large(home: Home) -> None:
    out = io.BytesIO()
    pl.DataFrame({"tender_id": ["x" * 100_000] * 500}).write_parquet(out)
    assert len(out.getvalue()) < 1 << 20
    with pytest.raises(WardenError) as caught:
        home.load("tenders", out.getvalue(), "in.parquet", limits=Limits(batch_bytes=1 << 20))
    assert caught.value.code == "unpacks_too_large"


def test_lines_that_fit_nowhere_are_one_error(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("detector.ingest.csv_reader.RAGGED_LIMIT", 10)
    with pytest.raises(WardenError) as caught:
        home.load("bids", HEADER + "a,b\n" * 20)
    assert caught.value.code == "ragged_file"
    assert "line 2" in caught.value.message


BAD_ROWS = [
    ("bids", "t1,b,f,-5,", "amount|min_exclusive", "`amount` is -5; an amount must be above zero"),
    ("bids", "t1,b,f,0,", "amount|min_exclusive", "must be above zero"),
    ("bids", "t1,b,f,nan,", "amount|not_number", "'nan', which is not a plain number"),
    ("bids", "t1,b,f,inf,", "amount|not_number", "'inf'"),
    ("bids", "t1,b,f,1e999,", "amount|not_number", "'1e999'"),
    ("bids", 't1,b,f,"1,234.5",', "amount|not_number", "mapping file (`decimal`, `thousands`)"),
    ("bids", "t1,b,f,5,2024-13-45", "submitted_at|not_instant", "'2024-13-45'"),
    ("bids", "t1,b,f,5,2024-02-30", "submitted_at|not_instant", "of the calendar"),
    ("bids", "t1,b,f,5,0000-00-00", "submitted_at|not_instant", "'0000-00-00'"),
    ("bids", "t1,b,f,5,9999-12-31", "submitted_at|not_instant", "'9999-12-31'"),
    ("bids", "t1,b,f,5,31/12/2024", "submitted_at|not_instant", "mapping file (`dates`)"),
    ("bids", "t1,b,f,5,2024-01-01T25:00:00Z", "submitted_at|not_instant", "T25"),
    ("bids", ",b,f,5,", "tender_id|nullability", "`tender_id` is empty; every row must have it"),
    ("bids", '"t\n1",b,f,5,', "tender_id|line_break", "a line break inside"),
    ("bids", "t1,b,f,5", "ragged_row", "4 columns, fewer than the 5"),
    ("bids", "t1,b,f,5,,,", "ragged_row", "7 columns, more than the 5"),
]


@pytest.mark.parametrize(
    ("table", "line", "rule", "words"), BAD_ROWS, ids=[f"{row[1]!r}" for row in BAD_ROWS]
)
def test_a_bad_row_is_quarantined_and_the_good_go_on(
    home: Home, table: str, line: str, rule: str, words: str
) -> None:
    balance = home.load(table, HEADER + GOOD + line + "\nt9,b9,f9,9,\n")
    assert figures(balance) == (3, 2, 0, 0, 1)
    entry = home.lake.quarantine().row(0, named=True)
    assert entry["rule"] == rule
    assert entry["line"] == 3
    assert entry["source_file"] == "in.csv"
    assert entry["table"] == table
    assert entry["message"].startswith("Line 3: ")
    assert words in entry["message"]
    assert "send the line again" in entry["message"]
    assert home.rows(table)["tender_id"].sort().to_list() == ["t1", "t9"]


CHECKED_ROWS = [
    ("tenders", "tender_id,published_at,awarded_at", "t,2024-02-01,2024-01-01", "called"),
    ("tenders", "tender_id,award_rule", "t,highest", "one of lowest, average, best_value"),
    ("tenders", "tender_id,currency", "t,Euro", "three letters"),
    ("market_positions", "market_id,firm_id,period,share", "m,f,2024,1.01", "must be 1 or less"),
    ("market_positions", "market_id,firm_id,period,share", "m,f,2024,-.1", "must be zero or more"),
    ("market_positions", "market_id,firm_id,period,share", "m,f,2024-Q5,.1", "such as 2024"),
    ("market_positions", "market_id,firm_id,period,share", "m,f,2024-13,.1", "such as 2024"),
    ("market_positions", "market_id,firm_id,period,share", "m,f,2024,", "at least one is needed"),
    ("transactions", "tx_id,ts,refund_at", "x,2024-01-05,2024-01-01", "refunded before"),
    ("transactions", "tx_id,ts,qty", "x,2024-01-05,0", "above zero"),
    ("listing_prices", "sku_id,seller_id,ts,net_price", "s,f,2024-01-05,", "both empty"),
    ("apps", "app_id,directed_to_children", "a,maybe", "true or false"),
    ("breach_notifications", "incident_id,persons", "i,3.5", "whole number"),
    ("breach_notifications", "incident_id,persons,sensitive_persons", "i,3,4", "cannot exceed"),
    ("merger_notifications", "deal_id,overlap_market_ids", "d,m1;m2", "JSON list"),
    (
        "merger_notifications",
        "deal_id,notified_on,cleared_on",
        "d,2024-02-01,2024-01-01",
        "cleared",
    ),
    ("ownership", "owner_id,owned_id,pct", "a,b,101", "must be 100 or less"),
    ("ownership", "owner_id,owned_id,from,to", "a,b,2024-02-01,2024-01-01", "began"),
]


@pytest.mark.parametrize(
    ("table", "header", "line", "words"), CHECKED_ROWS, ids=[f"{r[0]}-{r[2]}" for r in CHECKED_ROWS]
)
def test_impossible_filings_are_quarantined(
    home: Home, table: str, header: str, line: str, words: str
) -> None:
    balance = home.load(table, f"{header}\n{line}\n")
    assert figures(balance) == (1, 0, 0, 0, 1)
    (message,) = home.messages()
    assert words in message


def test_one_entry_tells_every_fault_of_a_row(home: Home) -> None:
    home.load("bids", HEADER + ",b1,f1,-5,2024-13-45\n")
    (message,) = home.messages()
    assert all(word in message for word in ("`tender_id`", "`amount` is -5", "'2024-13-45'"))
    # an unreadable value is not also called empty
    assert message.count("is empty") == 1


def test_rows_with_broken_bytes_in_a_sound_file(home: Home) -> None:
    content = (HEADER + CHINESE).encode() + b"t\xff1,x1,f,5,\n\xfe,1\nt1,x2,f1,5,\n"
    balance = home.load("bids", content)
    assert figures(balance) == (23, 21, 0, 0, 2)
    rules = home.lake.quarantine()["rule"].to_list()
    assert rules == ["tender_id|wrong_encoding", "ragged_row"]


def test_zero_bytes_far_inside(home: Home) -> None:
    content = "firm_id,name\n" + "".join(f"f{i},a\n" for i in range(60_000)) + "fx,a\x00b\n"
    assert figures(home.load("firms", content)) == (60_001, 60_000, 0, 0, 1)


def test_endless_cells(home: Home) -> None:
    small = Limits(cell_bytes=1 << 10)
    balance = home.load("firms", f"firm_id,name\nf1,{'x' * 1025}\nf2,{'x' * 1024}\n", limits=small)
    assert figures(balance) == (2, 1, 0, 0, 1)
    assert len(home.lake.quarantine()["row"].item()) < 2000


def test_bad_json_lines(home: Home) -> None:
    lines = [
        '{"tender_id": "t1", "bid_id": "b1", "amount": 5}',
        "{bad",
        "",
        "[1]",
        '{"tender_id": "t1", "bid_id": "b2", "amount": "x"}',
        '{"tender_id": "t1", "bid_id": "b3", "amount": 1e400}',
        "[" * 100_000,
        '{"tender_id": "t1", "bid_id": "b4", "amount": 6.25}',
    ]
    balance = home.load("bids", "\n".join(lines), "in.jsonl")
    assert figures(balance) == (7, 2, 0, 0, 5)
    assert home.lake.quarantine()["line"].to_list() == [2, 4, 5, 6, 7]
    assert home.rows("bids")["amount"].sort().to_list() == [5.0, 6.25]


BAD_MAPPINGS = [
    ("x: 1", "`x`", 1),
    ("constants: {}\nrename: {a: zz}", "no column `zz`", 2),
    ("encoding: nope", "no encoding", 1),
    ("rename: [", "not valid YAML", 1),
    ("rename: *anchor", "not", 1),
    ("units: {award_value: 0}", "above zero", 1),
    ("timezone: Mars/Olympus", "time zone", 1),
    ("rename: {a: tender_id}\nrename: {b: tender_id}", "duplicate", 2),
    ("rename: {a: tender_id, b: tender_id}", "two columns", 1),
    ("decimal: ','\nthousands: ','", "same mark", None),
    ("- 1", "keys and values", 1),
]


@pytest.mark.parametrize(("text", "words", "line"), BAD_MAPPINGS, ids=[m[0] for m in BAD_MAPPINGS])
def test_bad_mappings_name_line_and_cause(
    home: Home, text: str, words: str, line: int | None
) -> None:
    with pytest.raises(WardenError, match=r"mapping\.yaml") as caught:
        home.load("tenders", "tender_id\nt\n", mapping=text)
    assert caught.value.code == "bad_mapping"
    assert words in caught.value.message
    assert line is None or f"line {line}" in caught.value.message
    assert caught.value.hint
