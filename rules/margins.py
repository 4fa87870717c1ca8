"""How near the values of a rule come to its limits, for every row the rule is about.

Only plain comparisons of one feature or attribute with a limit are told: where what is compared is
a reckoning or a rank among peers, nobody can aim at the limit by filing one number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from features.catalogue import FeatureCatalogue
from features.compute import FeatureFrame
from features.errors import WardenError
from rules.checking import SHARE
from rules.load import Rule
from rules.nodes import Column, Comparator, Compare, Node, column_names, leaves
from rules.parameters import ParameterBook
from rules.preparing import frame_for, prepare, sight
from rules.staging import Prepared, native

FLIPPED: dict[Comparator, Comparator] = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
SHARES = frozenset({SHARE, "share", "probability"})


@dataclass(frozen=True)
class Margin:
    """One comparison of a rule and the values before it.

    Attributes:
        op: as read from the feature's side; what holds counts towards firing.
        share: whether values lie between 0 and 1.
        rows: `value` and `limit` of every row inside the rule's scope that has both.
    """

    rule: Rule
    feature: str
    op: Comparator
    share: bool
    rows: pl.DataFrame


def margins(
    rules: Sequence[Rule],
    frame: FeatureFrame,
    parameters: ParameterBook,
    catalogue: FeatureCatalogue | None = None,
) -> list[Margin]:
    """Values and limits of the plain comparisons of some rules of one grain.

    Rules about silence compare nothing that was filed and are passed over, as are those that
    cannot be judged over the frame; a run reports them.
    """
    spoken = [rule for rule in rules if rule.spec.absence is None]
    whole = frame_for(frame, spoken)
    seen = sight(whole, catalogue)
    found = []
    for number, rule in enumerate(spoken):
        try:
            one = prepare(rule, seen, parameters, number=number)
        except WardenError:
            continue
        for leaf in dict.fromkeys(leaves(one.condition)):
            margin = _margin(one, leaf, whole.frame)
            if margin is not None:
                found.append(margin)
    return found


def _margin(one: Prepared, leaf: Node, data: pl.DataFrame) -> Margin | None:
    if not isinstance(leaf, Compare) or leaf.op not in FLIPPED:
        return None
    judged, limit, op = leaf.left, leaf.right, leaf.op
    if not isinstance(judged, Column):
        judged, limit, op = limit, judged, FLIPPED[op]
    if not isinstance(judged, Column) or column_names(limit):
        return None
    values, scope = one.values(), one.rule.scope
    if judged.name not in one.columns:
        return None
    inside = values.judgement(scope) if scope is not None else values.engine.lit(value=True)
    sides = native([values.value(judged), values.value(limit), inside])
    told = data.select(
        sides[0].cast(pl.Float64).alias("value"),
        sides[1].cast(pl.Float64).alias("limit"),
        sides[2].alias("inside"),
    )
    rows = told.filter(pl.col("inside").fill_null(value=False)).drop("inside").drop_nulls()
    return Margin(one.rule, judged.name, op, values.unit(judged) in SHARES, rows)
