"""Markets bought up piece by piece, and rivals whose boards share directors."""

from __future__ import annotations

import json
from datetime import date, timedelta
from functools import partial

import numpy as np
import polars as pl

from benchmarks.detection.schemes.planting import Planted, Random, Scheme, Tables

BOUGHT = 6
"""Rivals a roll-up buys within three years."""
SHARED = 3
"""Directors two rivals share at strength 1."""
LEAST_SALES, LEAST_CAPITAL = 5_440_200, 54_402_000
"""Clayton Act s. 8, notice for 2026."""


def purchase(
    deal: str, market: str, buyer: str, target: str, signed: date
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """A deal in one market and its parties; nothing of it is large enough to be notified."""
    notice = pl.DataFrame(
        {
            "deal_id": [deal],
            "signed_on": [signed],
            "implemented_on": [signed + timedelta(days=30)],
            "jurisdiction": ["CN"],
            "acquirer_id": [buyer],
            "target_id": [target],
            "overlap_market_ids": [json.dumps([market])],
        }
    )
    parties = pl.DataFrame(
        {"deal_id": [deal] * 2, "party_id": [buyer, target], "role": ["acquirer", "target"]}
    )
    return notice, parties


def roll_up(tables: Tables, strength: float, rng: Random, *, count: int) -> Planted:
    """Lets a firm buy up small rivals, a share of six of them, one every half year.

    A market's other deals are left out of those it concerns, so that nobody is bought twice.
    """
    positions = tables["market_positions"]
    markets = positions["market_id"].unique().sort()
    chosen = markets.gather(np.sort(rng.choice(markets.len(), count, replace=False)))
    deals, parties = tables["merger_notifications"], tables["deal_parties"]
    notices, sides, cases = [deals], [parties], []
    for market in chosen:
        last = positions.filter(pl.col("market_id") == market, pl.col("period") == "2022")
        sold = set(deals["target_id"]) | set(deals["acquirer_id"])
        ranked = last.sort("share", "firm_id", descending=[True, False])["firm_id"].to_list()
        free = [f for f in ranked if f not in sold]
        buyer, targets = free[0], free[-BOUGHT:]
        start = date(2023, 8, 1) + timedelta(days=int(rng.integers(0, 60)))
        for k in range(round(BOUGHT * strength)):
            signed = start + timedelta(days=170 * k)
            made = purchase(f"{market}-roll-{k}", market, buyer, targets[k], signed)
            notices.append(made[0])
            sides.append(made[1])
        cases.append(frozenset([buyer]))
    changed = {
        "merger_notifications": pl.concat(notices, how="diagonal_relaxed"),
        "deal_parties": pl.concat(sides, how="diagonal_relaxed"),
    }
    return Planted({**tables, **changed}, tuple(cases))


def shared_directors(tables: Tables, strength: float, rng: Random, *, count: int) -> Planted:
    """Seats directors of one rival on the board of another, one pair a market.

    Both are large enough for the prohibition. The share of three directors is rounded: none at the
    faintest strength.
    """
    positions = tables["market_positions"]
    rich = tables["firm_years"].filter(pl.col("capital") > LEAST_CAPITAL)["firm_id"]
    large = positions.filter(
        pl.col("value") > LEAST_SALES, pl.col("firm_id").is_in(rich.implode())
    ).sort("market_id", "value", "firm_id", descending=[False, True, False])
    pairs = large.group_by("market_id", maintain_order=True).agg(pl.col("firm_id").head(2))
    pairs = pairs.filter(pl.col("firm_id").list.len() == 2)
    chosen = pairs[np.sort(rng.choice(pairs.height, min(count, pairs.height), replace=False))]
    seats, cases = tables["officers"], []
    for one, two in chosen["firm_id"]:
        own = seats.filter(pl.col("firm_id") == one).sort("person_hash", "from")
        moved = own.unique("person_hash", keep="first", maintain_order=True)
        moved = moved.head(round(SHARED * strength)).with_columns(firm_id=pl.lit(two))
        seats = pl.concat([seats, moved]).unique(
            ["firm_id", "person_hash", "role", "from"], keep="first", maintain_order=True
        )
        cases.append(frozenset([one, two]))
    return Planted({**tables, "officers": seats}, tuple(cases))


def roll_ups(count: int) -> Scheme:
    """A market bought up."""
    return Scheme(
        "roll-up", ("MON-SERIAL-ACQ",),
        "share of six small rivals the largest free firm of a market buys within three years",
        ("market_positions", ("market_id", "firm_id")), partial(roll_up, count=count),
    )  # fmt: skip


def interlocks(count: int) -> Scheme:
    """Boards that share directors."""
    return Scheme(
        "shared directors", ("MON-INTERLOCK",),
        "share of three directors of a large rival who sit on the other's board as well",
        ("firms", ("firm_id",)), partial(shared_directors, count=count),
    )  # fmt: skip
