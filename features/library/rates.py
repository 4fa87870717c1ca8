"""Rates of two sides compared: risk ratio with its lower bound, exact p."""

from __future__ import annotations

import narwhals as nw
import polars as pl

from features.intervals import Z95


def risk_ratio(a: str, n: str, b: str, m: str) -> nw.Expr:
    """(a / n) / (b / m); one half is added to every cell where one is empty (Haldane, Anscombe)."""
    add = _half(a, n, b, m)
    left = (nw.col(a) + add) / (nw.col(n) + 2 * add)
    return left / ((nw.col(b) + add) / (nw.col(m) + 2 * add))


def risk_ratio_low(a: str, n: str, b: str, m: str) -> nw.Expr:
    """Lower end of the 95 % interval of `risk_ratio` on the log scale (Katz et al. 1978)."""
    add = _half(a, n, b, m)
    hits, calls = nw.col(a) + add, nw.col(n) + 2 * add
    others, rest = nw.col(b) + add, nw.col(m) + 2 * add
    variance = 1.0 / hits - 1.0 / calls + 1.0 / others - 1.0 / rest
    return (risk_ratio(a, n, b, m).log() - Z95 * variance.sqrt()).exp()


def _half(a: str, n: str, b: str, m: str) -> nw.Expr:
    hit, calls, other, rest = nw.col(a), nw.col(n), nw.col(b), nw.col(m)
    empty = (hit == 0) | (other == 0) | (hit == calls) | (other == rest)
    return nw.when(empty).then(nw.lit(0.5)).otherwise(nw.lit(0.0))


def with_exact_p(rows: pl.DataFrame, a: str, n: str, b: str, m: str, into: str) -> pl.DataFrame:
    """Add Fisher's exact one-sided p that the first side's rate is higher."""
    from scipy.stats import hypergeom

    hits, calls = rows[a].fill_null(0).to_numpy(), rows[n].fill_null(0).to_numpy()
    others, rest = rows[b].fill_null(0).to_numpy(), rows[m].fill_null(0).to_numpy()
    p = hypergeom.sf(hits - 1, calls + rest, hits + others, calls)
    return rows.with_columns(pl.Series(into, p, dtype=pl.Float64))
