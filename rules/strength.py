"""How far a value lies beyond its threshold, as a number from 0 to 1.

One half is the threshold itself. The distance is the ratio of value and threshold, symmetric in
both directions: half the limit gives 0.25 and twice the limit 0.75. Shares are compared by their
odds, since 0.99 lies much further beyond 0.95 than the plain ratio says.
"""

from __future__ import annotations

import narwhals as nw

from rules.division import quotient
from rules.engine import PORTABLE, Engine

CERTAIN_ODDS = 1e16
"""Odds of a share of one: above those of the largest float below one, so odds stay monotone."""

RISING = frozenset({">", ">="})
FALLING = frozenset({"<", "<="})


def margin(
    value: nw.Expr,
    threshold: nw.Expr,
    op: str,
    *,
    is_share: bool,
    engine: Engine = PORTABLE,
) -> nw.Expr:
    """Strength of ``value op threshold`` for an ordering comparison.

    Monotone in the value: not decreasing for ``>`` and ``>=``, not increasing for ``<`` and
    ``<=``. At least 0.5 when the comparison holds and at most 0.5 when it does not. Null when
    either side is null.
    """
    value, threshold = value.cast(engine.Float64), threshold.cast(engine.Float64)
    if is_share:
        value, threshold = _odds(value, engine), _odds(threshold, engine)
    above = _above(value, threshold, engine)
    return above if op in RISING else 1.0 - above


def certain(holds: nw.Expr, engine: Engine = PORTABLE) -> nw.Expr:
    """Strength of a judgement without a distance: 1 when it holds, 0 when not."""
    return holds.cast(engine.Float64)


def _odds(share: nw.Expr, engine: Engine) -> nw.Expr:
    """``p / (1 - p)``; one and more is far, below zero stays below zero."""
    return engine.when(share >= 1.0).then(engine.lit(CERTAIN_ODDS)).otherwise(share / (1.0 - share))


def _above(value: nw.Expr, threshold: nw.Expr, engine: Engine) -> nw.Expr:
    """Half at the threshold, rising with the value; 0 or 1 on the other side of zero."""
    size, limit = value.abs(), threshold.abs()
    farther = 1.0 - limit / size * 0.5
    outward = engine.when(size >= limit).then(farther).otherwise(quotient(size, limit) * 0.5)
    found = (
        engine.when(threshold > 0)
        .then(engine.when(value < 0).then(engine.lit(0.0)).otherwise(outward))
        .otherwise(engine.when(value > 0).then(engine.lit(1.0)).otherwise(1.0 - outward))
    )
    at_zero = value / (size + 1.0) * 0.5 + 0.5
    found = engine.when(threshold == 0).then(at_zero).otherwise(found)
    return engine.when(~(value.is_null() | threshold.is_null())).then(found)
