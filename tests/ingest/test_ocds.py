"""Open contracting data: packages, records, lines; versions, lots, consortia; faults by line."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from typing import Any

import polars as pl
import pytest

from detector.ingest.limits import Limits
from detector.ingest.load import Balance
from detector.ingest.ocds import load_ocds
from features.errors import WardenError
from tests.conftest import shared_data
from tests.ingest.homes import Home, figures

CALL: dict[str, Any] = {
    "ocid": "ocds-x-1",
    "id": "1",
    "date": "2026-01-05T10:00:00Z",
    "tag": ["tender"],
    "buyer": {"id": "CITY"},
    "parties": [
        {"id": "CITY", "roles": ["buyer"], "address": {"region": "North"}},
        {"id": "ALFA", "name": "Alfa", "roles": ["tenderer"], "contactPoint": {"email": "a@x.y"}},
    ],
    "tender": {
        "id": "T",
        "value": {"amount": 100, "currency": "EUR"},
        "procurementMethod": "open",
        "mainProcurementCategory": "works",
        "awardCriteria": "priceOnly",
        "tenderPeriod": {"startDate": "2026-01-05T10:00:00Z", "endDate": "2026-02-01T12:00:00Z"},
        "items": [{"id": 1, "classification": {"scheme": "CPV", "id": "45233141"}}],
    },
}
AMENDED: dict[str, Any] = {
    "ocid": "ocds-x-1",
    "id": "2",
    "date": "2026-01-20T10:00:00+01:00",
    "tag": ["tenderAmendment"],
    "tender": {"id": "T", "tenderPeriod": {"endDate": "2026-02-10T12:00:00Z"}},
}
AWARDED: dict[str, Any] = {
    "ocid": "ocds-x-1",
    "id": "3",
    "date": "2026-03-01",
    "tag": ["award"],
    "bids": {
        "details": [
            {"id": "b1", "status": "valid", "value": {"amount": 90.5, "currency": "EUR"},
             "date": "2026-02-09T08:00:00Z", "tenderers": [{"id": "ALFA"}]},
            {"id": "b2", "status": "disqualified", "tenderers": [{"id": "BETA"}]},
            {"id": "b3", "status": "invited", "tenderers": [{"id": "GAMMA"}]},
        ]
    },
    "awards": [
        {"id": "a0", "status": "cancelled", "suppliers": [{"id": "BETA"}]},
        {"id": "a1", "status": "active", "date": "2026-03-01", "suppliers": [{"id": "ALFA"}],
         "value": {"amount": 90.5, "currency": "EUR"}},
    ],
}  # fmt: skip


def _load(home: Home, name: str, content: object, **more: Any) -> dict[str, Balance]:
    raw = content if isinstance(content, bytes) else json.dumps(content, indent=1).encode()
    path = home.file(name, raw)
    return {b.table: b for b in load_ocds(home.path, home.engine, [path], **more)}


def _lines(*values: object) -> bytes:
    return "\n".join(v if isinstance(v, str) else json.dumps(v) for v in values).encode()


SHAPES = {
    "release package": ("p.json", {"releases": [AWARDED, CALL, AMENDED]}),
    "record package": ("p.json", {"records": [
        {"ocid": "ocds-x-1", "releases": [AMENDED, CALL, AWARDED]}]}),
    "lines": ("p.jsonl", _lines(AMENDED, AWARDED, CALL)),
    "packages in lines": ("p.jsonl", _lines({"releases": [CALL, AWARDED]}, AMENDED)),
    "lines named json": ("p.json", _lines(CALL, AMENDED, AWARDED)),
    "packed": ("p.jsonl.gz", gzip.compress(_lines(CALL, AMENDED, AWARDED))),
    "list": ("p.json", [CALL, AMENDED, AWARDED]),
}  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
def test_releases_become_versions_in_the_order_of_their_dates(home: Home, shape: str) -> None:
    balances = _load(home, *SHAPES[shape])
    assert figures(balances["tenders"]) == (3, 1, 2, 0, 0)
    assert figures(balances["bids"]) == (2, 2, 0, 0, 0)
    assert figures(balances["firms"]) == (1, 1, 0, 0, 0)
    assert "1 invitations are no bids and were left out" in balances["tenders"].warnings
    (row,) = home.rows("tenders").to_dicts()
    assert (row["tender_id"], row["lot_id"], row["buyer_id"]) == ("ocds-x-1", None, "CITY")
    assert (row["category"], row["kind"], row["method"]) == ("45233141", "works", "open")
    assert (row["estimate"], row["currency"], row["award_rule"]) == (100.0, "EUR", "lowest")
    assert row["region"] == "North"
    assert str(row["deadline_at"])[:16] == "2026-02-10 12:00"
    assert (row["winner_id"], row["award_value"]) == ("ALFA", 90.5)
    history = home.lake.history("tenders", {"tender_id": "ocds-x-1", "lot_id": None}).collect()
    assert history.height == 3
    bids = home.rows("bids").sort("bid_id")
    assert bids["bid_id"].to_list() == ["ocds-x-1/b1", "ocds-x-1/b2"]
    assert bids["status"].to_list() == ["valid", "disqualified"]
    assert bids["won"].to_list() == [True, False]
    contact = bids["contact_hash"][0]
    assert contact != "a@x.y"
    assert len(contact) == 32


def test_the_same_bytes_change_nothing(home: Home) -> None:
    package = {"releases": [CALL, AMENDED, AWARDED]}
    _load(home, "p.json", package)
    again = _load(home, "p.json", package)
    assert {b.already_known for b in again.values()} == {True}
    assert figures(again["tenders"]) == (3, 0, 0, 3, 0)
    other = _load(home, "q.jsonl", _lines({**AWARDED, **CALL, **AWARDED, "tag": ["compiled"],
                                            "tender": {**CALL["tender"], "tenderPeriod": {
                                                "startDate": "2026-01-05T10:00:00Z",
                                                "endDate": "2026-02-10T12:00:00Z"}}}))  # fmt: skip
    assert figures(other["tenders"]) == (1, 0, 0, 1, 0)
    assert figures(other["bids"]) == (2, 0, 0, 2, 0)


def test_a_later_part_keeps_what_was_known(home: Home) -> None:
    _load(home, "call.json", CALL)
    home.load("firms", "firm_id,name,turnover_world,currency\nALFA,Alfa,5,EUR\n")
    later = _load(home, "award.json", {**AWARDED, "parties": CALL["parties"]})
    assert figures(later["tenders"])[:3] == (1, 0, 1)
    (row,) = home.rows("tenders").to_dicts()
    assert (row["winner_id"], row["estimate"], row["method"]) == ("ALFA", 100.0, "open")
    firms = home.rows("firms").filter(pl.col("firm_id") == "ALFA")
    assert firms["turnover_world"].to_list() == [5.0]
    # a whole statement is taken at its word, unless a later release is known
    whole = {**CALL, "tag": ["compiled"]}
    assert figures(_load(home, "old.json", whole)["tenders"]) == (1, 0, 0, 1, 0)
    _load(home, "all.json", whole | {"date": "2026-03-02T00:00:00Z"})
    assert home.rows("tenders")["winner_id"].to_list() == [None]


def _versions(home: Home) -> list[str]:
    history = home.lake.history("tenders", {"tender_id": "ocds-x-1"}).collect()
    return [f"{moment:%m-%d}" for moment in history["released_at"]]


OVERLAP = "releases are older than what is known; they fill gaps and correct nothing"


def test_overlapping_packages_append_only_what_is_newer(home: Home) -> None:
    _load(home, "q1.json", {"records": [{"ocid": "ocds-x-1", "releases": [CALL, AMENDED]}]})
    assert _versions(home) == ["01-05", "01-20"]
    record = {"ocid": "ocds-x-1", "releases": [CALL, AMENDED, AWARDED]}
    again = _load(home, "q2.json", {"records": [record]})
    assert figures(again["tenders"]) == (3, 0, 1, 2, 0)
    assert f"1 {OVERLAP}" in again["tenders"].warnings
    assert _versions(home) == ["01-05", "01-20", "03-01"]
    older = _load(home, "old.json", {"releases": [CALL, {**AMENDED, "language": "en"}]})
    assert figures(older["tenders"]) == (2, 0, 0, 2, 0)
    assert _versions(home) == ["01-05", "01-20", "03-01"]
    (row,) = home.rows("tenders").to_dicts()
    assert (str(row["deadline_at"])[:10], row["winner_id"]) == ("2026-02-10", "ALFA")


def test_a_release_that_comes_late_fills_gaps_and_corrects_nothing(home: Home) -> None:
    _load(home, "award.json", AWARDED)
    bids = {"details": [{"id": "b0", "tenderers": [{"id": "DELTA"}]},
                        {"id": "b1", "value": {"amount": 1}}]}  # fmt: skip
    late = _load(home, "call.json", {"releases": [{**CALL, "bids": bids}, AMENDED]})
    assert figures(late["tenders"]) == (2, 0, 2, 0, 0)
    (row,) = home.rows("tenders").to_dicts()
    assert (row["estimate"], row["winner_id"], row["award_value"]) == (100.0, "ALFA", 90.5)
    assert str(row["released_at"])[:10] == "2026-03-01"
    found = dict(home.rows("bids").select("bid_id", "amount").iter_rows())
    assert found == {"ocds-x-1/b0": None, "ocds-x-1/b1": 90.5, "ocds-x-1/b2": None}


def test_a_newer_part_rests_on_the_lake_not_on_older_releases_beside_it(home: Home) -> None:
    _load(home, "all.json", {"releases": [CALL, AMENDED]})
    _load(home, "award.json", {"releases": [CALL, AWARDED]})
    (row,) = home.rows("tenders").to_dicts()
    assert (str(row["deadline_at"])[:10], row["winner_id"]) == ("2026-02-10", "ALFA")


def test_optional_facts_of_a_release(home: Home) -> None:
    buyer = {"id": "CITY", "identifier": {"scheme": "GB-LAE"}}
    tender = CALL["tender"] | {
        "maximumValue": {"amount": 120, "currency": "EUR"}, "numberOfTenderers": 3,
        "items": [{"classification": {"id": c}} for c in ("451", "30", "451")],
    }  # fmt: skip
    _load(home, "call.json", CALL | {"parties": [buyer], "tender": tender})
    (row,) = home.rows("tenders").to_dicts()
    assert (row["reserve_price"], row["jurisdiction"], row["n_tenderers"]) == (120, "GB", 3)
    assert json.loads(row["item_classes"]) == ["451", "30"]
    placed = CALL | {"ocid": "o-2", "parties": [buyer | {"address": {"country": "AT"}}]}
    _load(home, "other.json", placed)
    where = dict(home.rows("tenders").select("tender_id", "jurisdiction").iter_rows())
    assert where == {"ocds-x-1": "GB", "o-2": "AT"}


def test_lots_consortia_and_several_winners(home: Home) -> None:
    bid = {"status": "valid", "value": {"amount": 7, "currency": "EUR"}}
    release = {
        "ocid": "L",
        "tender": {"lots": [{"id": "A", "value": {"amount": 9, "currency": "EUR"}}, {"id": "B"}]},
        "bids": {"details": [
            {**bid, "id": 1, "tenderers": [{"id": "X"}, {"id": "Y"}], "relatedLots": ["A"]},
            {**bid, "id": 2, "tenderers": [{"id": "Z"}], "relatedLots": ["A", "B"]},
        ]},
        "awards": [
            {"suppliers": [{"id": "X"}, {"id": "Y"}], "relatedLots": ["A"]},
            {"suppliers": [{"id": "Z"}], "relatedLots": ["B"],
             "value": {"amount": 0, "currency": "EUR"}},
            {"suppliers": [{"id": "Q"}]},
        ],
    }  # fmt: skip
    balances = _load(home, "lots.json", release)
    tenders = home.rows("tenders").sort("lot_id")
    assert tenders["lot_id"].to_list() == ["A", "B"]
    assert tenders["winner_id"].to_list() == [None, "Z"]
    assert tenders["estimate"].to_list() == [9.0, None]
    assert tenders["award_value"].to_list() == [None, None]
    bids = home.rows("bids").sort("bid_id")
    assert bids["bid_id"].to_list() == ["L/1/X", "L/1/Y", "L/2/A", "L/2/B"]
    assert bids["consortium_id"].to_list() == ["X+Y", "X+Y", None, None]
    assert bids["won"].to_list() == [True, True, False, True]
    assert set(balances["tenders"].warnings) >= {
        "1 awards name none of several lots and were left out of them",
        "1 values of zero of a tender or award were read as not stated",
    }


def test_what_is_no_release_is_quarantined_with_its_file_and_line(home: Home) -> None:
    half = '{"ocid": "\\ud800"}'
    content = _lines(CALL, "", '{"ocid": ', {"a": 1}, [1], {"ocid": "z", "tender": 5}, 7, half)
    balance = _load(home, "mixed.jsonl", content)["tenders"]
    assert figures(balance) == (7, 1, 0, 0, 6)
    told = home.lake.quarantine().sort("line")
    assert told["line"].to_list() == [3, 4, 5, 6, 7, 8]
    assert set(told["source_file"]) == {"mixed.jsonl"}
    assert told["rule"].to_list() == ["broken_json", *["not_a_release"] * 4, "wrong_encoding"]
    assert "`tender` is not an object" in told["message"][3]


def test_a_bad_row_names_the_line_of_its_release(home: Home) -> None:
    bad = {"ocid": "n", "bids": {"details": [{"id": 1, "value": {"amount": "much"}}]}}
    text = '{\n "releases": [\n  {"ocid": "m"},\n\n  ' + json.dumps(bad) + "\n ]\n}\n"
    balances = _load(home, "pretty.json", text.encode())
    assert figures(balances["bids"]) == (1, 0, 0, 0, 1)
    entry = home.lake.quarantine().row(0, named=True)
    assert (entry["source_file"], entry["line"], entry["table"]) == ("pretty.json", 5, "bids")
    assert entry["message"].startswith("Line 5: `amount` is 'much'")


WHOLE = [
    ("broken.json", b'{"releases": [\n{"ocid": }]}', "broken_json", "line 2"),
    ("long.json", b'{"ocid": ' + b"9" * 5000 + b"}", "broken_json", "number too long"),
    ("deep.json", b"[" * 100_000, "broken_json", "brackets"),
    ("latin.json", '{"ocid": "é"}'.encode("latin-1"), "wrong_encoding", "latin.json"),
    ("table.csv", b"a,b\n1,2\n", "unknown_file_type", "table.csv"),
    ("no.zip", b"PK not a zip", "broken_zip", "no.zip"),
]


@pytest.mark.parametrize(("name", "content", "code", "says"), WHOLE, ids=[w[0] for w in WHOLE])
def test_faults_of_a_whole_file_write_nothing(
    home: Home, name: str, content: bytes, code: str, says: str
) -> None:
    with pytest.raises(WardenError) as caught:
        _load(home, name, content)
    assert caught.value.code == code
    assert says in caught.value.message
    assert home.lake.tables() == ()
    assert list((home.path / "staging").iterdir()) == []


def test_a_document_beyond_the_limit_is_refused(home: Home) -> None:
    with pytest.raises(WardenError) as caught:
        _load(home, "p.json", {"releases": [CALL] * 50}, limits=Limits(document_bytes=5000))
    assert caught.value.code == "document_too_long"


def test_releases_in_a_zip(home: Home) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("2026/a.jsonl", _lines(CALL))
        archive.writestr("2025/a.jsonl", _lines({"no": 1}))
    balance = _load(home, "year.zip", packed.getvalue())["tenders"]
    assert figures(balance) == (2, 1, 0, 0, 1)
    assert home.lake.quarantine()["source_file"].to_list() == ["a.jsonl"]


@pytest.mark.real
def test_published_examples(home: Home) -> None:
    folder = shared_data("ocds-examples")
    for path in sorted(folder.glob("coverage*.jsonl")):
        (balance,) = load_ocds(home.path, home.engine, [path])
        assert figures(balance) == (1, 0, 0, 0, 1)
    shown = {
        "R/024": (5, 10), "R/025": (6, 11), "R/028": (1, 2), "R/030": (1, 1), "R/035": (1, 2),
        "R/036": (1, 2), "R/038": (5, 6), "R/058": (5, 10), "prepare": (1, 1),
        "R/003": (1, 0), "R/018": (1, 0), "R/048": (5, 0),
    }  # fmt: skip
    unpriced = {"R/025": 11, "R/030": 1, "R/035": 1, "R/038": 5, "prepare": 1}
    for name, (tenders, bids) in shown.items():
        found = load_ocds(home.path, home.engine, [folder / f"{name}.jsonl"])
        by_table = {b.table: b for b in found}
        assert by_table["tenders"].read == tenders
        assert ("bids" in by_table) == (bids > 0)
        assert not any(b.quarantined for b in found)
        if bids:
            assert by_table["bids"].read == bids
            told = " ".join(by_table["bids"].warnings)
            assert (f"{unpriced.get(name)} rows: a valid bid has no" in told) == (name in unpriced)
