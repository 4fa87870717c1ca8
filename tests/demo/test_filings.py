"""The simulated filings: the same every time, whole, of the promised size, fit for ingest."""

from __future__ import annotations

import hashlib
import json
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from detector.demo.timeline import END, START
from detector.demo.world import LOAD_ORDER, Size, generate
from features.contracts import CONTRACTS
from features.errors import WardenError
from rules.ruleset import load_library
from tests.demo.reading import Written, written


def digests(folder: Path, suffix: str) -> dict[str, str]:
    """Content hash of every file with an ending."""
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(folder.glob(suffix))}


def key(frame: pl.DataFrame) -> pl.Series:
    """Subject key of tenders or bids."""
    parts = pl.concat_str("tender_id", "lot_id", separator="/", ignore_nulls=True)
    return frame.select(key=parts).to_series()


def test_the_same_seed_writes_the_same_files(small: Written, tmp_path: Path) -> None:
    again = written(tmp_path, Size.small())
    assert digests(again.out, "*.csv") == digests(small.out, "*.csv")
    assert again.world.labels.read_bytes() == small.world.labels.read_bytes()
    for name in LOAD_ORDER:
        assert_frame_equal(again.tables[name], small.tables[name])


def test_another_seed_writes_another_market(small: Written, tmp_path: Path) -> None:
    other = written(tmp_path, Size.small(), seed=7)
    for name in set(LOAD_ORDER) - {"data_type_map", "markets"}:
        assert not other.tables[name].equals(small.tables[name]), name


def test_sizes(full: Written, small: Written) -> None:
    counts = full.world.counts
    assert counts["firms"] == 5_000
    assert counts["tenders"] == 3_000
    assert counts["transactions"] == 1_000_000
    assert full.tables["apps"]["app_id"].n_unique() == 2_000
    platforms = full.tables["firms"].filter(pl.col("sector") == "platform")
    assert platforms.height == 40
    listings = full.tables["listing_prices"].select("sku_id", "seller_id").unique().height
    assert 300 <= listings <= 500
    assert counts["breach_notifications"] == 400
    assert counts["merger_notifications"] == 40
    for name in ("firms", "tenders", "transactions"):
        assert small.world.counts[name] == counts[name] // 20
    per_tender = full.tables["bids"].group_by("tender_id", "lot_id").len()["len"]
    assert per_tender.min() == 2
    assert 12 <= int(per_tender.to_numpy().max()) <= 14  # a consortium partner may come on top


def test_counts_are_those_of_the_files(market: Written) -> None:
    assert market.world.load_order == LOAD_ORDER == tuple(market.world.files)
    for name, frame in market.tables.items():
        assert market.world.counts[name] == frame.height > 0


@pytest.mark.parametrize("name", LOAD_ORDER)
def test_columns_and_keys_are_those_of_the_contract(small: Written, name: str) -> None:
    table, frame = CONTRACTS[name], small.tables[name]
    known = {column.name for column in table.columns}
    assert set(frame.columns) <= known
    assert set(table.required) <= set(frame.columns)
    names = ["bid_id"] if name == "bids" else [k for k in table.keys if k in frame.columns]
    if name != "observed_flows":
        assert frame.select(names).is_duplicated().sum() == 0
    for column in table.columns:
        if column.allowed and column.name in frame.columns:
            assert set(frame[column.name].drop_nulls()) <= set(column.allowed)


def test_bids_belong_to_tenders_and_winners_bid(market: Written) -> None:
    tenders, bids = market.tables["tenders"], market.tables["bids"]
    tenders = tenders.with_columns(key=key(tenders))
    bids = bids.with_columns(key=key(bids))
    assert tenders["key"].is_unique().all()
    assert set(bids["key"]) == set(tenders["key"])
    awarded = tenders.filter(pl.col("winner_id").is_not_null())
    winning = bids.filter("won")
    matched = awarded.join(winning, on="key", how="left")
    assert awarded.height > 0.9 * tenders.height
    assert matched.height == awarded.height == winning.height
    assert (matched["winner_id"] == matched["bidder_id"]).all()
    assert (matched["award_value"] - matched["amount"]).abs().max() < 0.011
    assert (matched["status"] == "valid").all()
    assert (bids["amount"] > 0).all()


def test_dates_of_a_tender_are_in_order(market: Written) -> None:
    tenders = market.tables["tenders"]
    assert (tenders["published_at"] < tenders["deadline_at"]).all()
    assert (tenders["deadline_at"] < tenders["awarded_at"]).drop_nulls().all()
    assert date.fromisoformat(str(tenders["awarded_at"].min())) >= START
    assert date.fromisoformat(str(tenders["awarded_at"].max())) <= END
    joined = market.tables["bids"].join(tenders, on=["tender_id", "lot_id"], nulls_equal=True)
    submitted = joined["submitted_at"].dt.date()
    assert (submitted <= joined["deadline_at"]).all()
    assert (submitted >= joined["published_at"]).all()


def test_every_firm_that_is_named_exists(market: Written) -> None:
    firms = set(market.tables["firms"]["firm_id"])
    named = {
        "market_positions": ["firm_id"],
        "tenders": ["winner_id"],
        "bids": ["bidder_id"],
        "transactions": ["seller_id", "platform_id"],
        "listing_prices": ["seller_id", "platform_id"],
        "apps": ["operator_id"],
        "breach_notifications": ["operator_id"],
        "merger_notifications": ["target_id"],
        "deal_parties": ["party_id"],
    }
    for table, columns in named.items():
        for column in columns:
            assert set(market.tables[table][column].drop_nulls()) <= firms, (table, column)


def test_other_references_hold(market: Written) -> None:
    t = market.tables
    assert set(t["market_positions"]["market_id"]) == set(t["markets"]["market_id"])
    assert set(t["deal_parties"]["deal_id"]) == set(t["merger_notifications"]["deal_id"])
    versions = set(t["apps"].select("app_id", "version").rows())
    for name in ("data_declarations", "observed_flows"):
        assert set(t[name].select("app_id", "version").rows()) <= versions
    goods = set(t["transactions"]["sku_id"])
    assert len(set(t["listing_prices"]["sku_id"]) - goods) <= 2
    positions = set(t["market_positions"].select("market_id", "firm_id").rows())
    parties = dict(t["deal_parties"].group_by("deal_id").agg("party_id").rows())
    for deal, overlaps in t["merger_notifications"].select("deal_id", "overlap_market_ids").rows():
        for market_id in json.loads(overlaps):
            assert all((market_id, party) in positions for party in parties[deal])


def test_declared_and_observed_words_are_mapped_but_for_a_few(market: Written) -> None:
    words = set(market.tables["data_type_map"].select("taxonomy", "source_type").rows())
    declared = market.tables["data_declarations"].filter(pl.col("data_type") != "*")
    assert set(declared.select("taxonomy", "data_type").rows()) <= words
    flows = market.tables["observed_flows"].select("taxonomy", "data_type")
    unmapped = {word for taxonomy, word in flows.unique().rows() if (taxonomy, word) not in words}
    assert 0 < len(unmapped) <= 6


def test_orders_add_up_and_stay_in_the_period(market: Written) -> None:
    orders = market.tables["transactions"]
    assert (orders["gross"] - orders["discount"] - orders["net"]).abs().max() < 0.011
    assert (orders["net"] > 0).all()
    assert (orders["qty"] >= 1).all()
    assert orders["ts"].is_sorted()
    assert orders["ts"].dt.date().min() == START
    assert orders["ts"].dt.date().max() == END
    back = orders.filter(pl.col("refund_at").is_not_null())
    assert 0.01 < back.height / orders.height < 0.06
    assert (back["refund_at"] > back["ts"]).all()
    assert (back["refund_amount"] <= back["net"]).all()


def test_names_are_unique_and_in_both_languages(full: Written) -> None:
    firms = full.tables["firms"]
    assert firms["name"].is_unique().all()
    assert firms["name_zh"].is_unique().all()
    assert firms["name"].str.contains(r"^[A-Za-z ]+$").all()
    assert firms["name_zh"].str.contains(r"^\p{Han}+$").all()


def test_shares_sum_to_the_market_except_where_users_use_several(full: Written) -> None:
    sums = (
        full.tables["market_positions"].group_by("market_id", "period").agg(pl.col("share").sum())
    )
    over = sums.filter(pl.col("share") > 1.0001)
    assert set(over["market_id"]) == {"M-mobile-payment"}
    assert sums["period"].n_unique() == 8


def test_labels_lie_outside_the_filings(small: Written, tmp_path: Path) -> None:
    assert not small.world.labels.is_relative_to(small.out)
    assert {p.stem for p in small.out.iterdir()} == set(LOAD_ORDER)
    for inside in (tmp_path / "f" / "labels.csv", tmp_path / "f" / ".." / "f" / "x" / "a.csv"):
        with pytest.raises(WardenError) as caught:
            generate(tmp_path / "f", size=Size.small(), labels_path=inside)
        assert caught.value.code == "labels_inside_filings"
    assert not (tmp_path / "f").exists()


def test_default_place_of_the_labels_is_beside_the_filings(tmp_path: Path) -> None:
    world = generate(tmp_path / "filings", size=Size.small())
    assert world.labels == tmp_path / "filings-labels.csv"
    assert world.labels.exists()


def test_labels_speak_of_existing_subjects_once(market: Written) -> None:
    t = market.tables
    pairs = t["listing_prices"].select("sku_id", "seller_id").unique().rows()
    cells = t["market_positions"].select("market_id", "firm_id").unique().rows()
    kinds = set(t["data_type_map"]["data_type"])
    subjects = {
        "tender": set(key(t["tenders"])),
        "firm": set(t["firms"]["firm_id"]),
        "market": set(t["markets"]["market_id"]),
        "market_firm": {f"{a}/{b}" for a, b in cells},
        "sku_seller": {f"{a}/{b}" for a, b in pairs},
        "app": set(t["apps"]["app_id"]),
        "app_data_type": {f"{a}/{k}" for a in t["apps"]["app_id"].unique() for k in kinds},
        "incident": set(t["breach_notifications"]["incident_id"]),
        "deal": set(t["merger_notifications"]["deal_id"]),
    }
    sellers = set(t["transactions"]["seller_id"])
    for kind, name in market.labels.select("subject_kind", "subject_key").unique().rows():
        if kind == "cluster":
            members = name.split("|")
            assert members == sorted(members)
            assert set(members) <= sellers
        else:
            assert name in subjects[kind], (kind, name)
    identity = market.labels.select("subject_kind", "subject_key", "typology")
    assert identity.is_unique().all()


PLANTED = {
    "MON-STR-HHI", "MON-HHI-MERGER", "MON-DOMINANCE-CN", "MON-BID-CV", "MON-BID-DISTANCE",
    "MON-BID-SHAPE", "MON-BID-KS", "MON-BID-SUBGROUP", "MON-BID-IDENTICAL", "MON-PRICE-VARIANCE",
    "TRX-WASH-SCC", "PRIV-UNDECLARED-COLLECTION", "PRIV-BREACH-LATE",
}  # fmt: skip
"""What is in the market, planted and honest; other rules find no scheme of theirs there."""


def test_what_is_planted_is_judged() -> None:
    assert {rule.spec.typology for rule in load_library().judging()} >= PLANTED


def test_every_family_is_planted_and_has_honest_cases(market: Written) -> None:
    for typology in (*PLANTED, "MON-BID-*"):
        mine = market.labels.filter(pl.col("typology") == typology)
        assert set(mine["label"]) == {0, 1}, typology
        for kind in mine.filter(pl.col("label") == 1)["subject_kind"].unique():
            assert set(mine.filter(pl.col("subject_kind") == kind)["label"]) == {0, 1}
    assert set(market.labels["typology"]) == {*PLANTED, "MON-BID-*"}


def test_most_of_the_market_is_honest(full: Written) -> None:
    tenders = full.planted("tender", "MON-BID-*")
    assert 0.03 < tenders["label"].to_numpy().mean() < 0.12
    apps = full.planted("app", "PRIV-UNDECLARED-COLLECTION")
    assert 0.01 < apps["label"].to_numpy().mean() < 0.06
