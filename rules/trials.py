"""Many versions of a rule over the rows of its examples in few passes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from features.catalogue import FeatureCatalogue
from features.vocabulary import Outcome
from rules.case_frames import Bench
from rules.clauses import Absence
from rules.history import KEYS
from rules.load import Rule
from rules.parameters import Figure, ParameterBook
from rules.preparing import frame_for, prepare, sight
from rules.staging import CODES, Prepared, narrow_stages, staged, wide_stages

SMALL = 20
"""Below this a whole number is moved by one, above by a tenth."""
_OUTCOMES = {code: outcome.value for outcome, code in CODES.items()}
Where = tuple[str, date]


@dataclass(frozen=True, slots=True)
class Trial:
    """A version of a rule with the tables and the given values it is judged by.

    Attributes:
        change: what was changed, in words.
        moved: a parameter and the way it is moved, where an example gives it a value.
    """

    change: str
    rule: Rule
    parameters: ParameterBook
    moved: tuple[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Ending:
    """How a row ended; reason and severity only where they were asked for."""

    outcome: str
    reason: str | None = None
    severity: int | None = None


def endings(
    trials: Sequence[Trial], bench: Bench, catalogue: FeatureCatalogue, *, whole: bool = False
) -> list[dict[Where, Ending]]:
    """How the rows of a bench end under each trial.

    Args:
        whole: with reason and severity, which takes about three times as long.

    Raises:
        ExpressionError: a trial names what the frame does not have.
    """
    found: dict[int, dict[Where, Ending]] = {}
    groups: dict[Absence | None, list[int]] = {}
    for number, trial in enumerate(trials):
        groups.setdefault(trial.rule.spec.absence, []).append(number)
    for silence, numbers in groups.items():
        # Rules about silence make rows of their own: those of one make no sense to another.
        first = [trials[n].rule for n in numbers]
        frame = frame_for(bench.frame, first if silence is None else first[:1])
        seen = sight(frame, catalogue)
        prepared = [
            prepare(
                trials[n].rule, seen, trials[n].parameters, given=_given(trials[n], bench), number=n
            )
            for n in numbers
        ]
        rows = _wide(prepared, frame.frame) if whole else _narrow(prepared, frame.frame)
        wanted = {(spot.subject, spot.period_start) for spot in bench.spots}
        for number, one in zip(numbers, prepared, strict=True):
            found[number] = _told(rows, one.mark, wanted, whole=whole)
    return [found[number] for number in range(len(trials))]


def _given(trial: Trial, bench: Bench) -> Mapping[str, Figure]:
    if trial.moved is None or trial.moved[0] not in bench.given:
        return bench.given
    name, sign = trial.moved
    return {**bench.given, name: nudged(bench.given[name], sign)}


def nudged(value: Figure, sign: int) -> Figure:
    """A limit one step up or down: one for small whole numbers, else a tenth; texts and truths
    become others.
    """
    if isinstance(value, bool):
        return not value
    if isinstance(value, str):
        return f"{value} {'+' if sign > 0 else '-'}"
    if value == int(value) and 0 < abs(value) < SMALL:
        return value + sign
    return value + sign * max(abs(value), 0.1) * 0.1


def _narrow(prepared: Sequence[Prepared], data: pl.DataFrame) -> pl.DataFrame:
    marks = [one.mark for one in prepared]
    lazy = staged(data.lazy(), narrow_stages(prepared)).select(*KEYS, *marks)
    return lazy.collect().rename({mark: f"{mark}outcome" for mark in marks})


def _wide(prepared: Sequence[Prepared], data: pl.DataFrame) -> pl.DataFrame:
    told = [f"{one.mark}{name}" for one in prepared for name in ("outcome", "reason", "severity")]
    return staged(data.lazy(), wide_stages(prepared)).select(*KEYS, *told).collect()


def _told(
    rows: pl.DataFrame, mark: str, wanted: Collection[Where], *, whole: bool
) -> dict[Where, Ending]:
    names = ["subject_key", "period_start", f"{mark}outcome"]
    names += [f"{mark}reason", f"{mark}severity"] if whole else []
    found: dict[Where, Ending] = {}
    for subject, start, outcome, *more in rows.select(names).iter_rows():
        if (subject, start) in wanted:
            text = outcome if whole else _OUTCOMES.get(outcome, Outcome.ERROR.value)
            found[subject, start] = Ending(text, *more)
    return found
