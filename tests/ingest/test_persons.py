"""No raw identifier of a person is ever written, and equal persons stay equal."""

from __future__ import annotations

import stat
from pathlib import Path

import polars as pl
import pytest

from detector.pseudonyms import KEY_PLACE, load_pseudonyms
from features.errors import WardenError
from tests.ingest.homes import Home, open_home

HEADER = "tx_id,ts,buyer_hash,seller_id,net,device_hash,note\n"
SECRETS = ("Zhang-San-7", "device-Q9", "Li-Si-8", "Wang-Wu-9", "Zhao-Liu-1", "private-note")


def _everything(home: Home) -> bytes:
    """Every byte under the home but the key, files unpacked."""
    out = b""
    for path in sorted(home.path.rglob("*")):
        if path.is_file() and path.parent.name != "keys":
            out += path.read_bytes()
            if path.suffix == ".parquet":
                out += str(pl.read_parquet(path).to_dicts()).encode()
    return out


def test_raw_persons_are_in_no_file(home: Home) -> None:
    balance = home.load(
        "transactions",
        HEADER
        + "1,2024-01-01,Zhang-San-7,s1,5,device-Q9,private-note\n"
        + "2,2024-01-01,Zhang-San-7,s1,-5,Li-Si-8,private-note\n"  # quarantined by its amount
        + "3,2024-01-01,Wang-Wu-9,s1,x\n"  # ragged
        + "4,not-a-date,Zhao-Liu-1,s1,5,Zhao-Liu-1,private-note\n",
    )
    assert balance.quarantined == 3
    found = _everything(home)
    for secret in SECRETS:
        assert secret.encode() not in found
    torn = '{"tx_id": "5", "ts": "2024-01-01"}\n{"tx_id": "6", "buyer_hash": "Wang-Wu-9'
    assert home.load("transactions", torn, "in.jsonl").quarantined == 1
    assert b"Wang-Wu-9" not in _everything(home)


def test_a_control_character_in_a_persons_cell_is_not_quoted(home: Home) -> None:
    home.load("transactions", HEADER + "1,2024-01-01,Zhang\x01San-7,s1,5,,\n")
    (message,) = home.messages()
    assert "withheld" in message
    assert b"San-7" not in _everything(home)


def test_equal_persons_get_equal_hashes_in_every_table_and_place(home: Home) -> None:
    home.load(
        "transactions",
        HEADER + "1,2024-01-01,p1,p1,5,p1,\n2,2024-01-02, p1 ,s2,5,,\n3,2024-01-02,p1,s2,-5,,\n",
    )
    rows = home.rows("transactions").sort("tx_id")
    first = rows.row(0, named=True)
    # a seller who buys is recognised, and his id as a seller stays readable
    assert first["buyer_hash"] == first["seller_hash"] == first["device_hash"]
    assert first["seller_id"] == "p1"
    assert rows["buyer_hash"].n_unique() == 1
    assert len(first["buyer_hash"]) == 32
    assert set(first["buyer_hash"]) <= set("0123456789abcdef")
    assert rows["device_hash"].to_list() == [first["buyer_hash"], None]
    home.load("bids", "tender_id,amount,ip_hash\nt,5,p1\n")
    assert home.rows("bids")["ip_hash"].item() == first["buyer_hash"]
    assert first["buyer_hash"] in home.lake.quarantine()["row"].item()


def test_hashes_depend_on_the_key_and_on_nothing_else(tmp_path: Path) -> None:
    a, b = (open_home(tmp_path / name / "home") for name in "ab")
    values = pl.Series("x", ["p", None, "q", "p"])
    one, two = load_pseudonyms(a.path), load_pseudonyms(b.path)
    assert one.series(values).to_list() == load_pseudonyms(a.path).series(values).to_list()
    assert one.series(values)[1] is None
    assert one.series(values)[0] == one.series(values)[3] == one.of("p") != two.of("p")


def test_a_known_hash() -> None:
    import hashlib
    import hmac

    from detector.pseudonyms import Pseudonyms

    key = bytes(range(32))
    wanted = hmac.new(key, "张三".encode(), hashlib.sha256).hexdigest()[:32]
    assert Pseudonyms(key).of("张三") == wanted


def test_a_hash_that_is_filed_is_hashed_again_and_a_derived_column_is_not_taken(home: Home) -> None:
    filed = "ab" * 16
    text = f"tx_id,ts,buyer_hash,seller_id,seller_hash\n1,2024-01-01,{filed},s1,{filed}\n"
    balance = home.load("transactions", text)
    assert balance.unknown_columns == ("seller_hash",)
    row = home.rows("transactions").row(0, named=True)
    assert row["buyer_hash"] not in (filed, row["seller_hash"])
    assert row["seller_hash"] == load_pseudonyms(home.path).of("s1")


def test_the_key_is_private_and_outside_the_lake(home: Home) -> None:
    home.load("bids", "tender_id,amount\nt,5\n")
    key = home.path / KEY_PLACE
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert "lake" not in key.parts[-3:]
    assert [p.name for p in key.parent.iterdir()] == [key.name]
    key.chmod(0o640)
    with pytest.raises(WardenError) as caught:
        home.load("bids", "tender_id,amount\nt,6\n")
    assert caught.value.code == "unsafe_key"
    key.chmod(0o600)
    key.write_text("nonsense")
    with pytest.raises(WardenError) as caught:
        home.load("bids", "tender_id,amount\nt,6\n")
    assert caught.value.code == "broken_key"
