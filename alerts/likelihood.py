"""How likely a suspicion is, from a prior and its pieces of evidence, each kept for showing.

Method: domain catalogue, section 6.5. Evidence adds up as log likelihood ratios on a prior. Inside
one family of typologies pieces are correlated: the strongest counts in full, every other a quarter.
Families are taken as independent. The sum is bounded, so that no tiny p-value of a mis-specified
null and no single rule drowns everything else.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from alerts.model import Part, Signal
from alerts.weights import NEW, RULE_RATIO_CAP, Weights, logit, posterior, rule_log
from features.vocabulary import TYPOLOGIES

MARGIN_RATIO = 10.0
"""What the far end of a rule's margin multiplies its ratio by, before anything is measured."""
EXTRA_SHARE = 0.25
"""Weight of further, correlated evidence of the same family."""
EVIDENCE_CAP = 5.0
"""Bound of the summed log likelihood ratio, either way."""
SMALLEST_P, LARGEST_P = 1e-15, 1.0 - 1e-3

MODEL, RULE, OTHER = "model", "rule", "other"
"""Kinds of pieces: a p-value, a rule's hit, an alert of another kind about the same subject."""


class Companion(NamedTuple):
    """Another alert that fires about the same subject and time.

    Attributes:
        p_value: of its model, if one spoke.
        rules: log ratio of its rules together.
        total: log ratio of all its own evidence, bounded.
    """

    alert_id: str
    typology: str
    p_value: float | None
    rules: float
    total: float


@dataclass(frozen=True, slots=True)
class Reckoning:
    """How `likely` came about; `log` of a piece is natural, `share` says how much of it counts.

    Attributes:
        prior_of: the market or typology the prior was measured in; None for the default.
        own: log ratio of the alert's own pieces, bounded.
        log_ratio: of all pieces, bounded.
        method: ``additive``, or ``fitted`` when a curve fitted on reviews gave `likely`.
        companions: all that were looked at, also those that added nothing.
    """

    prior: float
    prior_of: str | None
    pieces: tuple[Mapping[str, Any], ...]
    own: float
    log_ratio: float
    likely: float
    method: str
    weights: str
    companions: Sequence[Companion] = ()

    def part(self) -> dict[str, Any]:
        """Plain data as it is stored with the alert; `alerts.model.reckoned_of` shows it."""
        return {
            "prior": self.prior,
            "prior_of": self.prior_of,
            "pieces": [dict(piece) for piece in self.pieces],
            "own": self.own,
            "log_ratio": self.log_ratio,
            "likely": self.likely,
            "method": self.method,
            "weights": self.weights,
            "companions": [companion._asdict() for companion in self.companions],
        }


def bayes_factor_bound(p: float) -> float:
    """Largest factor by which a p-value can favour the suspicion.

    1/(-e p ln p) for p < 1/e, else 1 (Sellke, Bayarri and Berger 2001).
    """
    clipped = max(p, SMALLEST_P)
    return -1.0 / (math.e * clipped * math.log(clipped)) if clipped < 1 / math.e else 1.0


def cauchy_p(ps: Sequence[float]) -> float:
    """One p-value of several that depend on each other (Liu and Xie 2020), clipped."""
    tangents = [math.tan((0.5 - min(max(p, SMALLEST_P), LARGEST_P)) * math.pi) for p in ps]
    return 0.5 - math.atan(sum(tangents) / len(tangents)) / math.pi


def in_one_family(logs: Sequence[float]) -> float:
    """Log ratio of correlated pieces: the strongest in full, a quarter of each further one."""
    strongest = max(logs, default=0.0)
    return strongest + EXTRA_SHARE * sum(sorted((max(x, 0.0) for x in logs), reverse=True)[1:])


def bounded(log_ratio: float) -> float:
    """A summed log ratio within `EVIDENCE_CAP` either way."""
    return min(max(log_ratio, -EVIDENCE_CAP), EVIDENCE_CAP)


def conduct(typology: str) -> str:
    """Typologies of one conduct look at the same deed from several sides (``MON-BID``)."""
    known = TYPOLOGIES.get(typology)
    return "-".join(known.family.split("-")[:2]) if known else typology


def family(typology: str) -> str:
    """Typologies whose evidence is correlated; the vocabulary says which."""
    known = TYPOLOGIES.get(typology)
    return known.family if known else typology


def reckon(
    signal: Signal, weights: Weights = NEW, companions: Sequence[Companion] = ()
) -> Reckoning:
    """How likely the suspicion is; the same signal and weights always give the same.

    Args:
        companions: alerts of the same conduct about the same subject. Those of the same family
            count a quarter, those of another family in full.
    """
    prior, prior_of = weights.prior_of(signal)
    model = model_piece(signal, companions)
    rules = rule_pieces(signal, weights, prior)
    near = [c for c in companions if family(c.typology) == family(signal.typology)]
    far = [c for c in companions if family(c.typology) != family(signal.typology)]
    alike = [_beside(c, c.rules) for c in near if c.rules > 0]
    pieces = _shared([*([model] if model else []), *rules, *alike])
    elsewhere = _by_family(far)
    total = bounded(sum(_counted(piece) for piece in [*pieces, *elsewhere]))
    likely, method = posterior(total, prior), "additive"
    if weights.curve is not None:
        likely, method = weights.curve.likely(evidence_of(prior, [*pieces, *elsewhere])), "fitted"
    return Reckoning(
        prior=prior,
        prior_of=prior_of,
        pieces=(*pieces, *elsewhere),
        own=own_log(signal, weights),
        log_ratio=total,
        likely=likely,
        method=method,
        weights=weights.mark,
        companions=companions,
    )


def own_log(signal: Signal, weights: Weights) -> float:
    """Log ratio of what the signal says by itself, bounded: what it lends to its companions."""
    prior, _ = weights.prior_of(signal)
    model = model_piece(signal, ())
    pieces = [*([model] if model else []), *rule_pieces(signal, weights, prior)]
    return bounded(in_one_family([piece["log"] for piece in pieces]))


def rules_log(signal: Signal, weights: Weights) -> float:
    """Log ratio of the signal's rules together."""
    prior, _ = weights.prior_of(signal)
    return in_one_family([piece["log"] for piece in rule_pieces(signal, weights, prior)])


def model_piece(signal: Signal, companions: Sequence[Companion]) -> dict[str, Any] | None:
    """The p-value as evidence.

    With companions of the same family it is the Cauchy combination of theirs and its own where
    that is smaller: company never weakens a suspicion.
    """
    if signal.p_value is None:
        return None
    mine = family(signal.typology)
    theirs = [c.p_value for c in companions if family(c.typology) == mine and c.p_value is not None]
    p = min(signal.p_value, cauchy_p([signal.p_value, *theirs])) if theirs else signal.p_value
    log = math.log(bayes_factor_bound(p))
    return {"kind": MODEL, "p": p, "of": 1 + len(theirs), "log": log}


def rule_pieces(signal: Signal, weights: Weights, prior: float) -> list[dict[str, Any]]:
    """Each rule's hit as evidence, strongest first; the first by the margin it fired with, too.

    What the margin adds fades as reviews of the rule come in: they measure its usual margin.
    """
    if not signal.rules:
        return []
    pieces: list[dict[str, Any]] = []
    for rule in signal.rules:
        rate = weights.rate(str(rule.get("id", "")))
        pieces.append(
            {
                "kind": RULE,
                "id": str(rule.get("id", "")),
                "confirmed": rate.confirmed,
                "reviewed": rate.reviewed,
                "log": rule_log(rate, prior),
            }
        )
    pieces.sort(key=lambda piece: (-float(piece["log"]), str(piece["id"])))
    # without a p-value no model spoke, so the suspicion is the margin of the strongest rule
    unsaid = signal.suspicion if signal.p_value is None else 0.5
    strength = max(rule.get("strength") or unsaid for rule in signal.rules)
    first = pieces[0]
    rate = weights.rate(str(first["id"]))
    first["log"] = float(first["log"]) + margin_log(strength) * rate.newness()
    for piece in pieces:
        piece["log"] = min(float(piece["log"]), math.log(RULE_RATIO_CAP))
    return pieces


def margin_log(strength: float) -> float:
    """What the margin of a rule adds: nothing at the threshold (0.5), ln 10 at the far end."""
    return min(max(2.0 * strength - 1.0, 0.0), 1.0) * math.log(MARGIN_RATIO)


def evidence_of(prior: float, pieces: Sequence[Part]) -> tuple[float, float, float, float]:
    """What a fitted curve reads: prior log odds, and log ratios of model, rules and others."""
    by_kind = {
        kind: [p for p in pieces if p["kind"] == kind and not p.get("near")]
        for kind in (MODEL, RULE)
    }
    others = [p for p in pieces if p["kind"] == OTHER]
    return (
        logit(prior),
        in_one_family([float(p["log"]) for p in by_kind[MODEL]]),
        in_one_family([float(p["log"]) for p in by_kind[RULE]]),
        bounded(sum(float(p["log"]) * float(p["share"]) for p in others)),
    )


def _beside(companion: Companion, log: float, *, near: bool = True) -> dict[str, Any]:
    named = {"alert": companion.alert_id, "typology": companion.typology}
    return {"kind": OTHER, **named, "near": near, "log": log}


def _by_family(far: Sequence[Companion]) -> list[dict[str, Any]]:
    """Pieces of other families: inside each the strongest in full, the others a quarter."""
    families: dict[str, list[dict[str, Any]]] = {}
    for companion in far:
        piece = _beside(companion, companion.total, near=False)
        families.setdefault(family(companion.typology), []).append(piece)
    return [piece for name in sorted(families) for piece in _shared(families[name])]


def _shared(pieces: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The pieces of one family with the share of each that counts, and its ratio for showing."""
    if not pieces:
        return []
    top = max(range(len(pieces)), key=lambda i: (float(pieces[i]["log"]), -i))
    return [
        {
            **piece,
            "share": 1.0 if i == top else EXTRA_SHARE if float(piece["log"]) > 0 else 0.0,
            "ratio": math.exp(float(piece["log"])),
        }
        for i, piece in enumerate(pieces)
    ]


def _counted(piece: Part) -> float:
    return float(piece["log"]) * float(piece["share"])
