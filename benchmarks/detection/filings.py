"""Filings to plant schemes in: the simulator's without its own schemes, and real ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from benchmarks.detection.real import DATA
from detector.demo.labels import Labels
from detector.demo.size import Size
from detector.demo.world import simulate
from features.contracts import contract

TEXTS = {"lot_id": pl.String, "category": pl.String, "version": pl.String, "session": pl.String}
"""Ids that may look like numbers."""


MARKET = replace(
    Size.small(), firms=2_000, platforms=20, markets=18, regions=4, tenders=2_400,
    transactions=30_000, consumers=6_000, goods=600, wash_loops=2, listings=24, apps=300,
    breaches=200, deals=24,
)  # fmt: skip
"""Large enough for firms and markets to have peers, small enough for a dozen runs."""


def clean(seed: int, size: Size = MARKET) -> dict[str, pl.DataFrame]:
    """The simulator's filings without the subjects its own schemes are about."""
    labels = Labels()
    tables = simulate(20260000 + seed, replace(size, price_cartels=0, leaky_apps=0), labels)
    planted = labels.frame().filter(pl.col("label") == 1)

    def guilty(kind: str) -> pl.Series:
        keys = planted.filter(pl.col("subject_kind") == kind)["subject_key"].unique()
        return keys.implode()

    tenders = guilty("tender")
    name = pl.concat_str("tender_id", "lot_id", separator="/", ignore_nulls=True)
    loops = planted.filter(pl.col("subject_kind") == "cluster")["subject_key"].str.split("|")
    members = loops.list.explode().unique().implode()
    inside = pl.col("buyer_hash").is_in(members) & pl.col("seller_id").is_in(members)
    kept = {
        "tenders": ~name.is_in(tenders),
        "bids": ~name.is_in(tenders),
        "transactions": ~inside,
        "breach_notifications": ~pl.col("incident_id").is_in(guilty("incident")),
        "merger_notifications": ~pl.col("deal_id").is_in(guilty("deal")),
        "deal_parties": ~pl.col("deal_id").is_in(guilty("deal")),
        "markets": ~pl.col("market_id").is_in(guilty("market")),
        "market_positions": ~pl.col("market_id").is_in(guilty("market")),
    }
    return {t: f.filter(kept[t]) if t in kept else f for t, f in tables.items()}


def filed(name: str, *tables: str, honest: str = "") -> Mapping[str, pl.DataFrame]:
    """A real set as its publisher filed it.

    Args:
        honest: kind of subject; those a label speaks of are left out of every table.
    """
    folder = DATA / name
    found = {t: _typed(t, folder / f"{t}.csv") for t in tables}
    if honest:
        labels = pl.read_csv(folder / "labels.csv", infer_schema_length=None)
        bad = labels.filter(pl.col("label") == 1, pl.col("subject_kind") == honest)["subject_key"]
        key = f"{honest}_id"
        found = {
            t: f.filter(~pl.col(key).is_in(bad.unique().implode())) if key in f.columns else f
            for t, f in found.items()
        }
    return found


def _typed(table: str, path: Path) -> pl.DataFrame:
    """A file as its contract knows it."""
    head = pl.read_csv(path, n_rows=0).columns
    own = {n: t for n, t in TEXTS.items() if n in head}
    rows = pl.read_csv(path, infer_schema_length=None, schema_overrides=own, try_parse_dates=True)
    return widened(table, rows)


def widened(table: str, rows: pl.DataFrame) -> pl.DataFrame:
    """Rows with an empty column for each plain one of the contract that is not filed."""
    absent = [
        pl.lit(None, dtype=dtype).alias(column)
        for column, dtype in contract(table).dtypes.items()
        if column not in rows.columns and not dtype.is_nested()
    ]
    return rows.with_columns(absent)


def price_wars(copies: int = 6) -> Mapping[str, pl.DataFrame]:
    """The weeks of `prices-jec` in which the cartel had broken down, as one series without gaps.

    There is one series only: it is filed `copies` times, each begun at another of its weeks.
    """
    folder = DATA / "prices-jec"
    rows = _typed("listing_prices", folder / "listing_prices.csv")
    calm = pl.read_csv(folder / "labels.csv", try_parse_dates=True).filter(pl.col("label") == 0)
    day = pl.col("ts").cast(pl.Date)
    wars = rows.filter(day.is_in(calm["period_start"].implode())).sort("ts")
    weeks = pl.int_range(wars.height)
    parts = []
    for copy in range(copies):
        begin = copy * wars.height // copies
        turned = pl.concat([wars[begin:], wars[:begin]])
        when = pl.lit(datetime(1884, 1, 3, tzinfo=UTC)) + pl.duration(days=7 * weeks)
        parts.append(
            turned.with_columns(
                ts=when.dt.cast_time_unit("us"),
                sku_id=pl.lit(f"grain-rate-{copy + 1}"),
                seller_id=pl.lit(f"jec-{copy + 1}"),
            )
        )
    return {"listing_prices": pl.concat(parts)}
