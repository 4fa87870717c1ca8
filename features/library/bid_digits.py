"""Digits of the bids of a market (MON-BID-BENFORD). Never evidence alone."""

from __future__ import annotations

from math import log10

import narwhals as nw
import polars as pl

from features.catalogue import Measure, base, feature, measure
from features.library.bid_market import BIDS_IN, MARKET_IN, of_categories, one_currency
from features.library.bid_screens import TABLES
from features.operators import Lazy
from features.tables import Tables, collect
from features.vocabulary import Reason

_TYPOLOGY, _BASE = "MON-BID-BENFORD", "category_digits"
_NIGRINI = "Nigrini 2012; Cerqueti and Lupi"
_INPUTS = (*BIDS_IN, *MARKET_IN)
LEAST_MAD, LEAST_CHI2, DECADES = 300, 100, 2.0
_CELL = ["market", "year"]


@base(name=_BASE, grain="category_y", tables=TABLES, attributes=("market",))
def category_digits(t: Tables) -> Lazy:
    """Per market and year: digit counts of its valid bids against what is expected of them."""
    lots = t.view("lot_terms").filter(nw.col("competitive")).select("subject_key", "market", "year")
    bids = collect(t.view("valid_bids").join(lots, on="subject_key", how="inner"))
    cents = (pl.col("amount") * 100 + 0.5).floor().cast(pl.Int64)
    bids = bids.with_columns(cents.alias("cents")).filter(pl.col("cents") > 0)
    whole = (pl.col("cents") % 100 == 0).all().over(_CELL)
    unit = pl.when(whole).then(pl.col("cents") // 100).otherwise(pl.col("cents"))
    text = pl.col("cents").cast(pl.String)
    bids = bids.with_columns(
        first=text.str.head(1).cast(pl.Int64),
        pair=pl.when(text.str.len_chars() > 1).then(text.str.head(2)).cast(pl.Int64),
        last=unit % 10,
    )
    found = bids.group_by(_CELL).agg(
        n_digits=pl.len(),
        n_currencies=pl.col("currency").n_unique(),
        decades=(pl.col("amount").max() / pl.col("amount").min()).log10(),
    )
    for column, places in (("first", range(1, 10)), ("pair", range(10, 100))):
        expected = {d: log10(1 + 1 / d) for d in places}
        found = found.join(_distance(bids, column, expected), on=_CELL, how="left")
    last = _distance(bids, "last", dict.fromkeys(range(10), 0.1))
    found = found.join(last, on=_CELL, how="left")
    return of_categories(t, nw.from_native(found.lazy())).with_columns(
        nw.col("n_digits").fill_null(0)
    )


def _distance(bids: pl.DataFrame, column: str, expected: dict[int, float]) -> pl.DataFrame:
    """Per cell: mean absolute deviation and chi-square of the shares of each digit."""
    law = pl.DataFrame({column: list(expected), "law": list(expected.values())})
    totals = bids.filter(pl.col(column).is_not_null()).group_by(_CELL).agg(n=pl.len())
    counts = bids.group_by(*_CELL, column).agg(k=pl.len())
    grid = totals.join(law, how="cross").join(counts, on=[*_CELL, column], how="left")
    share = pl.col("k").fill_null(0) / pl.col("n")
    miss = share - pl.col("law")
    return (
        grid.sort(*_CELL, column)
        .group_by(_CELL, maintain_order=True)
        .agg(
            miss.abs().mean().alias(f"{column}_mad"),
            (miss * miss / pl.col("law") * pl.col("n")).sum().alias(f"{column}_chi2"),
        )
    )


def _gate(least: int) -> tuple[tuple[nw.Expr, Reason], ...]:
    narrow = nw.col("decades") < DECADES
    few = nw.col("n_digits") < least
    return one_currency(), (few, Reason.TOO_FEW), (narrow, Reason.NOT_APPLICABLE)


@feature(
    name="benford_mad1", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="share",
    direction="high", min_n=LEAST_MAD, n="n_digits", source=_NIGRINI,
    title={"en": "first digits off the expected law", "zh": "首位数字偏离本福特定律程度"},
)  # fmt: skip
def benford_mad1() -> Measure:
    """Mean over d = 1..9 of |share of first digit d - log10(1 + 1/d)|.

    Up to 0.006 close, 0.012 acceptable, 0.015 marginal. Only for 300 bids or more that span two
    orders of magnitude; narrower ranges follow no such law.
    """
    return measure(nw.col("first_mad"), *_gate(LEAST_MAD))


@feature(
    name="benford_mad2", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="share",
    direction="high", min_n=LEAST_MAD, n="n_digits", source=_NIGRINI,
    title={"en": "first two digits off the expected law", "zh": "前两位数字偏离本福特定律程度"},
)  # fmt: skip
def benford_mad2() -> Measure:
    """Mean over d = 10..99 of |share of first two digits d - log10(1 + 1/d)|.

    Up to 0.0012 close, 0.0018 acceptable, 0.0022 marginal.
    """
    return measure(nw.col("pair_mad"), *_gate(LEAST_MAD))


@feature(
    name="benford_chi2", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="chi-square",
    direction="high", min_n=LEAST_CHI2, n="n_digits", source=_NIGRINI,
    title={"en": "chi-square of first digits", "zh": "首位数字卡方"},
)  # fmt: skip
def benford_chi2() -> Measure:
    """Chi-square (8 degrees of freedom) of first digits against log10(1 + 1/d).

    Grows with the number of bids however small the deviation: read `benford_mad1` beside it.
    """
    return measure(nw.col("first_chi2"), *_gate(LEAST_CHI2))


@feature(
    name="last_digit_chi2", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="chi-square",
    direction="high", min_n=LEAST_CHI2, n="n_digits", source=_NIGRINI,
    title={"en": "chi-square of last digits", "zh": "末位数字卡方"},
)  # fmt: skip
def last_digit_chi2() -> Measure:
    """Chi-square (9 degrees of freedom) of last digits against equal shares.

    The last digit of whole units where no bid of the market and year has cents, else of cents.
    Bids rounded to thousands fail it innocently.
    """
    return measure(nw.col("last_chi2"), *_gate(LEAST_CHI2))
