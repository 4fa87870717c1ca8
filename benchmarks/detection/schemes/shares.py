"""Concentration: a market of many firms gets a leader, or two of its firms merge."""

from __future__ import annotations

from functools import partial

import numpy as np
import polars as pl

from benchmarks.detection.schemes.planting import Planted, Random, Scheme, Tables

LEADER, MERGING = 0.68, 0.29
"""Middle of the simulator's shares of a single leader, and of each of three."""
MARKET = "market_id"


def leaders(tables: Tables, strength: float, _: Random, *, count: int) -> Planted:
    """Raises the largest firm of `count` markets towards the simulator's single leader."""
    chosen = _scattered(tables["market_positions"], 0, count)
    grown, cases = _grown(tables["market_positions"], chosen, 1, LEADER, strength)
    return Planted({**tables, "market_positions": grown}, tuple(map(frozenset, cases)))


def mergers(tables: Tables, strength: float, _: Random, *, count: int) -> Planted:
    """Lets the two largest firms of `count` markets merge, each grown towards one of three."""
    chosen = _scattered(tables["market_positions"], 1, count)
    grown, found = _grown(tables["market_positions"], chosen, 2, MERGING, strength)
    notices, parties = tables["merger_notifications"], tables["deal_parties"]
    deals = notices["deal_id"].sort()[: len(found)]
    cases, changed = [], parties
    for deal, (market, one, two) in zip(deals, found, strict=False):
        mine = notices["deal_id"] == deal
        notices = notices.with_columns(
            target_id=pl.when(mine).then(pl.lit(two)).otherwise("target_id"),
            overlap_market_ids=pl.when(mine)
            .then(pl.lit(f'["{market}"]'))
            .otherwise("overlap_market_ids"),
        )
        first = parties.filter(pl.col("deal_id") == deal)["party_id"].to_list()
        names = dict(zip(first, (one, two), strict=True))
        renamed = pl.col("party_id").replace_strict(names, default=pl.col("party_id"))
        changed = changed.with_columns(
            party_id=pl.when(pl.col("deal_id") == deal).then(renamed).otherwise("party_id")
        )
        cases.append(frozenset([deal]))
    planted = {"merger_notifications": notices, "deal_parties": changed, "market_positions": grown}
    return Planted({**tables, **planted}, tuple(cases))


def _scattered(positions: pl.DataFrame, half: int, count: int) -> list[str]:
    """Markets with the smallest leaders, of every second market by name: two schemes never meet."""
    mine = positions[MARKET].unique().sort()[half::2]
    largest = positions.filter(pl.col(MARKET).is_in(mine.implode())).group_by(MARKET).agg(
        pl.col("share").max()
    )  # fmt: skip
    return sorted(largest.sort("share", MARKET)[MARKET].to_list()[:count])


def _grown(
    positions: pl.DataFrame, markets: list[str], ahead: int, share: float, strength: float
) -> tuple[pl.DataFrame, list[tuple[str, ...]]]:
    """Positions with the largest firms drawn towards a share, the rest scaled to what is left."""
    parts = [positions.filter(~pl.col(MARKET).is_in(markets))]
    found = []
    for market in markets:
        rows = positions.filter(pl.col(MARKET) == market)
        means = rows.group_by("firm_id").agg(pl.col("share").mean()).sort(
            "share", "firm_id", descending=[True, False]
        )  # fmt: skip
        firms = means["firm_id"].to_list()[:ahead]
        top = pl.col("firm_id").is_in(firms)
        new = (1 - strength) * pl.col("share") + strength * np.minimum(share, 0.97 / ahead)
        drawn = rows.with_columns(_new=pl.when(top).then(new))
        held = pl.col("_new").sum().over("period")
        left = (pl.col("share").sum() - pl.col("share").filter(top).sum()).over("period")
        whole = pl.col("share").sum().over("period")
        others = pl.col("share") / left * (whole - held)
        share_new = pl.when(top).then(pl.col("_new")).otherwise(others)
        per_share = (pl.col("value").sum() / pl.col("share").sum()).over("period")
        grown = drawn.with_columns(_share=share_new, _unit=per_share).with_columns(
            share=pl.col("_share").round(6), value=(pl.col("_share") * pl.col("_unit")).round()
        )
        parts.append(grown.select(positions.columns))
        found.append((market, *firms))
    return pl.concat(parts), found


def schemes(count: int) -> tuple[Scheme, ...]:
    """Dominance, concentration and mergers."""
    positions = ("market_positions", (MARKET, "firm_id"))
    return (
        Scheme(
            "market leader",
            ("MON-DOMINANCE-CN",),
            "largest share of a scattered market, from its own to 0.68",
            positions,
            partial(leaders, count=count),
        ),
        Scheme(
            "merger of leaders",
            ("MON-HHI-MERGER",),
            "shares of both parties, from a scattered market's to 0.29 each",
            ("merger_notifications", ("deal_id",)),
            partial(mergers, count=count),
        ),
    )
