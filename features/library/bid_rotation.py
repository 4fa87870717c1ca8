"""Circles of bidders that win in turns (MON-BID-ROTATION)."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import cache
from math import comb

import narwhals as nw
import numpy as np
import polars as pl

from features.catalogue import Measure, base, feature, measure
from features.library.bid_market import WINS_IN
from features.library.bid_screens import TABLES
from features.operators import Lazy, year_end
from features.tables import Tables, collect
from features.vocabulary import Reason

_TYPOLOGY, _BASE = "MON-BID-ROTATION", "group_rotation"
_SOURCE = "catalogue 3.B; Kawai, Nakabayashi, Ortner and Chassang 2022"
_INPUTS = (*WINS_IN, "bids.amount", "bids.status", "tenders.award_value", "tenders.currency")
LEAST_TENDERS, LEAST_MEMBERS, LEAST_WINS = 6, 3, 3
EXACT_UP_TO, DRAWS, SEED = 400, 10_000, 20220719
"""Longer sequences of wins are permuted `DRAWS` times with a fixed seed."""

_CELL = ["year", "group"]


def repeat_tail(wins: Sequence[int], repeats: int) -> float:
    """P(adjacent repeats <= observed) when the winners of a sequence are put in random order.

    Exact up to `EXACT_UP_TO` tenders: arrangements of the winners in which m marked neighbours are
    equal number sum over (k_i) of K! / prod k_i! prod C(n_i - 1, k_i - 1) with K = sum k_i = N - m
    blocks; inclusion and exclusion over m gives those with exactly r repeats.

    Args:
        wins: how often each member won.
        repeats: tenders won by the winner of the one before.
    """
    return _tail(tuple(sorted(w for w in wins if w > 0)), repeats)


@cache
def _tail(wins: tuple[int, ...], repeats: int) -> float:
    n = sum(wins)
    if n > EXACT_UP_TO:
        return _drawn(wins, repeats)
    blocks = [1]
    for w in wins:
        merged = [0] * (len(blocks) + w)
        for k, ways in enumerate(blocks):
            if ways:
                for more in range(1, w + 1):
                    merged[k + more] += ways * comb(w - 1, more - 1) * comb(k + more, more)
        blocks = merged
    marked = [blocks[n - m] for m in range(n)]
    fewer = sum(
        (-1) ** (m - r) * comb(m, r) * marked[m]
        for r in range(min(repeats, n - 1) + 1)
        for m in range(r, n)
    )
    return float(Fraction(fewer, marked[0]))


def _drawn(wins: tuple[int, ...], repeats: int) -> float:
    """The same by random permutation: (1 + as few) / (1 + draws)."""
    draw = np.random.default_rng(SEED)
    row = np.repeat(np.arange(len(wins)), wins)
    as_few = 0
    for _ in range(DRAWS):
        mixed = draw.permutation(row)
        as_few += int((mixed[1:] == mixed[:-1]).sum()) <= repeats
    return (1 + as_few) / (1 + DRAWS)


@base(name=_BASE, grain="group_y", tables=TABLES, attributes=("n_members",), peers=("n_members",))
def group_rotation(t: Tables) -> Lazy:
    """One row per circle and year: the sequence of tenders its members shared and one of them won.

    In order of the day of the award, tenders of one day by their key.
    """
    members = collect(t.view("cobid_members"))
    firms = collect(t.view("lot_firms"))
    lots = _touched(members, firms)
    values = collect(
        t.view("lot_terms").select("subject_key", "award_value").join(
            t.view("lot_results").select("subject_key", "n_currencies"),
            on="subject_key", how="left",
        )
    )  # fmt: skip
    wins = _sequence(lots.join(values, on="subject_key", how="left"))
    rows = members.group_by(_CELL).agg(pl.col("n_members").first())
    shared = lots.group_by(_CELL).agg(n_touched=pl.len(), n_joint=(pl.col("present") >= 2).sum())
    for part in (shared, _repeats(wins), _values(wins), _waits(wins)):
        rows = rows.join(part, on=_CELL, how="left")
    rows = rows.with_columns(
        pl.col("n_touched", "n_joint", "n_won", "n_waiting").fill_null(0),
        subject_key="group",
        period_start="year",
    )
    return nw.from_native(rows.lazy()).with_columns(
        year_end(nw.col("period_start")).alias("period_end")
    )


def _touched(members: pl.DataFrame, firms: pl.DataFrame) -> pl.DataFrame:
    """Tenders in which a member of a circle bid: how many bidders it sent, who of it won."""
    won = pl.col("wins") == 1
    return (
        firms.join(members.select(*_CELL, "firm"), on=["year", "firm"])
        .group_by(*_CELL, "subject_key")
        .agg(
            pl.col("day").first(),
            pl.col("party").n_unique().alias("present"),
            pl.col("firm").filter(won).min().alias("winner"),
            pl.col("amount").filter(won).min().alias("bid"),
            pl.col("currency").filter(won).min(),
        )
    )


def _sequence(lots: pl.DataFrame) -> pl.DataFrame:
    """Tenders two or more members bid for and one won, in order, with place and value."""
    return (
        lots.filter((pl.col("present") >= 2) & pl.col("winner").is_not_null())
        .sort(*_CELL, "day", "subject_key")
        .with_columns(
            place=pl.int_range(pl.len()).over(_CELL),
            again=(pl.col("winner") == pl.col("winner").shift(1)).over(_CELL),
            value=pl.coalesce("award_value", "bid"),
        )
    )


def _repeats(wins: pl.DataFrame) -> pl.DataFrame:
    """Length of each sequence, its repeats and how likely so few are."""
    counts = wins.group_by(*_CELL, "winner").agg(w=pl.len())
    rows = (
        wins.group_by(_CELL)
        .agg(n_won=pl.len(), repeats=pl.col("again").sum())
        .join(counts.group_by(_CELL).agg(pl.col("w").sort()), on=_CELL)
    )
    tails = [
        repeat_tail(w, r) if len(w) > 1 and sum(w) >= LEAST_TENDERS else None
        for w, r in rows.select("w", "repeats").iter_rows()
    ]
    return rows.with_columns(tail=pl.Series(tails, dtype=pl.Float64)).drop("w")


def _values(wins: pl.DataFrame) -> pl.DataFrame:
    """Entropy (natural) of the members' shares of the value won."""
    totals = (
        wins.sort(*_CELL, "winner", "place")
        .group_by(*_CELL, "winner", maintain_order=True)
        .agg(value=pl.col("value").sum(), holes=pl.col("value").is_null().any())
    )
    share = pl.col("value") / pl.col("value").sum().over(_CELL)
    entropy = totals.with_columns(share=share).group_by(_CELL, maintain_order=True).agg(
        entropy=0 - (pl.col("share") * pl.col("share").log()).sum(),
        holes=pl.col("holes").any(),
        n_winners=pl.len(),
    )  # fmt: skip
    kinds = wins.group_by(_CELL).agg(
        kinds=pl.col("currency").n_unique(), mixed=(pl.col("n_currencies") > 1).any()
    )
    return entropy.join(kinds, on=_CELL).with_columns(
        unknown=pl.col("holes") | pl.col("mixed") | (pl.col("kinds") > 1)
    ).drop("holes", "mixed", "kinds")  # fmt: skip


def _waits(wins: pl.DataFrame) -> pl.DataFrame:
    """Mean over members with three wins of the variation of their waits, counted in tenders."""
    wait = pl.col("place").diff()
    return (
        wins.sort(*_CELL, "winner", "place")
        .group_by(*_CELL, "winner", maintain_order=True)
        .agg(w=pl.len(), cv=wait.std(ddof=1) / wait.mean())
        .filter(pl.col("w") >= LEAST_WINS)
        .group_by(_CELL, maintain_order=True)
        .agg(n_waiting=pl.len(), gap_cv=pl.col("cv").mean())
    )


def _enough() -> tuple[tuple[nw.Expr, Reason], ...]:
    few = (nw.col("n_won") < LEAST_TENDERS) | (nw.col("n_members") < LEAST_MEMBERS)
    return ((few, Reason.TOO_FEW),)


@feature(
    name="rot_repeat_rate", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="0-1",
    direction="low", min_n=LEAST_TENDERS, n="n_won", source=_SOURCE,
    title={"en": "wins right after a win", "zh": "连续中标率"},
)  # fmt: skip
def rot_repeat_rate() -> Measure:
    """Share of consecutive tenders won by the member that won the one before.

    Over tenders that two or more members bid for and one won, by day of award; six tenders and
    three members at least.
    """
    return measure(nw.col("repeats") / (nw.col("n_won") - 1), *_enough())


@feature(
    name="rot_repeat_p", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="probability",
    direction="low", min_n=LEAST_TENDERS, n="n_won", source=_SOURCE,
    title={"en": "chance of so few repeats", "zh": "连续中标如此之少的概率"},
)  # fmt: skip
def rot_repeat_p() -> Measure:
    """Share of all orders of the same wins that show as few repeats or fewer.

    Exact count up to 400 tenders, above that 10,000 permutations with a fixed seed. ABCABCABC gives
    174 / 1680. One member winning everything has one order only: `constant`.
    """
    alone = (nw.col("n_winners") < 2, Reason.CONSTANT)
    return measure(nw.col("tail"), *_enough(), alone)


@feature(
    name="rot_entropy", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="0-1",
    direction="high", min_n=2, n="n_won", source="catalogue 3.B; Shannon 1948",
    title={"en": "evenness of the value won", "zh": "中标金额均衡度"},
)  # fmt: skip
def rot_entropy() -> Measure:
    """-sum p ln p / ln k, p each member's share of the value won, k the members of the circle."""
    k = nw.col("n_members").cast(nw.Float64)
    few = (nw.col("n_won") < 2, Reason.TOO_FEW)
    return measure(nw.col("entropy") / k.log(), few, (nw.col("unknown"), Reason.MISSING_INPUT))


@feature(
    name="rot_gap_cv", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="ratio",
    direction="low", min_n=LEAST_WINS, n="n_won", source="catalogue 3.B",
    title={"en": "regularity of waiting for a turn", "zh": "中标间隔变异系数"},
)  # fmt: skip
def rot_gap_cv() -> Measure:
    """Standard deviation over mean of the waits between a member's wins, counted in tenders.

    Mean over the members with three wins or more; 0 is a strict turn.
    """
    return measure(nw.col("gap_cv"), (nw.col("n_waiting") == 0, Reason.TOO_FEW))


@feature(
    name="rot_joint_share", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="0-1",
    direction="high", n="n_touched", source="catalogue 3.B",
    title={"en": "tenders the circle bids for together", "zh": "圈内成员共同投标占比"},
)  # fmt: skip
def rot_joint_share() -> Measure:
    """Tenders that two or more members bid for, over tenders that any member bid for."""
    return measure(nw.col("n_joint") / nw.col("n_touched"))
