"""Variance and distance screens of a tender (MON-BID-CV, MON-BID-DISTANCE)."""

from __future__ import annotations

import narwhals as nw

from features.catalogue import Measure, feature, measure
from features.library.bid_screens import BASE, IMHOF, INPUTS, all_equal, checks
from features.vocabulary import Reason

_CV, _DISTANCE = "MON-BID-CV", "MON-BID-DISTANCE"
_HUBER = "Huber and Imhof 2019; Wallimann, Imhof and Huber 2022"


def _lead() -> nw.Expr:
    return nw.col("b2") - nw.col("b1")


@feature(
    name="bid_cv", typology=_CV, base=BASE, inputs=INPUTS, unit="ratio", direction="low",
    min_n=3, n="n_bids", source=IMHOF, peer_adjusted=True,
    title={"en": "relative spread of bids", "zh": "报价变异系数"},
)  # fmt: skip
def bid_cv() -> Measure:
    """Standard deviation of the bids (ddof 1) over their mean; identical bids give 0."""
    same = nw.col("b1") == nw.col("bn")
    value = nw.when(same).then(nw.lit(0.0)).otherwise(nw.col("sd") / nw.col("mean"))
    return measure(value, *checks(3))


@feature(
    name="bid_spread", typology=_CV, base=BASE, inputs=INPUTS, unit="ratio", direction="low",
    min_n=2, n="n_bids", source=IMHOF, peer_adjusted=True,
    title={"en": "highest over lowest bid", "zh": "最高与最低报价差距"},
)  # fmt: skip
def bid_spread() -> Measure:
    """Highest minus lowest bid, over the lowest."""
    return measure((nw.col("bn") - nw.col("b1")) / nw.col("b1"), *checks(2))


@feature(
    name="bid_diffp", typology=_DISTANCE, base=BASE, inputs=INPUTS, unit="ratio",
    direction="high", min_n=2, n="n_bids", source=IMHOF, peer_adjusted=True,
    title={"en": "lead of the lowest bid", "zh": "最低报价领先幅度"},
)  # fmt: skip
def bid_diffp() -> Measure:
    """Second-lowest minus lowest bid, over the lowest."""
    return measure(_lead() / nw.col("b1"), *checks(2))


@feature(
    name="bid_rd", typology=_DISTANCE, base=BASE, inputs=INPUTS, unit="ratio", direction="high",
    min_n=3, n="n_bids", source=IMHOF, peer_adjusted=True,
    title={"en": "lead in spreads of the losing bids", "zh": "领先幅度与落选报价离散之比"},
)  # fmt: skip
def bid_rd() -> Measure:
    """Lead of the lowest bid over the standard deviation of the losing bids (ddof 1).

    Losing bids all tied: null with `losing_tied`, itself suspicious; read `bid_rdnor` then.
    """
    tied = (nw.col("b2") == nw.col("bn"), Reason.LOSING_TIED)
    return measure(_lead() / nw.col("loser_sd"), *checks(3), tied)


@feature(
    name="bid_rdnor", typology=_DISTANCE, base=BASE, inputs=INPUTS, unit="ratio",
    direction="high", min_n=2, n="n_bids", source=_HUBER, peer_adjusted=True,
    title={"en": "lead in mean gaps of all bids", "zh": "领先幅度与全部报价平均间距之比"},
)  # fmt: skip
def bid_rdnor() -> Measure:
    """Lead of the lowest bid over the mean gap between neighbouring bids; 1 on average.

    With two bids it is always 1 and says nothing.
    """
    gap = (nw.col("bn") - nw.col("b1")) / (nw.col("n_bids") - 1)
    return measure(_lead() / gap, *checks(2), all_equal())


@feature(
    name="bid_rdalt", typology=_DISTANCE, base=BASE, inputs=INPUTS, unit="ratio",
    direction="high", min_n=3, n="n_bids", source=_HUBER, peer_adjusted=True,
    title={"en": "lead in mean gaps of the losing bids", "zh": "领先幅度与落选报价平均间距之比"},
)  # fmt: skip
def bid_rdalt() -> Measure:
    """Lead of the lowest bid over the mean gap between neighbouring losing bids."""
    tied = (nw.col("b2") == nw.col("bn"), Reason.LOSING_TIED)
    gap = (nw.col("bn") - nw.col("b2")) / (nw.col("n_bids") - 2)
    return measure(_lead() / gap, *checks(3), tied)
