"""Price cartels: sellers of one line agree on a raised and quiet price for a year."""

from __future__ import annotations

from functools import partial

import numpy as np
import polars as pl

from benchmarks.detection.schemes.planting import Planted, Random, Scheme, Tables, blend
from detector.demo.prices import _agreed

WEEKS, LEAD = 52, 39


def cartels(tables: Tables, strength: float, rng: Random, *, count: int) -> Planted:
    """Draws the last year of `count` product lines into the simulator's agreed prices."""
    rows = tables["listing_prices"]
    cells = [name for name in ("sku_id", "platform_id") if name in rows.columns]
    long = rows.group_by(cells, maintain_order=True).agg(
        n=pl.len() / pl.col("seller_id").n_unique()
    )
    lines = long.filter(pl.col("n") >= WEEKS + LEAD)
    chosen = lines[np.sort(rng.choice(lines.height, min(count, lines.height), replace=False))]
    parts, cases = [], []
    for line in chosen.partition_by(cells, maintain_order=True):
        mine = rows.join(line, on=cells, how="semi").sort("seller_id", "ts")
        parts.append(_agreeing(rng, mine, strength))
        cases.append(frozenset(mine["seller_id"]) | set(mine["sku_id"]))
    others = rows.join(chosen, on=cells, how="anti")
    changed = {**tables, "listing_prices": pl.concat([others, *parts])}
    return Planted(changed, tuple(cases))


def _agreeing(rng: Random, rows: pl.DataFrame, strength: float) -> pl.DataFrame:
    """One line with agreed prices in its last year; promotions go as the agreement bites."""
    sellers = rows.partition_by("seller_id", maintain_order=True)
    weeks = min(part.height for part in sellers)
    price = np.stack([part["list_price"].to_numpy()[-weeks:] for part in sellers])
    span = range(weeks - WEEKS, weeks)
    agreed = _agreed(rng, price, span)
    price[:, span.start :] = blend(price[:, span.start :], agreed, strength)
    found = []
    for part, own in zip(sellers, price, strict=True):
        kept = part["net_price"].to_numpy()[-weeks:] / part["list_price"].to_numpy()[-weeks:]
        dropped = (np.arange(weeks) >= span.start) & (rng.random(weeks) < strength)
        cut = np.where(dropped, 1.0, kept)
        late = part.tail(weeks).with_columns(
            list_price=pl.Series(np.round(own, 4)), net_price=pl.Series(np.round(own * cut, 4))
        )
        found.append(pl.concat([part.head(part.height - weeks), late]))
    return pl.concat(found)


def schemes(count: int) -> tuple[Scheme, ...]:
    """Price cartels."""
    return (
        Scheme(
            "price cartel",
            ("MON-PRICE-VARIANCE",),
            "how far a year of prices moves from the line's own to raised, quiet ones",
            ("listing_prices", ("sku_id", "seller_id")),
            partial(cartels, count=count),
        ),
    )
