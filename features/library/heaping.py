"""Figures too round or too convenient to have been counted (DATA-HEAPING)."""

from __future__ import annotations

import narwhals as nw
import polars as pl

from features.catalogue import Measure, base, feature, measure
from features.library.count_tails import with_binomial_p
from features.operators import Lazy, both, civil_day, year_end, year_start
from features.parameters.reporting_floors import REPORTING_FLOORS
from features.tables import Tables, collect
from features.vocabulary import Reason

_TYPOLOGY, _BASE = "DATA-HEAPING", "filed_numbers"
_INPUTS = ("breach_notifications.persons", "breach_notifications.jurisdiction")
_SOURCE = "interface: further typologies"
_CELL = ["subject_key", "period_start"]
ROUND = 100
LEAST_PAST = 30
PLACEHOLDERS = (999, 9_999, 99_999, 999_999, 1_234, 12_345, 123_456)
"""Numbers typed where none is known, for filings without a legal floor."""


def _numbers(t: Tables) -> pl.DataFrame:
    """Every number of persons, once for its operator and once for the table it is filed in."""
    day = civil_day("notified_at", "aware_at", "recorded_at", fallback=t.context.as_of)
    rows = (
        collect(
            t["breach_notifications"]
            .filter(~nw.col("persons").is_null())
            .select("incident_id", "operator_id", "jurisdiction", nw.col("persons").alias("value"),
                    year_start(day).alias("period_start"))
        )
        .sort("incident_id", "value")
        .unique("incident_id", keep="last", maintain_order=True)
    )  # fmt: skip
    table = rows.with_columns(subject_key=pl.lit("breach_notifications"), scope=pl.lit("table"))
    table = nw.to_native(
        nw.from_native(table).with_columns(
            both(nw.col("subject_key"), nw.col("jurisdiction")).alias("subject_key")
        )
    )
    own = rows.filter(pl.col("operator_id").is_not_null()).with_columns(
        subject_key="operator_id", scope=pl.lit("operator")
    )
    return pl.concat([table, own.select(table.columns)])


def _counts(numbers: pl.DataFrame) -> pl.DataFrame:
    """Round, placeholder and floor-digit values by subject and year."""
    floors = {f.jurisdiction: f.floor for f in REPORTING_FLOORS}
    floor = pl.col("jurisdiction").replace_strict(floors, default=None, return_dtype=pl.Int64)
    value, at = pl.col("value"), pl.col("floor")
    hugging = value.is_between(at, at + 1)
    stuck = pl.when(at.is_null()).then(value.is_in(PLACEHOLDERS)).otherwise(hugging)
    digit = value.cast(pl.String).str.slice(0, 1) == at.cast(pl.String).str.slice(0, 1)
    return (
        numbers.with_columns(floor=floor)
        .group_by(*_CELL, "scope")
        .agg(
            numbers=pl.len().cast(pl.Int64),
            roundable=(value >= ROUND).sum().cast(pl.Int64),
            rounds=((value >= ROUND) & (value % ROUND == 0)).sum().cast(pl.Int64),
            placeholders=stuck.sum().cast(pl.Int64),
            floored=at.is_not_null().sum().cast(pl.Int64),
            floor_digits=digit.fill_null(value=False).sum().cast(pl.Int64),
        )
        .sort(_CELL)
    )


def _against_past(rows: pl.DataFrame) -> pl.DataFrame:
    """Add the share of round values in all years before and the tail of this year's count."""
    before = [
        (pl.col(c).cum_sum() - pl.col(c)).over("subject_key").alias(f"_past_{c}")
        for c in ("rounds", "roundable")
    ]
    rows = rows.with_columns(before)
    # Half a value more on either side: a past without round values is no proof that none can be.
    rate = (pl.col("_past_rounds") + 0.5) / (pl.col("_past_roundable") + 1)
    enough = pl.col("_past_roundable") >= LEAST_PAST
    rows = rows.with_columns(past_rate=pl.when(enough).then(rate))
    return with_binomial_p(rows, "rounds", "roundable", "past_rate", "round_p")


@base(
    name=_BASE,
    grain="operator_y",
    tables=("breach_notifications",),
    attributes=("scope", "numbers"),
    peers=("scope",),
)
def filed_numbers(t: Tables) -> Lazy:
    """One row per operator, and per filing table with its jurisdiction, and year of the filing."""
    rows = _against_past(_counts(_numbers(t)))
    return nw.from_native(rows.lazy()).with_columns(
        year_end(nw.col("period_start")).alias("period_end")
    )


@feature(
    name="heap_round_share", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="0-1",
    direction="high", min_n=20, n="roundable", source=_SOURCE, peer_adjusted=True,
    title={"en": "figures in whole hundreds", "zh": "整百数占比"},
)  # fmt: skip
def heap_round_share() -> Measure:
    """Share of figures of 100 or more that are multiples of 100."""
    n = nw.col("roundable")
    return measure(nw.col("rounds") / n, (n < 1, Reason.TOO_FEW))


@feature(
    name="heap_rounds", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="figures",
    direction="none", min_n=0, n="roundable", source=_SOURCE,
    title={"en": "number of whole hundreds", "zh": "整百数个数"},
)  # fmt: skip
def heap_rounds() -> Measure:
    """Figures that are multiples of 100."""
    return measure(nw.col("rounds"))


@feature(
    name="heap_round_p", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="probability",
    direction="low", min_n=20, n="roundable", source="catalogue 1.2 (exact count tails)",
    title={"en": "chance of that many whole hundreds", "zh": "整百数增多的概率"},
)  # fmt: skip
def heap_round_p() -> Measure:
    """Exact binomial chance of at least as many multiples of 100, by the subject's own past.

    The past rate is (round + 1/2) / (figures + 1) over all earlier years, 30 figures at least.
    """
    return measure(
        nw.col("round_p"),
        (nw.col("roundable") < 1, Reason.TOO_FEW),
        (nw.col("past_rate").is_null(), Reason.TOO_FEW),
    )


@feature(
    name="heap_placeholder_share", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="0-1",
    direction="high", min_n=20, n="numbers", source=_SOURCE, peer_adjusted=True,
    title={"en": "figures that stand for an unknown one", "zh": "占位数占比"},
)  # fmt: skip
def heap_placeholder_share() -> Measure:
    """Share of figures at the legal reporting floor or one above it.

    Where no floor is known: share of 999, 9,999 and the like and of 1,234 and the like.
    """
    return measure(nw.col("placeholders") / nw.col("numbers"))


@feature(
    name="heap_placeholders", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="figures",
    direction="none", n="numbers", source=_SOURCE,
    title={"en": "number of placeholders", "zh": "占位数个数"},
)  # fmt: skip
def heap_placeholders() -> Measure:
    """Figures at the legal reporting floor or one above it (see `heap_placeholder_share`)."""
    return measure(nw.col("placeholders"))


@feature(
    name="heap_figures", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="figures",
    direction="none", min_n=0, n="numbers", source=_SOURCE,
    title={"en": "number of figures", "zh": "数值个数"},
)  # fmt: skip
def heap_figures() -> Measure:
    """Figures filed, each filing once: what the counts beside it are parts of."""
    return measure(nw.col("numbers"))


@feature(
    name="heap_floor_digits", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="figures",
    direction="none", min_n=0, n="floored", source=_SOURCE,
    title={"en": "number that begin like the floor", "zh": "首位与申报下限相同个数"},
)  # fmt: skip
def heap_floor_digits() -> Measure:
    """Figures whose first digit is that of the legal floor (see `heap_floor_digit_share`)."""
    return measure(nw.col("floor_digits"), (nw.col("floored") < 1, Reason.NOT_APPLICABLE))


@feature(
    name="heap_floor_digit_share", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="0-1",
    direction="none", n="floored", source=_SOURCE,
    title={"en": "figures that begin like the floor", "zh": "首位与申报下限相同占比"},
)  # fmt: skip
def heap_floor_digit_share() -> Measure:
    """Share of figures whose first digit is that of the legal floor.

    Context: a floor makes its digit frequent, so first-digit laws prove nothing there.
    """
    n = nw.col("floored")
    return measure(nw.col("floor_digits") / n, (n < 1, Reason.NOT_APPLICABLE))
