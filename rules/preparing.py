"""A rule brought together with the frame it will judge: names, thresholds, earlier periods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import polars as pl

from features.catalogue import FeatureCatalogue
from features.compute import FeatureFrame
from rules.checking import Vocabulary, check_condition, check_score, vocabulary
from rules.engine import NATIVE
from rules.errors import ExpressionError
from rules.grains import attribute_types, parameter_types, with_silence
from rules.history import MISSING, earlier_rows, with_earlier, with_silent
from rules.load import Rule
from rules.nodes import And, Column, Compare, Node, Number, Prev, walk
from rules.parameters import Figure, ParameterBook, Threshold
from rules.staging import EARLIER, Prepared


def frame_for(frame: FeatureFrame, rules: Sequence[Rule]) -> FeatureFrame:
    """The frame with the earlier periods and the silences the rules read."""
    data, attributes = frame.frame, frame.attributes
    for rule in rules:
        if rule.spec.absence is not None:
            names = {feature.name for feature in frame.features}
            data = with_silent(data, names, rule.spec.absence)
            attributes = (*attributes, MISSING)
    trees = [tree for rule in rules for _, tree in rule.trees()]
    data = with_earlier(data, [n for tree in trees for n in walk(tree) if isinstance(n, Prev)])
    back = max((r.spec.sustain.of - 1 for r in rules if r.spec.sustain is not None), default=0)
    if back:
        rows = earlier_rows(data, back)
        data = data.with_columns(s.alias(f"{EARLIER}{i}") for i, s in enumerate(rows, 1))
    return replace(frame, frame=data, attributes=attributes)


@dataclass(frozen=True)
class Sight:
    """What rules of one grain see of a frame."""

    names: Vocabulary
    columns: frozenset[str]
    reference: str
    finite: frozenset[str]


def sight(frame: FeatureFrame, catalogue: FeatureCatalogue | None) -> Sight:
    """What rules see of a frame; looked up once for all of them."""
    names = frame_vocabulary(frame, catalogue)
    tested = frame.frame.select(pl.selectors.float().is_finite().all())
    finite = frozenset(name for name in tested.columns if tested[name][0])
    return Sight(names, frozenset(frame.frame.columns), frame.reference, finite)


def prepare(
    rule: Rule,
    seen: Sight,
    parameters: ParameterBook,
    *,
    given: Mapping[str, Figure] | None = None,
    number: int = 0,
) -> Prepared:
    """Resolve the parameters of a rule and check it against what it sees.

    Args:
        given: parameter values that stand in for those in force.
        number: tells rules of one pass apart.

    Raises:
        ExpressionError: a name, type or unit of the rule does not fit the frame.
        WardenError: `unknown_parameter_table`.
    """
    names, keyed = with_silence(seen.names, rule.spec), "jurisdiction" in seen.columns
    thresholds = {
        name: parameters.threshold(
            name, spec, keyed=keyed, given=(given or {}).get(name), engine=NATIVE
        )
        for name, spec in rule.spec.parameters.items()
    }
    condition = _condition(rule)
    _check(rule, condition, names, thresholds)
    return Prepared(
        rule, condition, names, thresholds, seen.columns, f"_{number}_", seen.reference, seen.finite
    )


def _condition(rule: Rule) -> Node:
    """The condition; for a rule about silence, that enough periods are missing comes first."""
    absence = rule.spec.absence
    if absence is None:
        return rule.condition
    return And((Compare("=", Column(MISSING), Number(float(absence.missing))), rule.condition))


def _check(
    rule: Rule, condition: Node, names: Vocabulary, thresholds: Mapping[str, Threshold]
) -> None:
    known = parameter_types(thresholds)
    faults = [
        fault
        for tree in (rule.scope, condition, *rule.bands)
        if tree is not None
        for fault in check_condition(tree, names, known)
    ]
    if rule.score is not None:
        faults += check_score(rule.score, names, known)
    if faults:
        raise ExpressionError("; ".join(fault.message for fault in faults))


def frame_vocabulary(frame: FeatureFrame, catalogue: FeatureCatalogue | None) -> Vocabulary:
    """What a rule may name: what the frame has, and what the catalogue knows of its grain.

    A feature or attribute of a table that nobody filed is not in the frame; it reads as missing.
    """
    features = list(frame.features)
    types = attribute_types(frame.frame.schema, frame.attributes)
    if catalogue is not None:
        have = {f.name for f in features}
        features += [f for f in catalogue.of_grain(frame.grain) if f.name not in have]
        bases = [b for b in catalogue.bases.values() if b.grain == frame.grain]
        unfiled = {a for b in bases for a in b.attributes} - set(frame.frame.columns)
        types |= dict.fromkeys(sorted(unfiled), "any")
    named = ((f.name, f.unit, f.kind == "class") for f in features)
    return vocabulary(frame.grain, named, types)
