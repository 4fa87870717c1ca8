"""Examples that start from source tables: through the contracts and the features to the rule."""

from __future__ import annotations

import calendar
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import Any

import polars as pl

from features.catalogue import FeatureCatalogue
from features.compute import Computed, FeatureFrame, compute_features
from features.contracts import CONTRACTS, conform
from features.errors import WardenError
from features.reliance import relied_on
from features.vocabulary import RunContext
from rules.case_frames import Bench, Spot
from rules.clauses import EventRow, RuleTest
from rules.errors import nearest
from rules.load import Rule
from rules.nodes import column_names

_TEXT_FIRST = (pl.Date, pl.Datetime("us", "UTC"))
"""Types whose values stand as text in a rule file."""


def event_benches(rule: Rule, catalogue: FeatureCatalogue) -> list[Bench]:
    """Every example of level `events`, its features computed as they are from filings.

    Nobody's peers are known in an example: `pct_rank` and its like are missing.

    Raises:
        WardenError: `bad_test_table` when a table or column is not of the contracts or a value
            does not fit, `no_test_row` when the tables say nothing about the subject.
    """
    return [
        _bench(rule, index, test, catalogue)
        for index, test in enumerate(rule.spec.tests)
        if test.level == "events"
    ]


def _bench(rule: Rule, index: int, test: RuleTest, catalogue: FeatureCatalogue) -> Bench:
    assert test.subject is not None and test.period_start is not None  # noqa: S101  by its level
    grain = rule.spec.grain
    try:
        computed = _computed(rule, test, catalogue)
    except pl.exceptions.PolarsError as error:
        reason = str(error).strip().partition("\n")[0][:160]
        raise _fault(rule, test, f"the tables do not fit: {reason}") from None
    if grain not in computed.frames:
        why = sorted({computed.skipped[n] for n in _features(rule) if n in computed.skipped})
        raise _fault(rule, test, f"nothing is computed at grain {grain}: {'; '.join(why)}")
    frame = relied_on(computed.frames[grain])
    _look_for(rule, test, frame)
    return Bench(frame, test.params, (Spot(index, test.subject, test.period_start),))


def _computed(rule: Rule, test: RuleTest, catalogue: FeatureCatalogue) -> Computed:
    """What the planner makes of the tables, for the typologies the rule reads features of."""
    tables = {name: _table(rule, test, name, rows) for name, rows in test.tables.items()}
    known = catalogue.features
    typologies = {known[n].typology for n in _features(rule) if n in known}
    context = RunContext(judged_on(test))
    return compute_features(tables, typologies | {rule.spec.typology}, context, catalogue)


def _features(rule: Rule) -> set[str]:
    return {name for _, tree in rule.trees() for name in column_names(tree)}


def judged_on(test: RuleTest) -> date:
    """The day of the judgement: as said, else the last one of the month the period starts in."""
    start = test.as_of or test.period_start
    if start is None:
        raise ValueError(f"example {test.name} has no period")
    return test.as_of or start.replace(day=calendar.monthrange(start.year, start.month)[1])


def _table(rule: Rule, test: RuleTest, name: str, rows: Sequence[EventRow]) -> pl.LazyFrame:
    """Rows as they are read from the lake, learned on the day of the judgement."""
    if name not in CONTRACTS:
        raise _fault(rule, test, f"there is no table `{name}`", nearest(name, CONTRACTS))
    dtypes = {**CONTRACTS[name].dtypes}
    unknown = sorted({key for row in rows for key in row} - dtypes.keys())
    if unknown:
        hint = nearest(unknown[0], dtypes)
        raise _fault(rule, test, f"table `{name}` has no column `{unknown[0]}`", hint)
    stamp = datetime.combine(judged_on(test), time(), UTC)
    filled: list[dict[str, Any]] = [{"recorded_at": stamp, **row} for row in rows]
    schema = {
        column: pl.String if _as_text(dtype, column, filled) else dtype
        for column, dtype in dtypes.items()
        if any(column in row for row in filled)
    }
    try:
        return conform(name, pl.LazyFrame(filled, schema=schema))
    except (TypeError, pl.exceptions.PolarsError) as error:
        reason = str(error).strip().partition("\n")[0][:160]
        raise _fault(rule, test, f"table `{name}` does not fit: {reason}") from None


def _as_text(dtype: pl.DataType, column: str, rows: Sequence[Mapping[str, Any]]) -> bool:
    return dtype in _TEXT_FIRST and any(isinstance(row.get(column), str) for row in rows)


def _look_for(rule: Rule, test: RuleTest, frame: FeatureFrame) -> None:
    """A slip in the subject or the period would look like a rule that does not fire."""
    if rule.spec.absence is not None:
        return
    keys = frame.frame.select("subject_key", "period_start")
    here = (pl.col("subject_key") == test.subject) & (pl.col("period_start") == test.period_start)
    if keys.filter(here).is_empty():
        there = [f"{key} on {start}" for key, start in keys.head(5).iter_rows()]
        raise _fault(
            rule, test, f"no row of {test.subject} on {test.period_start}",
            f"There are: {', '.join(there)}." if there else "The tables give no row at all.",
        )  # fmt: skip


def _fault(rule: Rule, test: RuleTest, what: str, hint: str = "") -> WardenError:
    return WardenError("bad_test_table", f"Rule {rule.id}, example `{test.name}`: {what}.", hint)
