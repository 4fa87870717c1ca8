"""Is it usual that so many of a firm's tenders are suspicious? The null, and its tail.

Children of one parent resemble each other (same region, same rivals), so a plain binomial tail
would fire on honest markets. The null is a beta-binomial: rate and likeness are those of the
parents that do not stand out, with the doubt about them on the cautious side. Both are frozen when
first estimated on enough parents, like every other reference, so that a correction to one firm's
filings moves no other firm's p-value; a new fit of the models thaws them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import polars as pl

if TYPE_CHECKING:
    from numpy.typing import NDArray

TAIL = 0.10
"""A child counts as suspicious when its p-value is at most this: by chance one in ten."""
MIN_CHILDREN = 5
"""Fewer judged children and nothing is said (catalogue, MON-BID-CV, `bid_cv_share_low`)."""
ORDINARY = 0.975
"""Parents above this quantile of the plain binomial have no say in what is usual."""
CONFIDENCE, RARE = 0.90, 0.001
"""Nulls inside this region of the likelihood are plausible; they are compared at a count as rare
as this. The best guess alone gave one false alarm rate in five where one in ten was stated, on
markets whose firms differ lopsidedly (`python -m benchmarks nulls`)."""
MIN_PARENTS = 10
"""Fewer parents and the null is `NOMINAL`, and not frozen. Few give a wide region, so a null that
is cautious enough."""
NOMINAL = (TAIL, 0.2)
"""Nothing known about the likeness of a firm's tenders: as much as in markets of firms that differ
a lot (ENG). A plain binomial gave more than two false alarms for each one stated there."""

JOINT = {"group_y": ("firm_y", 2)}
"""Parents without a null of their own: whose null they take, and how many times its likeness.

Most firms collude with nobody; of circles of bidders, most are rings where there are rings at all,
and would make themselves the usual. Tenders of a firm share one bidder, those of a circle two at
least, so what makes a firm's tenders alike makes theirs alike twice."""
MOST_ALIKE = 0.5
"""Likeness such parents are granted at most (ENG)."""

RATES = (0.005, 0.01, 0.015, 0.02, 0.03, 0.04, 0.05, 0.06, 0.07, 0.08, 0.09, 0.10)
RHOS = (0.0, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.125, 0.15, 0.2)
"""Nulls tried. Likeness ends at 0.2 (ENG), where `NOMINAL` stands: where no ordinary firm has any
suspicious tender, no count speaks against a greater one, and then no ring could ever stand out."""

Nulls = Mapping[str, tuple[float, float]]
"""(rate, rho) by ``typology|grain``."""


def with_tails(counted: pl.DataFrame, grain: str, known: Nulls) -> tuple[pl.DataFrame, Nulls]:
    """Adds `tail` (upper tail of `x` of `n`), `rate` and `rho`; returns nulls frozen here too."""
    parts = [with_tail(counted.clear(), NOMINAL)]
    fresh: dict[str, tuple[float, float]] = {}
    for family in counted.partition_by("typology", maintain_order=True):
        key = f"{family['typology'][0]}|{grain}"
        null = joint_null(family["typology"][0], grain, known) or known.get(key)
        if null is None:
            usable = family.filter(pl.col("n") >= MIN_CHILDREN)
            null = fit_null(usable["x"].to_numpy(), usable["n"].to_numpy())
            if null is not None:
                fresh[key] = null
        parts.append(with_tail(family, NOMINAL if null is None else (null[0], null[1])))
    return pl.concat(parts), fresh


def joint_null(typology: str, grain: str, known: Nulls) -> tuple[float, float] | None:
    """The null of parents without one of their own; None for others.

    Where the other parents have none either, it is the nominal one, as theirs.
    """
    if grain not in JOINT:
        return None
    other, times = JOINT[grain]
    null = known.get(f"{typology}|{other}")
    return NOMINAL if null is None else (null[0], min(times * null[1], MOST_ALIKE))


def with_tail(family: pl.DataFrame, null: tuple[float, float]) -> pl.DataFrame:
    """The family with its upper tails under a null."""
    # Most parents share their counts with others, and a tail takes long to add up.
    counts = family.select("x", "n").unique(maintain_order=True)
    tail = upper_tail(counts["x"].to_numpy(), counts["n"].to_numpy(), null)
    rate, rho = null
    tails = counts.with_columns(tail=pl.Series(tail, dtype=pl.Float64))
    placed = family.join(tails, on=["x", "n"], how="left", maintain_order="left", nulls_equal=True)
    return placed.with_columns(rho=pl.lit(rho), rate=pl.lit(rate))


def upper_tail(x: NDArray[Any], n: NDArray[Any], null: tuple[float, float]) -> NDArray[Any]:
    """Probability of `x` or more of `n` under a null: the masses from `x` up, added."""
    import numpy as np

    from features.library.count_tails import binomial_tail

    rate, rho = null
    if rho == 0 or not x.size:
        return np.asarray(binomial_tail(x, n, rate))
    widths = (n - x + 1).astype(np.int64)
    starts = np.cumsum(widths) - widths
    counts = np.repeat(x - starts, widths) + np.arange(widths.sum())
    mass = np.exp(log_mass(counts, np.repeat(n, widths), rate, rho))
    return np.minimum(np.add.reduceat(mass, starts), 1.0)


def fit_null(x: NDArray[Any], n: NDArray[Any]) -> tuple[float, float] | None:
    """(rate, rho) of the parents with `x` of `n` children in the tail, on the cautious side.

    A beta-binomial truncated above the `ORDINARY` quantile of the plain binomial (empirical null;
    Efron 2004): parents that stand out have no say, and leaving them out does not bias the rest.
    Of the nulls in the `CONFIDENCE` region of the likelihood the one is taken that calls the fewest
    parents unusual (`most_cautious`): a best guess is wrong to one side half of the time, and every
    firm would pay for it at once. None where fewer than `MIN_PARENTS` do not stand out.
    """
    import numpy as np
    from scipy.stats import binom

    ordinary = x <= binom.ppf(ORDINARY, n, TAIL).astype(np.int64)
    if ordinary.sum() < MIN_PARENTS:
        return None
    cells, times = np.unique(
        np.column_stack([x[ordinary], n[ordinary]]), axis=0, return_counts=True
    )
    sizes, parents = np.unique(n[ordinary], return_counts=True)
    tops = binom.ppf(ORDINARY, sizes, TAIL).astype(np.int64)
    places = np.concatenate([np.arange(top + 1) for top in tops])
    widths = np.repeat(sizes, tops + 1)
    starts = np.concatenate([[0], np.cumsum(tops + 1)[:-1]])

    def likelihood(rate: float, rho: float) -> float:
        seen = (times * log_mass(cells[:, 0], cells[:, 1], rate, rho)).sum()
        below = np.add.reduceat(np.exp(log_mass(places, widths, rate, rho)), starts)
        return float(seen - (parents * np.log(below)).sum())

    found = {(rate, rho): likelihood(rate, rho) for rate in RATES for rho in RHOS}
    return most_cautious(found, int(np.median(n)))


def most_cautious(likelihoods: Mapping[tuple[float, float], float], n: int) -> tuple[float, float]:
    """Of the nulls that the data do not speak against, the one with the heaviest upper tail.

    Args:
        likelihoods: logarithm of the likelihood by null.
        n: children of a usual parent; tails are compared at the count that is `RARE` under the
            likeliest null.
    """
    import numpy as np
    from scipy.stats import chi2

    likeliest = max(likelihoods, key=lambda null: likelihoods[null])
    drop = chi2.ppf(CONFIDENCE, df=2) / 2
    plausible = [k for k, v in likelihoods.items() if v >= likelihoods[likeliest] - drop]
    counts = np.arange(n + 1)
    unusual = np.flatnonzero(upper_tail(counts, np.full(n + 1, n), likeliest) <= RARE)
    at = np.array([unusual[0] if unusual.size else n])
    return max(plausible, key=lambda null: float(upper_tail(at, np.array([n]), null)[0]))


def log_mass(x: NDArray[Any], n: NDArray[Any], rate: float, rho: float) -> NDArray[Any]:
    """Logarithm of the beta-binomial probability of `x` of `n`; plain binomial when rho is 0."""
    import numpy as np
    from scipy.special import betaln, gammaln

    ways = gammaln(n + 1) - gammaln(x + 1) - gammaln(n - x + 1)
    if rho == 0:
        return np.asarray(ways + x * np.log(rate) + (n - x) * np.log1p(-rate))
    a, b = rate * (1 - rho) / rho, (1 - rate) * (1 - rho) / rho
    return np.asarray(ways + betaln(x + a, n - x + b) - betaln(a, b))
