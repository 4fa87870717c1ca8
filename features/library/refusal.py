"""Rivals blocked, throttled or slowed (MON-REFUSAL)."""

from __future__ import annotations

import narwhals as nw
import numpy as np
import polars as pl

from features.catalogue import Measure, base, feature, measure, view
from features.library.rates import risk_ratio, with_exact_p
from features.library.regressions import signed_sup_f
from features.operators import Lazy, month_end, month_start
from features.tables import Tables, collect
from features.vocabulary import Reason

_TYPOLOGY, _BASE = "MON-REFUSAL", "refused_access"
_INPUTS = ("api_access.is_rival", "api_access.outcome", "api_access.ts")
_SOURCE = "SPC interpretation 2024 art. 38; DMA art. 6(7)"
LEAST, DAYS, LEAST_DAYS = 100, 90, 30
"""Calls a side; days looked back for a break; days with rivals' calls among them."""

OWN_FAULT = ("rate", "security", "abuse", "unpaid", "quota")
"""Stated reasons with one of these words lie with the caller."""


@view("access_calls")
def access_calls(t: Tables) -> Lazy:
    """Calls with a known caller and outcome: platform, `day`, `month`, `side`, 0/1 columns."""
    reason = nw.coalesce(nw.col("reason"), nw.lit("")).str.to_lowercase()
    endpoint = nw.coalesce(nw.col("endpoint"), nw.lit("")).str.to_lowercase()
    denied = nw.col("outcome").is_in(["denied", "throttled"])
    fault = reason.str.contains(OWN_FAULT[0], literal=True)
    for word in OWN_FAULT[1:]:
        fault = fault | reason.str.contains(word, literal=True)
    day = nw.col("ts").cast(nw.Date)
    return (
        t["api_access"]
        .filter(~nw.col("is_rival").is_null() & ~nw.col("outcome").is_null())
        .select(
            "platform_id",
            day.alias("day"),
            month_start(day).alias("month"),
            nw.when(nw.col("is_rival")).then(nw.lit("rival")).otherwise(nw.lit("other"))
            .alias("side"),
            denied.cast(nw.Int64).alias("denied"),
            (denied & ~fault).cast(nw.Int64).alias("unexplained"),
            endpoint.str.contains("link", literal=True).cast(nw.Int64).alias("link"),
            nw.when(~denied).then(nw.col("latency_ms")).alias("latency"),
        )
    )  # fmt: skip


@base(
    name=_BASE,
    grain="platform_m",
    tables=("api_access",),
    attributes=("platform_id",),
    under="platform_id",
)
def refused_access(t: Tables) -> Lazy:
    """One row per platform and month with calls of rivals and of others."""
    calls = t.view("access_calls")
    key = ["platform_id", "month"]
    sides = (
        calls.with_columns((nw.col("denied") * nw.col("link")).alias("_blocked"))
        .group_by(*key, "side")
        .agg(
            nw.len().alias("calls"),
            nw.col("denied").sum(),
            nw.col("unexplained").sum(),
            nw.col("link").sum().alias("links"),
            nw.col("_blocked").sum().alias("blocked"),
            nw.col("latency").median().alias("latency"),
            nw.col("latency").count().alias("timed"),
        )
    )
    columns = ("calls", "denied", "unexplained", "links", "blocked", "latency", "timed")
    parts = [
        sides.filter(nw.col("side") == side).select(
            *key, *(nw.col(c).alias(f"{c}_{side}") for c in columns)
        )
        for side in ("rival", "other")
    ]
    rows = collect(parts[0].join(parts[1], on=key, how="inner"))
    names = ("denied_rival", "calls_rival", "denied_other", "calls_other")
    rows = with_exact_p(rows, *names, "denial_p")
    rows = rows.join(_breaks(collect(calls), rows.select(key)), on=key, how="left")
    return nw.from_native(rows.lazy()).with_columns(
        nw.col("platform_id").alias("subject_key"),
        nw.col("month").alias("period_start"),
        month_end(nw.col("month")).alias("period_end"),
        nw.min_horizontal("calls_rival", "calls_other").alias("smaller"),
    )


def _breaks(calls: pl.DataFrame, months: pl.DataFrame) -> pl.DataFrame:
    """Break in the daily denial rate of rivals over the 90 days up to each month's end."""
    daily = (
        calls.filter(pl.col("side") == "rival")
        .group_by("platform_id", "day")
        .agg(pl.col("denied").mean().alias("rate"))
        .sort("platform_id", "day")
    )
    found = []
    for platform, month in months.sort("platform_id", "month").rows():
        last = pl.lit(month).dt.month_end()
        near = pl.col("day").is_between(last.dt.offset_by(f"-{DAYS - 1}d"), last)
        series = daily.filter((pl.col("platform_id") == platform) & near)["rate"].to_numpy()
        enough = len(series) >= LEAST_DAYS
        found.append((platform, month, signed_sup_f(series.astype(np.float64)) if enough else None,
                      len(series)))  # fmt: skip
    schema = {"platform_id": pl.String, "month": pl.Date, "onset": pl.Float64, "days": pl.Int64}
    return pl.DataFrame(found, schema=schema, orient="row")


def _few() -> tuple[nw.Expr, Reason]:
    return nw.col("smaller") < LEAST, Reason.TOO_FEW


@feature(
    name="ref_denial_rr", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="ratio",
    direction="high", min_n=100, n="smaller", source=_SOURCE,
    title={"en": "denials of rivals against others", "zh": "竞争者被拒率比"},
)  # fmt: skip
def ref_denial_rr() -> Measure:
    """Share of rivals' calls denied or throttled, over that of others; 100 calls a side.

    One half is added to every cell where one is empty (Haldane).
    """
    names = ("denied_rival", "calls_rival", "denied_other", "calls_other")
    return measure(risk_ratio(*names), _few())


@feature(
    name="ref_unexplained_rr", typology=_TYPOLOGY, base=_BASE,
    inputs=(*_INPUTS, "api_access.reason"), unit="ratio", direction="high", min_n=100,
    n="smaller", source=_SOURCE,
    title={"en": "unexplained denials of rivals against others", "zh": "竞争者无理由被拒率比"},
)  # fmt: skip
def ref_unexplained_rr() -> Measure:
    """`ref_denial_rr` without denials whose stated reason lies with the caller.

    Such reasons name a rate limit, quota, security, abuse or unpaid fees.
    """
    names = ("unexplained_rival", "calls_rival", "unexplained_other", "calls_other")
    return measure(risk_ratio(*names), _few())


@feature(
    name="ref_denial_p", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="probability",
    direction="low", min_n=100, n="smaller", source="Fisher 1935",
    title={"en": "chance of so many denials of rivals", "zh": "竞争者被拒的偶然概率"},
)  # fmt: skip
def ref_denial_p() -> Measure:
    """Fisher's exact one-sided p that rivals are denied more often than others."""
    return measure(nw.col("denial_p"), _few())


@feature(
    name="ref_latency_ratio", typology=_TYPOLOGY, base=_BASE,
    inputs=(*_INPUTS, "api_access.latency_ms"), unit="ratio", direction="high", min_n=100,
    n="timed_rival", source=_SOURCE,
    title={"en": "waiting time of rivals against others", "zh": "竞争者响应时间比"},
)  # fmt: skip
def ref_latency_ratio() -> Measure:
    """Median latency of rivals' answered calls over that of others'; 100 timed calls a side."""
    timed = nw.min_horizontal("timed_rival", "timed_other")
    return measure(
        nw.col("latency_rival") / nw.col("latency_other"),
        (timed < LEAST, Reason.TOO_FEW),
        (nw.col("latency_other") <= 0, Reason.ZERO_DENOMINATOR),
    )


@feature(
    name="link_block_rate", typology=_TYPOLOGY, base=_BASE,
    inputs=(*_INPUTS, "api_access.endpoint"), unit="0-1", direction="high", min_n=100,
    n="links_rival", source="AUCL 2025 art. 13; catalogue 3.D",
    title={"en": "rivals' links blocked", "zh": "竞争者链接屏蔽率"},
)  # fmt: skip
def link_block_rate() -> Measure:
    """Share of rivals' links denied: calls whose endpoint has the word link; 100 at least."""
    return measure(
        nw.col("blocked_rival") / nw.col("links_rival"),
        (nw.col("links_rival") < LEAST, Reason.TOO_FEW),
    )


@feature(
    name="ref_onset_break", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="F",
    direction="high", min_n=30, n="days", source="Andrews 1993",
    title={"en": "sudden onset of denials", "zh": "拒绝访问的突变"},
)  # fmt: skip
def ref_onset_break() -> Measure:
    """Largest F of one break in the mean of rivals' daily denial rate, 90 days to month's end.

    Negative where the rate fell at the break. Breaks in the outer 15 % are not looked for.
    """
    return measure(
        nw.col("onset"), (nw.col("days") < LEAST_DAYS, Reason.TOO_FEW),
        (nw.col("onset").is_null(), Reason.CONSTANT),
    )  # fmt: skip
