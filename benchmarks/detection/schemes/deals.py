"""Deals and platforms that keep from the authority what they had to tell it, or do not wait.

Limits here are those of the law, by which honest parties go as well: whoever reaches them tells.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import polars as pl

from benchmarks.detection.schemes.planting import Planted, Random, Scheme, Tables

DMA = {"turnover_eu": 7.5e9, "member_states": 3, "active_users": 45e6, "business_users": 10_000}
"""Regulation (EU) 2022/1925, art. 3(2)."""
CN_WORLD, CN_HOME, CN_EACH = 12e9, 4e9, 0.8e9
"""State Council Order 773 (2024), art. 3."""
US_VALUE, US_LARGE, US_SMALL, US_ALWAYS = 133.9e6, 267.8e6, 26.8e6, 535.5e6
"""HSR Act, notice for 2026."""
OVER = 1.5
"""A scheme of strength 1 stands half above the limits."""
DEAR, ALIKE = 30.0, 0.85
"""A killer acquisition pays thirty times the target's turnover for a product much like its own."""
SOON, LATE = 120, 1400
"""Days from closing to the end of the bought product, in the scheme and without."""


def meets_dma(years: pl.DataFrame) -> pl.DataFrame:
    """Whether the figures of a year reach all thresholds: column `meets`."""
    money = (pl.col("turnover_eu") >= DMA["turnover_eu"]) | (pl.col("market_cap") >= 75e9)
    others = (pl.col(c) >= least for c, least in DMA.items() if c != "turnover_eu")
    return years.with_columns(meets=pl.all_horizontal(money, *others))


def must_notify(place: str, value: float, parties: pl.DataFrame) -> bool:
    """Whether a deal has to be notified in China or the United States."""
    home, world = parties["turnover_domestic"].to_numpy(), parties["turnover_world"].to_numpy()
    if place == "CN":
        joint = world.sum() > CN_WORLD or home.sum() > CN_HOME
        return bool(joint and (home > CN_EACH).sum() >= 2)
    size = np.sort(np.maximum(world, parties["assets"].to_numpy()))
    sized = size[1] >= US_LARGE and size[0] >= US_SMALL
    return bool(value > US_ALWAYS or (value > US_VALUE and sized))


def _raised(column: str, target: float | pl.Expr, strength: float) -> pl.Expr:
    """A figure drawn up to a target on the scale of logarithms, never down."""
    own = pl.col(column)
    aim = pl.max_horizontal(own, target)
    return ((1 - strength) * own.log() + strength * aim.log()).exp()


def undesignated_platforms(tables: Tables, strength: float, rng: Random, *, count: int) -> Planted:
    """Lets operators outgrow the thresholds in all their years without a designation."""
    years = tables["firm_years"]
    small = (
        meets_dma(years).group_by("firm_id").agg(pl.col("meets").any()).filter(~pl.col("meets"))
    )["firm_id"].sort()
    chosen = small.gather(np.sort(rng.choice(small.len(), count, replace=False)))
    mine = pl.col("firm_id").is_in(chosen.implode())
    if strength:
        grown = {
            c: pl.when(mine)
            .then(_raised(c, OVER * least, strength).round().cast(years.schema[c]))
            .otherwise(c)
            for c, least in DMA.items()
        }
        years = years.with_columns(**grown)
    return Planted({**tables, "firm_years": years}, tuple(frozenset([f]) for f in chosen))


def not_notified(tables: Tables, strength: float, rng: Random, *, count: int) -> Planted:
    """Lets the parties to deals below the limits outgrow them; nobody is told."""
    deals, parties = tables["merger_notifications"], tables["deal_parties"]
    sides = {str(key[0]): part for key, part in parties.group_by("deal_id")}
    quiet = deals.filter(pl.col("notified_on").is_null(), pl.col("cleared_on").is_null())
    named = quiet.sort("deal_id").select("deal_id", "jurisdiction", "deal_value").iter_rows()
    below = [deal for deal, place, value in named if not must_notify(place, value, sides[deal])]
    chosen = pl.Series(sorted(str(d) for d in rng.choice(below, count, replace=False)))
    mine = pl.col("deal_id").is_in(chosen.implode())
    american = deals.filter(mine, pl.col("jurisdiction") == "US")["deal_id"].implode()
    buyer, us = pl.col("role") == "acquirer", pl.col("deal_id").is_in(american)
    home = pl.when(buyer).then(OVER * (CN_HOME - CN_EACH)).otherwise(OVER * CN_EACH)
    world = pl.when(buyer).then(OVER * CN_WORLD * 0.75).otherwise(OVER * CN_WORLD * 0.25)
    size = pl.when(buyer).then(OVER * US_LARGE).otherwise(OVER * US_SMALL)
    everywhere = pl.when(us).then(size).otherwise(world)
    if strength:
        parties = parties.with_columns(
            turnover_world=pl.when(mine)
            .then(_raised("turnover_world", everywhere, strength).round())
            .otherwise("turnover_world"),
            turnover_domestic=pl.when(mine & ~us)
            .then(_raised("turnover_domestic", home, strength).round())
            .otherwise("turnover_domestic"),
        )
        worth = _raised("deal_value", OVER * US_VALUE, strength).round()
        deals = deals.with_columns(
            deal_value=pl.when(mine & us).then(worth).otherwise("deal_value")
        )
    changed = {"merger_notifications": deals, "deal_parties": parties}
    return Planted({**tables, **changed}, tuple(frozenset([d]) for d in chosen))


def before_clearance(tables: Tables, strength: float, rng: Random, *, count: int) -> Planted:
    """Carries deals out before clearance: by a share of the time the authority took."""
    deals = tables["merger_notifications"]
    waited = deals.filter(
        pl.col("cleared_on").is_not_null(), pl.col("implemented_on") >= pl.col("cleared_on")
    )["deal_id"].sort()
    chosen = waited.gather(np.sort(rng.choice(waited.len(), count, replace=False)))
    mine = pl.col("deal_id").is_in(chosen.implode())
    wait = (pl.col("cleared_on") - pl.col("notified_on")).dt.total_days()
    early = pl.col("cleared_on") - pl.duration(days=(wait * strength).ceil().cast(pl.Int64))
    done = pl.when(mine & pl.lit(strength > 0)).then(early).otherwise("implemented_on")
    changed = deals.with_columns(implemented_on=done)
    cases = tuple(frozenset([d]) for d in chosen)
    return Planted({**tables, "merger_notifications": changed}, cases)


def bought_dear(tables: Tables, strength: float, rng: Random, *, count: int) -> Planted:
    """Raises the price over turnover and the likeness of products of purchases."""
    deals = tables["merger_notifications"]
    chosen = _some(deals, rng, count)
    mine = pl.col("deal_id").is_in(chosen.implode())
    target = tables["deal_parties"].filter(pl.col("role") == "target")
    joined = deals.join(
        target.select("deal_id", _turnover="turnover_world"), on="deal_id", how="left",
        maintain_order="left",
    )  # fmt: skip
    worth = _raised("deal_value", DEAR * pl.col("_turnover"), strength).round()
    alike = pl.col("overlap_similarity")
    nearer = (1 - strength) * alike + strength * pl.max_horizontal(alike, ALIKE)
    changed = joined.with_columns(
        deal_value=pl.when(mine).then(worth).otherwise("deal_value"),
        overlap_similarity=pl.when(mine).then(nearer).otherwise(alike),
    ).drop("_turnover")
    cases = tuple(frozenset([d]) for d in chosen)
    return Planted({**tables, "merger_notifications": changed}, cases)


def _some(deals: pl.DataFrame, rng: Random, count: int) -> pl.Series:
    """Deals that can be looked back on for two years and whose product still runs."""
    old = deals.filter(
        pl.col("implemented_on") < pl.date(2024, 12, 1), pl.col("discontinued_on").is_null()
    )["deal_id"].sort()
    return old.gather(np.sort(rng.choice(old.len(), count, replace=False)))


def ended_soon(tables: Tables, strength: float, rng: Random, *, count: int) -> Planted:
    """Ends bought products the sooner, the stronger: after four months at strength 1."""
    deals = tables["merger_notifications"]
    chosen = _some(deals, rng, count)
    mine = pl.col("deal_id").is_in(chosen.implode())
    days = round(float(np.exp((1 - strength) * np.log(LATE) + strength * np.log(SOON))))
    end = pl.col("implemented_on") + pl.duration(days=days)
    known = pl.when(end <= pl.date(2026, 9, 30)).then(end)
    changed = deals.with_columns(
        discontinued_on=pl.when(mine).then(known).otherwise("discontinued_on")
    )
    cases = tuple(frozenset([d]) for d in chosen)
    return Planted({**tables, "merger_notifications": changed}, cases)


DEALS = ("merger_notifications", ("deal_id",))


def undesignated(count: int) -> Scheme:
    """Gatekeepers nobody designated."""
    return Scheme(
        "undesignated gatekeeper", ("MON-GATEKEEPER-DMA",),
        "how far an operator's figures grow from its own to half above every threshold",
        ("firms", ("firm_id",)), partial(undesignated_platforms, count=count),
    )  # fmt: skip


def unnotified(count: int) -> Scheme:
    """Deals nobody was told of."""
    return Scheme(
        "deal not notified", ("MON-MERGER-THRESHOLD",),
        "how far the parties to a deal nobody was told of grow to half above the limits",
        DEALS, partial(not_notified, count=count),
    )  # fmt: skip


def too_early(count: int) -> Scheme:
    """Deals that did not wait."""
    return Scheme(
        "closed before clearance", ("MON-GUN-JUMPING",),
        "share of the time from notice to clearance by which a deal is carried out too early",
        DEALS, partial(before_clearance, count=count),
    )  # fmt: skip


def dear(count: int) -> Scheme:
    """Dear purchases of like products."""
    return Scheme(
        "rival bought dear", ("MON-KILLER-ACQ",),
        "how far price over turnover moves to thirty and likeness of products to 0.85",
        DEALS, partial(bought_dear, count=count),
    )  # fmt: skip


def ended(count: int) -> Scheme:
    """Products ended after the purchase."""
    return Scheme(
        "bought product ended", ("MON-KILLER-ACQ",),
        "how soon it ends: after 1,400 days at 0 (not yet), 120 at 1, on a logarithmic scale",
        DEALS, partial(ended_soon, count=count),
    )  # fmt: skip
