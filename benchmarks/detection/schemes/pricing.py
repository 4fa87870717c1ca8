"""Price paths: following, moving in step, standing still, and a level agreed anew."""

from __future__ import annotations

from functools import partial

import numpy as np
import polars as pl

from benchmarks.detection.schemes.planting import Planted, Random, Scheme, Tables
from detector.inference import Floats

RISE_LAG, CUT_LAG = 2, 4
"""Days after which a follower answers: rises are answered sooner (catalogue 3.C)."""
SPELL = 14
"""Days for which a follower either follows or goes its own way."""
STICKY_FROM, RISEN, PASSED = 26, 0.10, 0.5
"""Week from which prices stick; cost rise that is passed on all the same, and how much of it."""
RAISED, CALMED = 0.19, 1 / 3
"""An agreed price is that much higher and its spread that part: the reverse of the collapse
studied by Abrantes-Metz et al. (2006), mean down by 16 %, deviation up by 200 %."""
BROKEN_FROM = (60, 73)
"""Weeks among which an agreed price begins, of 104."""


class Panel:
    """Prices of products as arrays of sellers by times; what is written to them is filed."""

    def __init__(self, rows: pl.DataFrame) -> None:
        self._rows = rows.sort("sku_id", "seller_id", "ts")
        self._net = self._rows["net_price"].to_numpy().copy()
        spans = (
            self._rows.with_row_index("_at")
            .group_by("sku_id", maintain_order=True)
            .agg(
                pl.col("_at").min(),
                sellers=pl.col("seller_id").unique(maintain_order=True),
                last=pl.col("_at").max(),
            )
        )
        self._spans = {row["sku_id"]: row for row in spans.to_dicts()}

    def products(self, kind: str) -> list[str]:
        """Products of a kind, in order."""
        return sorted(sku for sku in self._spans if sku.startswith(kind))

    def sellers(self, sku: str) -> list[str]:
        """Sellers of a product, in the order of the array."""
        return list(self._spans[sku]["sellers"])

    def of(self, sku: str) -> Floats:
        """Prices of a product: a view, sellers by times."""
        span = self._spans[sku]
        return self._net[span["_at"] : span["last"] + 1].reshape(len(span["sellers"]), -1)

    def filed(self, tables: Tables) -> dict[str, pl.DataFrame]:
        """The tables with these prices in cents."""
        rows = self._rows.with_columns(net_price=pl.Series(np.round(self._net, 2)))
        return {**tables, "listing_prices": rows}


def picked(names: list[str], count: int, rng: Random) -> list[str]:
    """Some of the names, in order."""
    places = np.sort(rng.choice(len(names), min(count, len(names)), replace=False))
    return [names[place] for place in places]


def spells(times: int, strength: float, rng: Random) -> np.ndarray:
    """Times in spells of which this share is chosen; a stronger draw holds the weaker ones."""
    number = -(-times // SPELL)
    order = rng.permutation(number)
    return np.repeat(order < round(strength * number), SPELL)[:times]


def led(tables: Tables, strength: float, rng: Random, *, count: int, kind: str) -> Planted:
    """Lets one seller of a product take over another's moves, rises sooner than cuts."""
    panel, cases = Panel(tables["listing_prices"]), []
    for sku in picked(panel.products(kind)[0::2], count, rng):
        price = panel.of(sku)
        steps = np.diff(np.log(price[0]), prepend=np.log(price[0, 0]))
        answered = _later(np.maximum(steps, 0), RISE_LAG) + _later(np.minimum(steps, 0), CUT_LAG)
        path = np.cumsum(answered)
        own = np.log(price[1])
        follows = spells(price.shape[1], strength, rng)
        price[1] = np.exp(np.where(follows, path + (own - path).mean(), own))
        cases.append(frozenset(panel.sellers(sku)[:2]))
    return Planted(panel.filed(tables), tuple(cases))


def _later(steps: Floats, days: int) -> Floats:
    return np.concatenate([np.zeros(days), steps[:-days]])


def in_step(tables: Tables, strength: float, rng: Random, *, count: int) -> Planted:
    """Lets two sellers of a product change on the same days, at a constant distance."""
    panel, cases = Panel(tables["listing_prices"]), []
    for sku in picked(panel.products("shelf")[1::2], count, rng):
        price = panel.of(sku)
        together = spells(price.shape[1], strength, rng)
        distance = (price[1] - price[0]).mean()
        price[1] = np.where(together, price[0] + distance, price[1])
        cases.append(frozenset(panel.sellers(sku)[:2]))
    return Planted(panel.filed(tables), tuple(cases))


def sticky(tables: Tables, strength: float, rng: Random, *, count: int) -> Planted:
    """Lets sellers drop this share of their price changes; only large cost rises are passed on."""
    panel, cases = Panel(tables["listing_prices"]), []
    costs = tables["costs"].sort("product_id", "firm_id", "month")
    weeks = tables["listing_prices"]["ts"].unique().sort().dt.strftime("%Y-%m")
    for sku in picked(panel.products("shelf"), count, rng):
        price, seller = panel.of(sku), panel.sellers(sku)[0]
        mine = costs.filter(pl.col("firm_id") == seller)
        by_month = dict(zip(mine["month"], mine["unit_cost"], strict=True))
        cost = np.array([by_month[month] for month in weeks])
        price[0] = _held(price[0], cost, rng.random(len(cost)) < strength, strength)
        cases.append(frozenset([seller]))
    return Planted(panel.filed(tables), tuple(cases))


def _held(price: Floats, cost: Floats, dropped: np.ndarray, strength: float) -> Floats:
    """A path without the dropped changes; it never falls but by a change that was kept."""
    held, last = price.copy(), cost[STICKY_FROM]
    for week in range(STICKY_FROM + 1, len(price)):
        rise = cost[week] / last - 1
        if price[week] != price[week - 1] and not dropped[week]:
            last = cost[week]
        elif strength and rise >= RISEN:
            held[week], last = held[week - 1] * (1 + PASSED * rise), cost[week]
        else:
            held[week] = held[week - 1]
    return held


def agreed(tables: Tables, strength: float, rng: Random, *, count: int) -> Planted:
    """Raises and calms the prices of all sellers of a product from one week on."""
    panel, cases = Panel(tables["listing_prices"]), []
    for sku in picked(panel.products("shelf"), count, rng):
        price = panel.of(sku)
        start = int(rng.integers(*BROKEN_FROM))
        late = np.log(price[:, start:])
        calm = late.mean() + (late - late.mean()) * (1 - strength * (1 - CALMED))
        price[:, start:] = np.exp(calm) * (1 + RAISED * strength)
        cases.append(frozenset([sku]))
    return Planted(panel.filed(tables), tuple(cases))


LISTINGS = ("listing_prices", ("sku_id", "seller_id"))


def paths(count: int) -> tuple[Scheme, ...]:
    """Following and moving in step."""
    return (
        Scheme(
            "price leadership",
            ("MON-PRICE-LEADLAG",),
            "share of fortnights in which a seller answers another's rises after 2 days and cuts "
            "after 4",
            LISTINGS,
            partial(led, count=count, kind="shelf"),
            least=1.0,
        ),
        Scheme(
            "price leadership in cycles",
            ("MON-PRICE-LEADLAG",),
            "the same where prices jump up and are cut in small steps",
            LISTINGS,
            partial(led, count=count, kind="fuel"),
            least=1.0,
        ),
        Scheme(
            "prices in step",
            ("MON-PRICE-PARALLEL",),
            "share of fortnights in which two sellers change on the same days at a fixed distance",
            LISTINGS,
            partial(in_step, count=count),
            least=1.0,
        ),
    )


def stickiness(count: int) -> tuple[Scheme, ...]:
    """Prices that stand still."""
    return (
        Scheme(
            "sticky price",
            ("MON-PRICE-RIGIDITY",),
            "share of price changes dropped for three years; of cost rises above a tenth half is "
            "passed on, cuts never",
            LISTINGS,
            partial(sticky, count=count),
        ),
    )


def breaks(count: int) -> tuple[Scheme, ...]:
    """Prices agreed anew."""
    return (
        Scheme(
            "agreed price level",
            ("MON-PRICE-BREAK",),
            "from nothing to a price 19 % higher with a third of its spread, costs unchanged",
            ("listing_prices", ("sku_id",)),
            partial(agreed, count=count),
        ),
    )
