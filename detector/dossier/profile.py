"""What every organisation looks like from outside: size, markets, tenders, apps, shops.

These few figures can be told of any firm, whichever tables are filed, so that firms are comparable
where no feature of a suspicion is about them. Null means that nothing was filed, never zero.
"""

from __future__ import annotations

from datetime import date
from threading import Lock
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import polars as pl

from detector.owners import OWNER
from detector.peers import KEY, PERIOD, GrainReference

if TYPE_CHECKING:
    from detector.lake import Lake, Snapshot

GRAIN = "firm_y"
"""The grain whose subjects are firms themselves: their economic groups are left out together."""
STRATA = ("sector", "country")
FIGURES: dict[str, tuple[dict[str, str], str]] = {
    "turnover_log": ({"en": "world turnover", "zh": "全球营业额"}, "log10 of money"),
    "users_log": ({"en": "active users", "zh": "活跃用户"}, "log10 of persons"),
    "markets": ({"en": "markets", "zh": "市场数"}, "markets"),
    "best_share": ({"en": "largest share of a market", "zh": "最高市场份额"}, "0-1"),
    "tenders_log": ({"en": "tenders bid for", "zh": "投标次数"}, "log10 of tenders"),
    "win_share": ({"en": "tenders won", "zh": "中标占比"}, "0-1"),
    "bid_size_log": ({"en": "median bid", "zh": "报价中位数"}, "log10 of money"),
    "apps": ({"en": "apps", "zh": "应用数"}, "apps"),
    "shops": ({"en": "shops", "zh": "店铺数"}, "shops"),
}
"""Title and unit of each figure."""
_ALWAYS = date(1970, 1, 1)
_lock = Lock()
_kept: WeakKeyDictionary[Lake, tuple[str, GrainReference]] = WeakKeyDictionary()
"""Of the last snapshot asked for, with its id, which tells every batch it shows."""


def profiles(lake: Lake, snapshot: Snapshot) -> GrainReference:
    """The figures of every organisation, as peers to look for the nearest among.

    Computed once a snapshot: they are of everybody, and every dossier asks for them.
    """
    with _lock:
        last = _kept.get(lake)
        if last is None or last[0] != snapshot.id:
            last = _kept[lake] = (snapshot.id, _computed(lake, snapshot))
        return last[1]


def _computed(lake: Lake, snapshot: Snapshot) -> GrainReference:
    parts = [part(lake, snapshot) for part in (_register, _positions, _tenders, _apps, _shops)]
    whole = parts[0]
    for part in parts[1:]:
        whole = whole.join(part, on=KEY, how="full", coalesce=True)
    texts = [pl.col(c).fill_null("unknown") for c in STRATA]
    figures = [pl.col(name).cast(pl.Float64).round_sig_figs(12) for name in FIGURES]
    period = pl.lit(_ALWAYS).alias(PERIOD)
    rows = whole.select(KEY, period, pl.col(KEY).alias(OWNER), *texts, *figures).sort(KEY)
    return GrainReference(GRAIN, STRATA, tuple(FIGURES), rows.collect())


def _register(lake: Lake, snapshot: Snapshot) -> pl.LazyFrame:
    rows = lake.scan(snapshot, "firms")
    return rows.select(
        pl.col("firm_id").alias(KEY),
        *STRATA,
        turnover_log=_log("turnover_world"),
        users_log=_log("active_users"),
    )


def _positions(lake: Lake, snapshot: Snapshot) -> pl.LazyFrame:
    rows = lake.scan(snapshot, "market_positions")
    return rows.group_by(pl.col("firm_id").alias(KEY)).agg(
        markets=pl.col("market_id").n_unique(), best_share=pl.col("share").max()
    )


def _tenders(lake: Lake, snapshot: Snapshot) -> pl.LazyFrame:
    """Wins are those of the tender where it names a winner, else those the bids mark."""
    lot = ["tender_id", "lot_id"]
    winners = lake.scan(snapshot, "tenders").select(*lot, "winner_id")
    bids = lake.scan(snapshot, "bids").filter(pl.col("bidder_id").is_not_null())
    joined = bids.join(winners, on=lot, how="left", nulls_equal=True)
    won = pl.coalesce(pl.col("winner_id") == pl.col("bidder_id"), pl.col("won"))
    return joined.group_by(pl.col("bidder_id").alias(KEY)).agg(
        tenders_log=pl.struct(lot).n_unique().cast(pl.Float64).log10(),
        win_share=won.mean(),
        bid_size_log=_log("amount").median(),
    )


def _apps(lake: Lake, snapshot: Snapshot) -> pl.LazyFrame:
    rows = lake.scan(snapshot, "apps").filter(pl.col("operator_id").is_not_null())
    return rows.group_by(pl.col("operator_id").alias(KEY)).agg(apps=pl.col("app_id").n_unique())


def _shops(lake: Lake, snapshot: Snapshot) -> pl.LazyFrame:
    rows = lake.scan(snapshot, "merchants").filter(pl.col("firm_id").is_not_null())
    counted = pl.col("merchant_id").n_unique()
    return rows.group_by(pl.col("firm_id").alias(KEY)).agg(shops=counted)


def _log(column: str) -> pl.Expr:
    value = pl.col(column).cast(pl.Float64)
    return pl.when(value > 0).then(value.log10())
