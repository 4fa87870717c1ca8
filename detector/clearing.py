"""The smallest change of one input that would clear a subject, every other input left as it is.

Nothing is reckoned back from a formula: candidates go through the same judgement as the subject
did, many at once, and the gap between the last that does not clear and the first that does is
narrowed until no number of fifteen digits lies between them that matters. So it holds for every
detector and every rule. Only a change that no peer shows, or that passes the bounds of the unit,
is left out; then no change of this input alone would clear it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from detector.excess import TAIL
from detector.inference import Floats

if TYPE_CHECKING:
    from detector.models.fitted import FittedModel, FittedSet
    from features.compute import FeatureFrame

POINTS = 48
"""Candidates a round tries on each side of each input."""
NARROW = 1e-11
"""Rounds end when the gap is this small beside the numbers around it."""
ROUNDS = 12
DIGITS = 15

Candidates = Sequence[tuple[str, float]]
Judge = Callable[[Candidates], NDArray[np.bool_]]
"""Whether the subject is clear with one input set to a value, by candidate."""


@dataclass(frozen=True, slots=True)
class Probe:
    """One input to move.

    Attributes:
        low, high: the least and the greatest value tried; the value itself closes a side.
        whole: whether only whole numbers are possible.
        steps: values to be tried besides, such as the limits of a rule.
    """

    name: str
    value: float
    low: float
    high: float
    whole: bool = False
    steps: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """The smallest change that clears.

    Attributes:
        limit: where clearing begins; None where no change of this input alone clears.
        reached: whether the limit itself clears, or only what lies beyond it.
        down: whether the value has to fall.
    """

    name: str
    value: float
    limit: float | None
    reached: bool = False
    down: bool = False

    @property
    def by(self) -> float | None:
        """The change to the limit, with its sign."""
        return None if self.limit is None else self.limit - self.value

    @property
    def share(self) -> float | None:
        """The change in parts of the value; None where that is zero."""
        return None if self.by is None or self.value == 0 else self.by / abs(self.value)

    def as_dict(self) -> dict[str, Any]:
        """Plain data: what `explanation` objects hold."""
        return {
            "clears_at": self.limit,
            "clears_at_limit": self.reached if self.limit is not None else None,
            "change": self.by,
            "change_share": self.share,
            "down": self.down,
        }


@dataclass(slots=True)
class _Gap:
    """One side of one input: the last value that does not clear, and the first that does."""

    probe: Probe
    end: float
    near: float
    far: float | None = None

    def candidates(self) -> Floats:
        if self.far is None:
            parts = np.concatenate([np.linspace(0, 1, POINTS)[1:], np.geomspace(1e-6, 1, POINTS)])
            tried = self.near + (self.end - self.near) * parts
            steps = [s for s in self.probe.steps if _between(s, self.near, self.end)]
            tried = np.concatenate([tried, steps])
        else:
            tried = np.linspace(self.near, self.far, POINTS)[1:-1]
        if self.probe.whole:
            tried = np.rint(tried)
        order = np.unique(tried)
        order = order[order != self.near]
        if self.far is not None:
            order = order[order != self.far]
        upwards = self.end > self.probe.value
        return np.asarray(order if upwards else order[::-1], dtype=np.float64)

    def narrow(self, tried: Floats, clear: NDArray[np.bool_]) -> None:
        """Keeps what lies between the last that does not clear and the first that does."""
        hits = np.flatnonzero(clear)
        if hits.size:
            self.far = float(tried[hits[0]])
            tried = tried[: hits[0]]
        if tried.size and (hits.size or self.far is not None):
            self.near = float(tried[-1])

    @property
    def done(self) -> bool:
        if self.far is None:
            return False
        gap = abs(self.far - self.near)
        if self.probe.whole:
            return gap <= 1
        return gap <= NARROW * max(abs(self.far), abs(self.near))


def smallest_changes(probes: Sequence[Probe], judge: Judge) -> dict[str, Change]:
    """The smallest change of each input that clears, all inputs and both sides judged together."""
    gaps = [
        _Gap(p, end, p.value)
        for p in probes
        for end in (p.low, p.high)
        if np.isfinite(end) and end != p.value
    ]
    open_gaps = gaps
    for _ in range(ROUNDS):
        tried = [gap.candidates() for gap in open_gaps]
        flat = [
            (gap.probe.name, float(v)) for gap, t in zip(open_gaps, tried, strict=True) for v in t
        ]
        if not flat:
            break
        clear, start = judge(flat), 0
        for gap, t in zip(open_gaps, tried, strict=True):
            gap.narrow(t, clear[start : start + t.size])
            start += t.size
        # A side without any clearing candidate has been tried to its end.
        open_gaps = [gap for gap in open_gaps if gap.far is not None and not gap.done]
    return _best(probes, [gap for gap in gaps if gap.far is not None], judge)


def _best(probes: Sequence[Probe], gaps: Sequence[_Gap], judge: Judge) -> dict[str, Change]:
    """Of both sides of an input the nearer one, told by its shortest number."""
    found = {p.name: Change(p.name, p.value, None) for p in probes}
    limits = [_shortest(gap) for gap in gaps]
    reached = judge([(g.probe.name, v) for g, v in zip(gaps, limits, strict=True)]) if gaps else ()
    for gap, limit, at in zip(gaps, limits, reached, strict=True):
        probe = gap.probe
        change = Change(probe.name, probe.value, limit, bool(at), limit < probe.value)
        if not at and probe.whole:
            change = replace(change, limit=gap.far, reached=True)
        if change.limit == probe.value:  # a step begins right at the value
            change = replace(change, down=bool((gap.far or 0.0) < probe.value))
        before = found[probe.name]
        if before.by is None or abs(change.by or 0.0) < abs(before.by):
            found[probe.name] = change
    return found


def _shortest(gap: _Gap) -> float:
    """The number with the fewest digits in the gap: a limit of 72 is told as 72."""
    assert gap.far is not None  # noqa: S101  the caller asks for gaps that were found
    low, high = sorted((gap.near, gap.far))
    for digits in range(1, DIGITS + 1):
        number = float(f"{gap.far:.{digits - 1}e}")
        if low <= number <= high:
            return number
    return gap.far


def _between(value: float, a: float, b: float) -> bool:
    return min(a, b) <= value <= max(a, b)


# --- models -----------------------------------------------------------------------------------


def model_changes(
    row: FeatureFrame, fitted: FittedSet, model: FittedModel
) -> tuple[float | None, dict[str, Change]]:
    """The model's p-value of one row, and what would bring each of its features out of the tail.

    The line is `TAIL`: a subject counts as suspicious up to this p-value.

    Args:
        row: a feature table of one row, plain or beside the frozen peers.
        fitted: the set with the peers and groups to judge beside.

    Returns:
        Changes by feature, its family's features included; none where the row has no value or is
        not in the tail.
    """
    names = _features(fitted, model)
    plain = _plain(row, names)
    p = _p_values(plain, fitted, model, [])[0]
    if p is None or p > TAIL:
        return p, {}
    here = plain.frame.row(0, named=True)
    held = fitted.reference.grains[row.grain].rows
    probes = [
        _probe(n, float(here[n]), held[n].drop_nulls().to_numpy(), _direction(plain, n))
        for n in names
        if here.get(n) is not None
    ]

    def judge(candidates: Candidates) -> NDArray[np.bool_]:
        values = _p_values(plain, fitted, model, candidates)
        return np.array([v is not None and v > TAIL for v in values], dtype=np.bool_)

    return p, smallest_changes(probes, judge)


def _features(fitted: FittedSet, model: FittedModel) -> tuple[str, ...]:
    family = fitted.models.get(model.spec.family)
    return tuple(dict.fromkeys((*model.features, *(family.features if family else ()))))


def _plain(row: FeatureFrame, names: Sequence[str]) -> FeatureFrame:
    """The row without peers, so that they are found anew for every candidate."""
    kept = tuple(f for f in row.features if f.name in names)
    gone = [c for c in row.frame.columns if c.endswith(_STANDING)]
    return replace(row, frame=row.frame.drop(gone), features=kept, reference="")


_STANDING = ("__pct", "__median", "__z", "__peers", "__level", "__drawn")


def _direction(frame: FeatureFrame, name: str) -> str:
    return next(f.direction for f in frame.features if f.name == name)


def _probe(name: str, value: float, peers: Floats, direction: str) -> Probe:
    """From the value to the least suspicious one any frozen peer has, and no farther."""
    ends = (float(peers.min()), float(peers.max())) if peers.size else (value, value)
    whole = value == round(value) and bool(np.all(peers == np.rint(peers)))
    low, high = (
        (min(ends[0], value), value) if direction == "high" else (value, max(ends[1], value))
    )
    return Probe(name, value, low, high, whole)


def _p_values(
    plain: FeatureFrame, fitted: FittedSet, model: FittedModel, candidates: Candidates
) -> list[float | None]:
    """p of each candidate, or of the row as it is without any, by the scoring path."""
    import polars as pl

    from detector.models.score import score_models

    n = max(1, len(candidates))
    table = plain.frame[[0] * n]
    # Scores are sorted by subject and period, so the period numbers the candidates.
    table = table.with_columns(period_start=pl.date(1, 1, 1).dt.offset_by(_days(n)))
    for name in {name for name, _ in candidates}:
        asked = [v if c == name else None for c, v in candidates]
        column = pl.Series(asked, dtype=pl.Float64)
        table = table.with_columns(pl.coalesce(column, pl.col(name)).alias(name))
    many = replace(plain, frame=table)
    typology = model.spec.typology
    scored = score_models({plain.grain: many}, fitted, typologies=[typology], challengers=True)
    mine = scored.filter(pl.col("model_id") == model.spec.id).sort("period_start")
    return list(mine["p_value"]) if mine.height == n else [None] * n


def _days(n: int) -> Any:
    import polars as pl

    return pl.int_range(n, dtype=pl.Int64).cast(pl.String) + "d"


def nearest_first(changes: Mapping[str, Change]) -> list[Change]:
    """Changes that clear, the smallest in parts of its value first."""
    found = [c for c in changes.values() if c.limit is not None]
    return sorted(found, key=lambda c: (c.share is None, abs(c.share or 0.0), c.name))
