"""Shape, uniformity and pattern screens of a tender (MON-BID-SHAPE, -KS, -IDENTICAL)."""

from __future__ import annotations

import narwhals as nw

from features.catalogue import Measure, feature, measure
from features.library.bid_screens import BASE, INPUTS, all_equal, checks
from features.operators import kurt_g2, skew_g1

_SHAPE, _KS, _SAME = "MON-BID-SHAPE", "MON-BID-KS", "MON-BID-IDENTICAL"
_WALLIMANN = "Wallimann, Imhof and Huber 2022"
_CN40 = "Implementing Regulations of the Chinese Bidding Law, art. 40(4)"


@feature(
    name="bid_skew", typology=_SHAPE, base=BASE, inputs=INPUTS, unit="G1", direction="low",
    min_n=3, n="n_bids", source=_WALLIMANN, peer_adjusted=True,
    title={"en": "skewness of bids", "zh": "报价偏度"},
)  # fmt: skip
def bid_skew() -> Measure:
    """Adjusted Fisher-Pearson skewness G1; a lone low bid makes it negative.

    With three bids it only takes values between -1.732 and 1.732.
    """
    value = skew_g1(nw.col("n_bids"), nw.col("d2"), nw.col("d3"))
    return measure(value, *checks(3), all_equal())


@feature(
    name="bid_kurt", typology=_SHAPE, base=BASE, inputs=INPUTS, unit="G2", direction="high",
    min_n=4, n="n_bids", source=_WALLIMANN, peer_adjusted=True,
    title={"en": "kurtosis of bids", "zh": "报价峰度"},
)  # fmt: skip
def bid_kurt() -> Measure:
    """Bias-corrected excess kurtosis G2; a tight pack with one outlier makes it high."""
    value = kurt_g2(nw.col("n_bids"), nw.col("d2"), nw.col("d4"))
    return measure(value, *checks(4), all_equal())


@feature(
    name="bid_ks_uniform", typology=_KS, base=BASE, inputs=INPUTS, unit="distance",
    direction="high", min_n=5, n="n_bids", source=_WALLIMANN, peer_adjusted=True,
    title={"en": "distance from evenly spread bids", "zh": "与均匀分布的距离"},
)  # fmt: skip
def bid_ks_uniform() -> Measure:
    """Kolmogorov-Smirnov distance to the uniform law of the bids between lowest and highest.

    Bids are scaled to (b - b1) / (bn - b1); the two ends are left out.
    """
    return measure(nw.col("ks_uniform"), *checks(5), all_equal())


@feature(
    name="bid_ks_lit", typology=_KS, base=BASE, inputs=INPUTS, unit="distance",
    direction="none", min_n=3, n="n_bids", source=_WALLIMANN, peer_adjusted=True,
    title={"en": "distance from even bids, literature form", "zh": "与均匀分布的距离（文献形式）"},
)  # fmt: skip
def bid_ks_lit() -> Measure:
    """Largest distance between bid / standard deviation and rank / (n + 1).

    Ruled by 1 / `bid_cv`, of which it is a duplicate; kept as context.
    """
    return measure(nw.col("ks_lit"), *checks(3), all_equal())


@feature(
    name="bid_tie_share", typology=_SAME, base=BASE, inputs=INPUTS, unit="0-1",
    direction="high", min_n=2, n="n_bids", source="Open Contracting Cardinal R028",
    title={"en": "share of identical bids", "zh": "相同报价占比"},
)  # fmt: skip
def bid_tie_share() -> Measure:
    """Share of bids equal to another bid of the tender to the cent."""
    return measure(nw.col("tie_share"), *checks(2))


@feature(
    name="bid_tie_digits", typology=_SAME, base=BASE, inputs=INPUTS, unit="digits",
    direction="none", min_n=2, n="n_bids", source="Open Contracting Cardinal R028",
    title={"en": "digits of the identical bids", "zh": "相同报价的有效位数"},
)  # fmt: skip
def bid_tie_digits() -> Measure:
    """Most significant digits among tied bids, 0 without a tie.

    A tie on a round figure is weak; a tie on six or more digits is hardly chance.
    """
    return measure(nw.col("tied_digits").fill_null(0), *checks(2))


@feature(
    name="bid_step_cv", typology=_SAME, base=BASE, inputs=INPUTS, unit="ratio", direction="low",
    min_n=4, n="n_bids", source=_CN40,
    title={"en": "evenness of price steps", "zh": "报价等差程度"},
)  # fmt: skip
def bid_step_cv() -> Measure:
    """Standard deviation over mean of the gaps between neighbouring bids; 0 is an even ladder.

    Defined from three bids (two gaps); rules ask for four.
    """
    return measure(nw.col("gap_sd") / nw.col("gap_mean"), *checks(3), all_equal())


@feature(
    name="bid_logstep_cv", typology=_SAME, base=BASE, inputs=INPUTS, unit="ratio",
    direction="low", min_n=4, n="n_bids", source=_CN40,
    title={"en": "evenness of proportional steps", "zh": "报价等比程度"},
)  # fmt: skip
def bid_logstep_cv() -> Measure:
    """The same for gaps of logarithms: 0 when every bid is the same per cent above the last."""
    return measure(nw.col("log_gap_sd") / nw.col("log_gap_mean"), *checks(3), all_equal())


@feature(
    name="bid_round_share", typology=_SAME, base=BASE, inputs=INPUTS, unit="0-1",
    direction="none", min_n=2, n="n_bids", source="catalogue 3.B",
    title={"en": "share of round bids", "zh": "整数报价占比"},
)  # fmt: skip
def bid_round_share() -> Measure:
    """Share of bids with more trailing zeros than other digits."""
    return measure(nw.col("round_share"), *checks(1))
