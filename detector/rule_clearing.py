"""What would clear a subject of a rule: distances to its limits, and the smallest changes.

The rule's own evaluation says whether a change clears, with its AND and OR, its limits by date and
place, its periods and its peers; nothing of it is written a second time here.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from detector.clearing import Candidates, Change, Probe, smallest_changes
from detector.inference import Floats
from features.reliance import relied_on
from features.vocabulary import Outcome
from rules.evaluate import evaluate_rule, peer_features
from rules.nodes import Column, Peer, walk
from rules.staging import CODES
from rules.sweep import label, sweep_rules

if TYPE_CHECKING:
    from detector.models.fitted import FittedSet
    from features.compute import FeatureFrame
    from rules.load import Rule
    from rules.parameters import ParameterBook

REACH = 1000.0
"""How many times the largest number of a comparison an input without bounds is moved."""
SHARES = frozenset({"share", "0-1", "probability"})
KEY, PERIOD = "subject_key", "period_start"


@dataclass(frozen=True)
class Cleared:
    """What a rule says of a row, and what would change its mind.

    Attributes:
        outcome: as evaluated now; changes are looked for only where it is ``fired``.
        conditions: the facts of its comparisons, each with ``distance`` and ``distance_share``:
            how far the value lies beyond the limit, negative where it does not reach it.
        changes: by input of the condition.
    """

    outcome: str
    conditions: list[dict[str, Any]]
    changes: dict[str, Change]


def rule_changes(
    rows: FeatureFrame, start: date, rule: Rule, parameters: ParameterBook, fitted: FittedSet | None
) -> Cleared | None:
    """The rule over one subject's row of a period; None where the table has no such row.

    Args:
        rows: every known period of one subject, for rules that look back.
        start: beginning of the period judged.
        fitted: the frozen peers, for rules that ask for them.
    """
    case = _case(rows, start, [rule], parameters, fitted)
    if case.rows.frame.filter(pl.col(PERIOD) == start).is_empty():
        return None
    found = case.told()
    outcome = str(found["outcome"][0])
    conditions = [_with_distance(f) for f in json.loads(found["facts"][0] or "[]")]
    if outcome != Outcome.FIRED:
        return Cleared(outcome, conditions, {})
    return Cleared(outcome, conditions, smallest_changes(case.probes(conditions), case.clear))


def joint_changes(
    rows: FeatureFrame,
    start: date,
    rules: Sequence[Rule],
    parameters: ParameterBook,
    fitted: FittedSet | None,
    found: Sequence[Cleared],
) -> dict[str, Change]:
    """The smallest change of each input after which every one of several fired rules is clear.

    Args:
        found: what each of the rules says of the row.
    """
    case = _case(rows, start, rules, parameters, fitted)
    conditions = [fact for one in found for fact in one.conditions]
    return smallest_changes(case.probes(conditions), case.clear)


def _case(
    rows: FeatureFrame,
    start: date,
    rules: Sequence[Rule],
    parameters: ParameterBook,
    fitted: FittedSet | None,
) -> _Case:
    back = any(rule.periods_back for rule in rules)
    return _Case(rows if back else _only(rows, start), start, tuple(rules), parameters, fitted)


def _only(rows: FeatureFrame, start: date) -> FeatureFrame:
    return replace(rows, frame=rows.frame.filter(pl.col(PERIOD) == start))


def _with_distance(fact: dict[str, Any]) -> dict[str, Any]:
    """The fact with how far its value lies beyond the limit, in its unit and in parts of it."""
    value, limit, op = fact.get("value"), fact.get("threshold"), str(fact.get("op") or "")
    numbers = isinstance(value, int | float) and isinstance(limit, int | float)
    if not numbers or isinstance(value, bool) or op[:1] not in ("<", ">") or op == "<>":
        return fact | {"distance": None, "distance_share": None}
    over = float(value or 0) - float(limit or 0)
    by = over if op[0] == ">" else -over
    return fact | {"distance": by, "distance_share": by / abs(float(limit)) if limit else None}


@dataclass(frozen=True)
class _Case:
    """One subject's rows before some rules."""

    rows: FeatureFrame
    start: date
    rules: tuple[Rule, ...]
    parameters: ParameterBook
    fitted: FittedSet | None

    def inputs(self) -> list[str]:
        """Numbers of the judged row that the condition reads."""
        read = dict.fromkeys(
            n.name if isinstance(n, Column) else n.feature
            for rule in self.rules
            for n in walk(rule.condition)
            if isinstance(n, Column | Peer)
        )
        schema = self.rows.frame.schema
        numeric = [n for n in read if n in schema and _moves(schema[n])]
        here = self.rows.frame.filter(pl.col(PERIOD) == self.start)
        return [n for n in numeric if here[n][0] is not None]

    def probes(self, conditions: Sequence[dict[str, Any]]) -> list[Probe]:
        """Every input with how far it may move, and the limits it is compared with."""
        units = {f.name: (f.unit, f.kind) for f in self.rows.features}
        limits = [c["threshold"] for c in conditions if _number(c.get("threshold"))]
        values = [c["value"] for c in conditions if _number(c.get("value"))]
        most = REACH * max([1.0, *(abs(v) for v in (*limits, *values))])
        here = self.rows.frame.filter(pl.col(PERIOD) == self.start).row(0, named=True)
        probes = []
        for name in self.inputs():
            value = float(here[name])
            unit, kind = units.get(name, ("", "number"))
            least = 0.0 if value >= 0 and not self._negative(name) else -most
            highest = most
            whole = isinstance(here[name], int) or self._whole(name, value)
            if kind == "bool" or isinstance(here[name], bool):
                least, highest, whole = 0.0, 1.0, True
            elif unit in SHARES and 0 <= value <= 1:
                highest = 1.0
            reach = max(highest, REACH * abs(value)) if highest == most else highest
            steps = tuple(float(v) for v in limits)
            probes.append(Probe(name, value, min(least, value), max(reach, value), whole, steps))
        return probes

    def _negative(self, name: str) -> bool:
        """Whether any frozen peer has a value below zero."""
        peers = self._peers(name)
        return bool(peers.size and peers.min() < 0)

    def _whole(self, name: str, value: float) -> bool:
        """Whether the value and those of all frozen peers are whole numbers."""
        peers = self._peers(name)
        return bool(value == round(value) and peers.size and np.all(peers == np.rint(peers)))

    def _peers(self, name: str) -> Floats:
        held = self.fitted.reference.grains.get(self.rows.grain) if self.fitted else None
        if held is None or name not in held.features:
            return np.empty(0)
        return np.asarray(held.rows[name].drop_nulls().to_numpy(), dtype=np.float64)

    def clear(self, candidates: Candidates) -> NDArray[np.bool_]:
        """Whether every rule ends in `clear`, by candidate."""
        frame = self._set(candidates)
        if any(rule.spec.absence is not None for rule in self.rules):
            parts = [self._outcomes(rule, frame) == Outcome.CLEAR.value for rule in self.rules]
            return np.asarray(np.logical_and.reduce(parts), dtype=np.bool_)
        codes = sweep_rules(self.rules, frame, self.parameters).codes
        clear = [pl.col(label(rule)) == CODES[Outcome.CLEAR] for rule in self.rules]
        ordered = self._in_order(codes)
        return np.asarray(ordered.select(pl.all_horizontal(clear)).to_series(), dtype=np.bool_)

    def told(self) -> pl.DataFrame:
        """What the first rule says of the row as it is, with its facts."""
        found = evaluate_rule(self.rules[0], self._set([]), self.parameters)
        return found.filter(pl.col(PERIOD) == self.start)

    def _outcomes(self, rule: Rule, frame: FeatureFrame) -> pl.Series:
        return self._in_order(evaluate_rule(rule, frame, self.parameters))["outcome"]

    def _in_order(self, found: pl.DataFrame) -> pl.DataFrame:
        """Rows of the judged period in the order of the candidates."""
        number = pl.col(KEY).str.split("#").list.last().cast(pl.Int64)
        return found.filter(pl.col(PERIOD) == self.start).sort(number)

    def _set(self, candidates: Candidates) -> FeatureFrame:
        """The subject's rows once for each candidate, its input set in the judged period.

        Each copy is a subject of its own, named after the number of its candidate, so that rules
        that look back see one history; peers are found before that, for the subject as it is.
        """
        from detector.models.score import with_peers

        table, n = self.rows.frame, max(1, len(candidates))
        which = np.repeat(np.arange(n), table.height)
        many = table[list(range(table.height)) * n].with_columns(_n=pl.Series(which))
        for name in {name for name, _ in candidates}:
            asked = [v if c == name else None for c, v in candidates]
            many = many.with_columns(self._changed(name, asked, many.schema[name]))
        told = peer_features(self.rules)
        frame = replace(self.rows, frame=many)
        if told and self.fitted is not None:
            frame = with_peers(frame, self.fitted, told)
        else:
            frame = relied_on(frame)
        numbered = pl.format("{}#{}", KEY, "_n").alias(KEY)
        return replace(frame, frame=frame.frame.with_columns(numbered).drop("_n"))

    def _changed(self, name: str, asked: Sequence[float | None], kind: pl.DataType) -> pl.Expr:
        """A column with the values asked for, by candidate, in the judged period."""
        put = pl.lit(pl.Series(asked, dtype=pl.Float64)).gather(pl.col("_n"))
        old = pl.col(name) if kind == pl.Boolean else pl.col(name).cast(pl.Float64)
        new = put == 1.0 if kind == pl.Boolean else put
        here = (pl.col(PERIOD) == self.start) & put.is_not_null()
        return pl.when(here).then(new).otherwise(old).alias(name)


def _moves(kind: pl.DataType) -> bool:
    return kind.is_numeric() or kind == pl.Boolean


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
