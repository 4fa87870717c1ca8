"""Control charts of weekly complaints (PRIV-COMPLAINT-SPIKE)."""

from __future__ import annotations

from datetime import date, timedelta

import narwhals as nw
import numpy as np
import numpy.typing as npt
import polars as pl

from features.catalogue import Measure, base, feature, measure
from features.library.count_tails import with_burst_p
from features.operators import Lazy, both, days_between
from features.tables import Tables, collect
from features.vocabulary import Reason

_TYPOLOGY, _BASE = "PRIV-COMPLAINT-SPIKE", "weekly_complaints"
_INPUTS = ("complaints.received_on", "complaints.operator_id", "complaints.topic",
           "complaints.text_simhash")  # fmt: skip
WATCHED, BASELINE, MIN_BASELINE = 8, 52, 8
"""Weeks on the chart; weeks before them that say what is usual, at most and at least."""
LAMBDA, WIDTH, SHIFT = 0.2, 3.0, 1.5
_CELL = ("operator_id", "topic")
_A_MONDAY = date(1970, 1, 5)
Floats = npt.NDArray[np.float64]


def _weeks(t: Tables) -> pl.DataFrame:
    """Complaints by operator, topic and week (from Monday), weeks without any filled with 0.

    Equal texts of one week are a campaign and count once. A week that is not over by the day of
    the judgement is left out.
    """
    day = nw.col("received_on")
    rows = t["complaints"].filter(~day.is_null() & ~nw.col("operator_id").is_null())
    same = nw.coalesce(nw.col("text_simhash"), nw.col("complaint_id"))
    counted = rows.select(
        "operator_id",
        nw.coalesce(nw.col("topic"), nw.lit("")).alias("topic"),
        (days_between(nw.lit(_A_MONDAY), day) // 7).alias("week"),
        same.alias("text"),
    ).unique()
    weeks = collect(counted.group_by(*_CELL, "week").agg(nw.len().cast(nw.Int64).alias("x")))
    weeks = weeks.with_columns(
        (pl.lit(_A_MONDAY) + pl.duration(weeks=pl.col("week"))).cast(pl.Date).alias("week")
    )
    over = t.context.as_of - timedelta(days=6)
    weeks = weeks.filter(pl.col("week") <= over)
    last = weeks["week"].max()
    if last is None:
        return weeks
    grid = weeks.group_by(*_CELL).agg(pl.col("week").min().alias("first"))
    grid = grid.with_columns(
        pl.date_ranges("first", pl.lit(last), interval="1w").alias("week")
    ).drop("first")
    full = grid.explode("week").join(weeks, on=[*_CELL, "week"], how="left")
    return full.with_columns(pl.col("x").fill_null(0)).sort(*_CELL, "week")


def _usual(x: Floats) -> tuple[Floats, Floats, npt.NDArray[np.int64]]:
    """Mean and variance of the weeks before the chart of every week, and how many they are."""
    place = np.arange(x.size)
    end = np.maximum(place - WATCHED + 1, 0)
    start = np.maximum(end - BASELINE, 0)
    n = end - start
    sums = np.concatenate([[0.0], np.cumsum(x)])
    squares = np.concatenate([[0.0], np.cumsum(x * x)])
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = (sums[end] - sums[start]) / n
        spread = (squares[end] - squares[start] - n * mean * mean) / (n - 1)
    return mean, spread, n


def ewma_limit(mean: Floats, t: int) -> Floats:
    """Upper limit of the average after t weeks, variance of a week equal to its mean."""
    return mean + WIDTH * np.sqrt(mean * LAMBDA / (2 - LAMBDA) * (1 - (1 - LAMBDA) ** (2 * t)))


def _chart(weeks: pl.DataFrame) -> pl.DataFrame:
    """Add the charts to the weeks of one operator and topic, in order."""
    x = weeks["x"].to_numpy().astype(np.float64)
    mean, spread, n = _usual(x)
    average, total, above = mean.copy(), np.zeros(x.size), np.zeros(x.size)
    with np.errstate(divide="ignore", invalid="ignore"):
        allowed = (SHIFT - 1) * mean / np.log(SHIFT)
        for t in range(1, WATCHED + 1):
            back = np.arange(x.size) - WATCHED + t
            now = np.where(back >= 0, x[np.maximum(back, 0)], np.nan)
            average = LAMBDA * now + (1 - LAMBDA) * average
            total = np.maximum(0.0, total + now - allowed)
            above = np.where(average > ewma_limit(mean, t), above + 1, 0)
        limit = ewma_limit(mean, WATCHED)
    charts = {"mean": mean, "variance": spread, "ewma": average, "ucl": limit,
              "cusum": total, "above": above}  # fmt: skip
    return weeks.with_columns(
        pl.Series("baseline_weeks", n),
        *(pl.Series(c, v).fill_nan(None) for c, v in charts.items()),
    )


@base(
    name=_BASE,
    grain="operator_topic_w",
    tables=("complaints",),
    attributes=("operator_id", "topic", "complaints", "usual_complaints"),
    peers=("topic",),
)
def weekly_complaints(t: Tables) -> Lazy:
    """One row per operator, topic and whole week since the first complaint.

    A chart runs over the eight weeks that end with the week judged; the weeks before them, at
    most 52, say what is usual, so a rise does not raise its own limit.
    """
    weeks = _weeks(t)
    parts = [_chart(p) for p in weeks.partition_by(*_CELL, maintain_order=True)]
    made = pl.concat(parts) if parts else _chart(weeks.with_columns(pl.col("x").cast(pl.Int64)))
    made = with_burst_p(made, "x", "mean", "variance", "p")
    return nw.from_native(made.lazy()).with_columns(
        both(nw.col("operator_id"), nw.col("topic")).alias("subject_key"),
        nw.col("week").alias("period_start"),
        nw.col("week").dt.offset_by("6d").cast(nw.Date).alias("period_end"),
        nw.col("x").alias("complaints"),
        nw.col("mean").alias("usual_complaints"),
    )


_GATE = (
    (nw.col("baseline_weeks") < MIN_BASELINE, Reason.TOO_FEW),
    (nw.col("mean") <= 0, Reason.ZERO_DENOMINATOR),
)


@feature(
    name="cs_poisson_p", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="probability",
    direction="low", n="baseline_weeks", min_n=MIN_BASELINE,
    source="exact Poisson; negative binomial where the variance is above 1.5 times the mean",
    title={"en": "chance of so many complaints", "zh": "出现如此多投诉的概率"},
)  # fmt: skip
def cs_poisson_p() -> Measure:
    """Probability of at least this week's complaints where the usual number is the mean of the
    baseline weeks; a campaign of equal texts counts once."""
    return measure(nw.col("p"), *_GATE)


@feature(
    name="cs_ewma", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="complaints",
    direction="high", n="baseline_weeks", min_n=MIN_BASELINE, source="Roberts 1959",
    title={"en": "moving average of complaints", "zh": "投诉加权移动平均"},
)  # fmt: skip
def cs_ewma() -> Measure:
    """z = 0.2 x + 0.8 z over the eight weeks of the chart, beginning at the usual number."""
    return measure(nw.col("ewma"), *_GATE)


@feature(
    name="cs_ewma_ucl", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="complaints",
    direction="none", n="baseline_weeks", min_n=MIN_BASELINE,
    source="Lucas and Saccucci 1990",
    title={"en": "limit of the moving average", "zh": "投诉移动平均控制上限"},
)  # fmt: skip
def cs_ewma_ucl() -> Measure:
    """mu + 3 sqrt(mu 0.2 / 1.8 (1 - 0.8^16)): the limit in the eighth week of the chart."""
    return measure(nw.col("ucl"), *_GATE)


@feature(
    name="cs_ewma_weeks_above", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="weeks",
    direction="high", n="baseline_weeks", min_n=MIN_BASELINE,
    source="Lucas and Saccucci 1990",
    title={"en": "weeks in a row above the limit", "zh": "连续超出控制上限周数"},
)  # fmt: skip
def cs_ewma_weeks_above() -> Measure:
    """Weeks in a row, up to this one, in which the average was above its limit; 8 at most."""
    return measure(nw.col("above"), *_GATE)


@feature(
    name="cs_cusum_poisson", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="complaints",
    direction="high", n="baseline_weeks", min_n=MIN_BASELINE, source="Lucas 1985",
    title={"en": "cumulative excess of complaints", "zh": "投诉累积超出量"},
)  # fmt: skip
def cs_cusum_poisson() -> Measure:
    """C = max(0, C + x - k) over the chart, k = (mu1 - mu) / ln(mu1 / mu), mu1 = 1.5 mu."""
    return measure(nw.col("cusum"), *_GATE)
