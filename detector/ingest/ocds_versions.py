"""Releases that come again, come late, or tell a part: rows beside what the lake knows.

Publishers repeat whole processes in overlapping packages. The version in force is that of the
newest release date whatever came last: a release older than what is known fills gaps and corrects
nothing, and one that was taken in before changes nothing at all.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import polars as pl

from detector.ingest.ocds_rows import SOURCE
from detector.lake import Lake
from features.contracts import contract

KEYS = {"tenders": ("tender_id", "lot_id"), "firms": ("firm_id",)}
STANDING, MOMENT = "standing", "moment"
MARKS = {STANDING: pl.String(), MOMENT: pl.Datetime("us", "UTC")}
"""What a row carries besides its contract: how its release stands to the lake, and its date."""
NEW, LATE, AGAIN = "new", "late", "again"


class KnownReleases:
    """Dates of the releases of which tenders were taken in."""

    def __init__(self, lake: Lake, names: Collection[str]) -> None:
        self._seen: set[tuple[str, datetime]] = set()
        self._newest: dict[str, datetime] = {}
        if not names or "tenders" not in lake.tables():
            return
        taken = lake.history("tenders", {"source": SOURCE})
        rows = taken.select("tender_id", "released_at").drop_nulls()
        wanted = pl.LazyFrame({"tender_id": list(names)})
        for name, moment in rows.join(wanted, on="tender_id", how="semi").unique().collect().rows():
            self._seen.add((name, moment))
            self._newest[name] = max(moment, self._newest.get(name, moment))

    def standing(self, name: str, moment: datetime | None) -> str:
        """How a release of that date stands to what is known; one without a date is new."""
        newest = self._newest.get(name)
        if moment is None or newest is None or moment >= newest:
            return NEW
        return AGAIN if (name, moment) in self._seen else LATE


def completed(
    table: str, rows: pl.LazyFrame, partial: Collection[str], lake: Lake, known_at: datetime | None
) -> pl.LazyFrame:
    """The rows with what the lake knows filled in, without the marks.

    Of firms only the last state: a party is repeated in every release of every process. Bids of
    older releases that the lake knows are left out: their persons cannot be filed twice.
    """
    if table == "firms":
        rows = rows.sort(MOMENT, nulls_last=False, maintain_order=True)
        rows = rows.unique("firm_id", keep="last", maintain_order=True)
    if table in lake.tables():
        stored = lake.scan(lake.pin(known_at), table)
        rows = _unknown_bids(rows, stored) if table == "bids" else rows
        rows = _filled(table, rows, stored, partial) if table in KEYS else rows
    return rows.drop(list(MARKS))


def _filled(
    table: str, rows: pl.LazyFrame, stored: pl.LazyFrame, partial: Collection[str]
) -> pl.LazyFrame:
    keys = list(KEYS[table])
    names = [c.name for c in contract(table).columns if c.name not in keys]
    before = stored.select(
        *keys,
        *(_as_text(stored, n).alias(f"_{n}") for n in names),
        pl.col(keys[0]).is_not_null().alias("_is"),
    )
    joined = rows.join(before, on=keys, how="left", nulls_equal=True, maintain_order="left")
    again = (pl.col(STANDING) == AGAIN) & pl.col("_is").is_not_null()
    open_ = pl.lit(value=True) if table == "firms" else pl.col("tender_id").is_in(list(partial))
    filled = [
        pl.when(again)
        .then(f"_{n}")
        .when(pl.col(STANDING) != NEW)
        .then(pl.coalesce(f"_{n}", n))
        .when(open_)
        .then(pl.coalesce(n, f"_{n}"))
        .otherwise(n)
        .alias(n)
        for n in names
    ]
    return joined.with_columns(filled).select(rows.collect_schema().names())


def _unknown_bids(rows: pl.LazyFrame, stored: pl.LazyFrame) -> pl.LazyFrame:
    """Bids without those of older releases that are stored."""
    plain = pl.concat_str(
        [pl.col("tender_id"), pl.col("lot_id").fill_null(""), pl.col("bidder_id")], separator="\x1f"
    )
    name = pl.coalesce("bid_id", plain).alias("_name")
    known = (
        stored.select(name).drop_nulls().unique().select("_name", _is=pl.col("_name").is_not_null())
    )
    joined = rows.with_columns(name).join(known, on="_name", how="left", maintain_order="left")
    kept = (pl.col(STANDING) == NEW) | pl.col("_is").is_null()
    return joined.filter(kept).drop("_name", "_is")


def _as_text(stored: pl.LazyFrame, name: str) -> pl.Expr:
    if isinstance(stored.collect_schema()[name], pl.Datetime):
        return pl.col(name).dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ")
    return pl.col(name).cast(pl.String)
