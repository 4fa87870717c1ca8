"""What evidence is worth: priors and rates measured on reviews, frozen for one run.

Reviews move these figures between runs, never inside one: a run reads them once, ranks by them,
and keeps them in its folder, so that a replay ranks the same.
"""

from __future__ import annotations

import hashlib
import json
import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

from alerts.model import Signal
from features.vocabulary import GRAINS

BASE_RATE = 0.02
"""Share of subjects with a real problem before any evidence, where no audit has measured it."""
RULE_RATIO = 3.0
"""Likelihood ratio of the hit of a rule nobody has reviewed."""
RULE_RATIO_CAP = 30.0
RATE_STRENGTH = 10.0
"""Reviews that what is assumed of a new rule is worth, when its own come in."""


def logit(p: float) -> float:
    """Log odds."""
    return math.log(p / (1.0 - p))


def posterior(log_ratio: float, prior: float = BASE_RATE) -> float:
    """A prior updated by a log likelihood ratio."""
    return 1.0 / (1.0 + math.exp(-(logit(prior) + log_ratio)))


@dataclass(frozen=True, slots=True)
class Rate:
    """How the closed alerts that named a rule ended, of those with an answer."""

    confirmed: int = 0
    reviewed: int = 0

    def newness(self) -> float:
        """1 for a rule without reviews, towards 0 as they come in."""
        return RATE_STRENGTH / (self.reviewed + RATE_STRENGTH)


@dataclass(frozen=True, slots=True)
class Curve:
    """A posterior fitted on reviews: coefficients on the log ratios, then a rising step curve.

    Attributes:
        coefficients: on prior log odds, model, rules, others (`alerts.likelihood.evidence_of`).
        scores, chances: knots of the calibration, both rising; straight lines between them.
        reviews: how many it was fitted on.
    """

    intercept: float
    coefficients: tuple[float, ...]
    scores: tuple[float, ...]
    chances: tuple[float, ...]
    reviews: int

    def score(self, evidence: Sequence[float]) -> float:
        """The sum that is calibrated: log odds before calibration."""
        terms = (c * x for c, x in zip(self.coefficients, evidence, strict=True))
        return self.intercept + sum(terms)

    def likely(self, evidence: Sequence[float]) -> float:
        """Calibrated chance, rising with every piece of evidence."""
        score = self.score(evidence)
        if not self.scores:
            return 1.0 / (1.0 + math.exp(-min(max(score, -30.0), 30.0)))
        at = bisect_right(self.scores, score)
        if at == 0:
            return self.chances[0]
        if at == len(self.scores):
            return self.chances[-1]
        low, high = self.scores[at - 1], self.scores[at]
        share = (score - low) / (high - low)
        return self.chances[at - 1] + share * (self.chances[at] - self.chances[at - 1])


@dataclass(frozen=True)
class Weights:
    """What a run ranks by.

    Attributes:
        priors: measured share of real cases by market (``market:<id>``) or typology.
        rules: how reviewed alerts of each rule ended.
        curve: a posterior fitted on reviews, when there are enough of them and it is in force.
    """

    base_rate: float = BASE_RATE
    priors: Mapping[str, float] = field(default_factory=dict)
    rules: Mapping[str, Rate] = field(default_factory=dict)
    curve: Curve | None = None

    def prior_of(self, signal: Signal) -> tuple[float, str | None]:
        """The prior of a signal and what it was measured in: its market, else its typology."""
        for name in populations(signal.typology, signal.subject_kind, signal.subject_key):
            if name in self.priors:
                return self.priors[name], name
        return self.base_rate, None

    def rate(self, rule: str) -> Rate:
        """Reviews of a rule; none for one nobody reviewed."""
        return self.rules.get(rule, Rate())

    def as_dict(self) -> dict[str, Any]:
        """Plain data; `weights_from` reads it back."""
        return {
            "base_rate": self.base_rate,
            "priors": dict(sorted(self.priors.items())),
            "rules": {name: asdict(rate) for name, rate in sorted(self.rules.items())},
            "curve": asdict(self.curve) if self.curve else None,
        }

    @cached_property
    def mark(self) -> str:
        """Hash of everything here: two runs with one mark rank alike."""
        text = json.dumps(self.as_dict(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


NEW = Weights()
"""Before any review."""


def weights_from(data: Mapping[str, Any]) -> Weights:
    """The weights of what `as_dict` gave."""
    curve = data["curve"]
    return Weights(
        base_rate=float(data["base_rate"]),
        priors={str(k): float(v) for k, v in data["priors"].items()},
        rules={str(k): Rate(**v) for k, v in data["rules"].items()},
        curve=curve_from(curve) if curve else None,
    )


def curve_from(data: Mapping[str, Any]) -> Curve:
    """The curve of plain data."""
    return Curve(
        intercept=float(data["intercept"]),
        coefficients=tuple(map(float, data["coefficients"])),
        scores=tuple(map(float, data["scores"])),
        chances=tuple(map(float, data["chances"])),
        reviews=int(data["reviews"]),
    )


def rule_log(rate: Rate, prior: float) -> float:
    """Log likelihood ratio of a rule's hit: ln odds of its confirmation rate over the prior's.

    The rate is smoothed towards that of a new rule (ratio 3), which counts as ten reviews; the
    ratio is capped at 30 either way.
    """
    assumed = posterior(math.log(RULE_RATIO), prior)
    smoothed = (rate.confirmed + RATE_STRENGTH * assumed) / (rate.reviewed + RATE_STRENGTH)
    log, cap = logit(smoothed) - logit(prior), math.log(RULE_RATIO_CAP)
    return min(max(log, -cap), cap)


def populations(typology: str, kind: str, key: str) -> tuple[str, ...]:
    """Groups a subject's prior may be measured in, nearest first: its market, its typology."""
    market = market_of(kind, key)
    return (f"market:{market}", typology) if market else (typology,)


def market_of(kind: str, key: str) -> str | None:
    """The market a subject key names, None where it names none."""
    for grain in GRAINS.values():
        if grain.subject_kind == kind and "market_id" in grain.parts:
            values = key.split("/", len(grain.parts) - 1)
            at = grain.parts.index("market_id")
            return values[at] if at < len(values) else None
    return None
