"""Turning personalisation off changes nothing (PRIV-ADM-OPTOUT)."""

from __future__ import annotations

import narwhals as nw
import numpy as np
import polars as pl

from features.catalogue import Measure, base, feature, measure
from features.operators import Lazy, civil_day, month_end, month_start
from features.tables import Tables, collect
from features.vocabulary import Reason

_TYPOLOGY, _BASE = "PRIV-ADM-OPTOUT", "platform_optout"
_INPUTS = ("adm_tests.arm", "adm_tests.item", "adm_tests.exposure_share", "adm_tests.exposures")
_SOURCE = "PIPL art. 24; DSA arts 27, 38"
MIN_EXPOSURES = 200
LEAST_PERSONAL = 0.05
"""Least distance between personalised and neutral for a ratio to mean anything."""

_DRAWS, _SEED = 400, 20_240_229
_PAIRS = (("personalised", "optout"), ("optout", "neutral"), ("personalised", "neutral"))
_ARMS = ("personalised", "optout", "neutral")
_TEST = ("platform_id", "period_start", "test_id")


def _tv(p: pl.Expr, q: pl.Expr) -> pl.Expr:
    """Total variation distance of two columns of shares: half the sum of the differences."""
    return (p - q).abs().sum() / 2


def _shares(rows: pl.DataFrame) -> pl.DataFrame:
    """One row per test and item with the share of each arm and of its halves a and b.

    Shares come from counts where every row of the arm has one, else from the filed shares, which
    are brought to a sum of one.
    """
    counted = pl.col("exposures").is_not_null().all().over(*_TEST, "arm")
    rows = rows.with_columns(
        pl.when(counted).then(pl.col("exposures").cast(pl.Float64))
        .otherwise(pl.col("exposure_share")).alias("weight"),
        pl.when(counted).then(pl.col("exposures")).alias("count"),
    )  # fmt: skip
    columns = {}
    for arm in _ARMS:
        mine = pl.col("arm") == arm
        columns[arm] = pl.col("weight").filter(mine).sum()
        columns[f"{arm}_n"] = pl.col("count").filter(mine).sum()
        for half in ("a", "b"):
            part = mine & (pl.col("half").str.to_lowercase() == half)
            columns[f"{arm}_{half}"] = pl.col("weight").filter(part).sum()
    items = rows.group_by(*_TEST, "item").agg(*(e.alias(c) for c, e in columns.items()))
    items = items.sort(*_TEST, "item")
    parts = [f"{a}{h}" for a in _ARMS for h in ("", "_a", "_b")]
    total = [pl.col(c).sum().over(*_TEST) for c in parts]
    return items.with_columns(
        pl.when(s > 0).then(pl.col(c) / s).alias(c) for c, s in zip(parts, total, strict=True)
    )


def _distances(items: pl.DataFrame) -> pl.DataFrame:
    """One row per test: distances of the arms, the noise of each arm, and counts."""
    made = [_tv(pl.col(a), pl.col(b)).alias(f"{a}_{b}") for a, b in _PAIRS]
    made += [_tv(pl.col(f"{a}_a"), pl.col(f"{a}_b")).alias(f"{a}_noise") for a in _ARMS]
    filed = [pl.col(a).is_not_null().any().alias(f"{a}_filed") for a in _ARMS]
    split = [(pl.col(f"{a}_a") + pl.col(f"{a}_b")).is_not_null().any().alias(f"{a}_split")
             for a in _ARMS]  # fmt: skip
    counts = [pl.col(f"{a}_n").sum() for a in _ARMS]
    tests = items.group_by(*_TEST, maintain_order=True).agg(*made, *filed, *split, *counts)
    for a, b in _PAIRS:
        noise = pl.mean_horizontal(
            pl.when(pl.col(f"{x}_split")).then(pl.col(f"{x}_noise")) for x in (a, b)
        ).fill_null(0.0)
        clean = (pl.col(f"{a}_{b}") - noise).clip(lower_bound=0.0)
        both = pl.col(f"{a}_filed") & pl.col(f"{b}_filed")
        tests = tests.with_columns(pl.when(both).then(clean).alias(f"{a}_{b}"))
    enough = pl.col("personalised_neutral") >= LEAST_PERSONAL
    ratio = pl.col("optout_neutral") / pl.col("personalised_neutral")
    few = pl.any_horizontal(
        (pl.col(f"{a}_n") > 0) & (pl.col(f"{a}_n") < MIN_EXPOSURES) for a in _ARMS
    )
    counted = [pl.when(pl.col(f"{a}_filed")).then(pl.col(f"{a}_n")) for a in _ARMS]
    return tests.with_columns(
        pl.when(enough).then(ratio).alias("ratio"),
        few.alias("few"),
        pl.min_horizontal(counted).alias("least"),
    )


def _lower_bounds(items: pl.DataFrame) -> pl.DataFrame:
    """Lower 2.5 % bound of the ratio by parametric bootstrap, for tests with counts in each arm."""
    found = []
    for key, test in items.group_by(*_TEST, maintain_order=True):
        sizes = [int(test[f"{a}_n"].sum()) for a in _ARMS]
        if min(sizes) < MIN_EXPOSURES:
            continue
        draw = np.random.default_rng(_SEED)
        p, o, n = (draw.multinomial(s, test[a].to_numpy(), _DRAWS) / s
                   for a, s in zip(_ARMS, sizes, strict=True))  # fmt: skip
        whole = np.abs(p - n).sum(axis=1) / 2
        left = np.abs(o - n).sum(axis=1) / 2
        usable = whole >= LEAST_PERSONAL
        if usable.any():
            low = float(np.quantile(left[usable] / whole[usable], 0.025))
            found.append((*key, low))
    schema = {c: items.schema[c] for c in _TEST} | {"ratio_low": pl.Float64}
    return pl.DataFrame(found, schema=schema, orient="row")


@base(
    name=_BASE,
    grain="platform_m",
    tables=("adm_tests",),
    attributes=("platform_id", "optout_tests"),
    under="platform_id",
)
def platform_optout(t: Tables) -> Lazy:
    """One row per platform and month; of several tests the one in which opting out did least."""
    day = civil_day("tested_on", "recorded_at", fallback=t.context.as_of)
    rows = collect(t["adm_tests"].with_columns(month_start(day).alias("period_start")))
    offered = rows.group_by("platform_id", "period_start").agg(
        pl.col("optout_available").cast(pl.Int64).min().alias("available")
    )
    items = _shares(rows.filter(pl.col("arm").is_not_null()))
    tests = _distances(items).join(_lower_bounds(items), on=_TEST, how="left", nulls_equal=True)
    cell = ("platform_id", "period_start")
    months = tests.group_by(*cell).agg(
        pl.len().alias("optout_tests"),
        pl.col("personalised_optout").filter(~pl.col("few")).min().alias("residual"),
        pl.col("ratio", "ratio_low").filter(~pl.col("few")).max(),
        pl.col("personalised_neutral").max().alias("personal"),
        pl.col("few").all(),
        pl.col("least").max(),
    )
    joined = nw.from_native(offered.join(months, on=cell, how="left").lazy())
    return joined.with_columns(
        nw.col("platform_id").alias("subject_key"),
        month_end(nw.col("period_start")).alias("period_end"),
        nw.col("optout_tests").fill_null(0).cast(nw.Int64),
    )


_FEW = (nw.col("few"), Reason.TOO_FEW)


@feature(
    name="adm_optout_available", typology=_TYPOLOGY, base=_BASE,
    inputs=("adm_tests.optout_available",), unit="yes/no", direction="low", n="optout_tests",
    kind="bool", source=_SOURCE,
    title={"en": "way to opt out", "zh": "提供关闭个性化选项"},
)  # fmt: skip
def adm_optout_available() -> Measure:
    """1 when every test found a way to turn personalisation off, else 0."""
    return measure(nw.col("available"))


@feature(
    name="adm_residual_tv", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="share",
    direction="low", n="least", min_n=MIN_EXPOSURES, source=_SOURCE,
    title={"en": "change by opting out", "zh": "关闭个性化前后的差异"},
)  # fmt: skip
def adm_residual_tv() -> Measure:
    """Half the sum of |p - q| between what was shown personalised and after opting out, less the
    mean distance between the halves of one arm where they were filed; small when opting out
    changes nothing. At least 200 exposures in each arm where they were counted."""
    return measure(nw.col("residual"), _FEW)


def _ratio(column: str) -> Measure:
    little = (nw.col("personal") < LEAST_PERSONAL, Reason.NOT_APPLICABLE)
    return measure(nw.col(column), _FEW, little)


@feature(
    name="adm_optout_effect_ratio", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="ratio",
    direction="high", n="least", min_n=MIN_EXPOSURES, source=_SOURCE,
    title={"en": "personalisation left after opting out", "zh": "关闭后剩余个性化程度"},
)  # fmt: skip
def adm_optout_effect_ratio() -> Measure:
    """Distance of opted-out from neutral by distance of personalised from neutral: near 1 the
    opt-out does nothing, near 0 it works; null where there is little personalisation (< 0.05)."""
    return _ratio("ratio")


@feature(
    name="adm_optout_ratio_low", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="ratio",
    direction="high", n="least", min_n=MIN_EXPOSURES, source="parametric bootstrap, 400 draws",
    title={"en": "personalisation surely left after opting out", "zh": "关闭后剩余个性化程度下限"},
)  # fmt: skip
def adm_optout_ratio_low() -> Measure:
    """Lower 2.5 % bound of the ratio by bootstrap with a fixed seed; needs counts in each arm."""
    return _ratio("ratio_low")
