"""Follows up what cases decided: whether the features that were to move did.

A target is judged on the results in force. Periods that end before the decision are before,
periods that begin on or after the day it was to have moved by are after; what lies between is left
out. Peers are the subjects of the same stratum (`detector.strata`) that have values on both sides,
without the subject's economic group and without the other parties of the case.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from alerts.case_model import EVERYWHERE, CaseHand, CaseReach
from alerts.case_remedies import (
    Followed,
    Pursued,
    Verdict,
    keep_follow_up,
    numbers_with_targets,
    pursued,
)
from alerts.case_store import get_case
from alerts.cases import parties_of
from detector import publishing
from detector.database import reading, writing
from detector.remedies.difference import (
    MIN_AFTER,
    MIN_BEFORE,
    MIN_PEERS,
    Effect,
    Floats,
    Mask,
    compared,
    enough_on_both,
)
from detector.remedies.series import Series, Wanted, series_of
from detector.results import Manifest, Results
from features.catalogue import catalogue
from features.vocabulary import GRAINS

if TYPE_CHECKING:
    from datetime import date

    from detector.system import System

Row = dict[str, Any]
DIGITS = 9
"""Significant digits kept: what differs later does not count as something else found."""


@dataclass(frozen=True, slots=True)
class Sides:
    """Which periods of a subject lie before the decision and which after the day named."""

    before: Mask
    after: Mask


def follow_up(
    system: System, number: str | None, actor: str, reach: CaseReach = EVERYWHERE
) -> list[Row]:
    """Judges every target of a case, or of all cases, and keeps what is new.

    Returns:
        By target `case`, `target`, `feature`, `subject_key`, `direction`, `by`, `verdict`,
        `reason`, the figures, and whether it was `kept` as new.

    Raises:
        WardenError: `case_not_found`, `actor_required`.
    """
    with reading(system.engine) as connection:
        if number is not None:
            get_case(connection, number, reach)
        numbers = [number] if number else numbers_with_targets(connection)
        goals = [(one, pursued(connection, one), list(parties_of(connection, one)))
                 for one in numbers]  # fmt: skip
    key = publishing.current(system)
    manifest = Results(system.home).manifest(key) if key else None
    told = []
    for case, targets, parties in goals:
        for goal in targets:
            found = judge(system, manifest, goal, parties)
            hand = CaseHand(actor, system.clock())
            with writing(system.engine) as connection:
                kept = keep_follow_up(connection, case, found, hand)
            told.append(_told(goal, found, kept=kept))
    return told


def judge(
    system: System, manifest: Manifest | None, goal: Pursued, parties: Collection[str]
) -> Followed:
    """What became of one target; the same results and day always give the same."""
    feature = catalogue().features.get(goal.target.feature)
    if manifest is None:
        return _unknown(goal, None, "nothing_judged")
    if feature is None or not GRAINS[feature.grain].recurs:
        return _unknown(goal, manifest, "no_series")
    wanted = Wanted(feature, goal.target.subject_key, goal.decided_on, parties)
    found = series_of(system, Results(system.home), manifest, wanted)
    if found is None:
        return _unknown(goal, manifest, "no_values")
    sides = _sides(found, goal)
    figures = _counts(found, sides)
    reason = _too_few(sides, goal.target.by, system.clock().date())
    if reason is not None:
        return _unknown(goal, manifest, reason, figures)
    level, others = _peers(found, sides)
    effect = compared(found.own, others, sides.before, sides.after)
    if effect is None:
        return _unknown(goal, manifest, "too_few_peers", figures)
    earlier = _earlier(found.own, others, sides.before)
    figures |= _figures(effect, level) | {"cautions": _cautions(effect, earlier)}
    verdict, reason = _verdict(effect, earlier, goal.target.direction)
    return Followed(goal.id, manifest.run_id, verdict, reason, figures)


def _sides(found: Series, goal: Pursued) -> Sides:
    seen = ~np.isnan(found.own)
    before = np.array([end < goal.decided_on for _, end in found.periods], dtype=np.bool_)
    after = np.array([start >= goal.target.by for start, _ in found.periods], dtype=np.bool_)
    return Sides(before & seen, after & seen & ~before)


def _too_few(sides: Sides, by: date, today: date) -> str | None:
    if sides.before.sum() < MIN_BEFORE:
        return "too_few_before"
    if sides.after.sum() < MIN_AFTER:
        return "not_due" if today < by else "too_few_after"
    return None


def _peers(found: Series, sides: Sides) -> tuple[str, Floats]:
    """The narrowest stratum with peers enough, else all there are."""
    for level, rows in found.others:
        if enough_on_both(rows, sides.before, sides.after).sum() >= MIN_PEERS:
            return level, rows
    return found.others[-1]


def _earlier(own: Floats, others: Floats, before: Mask) -> int:
    """Where the subject was moving before the decision: the sign of the effect that a decision in
    the middle of that time would have had; 0 where it cannot be told."""
    places = np.flatnonzero(before)
    if places.size < MIN_BEFORE + MIN_AFTER:
        return 0
    first, second = np.zeros_like(before), np.zeros_like(before)
    first[places[: places.size // 2]] = True
    second[places[places.size // 2 :]] = True
    effect = compared(own, others, first, second)
    return effect.sign if effect else 0


def _verdict(effect: Effect, earlier: int, direction: str) -> tuple[Verdict, str | None]:
    if effect.low is None:
        return Verdict.CANNOT_TELL, "too_few_peers"
    wanted = 1 if direction == "up" else -1
    if effect.sign and effect.sign == earlier:
        # it was on this way before anybody decided anything
        return Verdict.CANNOT_TELL, "moved_before"
    if effect.sign == wanted:
        return Verdict.MOVED, None
    return (Verdict.AGAINST if effect.sign else Verdict.NO_CHANGE), None


def _cautions(effect: Effect, earlier: int) -> list[str]:
    return ["extreme_before"] * effect.extreme + ["moved_before"] * bool(earlier)


def _counts(found: Series, sides: Sides) -> Row:
    def days(mask: Mask) -> list[str] | None:
        inside = [found.periods[int(i)] for i in np.flatnonzero(mask)]
        return [inside[0][0].isoformat(), inside[-1][1].isoformat()] if inside else None

    return {
        "n_before": int(sides.before.sum()),
        "n_after": int(sides.after.sum()),
        "before": days(sides.before),
        "after": days(sides.after),
    }


def _figures(effect: Effect, level: str) -> Row:
    return {
        "subject": [_rounded(value) for value in effect.subject],
        "peers_median": [_rounded(value) for value in effect.peers],
        "effect": _rounded(effect.effect),
        "interval": None
        if effect.low is None or effect.high is None
        else [_rounded(effect.low), _rounded(effect.high)],
        "interval_reason": "too_few_peers" if effect.low is None else None,
        "n_peers": effect.n_peers,
        "level": level,
    }


def _rounded(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")


def _unknown(
    goal: Pursued, manifest: Manifest | None, reason: str, figures: Row | None = None
) -> Followed:
    run_id = manifest.run_id if manifest else None
    data = {"effect": None, "interval": None, **(figures or {})}
    return Followed(goal.id, run_id, Verdict.CANNOT_TELL, reason, data)


def _told(goal: Pursued, found: Followed, *, kept: bool) -> Row:
    return {
        "case": goal.case_number,
        "target": goal.id,
        "feature": goal.target.feature,
        "subject_key": goal.target.subject_key,
        "direction": goal.target.direction,
        "by": goal.target.by.isoformat(),
        "verdict": found.verdict.value,
        "reason": found.reason,
        **found.data,
        "kept": kept,
    }
