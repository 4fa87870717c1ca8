"""Exact upper tails of counts: Poisson, negative binomial where days vary more, binomial.

Catalogue 1.2: exact tails only; negative binomial where the variance is above 1.5 times the mean.
"""

from __future__ import annotations

from typing import Any

import polars as pl

OVERDISPERSED = 1.5
"""Variance over mean above which days are not Poisson (catalogue 1.2, ENG)."""


def with_burst_p(
    frame: pl.DataFrame, count: str, mean: str, variance: str, into: str
) -> pl.DataFrame:
    """Add the probability of at least `count` when `mean` is usual; null where the mean is not > 0.

    The negative binomial takes its size by moments: mean^2 / (variance - mean).
    """
    given = [count, mean, variance]
    # Shops and items share most of their counts and means: each combination is looked up once.
    cases = frame.select(given).unique()
    usual = pl.col(mean).is_not_null() & (pl.col(mean) > 0)
    wide = pl.col(variance).fill_null(0.0) > OVERDISPERSED * pl.col(mean)
    calm, lively = cases.filter(usual & ~wide), cases.filter(usual & wide)
    tails = [_poisson(*calm), _negative_binomial(*lively)]
    found = pl.concat(
        part.with_columns(pl.Series(into, tail, dtype=pl.Float64))
        for part, tail in zip((calm, lively), tails, strict=True)
    )
    return frame.join(found, on=given, how="left", nulls_equal=True, maintain_order="left")


def _poisson(count: pl.Series, mean: pl.Series, _: pl.Series) -> Any:
    from scipy import stats

    return stats.poisson.sf(count.to_numpy() - 1, mean.to_numpy())


def _negative_binomial(count: pl.Series, mean: pl.Series, variance: pl.Series) -> Any:
    from scipy import stats

    mu, spread = mean.to_numpy(), variance.to_numpy()
    size = mu * mu / (spread - mu)
    return stats.nbinom.sf(count.to_numpy() - 1, size, size / (size + mu))


def with_binomial_p(
    frame: pl.DataFrame, hits: str, trials: str, rate: str, into: str
) -> pl.DataFrame:
    """Add the probability of at least `hits` in `trials` when each hits with probability `rate`."""
    rows = frame.with_row_index("_row")
    known = rows.filter(pl.all_horizontal(pl.col(hits, trials, rate).is_not_null()))
    tail = binomial_tail(known[hits].to_numpy(), known[trials].to_numpy(), known[rate].to_numpy())
    found = known.select("_row", pl.Series(into, tail, dtype=pl.Float64))
    return rows.join(found, on="_row", how="left").sort("_row").drop("_row")


def binomial_tail(hits: Any, trials: Any, rate: Any) -> Any:
    """Probability of at least `hits` in `trials`, as arrays.

    The incomplete beta function that `scipy.stats.binom.sf` calls, too, but that module takes
    longer to load than most runs need it.
    """
    import numpy as np
    from scipy.special import betainc

    hits, trials = np.asarray(hits), np.asarray(trials)
    tail = betainc(np.maximum(hits, 1), np.maximum(trials - hits + 1, 1), rate)
    return np.where(hits <= 0, 1.0, np.where(hits > trials, 0.0, tail))
