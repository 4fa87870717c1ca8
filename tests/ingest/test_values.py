"""Text becomes the right values, whatever the file's form, and lines keep their numbers."""

from __future__ import annotations

import gzip
import io
from datetime import UTC, date, datetime

import polars as pl
import pytest

from detector.ingest.limits import Limits
from tests.ingest.homes import Home, figures

TEXTS = {
    "instant": [
        ("2024-03-31", datetime(2024, 3, 31, tzinfo=UTC)),
        ("2024-03-31T14:05:06Z", datetime(2024, 3, 31, 14, 5, 6, tzinfo=UTC)),
        ("2024-03-31T14:05:06z", datetime(2024, 3, 31, 14, 5, 6, tzinfo=UTC)),
        ("2024-03-31 14:05", datetime(2024, 3, 31, 14, 5, tzinfo=UTC)),
        ("2024-03-31T14:05:06.25+08:00", datetime(2024, 3, 31, 6, 5, 6, 250_000, tzinfo=UTC)),
        ("2024-03-31T14:05:06-0130", datetime(2024, 3, 31, 15, 35, 6, tzinfo=UTC)),
        ("2024-03-31T14:05Z", datetime(2024, 3, 31, 14, 5, tzinfo=UTC)),
        ("2024-03-31 14:05:06 UTC", datetime(2024, 3, 31, 14, 5, 6, tzinfo=UTC)),
        ("1880-01-01", datetime(1880, 1, 1, tzinfo=UTC)),
        ("2024-03-31T24:05:06Z", None),
        ("2024-03-31T", None),
        ("20240331", None),
        ("31.03.2024", None),
        ("1799-12-31", None),
    ],
    "number": [
        ("5", 5.0),
        ("-0", 0.0),
        ("+5.50", 5.5),
        (".5", 0.5),
        ("1e3", 1000.0),
        (" 7 ", 7.0),
        ("1 234", None),
        ("12,5", None),
        ("0x10", None),
        ("1_000", None),
        ("infinity", None),
    ],
    "flag": [
        ("TRUE", True),
        ("1", True),
        ("No", False),
        ("是", True),
        ("false", False),
        ("2", None),
    ],
    "whole": [("5", 5), ("5.0", 5), ("1e3", 1000), ("5.5", None), ("9" * 19, None), ("x", None)],
    "date": [
        ("2024-03-31", date(2024, 3, 31)),
        ("2024-03-31T23:59:59-08:00", date(2024, 3, 31)),
        ("2024-03-31T99:00", None),
        ("2024-3-32", None),
    ],
    "period": [
        ("2024", "2024"),
        ("2024.0", "2024"),
        ("2024Q1", "2024-Q1"),
        ("2024-q4", "2024-Q4"),
        ("2024-03", "2024-03"),
        ("2024-03-31", "2024-03-31"),
        ("2024-03-31T00:00:00", "2024-03-31"),
        ("2024-00", None),
        ("2024-3", None),
        ("1700", None),
        ("2024-02-30", None),
    ],
    "list": [('["a", "中"]', '["a", "中"]'), ("[]", "[]"), ('{"a": 1}', None), ("a", None)],
}
COLUMNS = {
    "instant": ("apps", "app_id", "released_at"),
    "number": ("tenders", "tender_id", "estimate"),
    "flag": ("apps", "app_id", "directed_to_children"),
    "whole": ("breach_notifications", "incident_id", "persons"),
    "date": ("merger_notifications", "deal_id", "signed_on"),
    "period": ("market_positions", "market_id", "period"),
    "list": ("merger_notifications", "deal_id", "overlap_market_ids"),
}


@pytest.mark.parametrize("kind", TEXTS)
def test_texts_of_each_kind(home: Home, kind: str) -> None:
    from detector.ingest.casting import cast, clean
    from detector.ingest.mapping import Mapping
    from features.contracts import contract

    table, _, name = COLUMNS[kind]
    column = contract(table).column(name)
    assert column.kind == kind
    texts = pl.Series(name, [text for text, _ in TEXTS[kind]], dtype=pl.String)
    found = cast(clean(texts), column, Mapping())
    assert found.to_list() == [value for _, value in TEXTS[kind]]
    assert found.dtype == column.dtype
    # each alone too: no value may depend on its neighbours
    for text, value in TEXTS[kind]:
        alone = cast(clean(pl.Series(name, [text], dtype=pl.String)), column, Mapping())
        assert alone.to_list() == [value], text


HEADER = "tender_id,bid_id,amount,source\n"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_numbers_are_physical(home: Home, end: str) -> None:
    lines = [
        "tender_id,bid_id,amount,source",
        't1,b1,5,"one',
        "two",
        'three"',
        "",
        "t1,b2,-5,x",
        "t1",
        't1,b3,5,"in a',
        'ragged line",,',
        "t1,b4,-6,x",
        "t1,b5,6,x",
        "t1,b6",
    ]
    balance = home.load("bids", end.join(lines))
    assert figures(balance) == (7, 2, 0, 0, 5)
    assert home.lake.quarantine()["line"].to_list() == [6, 7, 8, 10, 12]
    assert home.rows("bids")["_line"].sort().to_list() == [2, 11]
    assert balance.warnings == ("in.csv: 1 empty lines were skipped",)


def test_line_numbers_hold_over_many_blocks(home: Home) -> None:
    wanted, lines = [], [HEADER.strip()]
    for i in range(3000):
        if i % 7 == 0:
            lines += [f't{i},b{i},1,"a', 'b"']
        elif i % 11 == 0:
            wanted.append(len(lines) + 1)
            lines.append(f"t{i},b{i},-1,x")
        elif i % 13 == 0:
            wanted.append(len(lines) + 1)
            lines.append(f"t{i},b{i}")
        else:
            lines.append(f"t{i},b{i},1,x")
    balance = home.load("bids", "\n".join(lines) + "\n", limits=Limits(block_bytes=997))
    assert home.lake.quarantine()["line"].to_list() == wanted
    assert figures(balance) == (3000, 3000 - len(wanted), 0, 0, len(wanted))
    rows = home.rows("bids")
    for line, tender in rows.select("_line", "tender_id").sample(200, seed=1).iter_rows():
        assert lines[line - 1].startswith(f"{tender},")


def test_the_same_rows_in_every_form_are_the_same_rows(home: Home) -> None:
    frame = pl.DataFrame(
        {
            "deal_id": ["d1", "d2"],
            "signed_on": [date(2024, 1, 2), None],
            "deal_value": [1.5, 2e9],
            "overlap_market_ids": [["m1", "m2"], None],
        }
    )
    as_text = frame.with_columns(pl.Series("overlap_market_ids", ['["m1", "m2"]', None]))
    parquet, packed = io.BytesIO(), io.BytesIO()
    frame.write_parquet(parquet)
    as_text.write_parquet(packed)
    lines = b"\n".join(
        [
            b'{"deal_id":"d1","signed_on":"2024-01-02","deal_value":1.5,'
            b'"overlap_market_ids":["m1","m2"]}',
            b'{"deal_id":"d2","deal_value":2000000000}',
        ]
    )
    csv = as_text.write_csv().encode()
    forms = {
        "a.csv": csv,
        "b.csv.gz": gzip.compress(csv),
        "c.jsonl": lines,
        "d.ndjson.gz": gzip.compress(lines),
        "e.parquet": parquet.getvalue(),
        "f.parquet.gz": gzip.compress(packed.getvalue()),
        "g.csv": "\ufeff".encode() + csv,
        "h.csv": csv.decode().encode("utf-16"),
        "i.csv": as_text.write_csv(separator=";").encode(),
        "j.csv": as_text.write_csv(separator="\t").encode(),
        "k.csv": as_text.write_csv(line_terminator="\r\n").encode(),
    }
    first, *others = forms.items()
    assert figures(home.load("merger_notifications", first[1], first[0])) == (2, 2, 0, 0, 0)
    for name, content in others:
        balance = home.load("merger_notifications", content, name)
        assert figures(balance) == (2, 0, 0, 2, 0), name
        assert not balance.already_known
    assert home.rows("merger_notifications").height == 2


def test_parquet_times_and_numbers(home: Home) -> None:
    out = io.BytesIO()
    pl.DataFrame(
        {
            "incident_id": ["i1", "i2", "i3"],
            "persons": [5.0, None, float("nan")],
            "aware_at": [datetime(2024, 1, 2, 3, 4, 5, 6), None, None],
            "notified_at": [datetime(2024, 1, 2, tzinfo=UTC), None, None],
        }
    ).write_parquet(out)
    balance = home.load("breach_notifications", out.getvalue(), "in.parquet")
    assert figures(balance) == (3, 2, 0, 0, 1)
    row = home.rows("breach_notifications").sort("incident_id").row(0, named=True)
    assert row["persons"] == 5
    assert row["aware_at"] == datetime(2024, 1, 2, 3, 4, 5, 6, tzinfo=UTC)
    assert row["notified_at"] == datetime(2024, 1, 2, tzinfo=UTC)
    # told before it was known: odd, not impossible
    assert balance.warnings == (
        "1 rows: notified before the stated awareness; possible for a precautionary notice, "
        "kept as filed",
    )
    assert "line" not in home.messages()[0].split(":", 1)[1].split("send")[0]
    assert home.lake.quarantine()["line"].to_list() == [3]


def test_a_mapping_turns_a_foreign_file_into_a_canonical_one(home: Home) -> None:
    mapping = """
encoding: gb18030
rename: {编号: tender_id, 金额: award_value, 日期: awarded_at, 规则: award_rule, 截止: deadline_at}
decimal: ","
thousands: "."
units: {award_value: 10000}
dates: {awarded_at: ["%d/%m/%Y", "%d.%m.%Y"], deadline_at: "%Y/%m/%d %H:%M"}
timezone: Asia/Shanghai
values: {award_rule: {最低价: lowest}}
constants: {currency: cny, method: open}
"""
    content = (
        "编号;金额;日期;规则;截止;备注\n"
        "t1;1.234,5;31/12/2023;最低价;2023/12/01 09:30;x\n"
        "t2;7;31.12.2023;LOWEST;;y\n"
    ).encode("gb18030")
    balance = home.load("tenders", content, mapping=mapping)
    assert figures(balance) == (2, 2, 0, 0, 0)
    assert balance.unknown_columns == ("备注",)
    assert balance.warnings == ("in.csv: columns are separated by semicolons",)
    first, second = home.rows("tenders").sort("tender_id").iter_rows(named=True)
    assert first["award_value"] == 12_345_000.0
    assert second["award_value"] == 70_000.0
    assert first["awarded_at"] == second["awarded_at"] == datetime(2023, 12, 31, tzinfo=UTC)
    assert first["deadline_at"] == datetime(2023, 12, 1, 1, 30, tzinfo=UTC)
    assert first["award_rule"] == second["award_rule"] == "lowest"
    assert (first["currency"], first["method"]) == ("CNY", "open")


def test_a_point_is_not_taken_for_a_decimal_mark_when_the_comma_is(home: Home) -> None:
    balance = home.load("tenders", "tender_id;estimate\nt;1.5\n", mapping="decimal: ','")
    assert balance.quarantined == 1


def test_defaults_are_filled_and_unknown_columns_reported(home: Home) -> None:
    balance = home.load("bids", "tender_id,bid_id,amount,price,\nt,b,5,6,7\n")
    assert balance.unknown_columns == ("price", "(no name)")
    assert home.rows("bids")["status"].item() == "valid"
    home.load("data_declarations", "app_id,data_type\na,x\n")
    assert home.rows("data_declarations")["declared"].item() is True
    home.load("observed_flows", "app_id,data_type\na,x\n")
    assert home.rows("observed_flows")["taxonomy"].item() == "traffic"


def test_a_header_without_rows_says_so(home: Home) -> None:
    for content in ("tender_id,amount", "tender_id,amount\r\n\r\n"):
        balance = home.load("bids", content)
        assert figures(balance) == (0, 0, 0, 0, 0)
        assert "in.csv: has a header and no rows" in balance.warnings
    assert home.lake.tables() == ()


def test_columns_that_come_late_in_json_lines(home: Home) -> None:
    lines = [f'{{"tender_id": "t{i}"}}' for i in range(1500)]
    lines.append('{"tender_id": "late", "estimate": 5}')
    home.load("tenders", "\n".join(lines), "in.jsonl")
    late = home.rows("tenders").filter(pl.col("tender_id") == "late")
    assert late["estimate"].item() == 5.0


def test_progress_goes_from_nothing_to_everything(home: Home) -> None:
    from detector.ingest.load import load_files

    told: list[tuple[int, int]] = []
    lines = HEADER + "".join(f"t{i},b{i},5,x\n" for i in range(50_000))
    path = home.file("in.csv", lines)
    load_files(
        home.path,
        home.engine,
        "bids",
        [path],
        progress=lambda done, total: told.append((done, total)),
    )
    assert told == sorted(told)
    assert told[-1] == (len(lines), len(lines))
