"""Exact upper tails of counts: Poisson, negative binomial where days vary more, binomial.

Catalogue 1.2: exact tails only; negative binomial where the variance is above 1.5 times the mean.
"""

from __future__ import annotations

import polars as pl

OVERDISPERSED = 1.5
"""Variance over mean above which days are not Poisson (catalogue 1.2, ENG)."""


def with_burst_p(
    frame: pl.DataFrame, count: str, mean: str, variance: str, into: str
) -> pl.DataFrame:
    """Add the probability of at least `count` when `mean` is usual; null where the mean is not > 0.

    The negative binomial takes its size by moments: mean^2 / (variance - mean).
    """
    from scipy import stats

    usual = pl.col(mean).is_not_null() & (pl.col(mean) > 0)
    wide = pl.col(variance).fill_null(0.0) > OVERDISPERSED * pl.col(mean)
    rows = frame.with_row_index("_row")
    calm = rows.filter(usual & ~wide)
    lively = rows.filter(usual & wide)
    poisson = stats.poisson.sf(calm[count].to_numpy() - 1, calm[mean].to_numpy())
    mu, spread = lively[mean].to_numpy(), lively[variance].to_numpy()
    size = mu * mu / (spread - mu)
    negative = stats.nbinom.sf(lively[count].to_numpy() - 1, size, size / (size + mu))
    found = pl.concat(
        [
            calm.select("_row", pl.Series(into, poisson, dtype=pl.Float64)),
            lively.select("_row", pl.Series(into, negative, dtype=pl.Float64)),
        ]
    )
    return rows.join(found, on="_row", how="left").sort("_row").drop("_row")


def with_binomial_p(
    frame: pl.DataFrame, hits: str, trials: str, rate: str, into: str
) -> pl.DataFrame:
    """Add the probability of at least `hits` in `trials` when each hits with probability `rate`."""
    from scipy import stats

    rows = frame.with_row_index("_row")
    known = rows.filter(pl.all_horizontal(pl.col(hits, trials, rate).is_not_null()))
    tail = stats.binom.sf(
        known[hits].to_numpy() - 1, known[trials].to_numpy(), known[rate].to_numpy()
    )
    found = known.select("_row", pl.Series(into, tail, dtype=pl.Float64))
    return rows.join(found, on="_row", how="left").sort("_row").drop("_row")
