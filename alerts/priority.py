"""Which alert to look at first: how likely, how harmful, how urgent, kept apart.

Method: domain catalogue, section 6.5; how likely is in `alerts.likelihood`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from alerts.likelihood import Companion, reckon
from alerts.model import Part, Priority, Signal
from alerts.weights import NEW, Weights
from features.vocabulary import Lane

LARGEST_AFFECTED = 9.0
"""log10 of the persons or the turnover at which the size of harm tops out."""
AFFECTED = frozenset(
    {
        "affected_persons",
        "affected_turnover",
        "affected",
        "n_affected",
        "persons_affected",
        "xb_persons_ytd",
        "xb_sensitive_ytd",
    }
)
"""Facts that say how many persons or how much turnover a conduct touches."""
SENSITIVE = ("PRIV-MINORS", "PRIV-SENSITIVE")
SENSITIVE_FACTS = frozenset({"xb_sensitive_ytd"})
SENSITIVITY = 10.0
"""A person whose sensitive data is touched counts as ten: duties after a breach begin at 100,000
such persons, at 1,000,000 others (Personal Information Audit Measures 2025)."""

URGENCY: tuple[tuple[str, float], ...] = (
    ("MON-HHI-MERGER", 1.5),  # a completed merger is hard to undo
    ("MON-GUN-JUMPING", 1.5),
    ("PRIV-", 1.25),  # goes on until it is stopped
)
DEADLINE_DAYS = 30
PERSONS, TURNOVER = "persons", "turnover"
"""What a size is a size of."""
LEGAL_FLOOR = 10.0
"""Rank of the lightest legal alert; no product of likely, harm and urgency reaches it."""


def prioritise(
    signal: Signal,
    weights: Weights = NEW,
    companions: Sequence[Companion] = (),
    affected: Part | None = None,
) -> Priority:
    """Parts and rank of a signal; the same signal, weights and companions always give the same.

    Args:
        weights: priors and measured rates, frozen for the run.
        companions: alerts of the same conduct about the same subject.
        affected: ``size`` and what it is a size ``of``, where filings tell how much is touched.
    """
    harm, urgency = harm_of(signal, affected), urgency_of(signal)
    touched = {"affected": dict(affected)} if affected else {}
    if signal.lane == Lane.LEGAL:
        rank = LEGAL_FLOOR + signal.severity + squashed_excess(signal)
        return Priority(1.0, harm, urgency, rank, touched)
    reckoned = reckon(signal, weights, companions)
    rank = reckoned.likely * harm * urgency
    return Priority(reckoned.likely, harm, urgency, rank, reckoned.part() | touched)


def harm_of(signal: Signal, affected: Part | None = None) -> float:
    """log10(1 + persons x sensitivity, or turnover), topping out at a thousand million, as 0..1.

    The larger of what the facts and the filings say; where neither does, severity scaled to 0..1.
    """
    sizes = [
        value * _sensitivity(signal.typology, name)
        for name, value in _numbers(signal.facts, "value")
        if name in AFFECTED and value > 0
    ]
    if affected:
        weight = _sensitivity(signal.typology, "") if affected["of"] == PERSONS else 1.0
        sizes.append(float(affected["size"]) * weight)
    if not sizes:
        return signal.severity / 5
    return min(math.log10(1 + max(sizes)) / LARGEST_AFFECTED, 1.0)


def _sensitivity(typology: str, fact: str) -> float:
    return SENSITIVITY if typology in SENSITIVE or fact in SENSITIVE_FACTS else 1.0


def urgency_of(signal: Signal) -> float:
    """1 reversible, 1.25 going on, 1.5 irreversible or a deadline within thirty days.

    Read from the facts and the typology only: the clock would reorder the queue between runs.
    """
    facts = dict(_numbers(signal.facts, "value"))
    if facts.get("deadline_days", math.inf) <= DEADLINE_DAYS:
        return 1.5
    starts = (value for prefix, value in URGENCY if signal.typology.startswith(prefix))
    return next(starts, 1.0)


def squashed_excess(signal: Signal) -> float:
    """How far the worst fact lies beyond its limit, relative to the limit, squashed into 0..1."""
    limits = dict(_numbers(signal.facts, "threshold"))
    holding = [fact for fact in signal.facts if fact.get("holds", True)]
    excesses = [
        abs(value - limits[name]) / (abs(limits[name]) or 1.0)
        for name, value in _numbers(holding, "value")
        if name in limits
    ]
    excess = max(excesses, default=signal.suspicion)
    return excess / (1 + excess)


def _numbers(facts: Iterable[Part], field: str) -> list[tuple[str, float]]:
    """(feature, number) of the facts whose field is a number."""
    found = ((str(fact.get("feature", "")), fact.get(field)) for fact in facts)
    return [
        (name, float(value))
        for name, value in found
        if isinstance(value, int | float) and not isinstance(value, bool)
    ]
