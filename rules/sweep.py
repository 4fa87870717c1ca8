"""Many rules over one frame at once: who fired, and on which figures, without a sentence.

For backtests and what-if questions, where most rows never reach a reader. Live runs tell every row
in full (`rules.evaluate`); both compile a condition by the same code.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from features.catalogue import FeatureCatalogue
from features.compute import FeatureFrame
from features.errors import WardenError
from features.vocabulary import Outcome
from rules.history import KEYS
from rules.load import Rule
from rules.nodes import Compare, leaves
from rules.parameters import Figure, ParameterBook
from rules.preparing import frame_for, prepare, sight
from rules.staging import CODES, Prepared, narrow_stages, native, staged

FIRINGS = {
    "rule": pl.String(), "subject_key": pl.String(), "period_start": pl.Date(),
    "period_end": pl.Date(), "values": pl.List(pl.Float64()), "limits": pl.List(pl.Float64()),
}  # fmt: skip
"""Columns of `Sweep.firings`: the two sides of each numeric comparison, in the rule's order."""


@dataclass(frozen=True)
class Sweep:
    """Outcomes of many rules over the rows of one frame.

    Attributes:
        codes: ``subject_key``, ``period_start``, ``period_end`` and for each rule a column
            ``id@version`` with the outcome as a number of `rules.staging.CODES`.
    """

    codes: pl.DataFrame
    data: pl.DataFrame
    prepared: tuple[Prepared, ...]

    def fired(self, rule: Rule) -> pl.Series:
        """Row numbers of a rule's firings."""
        return (self.codes[label(rule)] == CODES[Outcome.FIRED]).arg_true()

    def firings(self) -> pl.DataFrame:
        """Every firing with the figures and limits it rests on; columns `FIRINGS`."""
        found = pl.collect_all([self._figures(one) for one in self.prepared])
        return pl.concat([pl.DataFrame(schema=FIRINGS), *found])

    def _figures(self, one: Prepared) -> pl.LazyFrame:
        """The fired rows of a rule, cut to what it compared."""
        values = one.values()
        pairs = [
            (values.value(leaf.left), values.value(leaf.right))
            for leaf in leaves(one.condition)
            if isinstance(leaf, Compare) and not values.is_text(leaf.left)
        ]
        sides = [native([side for side, _ in pairs]), native([side for _, side in pairs])]
        read = {column for side in sides for e in side for column in e.meta.root_names()}
        kept = [c for c in self.data.columns if c in read or c in KEYS]
        # Column by column: a query a rule and frame would cost more than the rows it gathers.
        rows = pl.DataFrame([self.data[name] for name in kept])[self.fired(one.rule)]
        told = [_listed(side) for side in sides]
        return rows.lazy().select(
            pl.lit(label(one.rule)).alias("rule"), *KEYS,
            told[0].alias("values"), told[1].alias("limits"),
        )  # fmt: skip


def _listed(side: Sequence[pl.Expr]) -> pl.Expr:
    """Numbers of a row as a list; by way of an array, which is made seven times faster."""
    if not side:
        return pl.lit(None, dtype=FIRINGS["values"])
    return pl.concat_arr([e.cast(pl.Float64) for e in side]).arr.to_list()


def label(rule: Rule) -> str:
    """Id and version, as the columns of outcomes are named."""
    return f"{rule.id}@{rule.version}"


def sweep_rules(
    rules: Sequence[Rule],
    frame: FeatureFrame,
    parameters: ParameterBook,
    *,
    catalogue: FeatureCatalogue | None = None,
    given: Mapping[str, Figure] | None = None,
) -> Sweep:
    """Judge the rows of a frame by rules of its grain, in one pass.

    Rules about silence make rows of their own and are left to `rules.evaluate`.

    Args:
        rules: whatever their status.
        given: parameter values that stand in for those in force, for every rule that has them.

    Raises:
        ExpressionError: a name, type or unit of a rule does not fit the frame.
        WardenError: `unknown_parameter_table`, or `silence_in_sweep`.
    """
    if any(rule.spec.absence is not None for rule in rules):
        raise WardenError("silence_in_sweep", "Rules about silence are judged one by one.")
    whole = frame_for(frame, rules)
    seen = sight(whole, catalogue)
    prepared = tuple(
        prepare(rule, seen, parameters, given=given, number=number)
        for number, rule in enumerate(rules)
    )
    lazy = staged(whole.frame.lazy(), narrow_stages(prepared))
    codes = lazy.select(*KEYS, *(one.mark for one in prepared)).collect(engine="streaming")
    names = {one.mark: label(one.rule) for one in prepared}
    return Sweep(codes.rename(names), whole.frame, prepared)
