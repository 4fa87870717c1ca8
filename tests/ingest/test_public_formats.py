"""Dumps of statements of reasons, vendor lists, and archives made to do harm."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from datetime import date
from typing import Any

import polars as pl
import pytest

from detector.ingest.dsa import load_dsa
from detector.ingest.limits import Limits
from detector.ingest.load import Balance
from detector.ingest.tcf import load_tcf
from features.errors import WardenError
from tests.conftest import shared_data
from tests.ingest.homes import Home, figures

HEAD = (
    "uuid,decision_visibility,decision_visibility_other,end_date_visibility_restriction,"
    "decision_account,decision_ground,category,content_type,territorial_scope,application_date,"
    "decision_facts,automated_detection,automated_decision,platform_name,platform_uid,created_at\n"
)
DEMOTED = '"[""DECISION_VISIBILITY_CONTENT_DEMOTED""]"'
GOOD = (
    f"u-1,{DEMOTED},,2026-03-01 00:00:00,,DECISION_GROUND_ILLEGAL_CONTENT,STATEMENT_CATEGORY_X,"
    '"[""CONTENT_TYPE_PRODUCT""]","[""AT"",""BE""]",2026-02-01 00:00:00,"text, with\nits break",'
    "Yes,AUTOMATED_DECISION_FULLY,Shop,99,2026-02-02 03:04:05\n"
)
BAD = GOOD.replace("u-1", "u-2").replace(DEMOTED, "not a list")


def _dsa(home: Home, name: str, content: str | bytes, limits: Limits | None = None) -> Balance:
    return load_dsa(home.path, home.engine, [home.file(name, content)], limits=limits)


def _zip(**members: str | bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return packed.getvalue()


def test_a_daily_dump(home: Home) -> None:
    dump = _zip(**{"part-0.csv": HEAD + GOOD, "part-1.csv": HEAD + BAD})
    balance = _dsa(home, "dump.zip", dump)
    assert figures(balance) == (2, 1, 0, 0, 1)
    assert {"decision_facts", "platform_uid"} <= set(balance.unknown_columns)
    (row,) = home.rows("statements_of_reasons").to_dicts()
    assert (row["sor_uuid"], row["platform_id"], row["source"]) == ("u-1", "Shop", "DSA")
    assert json.loads(row["decision_visibility"]) == ["DECISION_VISIBILITY_CONTENT_DEMOTED"]
    assert json.loads(row["territorial_scope"]) == ["AT", "BE"]
    assert row["automated_detection"] is True
    assert (row["application_date"], row["end_date"]) == (date(2026, 2, 1), date(2026, 3, 1))
    assert str(row["created_at"]) == "2026-02-02 03:04:05+00:00"
    entry = home.lake.quarantine().row(0, named=True)
    assert (entry["source_file"], entry["line"]) == ("part-1.csv", 2)
    assert "decision_visibility" in entry["message"]


def test_the_same_dump_again_and_a_plain_one(home: Home) -> None:
    _dsa(home, "dump.zip", _zip(**{"a.csv": HEAD + GOOD}))
    assert _dsa(home, "again.zip", _zip(**{"b.csv": HEAD + GOOD})).already_known
    changed = GOOD.replace("Yes", "No")
    assert figures(_dsa(home, "a.csv", HEAD + changed)) == (1, 0, 1, 0, 0)
    packed = gzip.compress((HEAD + GOOD.replace("u-1", "u-3")).encode())
    assert figures(_dsa(home, "b.csv.gz", packed)) == (1, 1, 0, 0, 0)


def _link() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        entry = zipfile.ZipInfo("a.csv")
        entry.external_attr = 0o120777 << 16
        archive.writestr(entry, "elsewhere")
    return packed.getvalue()


HARMFUL = [
    ("climbs out", _zip(**{"../../a.csv": GOOD}), "unsafe_zip"),
    ("rooted", _zip(**{"/etc/a.csv": GOOD}), "unsafe_zip"),
    ("climbs out backwards", _zip(**{"..\\a.csv": GOOD}), "unsafe_zip"),
    ("drive", _zip(**{"C:\\a.csv": GOOD}), "unsafe_zip"),
    ("link", _link(), "unsafe_zip"),
    ("zip in zip", _zip(**{"a.csv.zip": _zip(**{"a.csv": GOOD})}), "zip_in_zip"),
    ("nothing inside", _zip(), "empty_file"),
    ("too many", _zip(**{f"{i}.csv": GOOD for i in range(5)}), "too_many_members"),
    ("too large", _zip(**{"a.csv": b"0" * 300_000}), "unpacks_too_large"),
    ("too large together", _zip(**{f"{i}.csv": b"0" * 60_000 for i in range(4)}),
     "unpacks_too_large"),
    ("cut", _zip(**{"a.csv": HEAD + GOOD})[:-30], "broken_zip"),
    ("other file inside", _zip(**{"a.exe": b"MZ"}), "unknown_file_type"),
]  # fmt: skip


@pytest.mark.parametrize(("content", "code"), [h[1:] for h in HARMFUL], ids=[h[0] for h in HARMFUL])
def test_harmful_archives_are_refused_and_write_nothing(
    home: Home, content: bytes, code: str
) -> None:
    limits = Limits(members=4, unpacked_bytes=200_000)
    before = {p.name for p in home.path.parent.iterdir()}
    with pytest.raises(WardenError) as caught:
        _dsa(home, "in.zip", content, limits)
    assert caught.value.code == code
    assert caught.value.hint
    assert {p.name for p in home.path.parent.iterdir()} - before == {"in.zip"}
    assert list((home.path / "staging").iterdir()) == []
    assert home.lake.tables() == ()


def test_a_damaged_member_and_a_lying_ratio(home: Home) -> None:
    packed = bytearray(_zip(**{"a.csv": HEAD + GOOD * 50}))
    packed[80] ^= 0xFF
    with pytest.raises(WardenError) as caught:
        _dsa(home, "in.zip", bytes(packed))
    assert caught.value.code == "broken_zip"
    steep = Limits(ratio=5, ratio_from=10_000)
    with pytest.raises(WardenError) as caught:
        _dsa(home, "in.zip", _zip(**{"a.csv": b"0" * 300_000}), steep)
    assert caught.value.code == "unpacks_too_large"


def _list(version: int, **vendors: Any) -> str:
    head = {"gvlSpecificationVersion": 3, "vendorListVersion": version}
    dated = {**head, "lastUpdated": "2026-01-15T16:00:00Z", "purposes": {"1": {"id": 1}}}
    return json.dumps({**dated, "vendors": vendors}, indent=1)


VENDOR = {
    "id": 8,
    "name": "Emerse",
    "purposes": [1, 3],
    "legIntPurposes": [2],
    "flexiblePurposes": [2],
    "features": [],
    "specialFeatures": [1],
    "cookieMaxAgeSeconds": 31536000,
}


def test_vendor_lists_are_vintages(home: Home) -> None:
    first = home.file("v1.json", _list(1, **{"8": VENDOR, "9": 5, "10": {"purposes": 3}}))
    second = home.file("v2.json.gz", gzip.compress(_list(2, **{
        "8": {**VENDOR, "purposes": [1, 3, 4], "deletedDate": "2026-01-10T00:00:00Z"}
    }).encode()))  # fmt: skip
    balance = load_tcf(home.path, home.engine, [first, second])
    assert figures(balance) == (4, 2, 0, 0, 2)
    rows = home.rows("vendor_declarations").sort("vintage")
    assert rows["vintage"].to_list() == ["1", "2"]
    assert rows["vendor_id"].unique().to_list() == ["8"]
    assert rows["framework"].unique().to_list() == ["iab-tcf-2"]
    assert [json.loads(p) for p in rows["purposes"]] == [[1, 3], [1, 3, 4]]
    assert [json.loads(p) for p in rows["legitimate_interests"]] == [[2], [2]]
    assert rows["cookie_max_age_s"].to_list() == [31536000.0] * 2
    assert rows["deleted_on"].to_list() == [None, date(2026, 1, 10)]
    assert rows["filed_on"].unique().to_list() == [date(2026, 1, 15)]
    told = home.lake.quarantine().sort("line")
    lines = first.read_text().split("\n")
    assert [lines[n - 1].strip() for n in told["line"]] == ['"9": 5,', '"10": {']
    assert told["source_file"].to_list() == ["v1.json", "v1.json"]
    assert load_tcf(home.path, home.engine, [first, second]).already_known


@pytest.mark.parametrize(
    "content", ["[1]", '{"vendors": []}', '{"vendors": {}}', '{"a": 1}\n{"b": 2}']
)
def test_what_is_no_vendor_list(home: Home, content: str) -> None:
    with pytest.raises(WardenError) as caught:
        load_tcf(home.path, home.engine, [home.file("v.json", content)])
    assert caught.value.code == "not_a_vendor_list"


@pytest.mark.real
def test_a_real_list_written_back_to_its_format(home: Home) -> None:
    folder = shared_data("vendors-v139")
    filed = pl.read_csv(folder / "vendor_declarations.csv")
    names = {"purposes": "purposes", "legitimate_interests": "legIntPurposes",
             "features": "features", "special_features": "specialFeatures"}  # fmt: skip
    vendors = {
        str(row["vendor_id"]): {
            "id": row["vendor_id"],
            "name": row["name"],
            **{gvl: json.loads(row[ours]) for ours, gvl in names.items()},
            "cookieMaxAgeSeconds": row["cookie_max_age_s"],
            **({"deletedDate": row["deleted_on"]} if row["deleted_on"] else {}),
        }
        for row in filed.iter_rows(named=True)
    }
    path = home.file("vendor-list.json", _list(139, **vendors))
    assert figures(load_tcf(home.path, home.engine, [path])) == (860, 860, 0, 0, 0)
    known = json.loads((folder / "expected.json").read_text())
    active = home.rows("vendor_declarations").filter(pl.col("deleted_on").is_null())
    assert active.height == known["active"]
    assert (
        active.filter(pl.col("cookie_max_age_s") > 395 * 86_400).height
        == (known["active_cookie_above_395_days"])
    )
