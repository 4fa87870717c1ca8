"""How two rivals' prices of a product move together in a quarter: the rows both screens share.

`MON-PRICE-LEADLAG` asks who follows whom, `MON-PRICE-PARALLEL` whether they move on the same days.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import combinations
from math import nan

import narwhals as nw
import numpy as np
import polars as pl

from features.catalogue import view
from features.library.price_days import STEP
from features.operators import Lazy, pair_key, quarter_end
from features.tables import Tables, collect
from features.timeseries import (
    MAX_LAG,
    Series,
    best_lag,
    best_lag_p,
    granger_p,
    jaccard,
    shift_z,
)

WINDOW = 1
"""Days within which two changes count as one."""

SELLERS = 40
"""Most sellers of a product compared in a quarter: those that changed prices most often."""

NUMBERS = (
    "best_lag", "best_corr", "best_p", "granger", "leader_share", "lag_down_minus_up",
    "jaccard", "excess_z", "gap_sd", "gap_rel",
)  # fmt: skip
COUNTS = ("n_common", "changes_a", "changes_b", "n_moves")


@dataclass(frozen=True, slots=True)
class _Path:
    """One group's prices of a product in a quarter: days since 1970 and the day's price."""

    days: Series
    prices: Series
    signs: dict[int, float]
    """Direction of the price change by day of the change."""

    @classmethod
    def of(cls, days: Series, prices: Series) -> _Path:
        """Of daily prices in the order of days; a change differs from the price before."""
        steps = np.diff(prices)
        moved = np.abs(steps) > STEP * np.abs(prices[:-1])
        changes = days[1:][moved].astype(np.int64).tolist()
        signs = dict(zip(changes, np.sign(steps[moved]).tolist(), strict=True))
        return cls(days, prices, signs)

    @property
    def moves(self) -> list[int]:
        """Days on which the price differs from the one observed before."""
        return list(self.signs)


@view("price_pair_rows")
def price_pair_rows(t: Tables) -> Lazy:
    """One row per pair of groups and quarter, for the product on which they moved most.

    Only groups that changed a price at all are paired: two prices that never move say nothing
    about each other.
    """
    frame = collect(t.view("firm_price_days")).sort(
        "sku_id", "currency", "period_start", "firm", "day"
    )
    cells = frame.partition_by("sku_id", "currency", "period_start", as_dict=True)
    found = [row for key, cell in cells.items() for row in _pairs(key, cell)]
    schema: dict[str, pl.DataType | type[pl.DataType]] = {
        "sku_id": pl.String, "currency": pl.String, "period_start": pl.Date,
        "firm_a": pl.String, "firm_b": pl.String,
    }  # fmt: skip
    schema |= dict.fromkeys(COUNTS, pl.Int64) | dict.fromkeys(NUMBERS, pl.Float64)
    rows = pl.DataFrame(found, schema=schema, orient="row")
    least = pl.min_horizontal("changes_a", "changes_b")
    best = (
        rows.with_columns(pl.col(NUMBERS).fill_nan(None))
        .sort(least, "n_common", "sku_id", "currency", descending=[True, True, False, False])
        .unique(["firm_a", "firm_b", "period_start"], keep="first", maintain_order=True)
    )
    return nw.from_native(best.lazy()).with_columns(
        pair_key(nw.col("firm_a"), nw.col("firm_b")).alias("subject_key"),
        quarter_end(nw.col("period_start")).alias("period_end"),
    )


def _pairs(key: tuple[object, ...], cell: pl.DataFrame) -> list[tuple[object, ...]]:
    """All pairs of groups that changed the price of one product in one quarter."""
    paths = _paths(cell)
    moves = {firm: path.moves for firm, path in paths.items()}
    moving = sorted((f for f in paths if moves[f]), key=lambda f: (-len(moves[f]), f))[:SELLERS]
    first = int(min(path.days[0] for path in paths.values()))
    observed = int(max(path.days[-1] for path in paths.values())) - first + 1
    changers = Counter(d for days in moves.values() for d in days)
    rows = []
    for a, b in combinations(sorted(moving), 2):
        own = [[d - first for d in moves[f]] for f in (a, b)]
        others = changers - Counter(moves[a]) - Counter(moves[b])
        market = _market_days(others, len(paths) - 2, first)
        rows.append((*key, a, b, *_compare(paths[a], paths[b], own[0], own[1], observed, market)))
    return rows


def _paths(cell: pl.DataFrame) -> dict[str, _Path]:
    """The path of each group; the cell is sorted by group and day."""
    firms = cell["firm"].rle().struct.unnest()
    ends = firms["len"].cum_sum().to_list()
    days = cell["day"].to_physical().to_numpy().astype(np.float64)
    prices = cell["price"].to_numpy()
    return {
        str(firm): _Path.of(days[end - n : end], prices[end - n : end])
        for firm, n, end in zip(firms["value"], firms["len"], ends, strict=True)
    }


def _market_days(changers: Counter[int], others: int, first: int) -> set[int]:
    """Days on which at least half of at least three other groups changed their price.

    Such days point to a common cost or a calendar, not to the pair.
    """
    if others < 3:
        return set()
    return {d - first for d, count in changers.items() if 2 * count >= others}


def _compare(
    a: _Path, b: _Path, moves_a: list[int], moves_b: list[int], span: int, market: set[int]
) -> tuple[float, ...]:
    """Counts and statistics of one pair, in the order of `COUNTS` and `NUMBERS`."""
    _, at_a, at_b = np.intersect1d(a.days, b.days, assume_unique=True, return_indices=True)
    price_a, price_b = a.prices[at_a], b.prices[at_b]
    gap = price_a - price_b
    common = len(gap)
    gap_sd = float(gap.std(ddof=1)) if common > 1 else nan
    level = float((price_a + price_b).mean() / 2) if common else nan
    moved = _together(np.diff(price_a), np.diff(price_b), common)
    led = _leads(a, b)
    special_a = [d for d in moves_a if d not in market]
    special_b = [d for d in moves_b if d not in market]
    enough = min(len(special_a), len(special_b)) >= 5
    z = shift_z(special_a, special_b, span, WINDOW) if enough else nan
    return (
        common, len(moves_a), len(moves_b), led[0],
        *moved, led[1], led[2],
        jaccard(moves_a, moves_b, WINDOW), z, gap_sd, gap_sd / level,
    )  # fmt: skip


def _together(steps_a: Series, steps_b: Series, common: int) -> tuple[float, float, float, float]:
    """Best lag, its correlation and p, and the smaller Granger p of both directions times two."""
    if min(np.count_nonzero(steps_a), np.count_nonzero(steps_b)) < 8:
        return nan, nan, nan, nan
    lag, corr = best_lag(steps_a, steps_b)
    both = [granger_p(steps_a, steps_b), granger_p(steps_b, steps_a)] if common >= 60 else [nan]
    known = [p for p in both if not np.isnan(p)]
    causal = min(1.0, len(known) * min(known)) if known else nan
    return lag, corr, best_lag_p(steps_a, steps_b), causal


def _leads(a: _Path, b: _Path) -> tuple[int, float, float]:
    """Answered moves, the larger side's share of having begun them, and the speed gap.

    A change answers the other's oldest unanswered change in the same direction of the 14 days
    before; otherwise it opens a move itself. Same-day changes in one direction have no leader.
    """
    side_a, side_b = a.signs, b.signs
    unmatched = [
        (day, turn, sign)
        for turn, (own, other) in enumerate(((side_a, side_b), (side_b, side_a)))
        for day, sign in own.items()
        if other.get(day) != sign
    ]
    waiting: dict[tuple[int, float], list[int]] = {}
    waits: list[tuple[int, int, float]] = []
    for day, turn, sign in sorted(unmatched):
        queue = waiting.setdefault((1 - turn, sign), [])
        queue[:] = [d for d in queue if 0 < day - d <= MAX_LAG]
        if queue:
            waits.append((1 - turn, day - queue.pop(0), sign))
        else:
            waiting.setdefault((turn, sign), []).append(day)
    if not waits:
        return 0, nan, nan
    led = sum(turn for turn, _, _ in waits)
    ups = [wait for _, wait, sign in waits if sign > 0]
    downs = [wait for _, wait, sign in waits if sign < 0]
    speed = float(np.median(downs) - np.median(ups)) if ups and downs else nan
    return len(waits), max(led, len(waits) - led) / len(waits), speed
