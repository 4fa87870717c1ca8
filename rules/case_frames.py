"""Examples laid out as rows of a feature frame, each subject with the periods it tells of."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import polars as pl

from features.catalogue import Feature, FeatureCatalogue
from features.compute import FeatureFrame
from features.errors import WardenError
from features.vocabulary import GRAINS, PeriodLetter
from rules.checking import ColumnInfo, ValueType
from rules.clauses import RuleTest
from rules.grains import grain_vocabulary
from rules.load import Rule
from rules.parameters import Figure

PEER_SUFFIXES = ("pct", "median", "z")
SOMEBODY = "somebody"
"""Who files in every period an example speaks of: silence is told by what others file."""
_COUNTS = ("n", "peers")
_EARLIER = re.compile(r"prev[1-9][0-9]?\Z")


@dataclass(frozen=True, slots=True)
class Spot:
    """Where in a frame an example is judged: number of the example, subject, period."""

    index: int
    subject: str
    period_start: date


@dataclass(frozen=True, slots=True)
class Bench:
    """Examples that are judged in one pass.

    Attributes:
        given: parameter values that stand in for those in force.
    """

    frame: FeatureFrame
    given: Mapping[str, Figure]
    spots: tuple[Spot, ...]


@dataclass(frozen=True, slots=True)
class _Row:
    subject: str
    start: date
    end: date
    given: Mapping[str, Figure | None]


def row_benches(rule: Rule, catalogue: FeatureCatalogue) -> list[Bench]:
    """All examples of level `row`, those with the same parameters together.

    Raises:
        WardenError: `unknown_test_column` when an example names what the grain does not have,
            `mixed_test_values` when values do not fit their column.
    """
    batches: dict[str, list[tuple[int, RuleTest]]] = {}
    for index, test in enumerate(rule.spec.tests):
        if test.level == "row":
            key = f"{sorted(test.params.items())} {bool(test.before)}"
            batches.setdefault(key, []).append((index, test))
    return [_bench(rule, batch, catalogue) for batch in batches.values()]


def _bench(rule: Rule, batch: Sequence[tuple[int, RuleTest]], catalogue: FeatureCatalogue) -> Bench:
    rows: list[_Row] = []
    spots: list[Spot] = []
    for index, test in batch:
        mine = _periods(rule, test)
        spots.append(Spot(index, f"case {index}", mine[-1][0]))
        told = (*test.before, test.given)
        for (first, last), given in zip(mine, told, strict=True):
            if given is not None:
                rows.append(_Row(f"case {index}", first, last, given))
    if rule.spec.absence is not None:
        everybody = {period for _, test in batch for period in _periods(rule, test)}
        rows += [_Row(SOMEBODY, *period, {}) for period in sorted(everybody)]
    frame = _frame(rule, rows, catalogue)
    return Bench(frame, batch[0][1].params, tuple(spots))


def _periods(rule: Rule, test: RuleTest) -> list[tuple[date, date]]:
    """Periods an example tells of, the one judged last.

    An example of a rule that looks back lies in whole periods of the grain; another one lies on
    the day it names, so that a limit of law changes on its day.
    """
    day = judged_day(rule, test)
    if not test.before and rule.spec.absence is None:
        return [(day, day)]
    letter = GRAINS[rule.spec.grain].period
    found = [period_of(day, letter)]
    for _ in test.before:
        found.append(period_of(found[-1][0] - timedelta(days=1), letter))
    return found[::-1]


def judged_day(rule: Rule, test: RuleTest) -> date:
    """The day an example names, else the day the rule was last changed."""
    day = (test.given or {}).get("period_start")
    try:
        return date.fromisoformat(str(day)) if day else rule.spec.modified
    except ValueError:
        raise WardenError(
            "bad_test_day",
            f"Rule {rule.id}: `{day}` of the example `{test.name}` is not a day.",
            "Write period_start as 2026-01-01.",
        ) from None


def period_of(day: date, letter: PeriodLetter) -> tuple[date, date]:
    """First and last day of the period of a kind that holds a day; weeks begin on Monday."""
    if letter == "d":
        return day, day
    if letter == "w":
        monday = day - timedelta(days=day.weekday())
        return monday, monday + timedelta(days=6)
    months = {"m": 1, "q": 3, "y": 12}[letter]
    first = (day.month - 1) // months * months
    start = date(day.year, first + 1, 1)
    following = first + months
    after = date(day.year + following // 12, following % 12 + 1, 1)
    return start, after - timedelta(days=1)


def _frame(rule: Rule, rows: Sequence[_Row], catalogue: FeatureCatalogue) -> FeatureFrame:
    """The rows as a frame of the grain; what they do not give is null."""
    names = grain_vocabulary(rule.spec.grain, catalogue).columns
    features = tuple(catalogue.of_grain(rule.spec.grain))
    columns: dict[str, pl.Series] = {
        "subject_key": pl.Series([row.subject for row in rows], dtype=pl.String),
        "period_start": pl.Series([row.start for row in rows], dtype=pl.Date),
        "period_end": pl.Series([row.end for row in rows], dtype=pl.Date),
    }
    keys = dict.fromkeys(key for row in rows for key in row.given if key != "period_start")
    for key in keys:
        columns[key] = _column(rule, key, [row.given.get(key) for row in rows], names)
    for feature in features:
        columns.setdefault(feature.name, _nulls(feature, len(rows)))
    attributes = tuple(n for n, c in names.items() if c.kind == "attribute")
    for name in attributes:
        columns.setdefault(name, pl.Series([None] * len(rows), dtype=pl.Null))
    return FeatureFrame(rule.spec.grain, pl.DataFrame(columns), features, attributes, ())


def _nulls(feature: Feature, rows: int) -> pl.Series:
    return pl.Series([None] * rows, dtype=pl.String if feature.kind == "class" else pl.Float64)


def _column(
    rule: Rule, key: str, values: list[Figure | None], names: Mapping[str, ColumnInfo]
) -> pl.Series:
    base, _, suffix = key.partition("__")
    known = names.get(base)
    allowed = not suffix or (
        known is not None and known.kind == "feature"
        and (suffix in (*PEER_SUFFIXES, *_COUNTS, "reason") or _EARLIER.match(suffix))
    )  # fmt: skip
    if known is None or not allowed:
        raise WardenError(
            "unknown_test_column",
            f"Rule {rule.id}: an example gives `{key}`, which grain {rule.spec.grain} lacks.",
        )
    if suffix in _COUNTS:
        return _series(rule, key, values, pl.Int64)
    if suffix == "reason":
        return _series(rule, key, values, pl.String)
    kind = "number" if suffix and known.quantity.type != "text" else known.quantity.type
    return _series(rule, key, values, _dtype(kind, values))


def _series(rule: Rule, key: str, values: Iterable[Any], dtype: type[pl.DataType]) -> pl.Series:
    try:
        return pl.Series(list(values), dtype=dtype)
    except (TypeError, pl.exceptions.PolarsError):
        raise WardenError(
            "mixed_test_values",
            f"Rule {rule.id}: the examples give `{key}` values of the wrong or of mixed types.",
        ) from None


def _dtype(kind: ValueType, values: list[Figure | None]) -> type[pl.DataType]:
    if kind == "any":
        value = next((v for v in values if v is not None), None)
        kind = (
            "boolean" if isinstance(value, bool)
            else "text" if isinstance(value, str)
            else "number"
        )  # fmt: skip
    return {"text": pl.String, "boolean": pl.Boolean}.get(kind, pl.Float64)
