"""The hard gate of small samples: what rests on fewer cases than its minimum judges nobody.

A feature is computed from as few cases as its formula allows, because a reader may want to see it
and because the formula is tested there; every value carries its sample size. Rules, models and
peers are given the table through `relied_on`, where a value below its declared `min_n` is null
with the reason `too_few` (section 6.3 of the domain catalogue).
"""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from features.compute import FeatureFrame
from features.vocabulary import Reason


def relied_on(table: FeatureFrame) -> FeatureFrame:
    """The table without values that rest on fewer than `min_n` cases."""
    have = set(table.frame.columns)
    gated: list[pl.Expr] = []
    for f in table.features:
        n, why = f"{f.name}__n", f"{f.name}__reason"
        if f.min_n < 1 or not {f.name, n, why} <= have:
            continue
        few = pl.col(n) < f.min_n
        stands = pl.col(f.name).is_not_null() & few
        gated.append(pl.when(~few).then(f.name).alias(f.name))
        gated.append(pl.when(stands).then(pl.lit(Reason.TOO_FEW.value)).otherwise(why).alias(why))
    return replace(table, frame=table.frame.with_columns(gated))
