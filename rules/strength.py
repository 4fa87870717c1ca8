"""How far a value lies beyond its threshold, as a number from 0 to 1.

One half is the threshold itself. The distance is the ratio of value and threshold, symmetric in
both directions, so that half the limit and twice the limit are equally far; shares are compared
by their odds, since 0.99 lies much further beyond 0.95 than the plain ratio says.
"""

from __future__ import annotations

import narwhals as nw

FAR = 1e12
"""Stands for a distance without measure, as between a positive limit and a negative value."""

CERTAIN_ODDS = 1e16
"""Odds of a share of one: above those of the largest float below one, so odds stay monotone."""

RISING = frozenset({">", ">="})
FALLING = frozenset({"<", "<="})


def margin(value: nw.Expr, threshold: nw.Expr, op: str, *, is_share: bool) -> nw.Expr:
    """Strength of ``value op threshold`` for an ordering comparison.

    Monotone in the value: not decreasing for ``>`` and ``>=``, not increasing for ``<`` and
    ``<=``. At least 0.5 when the comparison holds and at most 0.5 when it does not. Null when
    either side is null.
    """
    value, threshold = value.cast(nw.Float64), threshold.cast(nw.Float64)
    if is_share:
        value, threshold = _odds(value), _odds(threshold)
    distance = _distance(value, threshold)
    above = distance / (distance.abs() + 1.0) * 0.5 + 0.5
    return above if op in RISING else 1.0 - above


def certain(holds: nw.Expr) -> nw.Expr:
    """Strength of a judgement without a distance: 1 when it holds, 0 when not."""
    return holds.cast(nw.Float64)


def _odds(share: nw.Expr) -> nw.Expr:
    """``p / (1 - p)``; one and more is far, below zero stays below zero."""
    return nw.when(share >= 1.0).then(nw.lit(CERTAIN_ODDS)).otherwise(share / (1.0 - share))


def _distance(value: nw.Expr, threshold: nw.Expr) -> nw.Expr:
    """Signed ratio distance, increasing in the value, zero at the threshold."""
    size, limit = value.abs(), threshold.abs()
    outward = nw.when(size >= limit).then((size - limit) / limit).otherwise((size - limit) / size)
    same_side = ((value > 0) & (threshold > 0)) | ((value < 0) & (threshold < 0))
    upward = nw.when(threshold > 0).then(outward).otherwise(-outward)
    across = nw.when(value > threshold).then(nw.lit(FAR)).otherwise(nw.lit(-FAR))
    measured = nw.when(same_side).then(upward).otherwise(across)
    found = nw.when(threshold == 0).then(value).otherwise(measured)
    return nw.when(~(value.is_null() | threshold.is_null())).then(found)
