"""Made-up tables with four kinds of anomalies, after section 3.2 of ADBench (Han et al. 2022).

A Gaussian mixture is fitted to a base table of normal rows (components by the Bayesian criterion)
and normal rows are drawn from it. Local anomalies are drawn from the same mixture with covariances
five times as wide, clustered ones with means five times as far from the origin, global ones evenly
from a box a tenth larger than the normal rows. For dependency anomalies the normal rows keep the
dependence of the base (a D-vine of Clayton copulas in the base tables that have most of it) and
anomalies are drawn column by column from a kernel density, each column by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Rng = np.random.Generator

SCALE = 5.0
"""Factor of covariances (local) and of means (clustered) in the paper."""
WIDER = 0.1
"""Share by which the box of global anomalies is larger than that of the normal rows."""
SHARE = 0.05
"""Share of anomalies."""
COMPONENTS = 6
"""Most components tried."""


def blobs(rng: Rng, n: int, d: int = 6) -> Floats:
    """Three correlated Gaussian crowds away from the origin."""
    parts = []
    for _ in range(3):
        shape = rng.normal(size=(d, d)) / np.sqrt(d) + 0.6 * np.eye(d)
        parts.append(rng.normal(size=(n // 3 + 1, d)) @ shape + rng.normal(scale=3.0, size=d))
    return np.concatenate(parts)[:n]


def vine(rng: Rng, n: int, d: int = 5, theta: float = 4.0) -> Floats:
    """A D-vine of Clayton copulas (each column hangs on the one before), skewed margins."""
    from scipy.stats import gamma, lognorm

    u = np.empty((n, d))
    u[:, 0] = rng.uniform(size=n)
    for j in range(1, d):
        w, before = rng.uniform(size=n), u[:, j - 1]
        u[:, j] = ((w ** (-theta / (1 + theta)) - 1) * before ** (-theta) + 1) ** (
            -1 / theta
        )  # inverse of the conditional distribution
    u = np.clip(u, 1e-6, 1 - 1e-6)
    margins = [lognorm(0.6).ppf, gamma(2.0).ppf]
    return np.column_stack([margins[j % 2](u[:, j]) for j in range(d)])


def bent(rng: Rng, n: int, d: int = 4) -> Floats:
    """A curved sheet: later columns are powers and waves of the first, with noise."""
    first = rng.uniform(-2, 2, size=n)
    columns = [first, first**2, np.sin(2 * first), np.abs(first)]
    return np.column_stack(columns[:d]) + rng.normal(scale=0.2, size=(n, d)) + 2.0


def heavy(rng: Rng, n: int, d: int = 8) -> Floats:
    """Student t with four degrees of freedom and two shared factors."""
    factors = rng.standard_t(4, size=(n, 2))
    return factors @ rng.normal(size=(2, d)) + 0.7 * rng.standard_t(4, size=(n, d)) + 3.0


BASES: Mapping[str, Callable[[Rng, int], Floats]] = {
    "blobs": blobs,
    "vine": vine,
    "bent": bent,
    "heavy": heavy,
}


def mixture_of(base: Floats, seed: int) -> object:
    """The Gaussian mixture with the best Bayesian information criterion."""
    from sklearn.mixture import GaussianMixture
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):  # on small tables threads only wait for one another
        fits = [
            GaussianMixture(k, random_state=seed, reg_covar=1e-4).fit(base)
            for k in range(1, COMPONENTS + 1)
        ]
    return min(fits, key=lambda fit: fit.bic(base))


def local(rng: Rng, base: Floats, n: int, odd: int) -> tuple[Floats, Floats]:
    """Normal rows and rows around the same centres, wider."""
    mix = mixture_of(base, int(rng.integers(2**31)))
    normal = _drawn(rng, mix, n)
    return normal, _drawn(rng, mix, odd, covariance=SCALE)


def clustered(rng: Rng, base: Floats, n: int, odd: int) -> tuple[Floats, Floats]:
    """Normal rows and rows around centres further out."""
    mix = mixture_of(base, int(rng.integers(2**31)))
    return _drawn(rng, mix, n), _drawn(rng, mix, odd, mean=SCALE)


def overall(rng: Rng, base: Floats, n: int, odd: int) -> tuple[Floats, Floats]:
    """Normal rows and rows from anywhere in a box around them."""
    normal = _drawn(rng, mixture_of(base, int(rng.integers(2**31))), n)
    low, high = normal.min(axis=0), normal.max(axis=0)
    room = WIDER * (high - low)
    return normal, rng.uniform(low - room, high + room, size=(odd, base.shape[1]))


def dependency(rng: Rng, base: Floats, n: int, odd: int) -> tuple[Floats, Floats]:
    """Rows that keep the dependence, and rows whose columns know nothing of one another."""
    from scipy.stats import gaussian_kde

    chosen = rng.permutation(len(base))[:n]
    seeds = rng.integers(2**31, size=base.shape[1])
    odd_rows = [
        gaussian_kde(column).resample(odd, seed=int(seed))[0]
        for column, seed in zip(base.T, seeds, strict=True)
    ]
    return base[chosen], np.column_stack(odd_rows)


KINDS: Mapping[str, Callable[[Rng, Floats, int, int], tuple[Floats, Floats]]] = {
    "local": local,
    "global": overall,
    "clustered": clustered,
    "dependency": dependency,
}


def table(base: str, kind: str, rows: int, seed: int) -> tuple[Floats, Floats]:
    """One table, shuffled: values of shape (rows, columns), and 1 where a row is an anomaly."""
    rng = np.random.default_rng([seed, list(BASES).index(base), list(KINDS).index(kind)])
    odd = round(SHARE * rows)
    normal, strange = KINDS[kind](rng, BASES[base](rng, rows), rows - odd, odd)
    truth = np.concatenate([np.zeros(len(normal)), np.ones(len(strange))])
    order = rng.permutation(rows)
    return np.concatenate([normal, strange])[order], truth[order]


def _drawn(rng: Rng, mix: object, n: int, covariance: float = 1.0, mean: float = 1.0) -> Floats:
    """Rows of a fitted mixture, its covariances or means scaled."""
    weights = mix.weights_ / mix.weights_.sum()  # type: ignore[attr-defined]
    parts = [
        rng.multivariate_normal(mean * mu, covariance * sigma, size=count)
        for mu, sigma, count in zip(
            mix.means_,
            mix.covariances_,
            rng.multinomial(n, weights),
            strict=True,  # type: ignore[attr-defined]
        )
    ]
    return np.concatenate(parts)
