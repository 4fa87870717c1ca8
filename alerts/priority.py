"""Which alert to look at first: how likely, how harmful, how urgent, kept apart.

Method: domain catalogue, section 6.5. Evidence adds up as log likelihood ratios on a base rate,
each bounded so that a tiny p-value from a mis-specified null cannot drown everything else.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from alerts.model import Part, Priority, Signal
from features.vocabulary import Lane

BASE_RATE = 0.02
"""Share of subjects with a real problem before any evidence; to be replaced by audits."""
RULE_RATIO = 3.0
"""Likelihood ratio of a new rule's hit at its threshold."""
RULE_RATIO_CAP = 30.0
EXTRA_SHARE = 0.25
"""Weight of further, correlated evidence of the same typology."""
EVIDENCE_CAP = 5.0
"""Bound of the summed log likelihood ratio."""
SMALLEST_P = 1e-15

LARGEST_AFFECTED = 9.0
"""log10 of the persons or the turnover at which the size of harm tops out."""
AFFECTED = frozenset(
    {"affected_persons", "affected_turnover", "affected", "n_affected", "persons_affected"}
)
"""Facts that say how many persons or how much turnover a conduct touches."""

URGENCY: tuple[tuple[str, float], ...] = (
    ("MON-HHI-MERGER", 1.5),  # a completed merger is hard to undo
    ("MON-GUN-JUMPING", 1.5),
    ("PRIV-", 1.25),  # goes on until it is stopped
)
DEADLINE_DAYS = 30
LEGAL_FLOOR = 10.0
"""Rank of the lightest legal alert; no product of likely, harm and urgency reaches it."""


def prioritise(signal: Signal) -> Priority:
    """Parts and rank of a signal; the same signal always gives the same, at any time of day."""
    sure = signal.lane == Lane.LEGAL
    likely = 1.0 if sure else posterior(evidence(signal))
    harm, urgency = harm_of(signal), urgency_of(signal)
    rank = LEGAL_FLOOR + signal.severity + squashed_excess(signal) if sure else 0.0
    return Priority(likely, harm, urgency, rank or likely * harm * urgency)


def bayes_factor_bound(p: float) -> float:
    """Largest factor by which a p-value can favour the suspicion.

    1/(-e p ln p) for p < 1/e, else 1 (Sellke, Bayarri and Berger 2001).
    """
    clipped = max(p, SMALLEST_P)
    return -1.0 / (math.e * clipped * math.log(clipped)) if clipped < 1 / math.e else 1.0


def rule_ratio(strength: float) -> float:
    """Likelihood ratio of a rule hit: 3 at the threshold (strength 0.5), 30 at the far end.

    Our own choice until reviewed alerts give each rule a measured confirmation rate.
    """
    margin = min(max(2.0 * strength - 1.0, 0.0), 1.0)
    return float(RULE_RATIO * (RULE_RATIO_CAP / RULE_RATIO) ** margin)


def evidence(signal: Signal) -> float:
    """Summed log likelihood ratio, bounded.

    Everything here is one typology, so it is correlated: the strongest piece counts in full,
    every further one a quarter.
    """
    pieces = []
    if signal.p_value is not None:
        pieces.append(math.log(bayes_factor_bound(signal.p_value)))
    if signal.rules:
        # without a p-value no model spoke, so the suspicion is the margin of the strongest rule
        unsaid = signal.suspicion if signal.p_value is None else 0.5
        strength = max(rule.get("strength") or unsaid for rule in signal.rules)
        pieces.append(math.log(rule_ratio(strength)))
        pieces.extend([math.log(RULE_RATIO)] * (len(signal.rules) - 1))
    strongest = max(pieces, default=0.0)
    total = strongest + EXTRA_SHARE * (sum(pieces) - strongest)
    return min(total, EVIDENCE_CAP)


def posterior(log_ratio: float, base_rate: float = BASE_RATE) -> float:
    """Base rate updated by a log likelihood ratio."""
    logit = math.log(base_rate / (1 - base_rate)) + log_ratio
    return 1 / (1 + math.exp(-logit))


def harm_of(signal: Signal) -> float:
    """Severity scaled to 0..1; where the facts carry a size, the mean of severity and size.

    Size is log10(1 + persons or turnover), topping out at a thousand million.
    """
    gravity = signal.severity / 5
    sizes = [value for name, value in _numbers(signal.facts, "value") if name in AFFECTED]
    if not sizes:
        return gravity
    size = min(math.log10(1 + max(0.0, *sizes)) / LARGEST_AFFECTED, 1.0)
    return (gravity + size) / 2


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
