"""A subject's earlier periods: what `prev`, `sustain` and `absence` read.

One period follows another where it starts on the day after the other's end and is of the same
length, so months never follow quarters and a gap is a gap.
"""

from __future__ import annotations

from collections.abc import Collection

import polars as pl

from features.vocabulary import Reason
from rules.clauses import Absence
from rules.nodes import Prev

KEYS = ("subject_key", "period_start", "period_end")
MISSING = "periods_missing"
"""Attribute of a rule about silence: how many periods in a row nothing was filed for."""

LENGTHS = {"day": 1, "week": 7, "month": 31, "quarter": 92, "half": 184, "year": 366}
"""Most days a period of that name has."""


def earlier_rows(frame: pl.DataFrame, back: int) -> list[pl.Series]:
    """Row number of the same subject 1 to `back` periods before each row; null where none is.

    Args:
        frame: columns `KEYS`; unique on subject and start.
    """
    rows = frame.select(*KEYS, _length()).with_row_index("row")
    after = rows.select(
        "subject_key", "length", period_start=pl.col("period_end").dt.offset_by("1d"), before="row"
    ).unique(["subject_key", "length", "period_start"], keep="first", maintain_order=True)
    step = rows.join(
        after, on=["subject_key", "length", "period_start"], how="left", maintain_order="left"
    )["before"]
    found = [step]
    while len(found) < back:
        found.append(step.gather(found[-1]))
    return found[:back]


def _length() -> pl.Expr:
    """Name of the period's length, so that periods of one kind follow one another."""
    days = (pl.col("period_end") - pl.col("period_start")).dt.total_days() + 1
    name = pl.lit("long")
    for length, most in reversed(LENGTHS.items()):
        name = pl.when(days <= most).then(pl.lit(length)).otherwise(name)
    return name.alias("length")


def with_earlier(frame: pl.DataFrame, wanted: Collection[Prev]) -> pl.DataFrame:
    """The frame with a column for every earlier value some rule reads, and why it is null.

    What stands in the frame already is left as it is.
    """
    have = set(frame.columns)
    missing = [p for p in wanted if p.column not in have and p.feature in have]
    if not missing:
        return frame
    rows = earlier_rows(frame, max(p.periods for p in missing))
    found: list[pl.Series] = []
    for prev in missing:
        at = rows[prev.periods - 1]
        found.append(frame[prev.feature].gather(at).alias(prev.column))
        own = f"{prev.feature}__reason"
        if own in have:
            found.append(frame[own].gather(at).alias(f"{prev.column}__reason"))
    return frame.with_columns({s.name: s for s in found}.values())


def with_silent(frame: pl.DataFrame, features: Collection[str], absence: Absence) -> pl.DataFrame:
    """The frame with a row for each silent period, and `MISSING`, 0 for what was filed.

    A silent row repeats the attributes of the last period filed; its features are null because of
    `missing_input`. Periods in which nobody filed are expected of nobody.
    """
    silent = _silences(frame, absence)
    last = frame.select(pl.exclude(*KEYS)).select(pl.all().gather(silent["row"]))
    blank = [
        pl.lit(Reason.MISSING_INPUT.value if c.endswith("__reason") else None).cast(dtype).alias(c)
        for c, dtype in last.schema.items()
        if c.partition("__")[0] in features
    ]
    rows = pl.concat([silent.drop("row"), last.with_columns(blank)], how="horizontal")
    whole = frame.with_columns(pl.lit(0.0).alias(MISSING))
    return pl.concat([whole, rows.select(whole.columns)])


def _silences(frame: pl.DataFrame, absence: Absence) -> pl.DataFrame:
    """`KEYS` and `MISSING` of each silent period, and the number of the row filed before it."""
    rows = frame.select(*KEYS, _length()).with_row_index("row")
    periods = rows.select("length", "period_start", "period_end").unique()
    follows = periods.select(
        "length", end=pl.col("period_start").dt.offset_by("-1d"),
        next_start="period_start", next_end="period_end",
    )  # fmt: skip
    filed = rows.select("subject_key", next_start="period_start")
    spoke = rows.rename({"period_end": "end"}).drop("period_start")
    if absence.seen > 1:
        spoke = spoke.filter(earlier_rows(frame, absence.seen - 1)[-1].is_not_null())
    found = []
    for number in range(1, absence.missing + 1):
        spoke = spoke.join(follows, on=["length", "end"]).join(
            filed, on=["subject_key", "next_start"], how="anti"
        )
        found.append(
            spoke.select(
                "subject_key", "row", period_start="next_start", period_end="next_end"
            ).with_columns(pl.lit(float(number)).alias(MISSING))
        )
        spoke = spoke.select("subject_key", "row", "length", end="next_end")
    return pl.concat(found).unique([*KEYS[:2]], keep="first", maintain_order=True)
