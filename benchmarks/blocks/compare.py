"""Do two engines say the same? Keys, nulls and numbers of every block."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from benchmarks.blocks.data import ORDERS

TOLERANCE = 1e-9
"""Of |x - y| / (1 + |x|): growth near zero loses digits where floats cancel."""

_NUMBERS = {
    "concentration": ("hhi", "cr4"),
    "dispersion": ("dispersion", "days"),
    "share": ("share", "growth"),
    "reciprocity": ("reciprocity",),
    "fee": ("fee",),
    "pairs": ("both",),
}
_SUBJECT = {
    "concentration": pl.col("market_id"),
    "dispersion": pl.col("sku_id"),
    "share": pl.concat_str("market_id", pl.lit("/"), "seller_id"),
    "reciprocity": pl.col("seller_hash"),
    "fee": pl.col("seller_id"),
    "pairs": pl.concat_str("platform_id", pl.lit("|"), "other"),
}


def largest_difference(answers: Path, peer: str, data: Path) -> float:
    """Largest |x - y| / (1 + |x|) over all numbers of all blocks.

    Raises:
        AssertionError: when keys or nulls differ, or a number by more than `TOLERANCE`.
    """
    worst = 0.0
    for block, numbers in _NUMBERS.items():
        mine = pl.read_parquet(answers / f"ours-{block}.parquet")
        if block == "reciprocity":
            mine = _by_hash(mine, data)
        theirs = pl.read_parquet(answers / f"{peer}-{block}.parquet").select(
            subject_key=_SUBJECT[block].cast(pl.String),
            period_start=pl.col("month").cast(pl.Date),
            **{f"{n}_peer": pl.col(n).cast(pl.Float64) for n in numbers},
        )
        both = mine.join(theirs, on=["subject_key", "period_start"], how="full")
        assert both.height == mine.height == theirs.height, f"{peer}: other rows in {block}"
        for n in numbers:
            x, y = both[n].cast(pl.Float64), both[f"{n}_peer"]
            assert (x.is_null() == y.is_null()).all(), f"{peer}: other nulls in {n}"
            apart = ((x - y).abs() / (1 + x.abs())).max()
            assert isinstance(apart, float)
            assert apart <= TOLERANCE, f"{peer}: {n} is {apart:.1e} apart"
            worst = max(worst, apart)
    return worst


def _by_hash(mine: pl.DataFrame, data: Path) -> pl.DataFrame:
    """Our sellers go by their id, those of the peers by the hash buyers have too."""
    names = pl.scan_parquet(data / ORDERS).select("seller_id", "seller_hash").unique()
    return (
        mine.join(names.collect(engine="streaming"), left_on="subject_key", right_on="seller_id")
        .drop("subject_key")
        .rename({"seller_hash": "subject_key"})
    )
