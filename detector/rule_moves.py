"""What a rule's limits would do elsewhere: many values of one limit in one pass over kept facts."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import polars as pl
import sqlalchemy as sa

from alerts.model import CloseReason
from alerts.tables import alert
from detector.database import reading
from detector.hindsight import Hindsight
from features.catalogue import KEY_COLUMNS
from features.vocabulary import GRAINS
from rules import backtest as figures
from rules import variants
from rules.load import Rule
from rules.nodes import Column, Compare, Negative, Node, Parameter, Peer, Prev, walk
from rules.sweep import sweep_rules

if TYPE_CHECKING:
    from detector.system import System
    from features.compute import FeatureFrame
    from rules.parameters import ParameterBook

STEPS = 20
"""Values of a curve, besides those of the text and of the move."""
SHOWN = 10
"""Subjects named on each side."""
KEY = list(figures.KEY)


@dataclass(frozen=True)
class Facts:
    """What a backtest looked at, kept to ask it again.

    Attributes:
        rule: the text as written.
        live: the version it would take the place of, where it judges the same grain.
        closings: how alerts about the same subjects and periods ended.
    """

    hindsight: Hindsight
    rule: Rule
    live: Rule | None
    closings: pl.DataFrame

    @cached_property
    def table(self) -> FeatureFrame | None:
        """The rows judged, with no more than the columns the texts name."""
        whole = self.hindsight.table(self.rule)
        if whole is None:
            return None
        texts = self.rule.text + (self.live.text if self.live else "")
        named = set(re.findall(r"[a-z_][a-z0-9_]*", texts)) | set(KEY_COLUMNS)
        named |= {n.partition("__")[0] for n in named} | {"jurisdiction"}
        kept = [c for c in whole.frame.columns if c.partition("__")[0] in named]
        features = tuple(f for f in whole.features if f.name in named)
        attributes = tuple(a for a in whole.attributes if a in kept)
        return replace(
            whole, frame=whole.frame.select(kept), features=features, attributes=attributes
        )

    @cached_property
    def live_counts(self) -> dict[tuple[str, tuple[float, ...]], list[int]]:
        """Curves of the live version, which no move of the text changes."""
        return {}

    @property
    def parameters(self) -> ParameterBook:
        return self.hindsight.ruleset.parameters


@dataclass(frozen=True)
class Scale:
    """Where a limit may be moved to; `step` is that of the slider."""

    low: float
    high: float
    step: float
    whole: bool


def closings_of(system: System, rule: Rule) -> pl.DataFrame:
    """Alerts of a rule's typology about its kind of subject: key, period, how they ended."""
    columns = (alert.c.subject_key, alert.c.period_start, alert.c.state, alert.c.close_reason)
    kind = GRAINS[rule.spec.grain].subject_kind
    query = sa.select(*columns).where(
        alert.c.typology == rule.spec.typology, alert.c.subject_kind == kind
    )
    schema = {
        "subject_key": pl.String(), "period_start": pl.Date(), "state": pl.String(),
        "close_reason": pl.String(),
    }  # fmt: skip
    with reading(system.engine) as connection:
        rows = [tuple(row) for row in connection.execute(query)]
    return pl.DataFrame(rows, schema=schema, orient="row").unique(KEY, keep="first")


def movable(rule: Rule, book: ParameterBook) -> list[str]:
    """Limits of the text's own that are numbers; those of dated tables are not the author's."""
    return [
        name
        for name, spec in rule.spec.parameters.items()
        if spec.table is None and book.kind(spec) == "number"
    ]


def moved(
    facts: Facts,
    given: Mapping[str, float],
    along: str | None = None,
) -> dict[str, Any]:
    """What the text fires for with other limits, against what is live, else against itself.

    Args:
        given: limits that stand in for those of the text, by name.
        along: the limit whose curve is wanted.

    Returns:
        ``against`` (version, or None for the text as written), ``old`` and ``new`` (each
        ``fired``, ``confirmed``, ``dismissed``, ``hours``), ``entered``, ``left`` (counts),
        ``examples`` of both, and ``curve`` (``parameter``, ``x``, ``new``, ``old`` or None).

    Raises:
        WardenError: `unknown_parameter`, `bad_parameter`.
    """
    rule, book = facts.rule, facts.parameters
    new = variants.with_parameters(rule, given, book)
    old = facts.live or rule
    points = curve_points(facts, along, given) if along else []
    asked = [variants.with_parameters(rule, {**given, along: x}, book) for x in points if along]
    before, after, *rest = fired_sets(facts, [old, new, *asked])
    entered = after.join(before, on=KEY, how="anti")
    left = before.join(after, on=KEY, how="anti")
    curve = None
    if along:
        counts = [one.height for one in rest]
        old_counts = _live_curve(facts, along, points)
        curve = {"parameter": along, "x": points, "new": counts, "old": old_counts}
    return {
        "against": facts.live.version if facts.live else None,
        "old": _told(facts, before),
        "new": _told(facts, after),
        "entered": entered.height,
        "left": left.height,
        "examples": {"entered": named(facts, entered, along), "left": named(facts, left, along)},
        "curve": curve,
    }


def _live_curve(facts: Facts, along: str, points: Sequence[float]) -> list[int] | None:
    """Firings of the live version at the same points, where it has a limit of that name."""
    live = facts.live
    if live is None or along not in movable(live, facts.parameters):
        return None
    key = (along, tuple(points))
    if key not in facts.live_counts:
        book = facts.parameters
        asked = [variants.with_parameters(live, {along: x}, book) for x in points]
        facts.live_counts[key] = [one.height for one in fired_sets(facts, asked)]
    return facts.live_counts[key]


def fired_sets(facts: Facts, rules: Sequence[Rule]) -> list[pl.DataFrame]:
    """Subjects and periods each rule fires for; all in one pass over the table they share."""
    table, parameters = facts.table, facts.parameters
    if table is None:
        nobody = pl.DataFrame(schema={"subject_key": pl.String, "period_start": pl.Date})
        return [nobody] * len(rules)
    if any(rule.spec.absence is not None for rule in rules):
        return [figures.fired_keys(facts.hindsight.judged(rule)) for rule in rules]
    apart = [_numbered(rule, at) for at, rule in enumerate(rules)]
    sweep = sweep_rules(apart, table, parameters)
    keys = sweep.codes.select(KEY)
    return [keys[sweep.fired(rule)] for rule in apart]


def _numbered(rule: Rule, at: int) -> Rule:
    """The rule under a version of its own, so that one pass tells it from its variants."""
    return replace(rule, spec=rule.spec.model_copy(update={"version": f"0.0.{at}"}))


def curve_points(facts: Facts, name: str, given: Mapping[str, float]) -> list[float]:
    """Values of a curve: the whole scale, the text's value, the live one's, and the moved one."""
    scale = scale_of(facts, name)
    width = (scale.high - scale.low) / STEPS
    points = {scale.low + width * at for at in range(STEPS + 1)}
    if scale.whole:
        points = {float(round(x)) for x in points}
    points = {_tidy(x) for x in points}
    points |= {_value(facts.rule, name), *([given[name]] if name in given else [])}
    if facts.live is not None and name in movable(facts.live, facts.parameters):
        points.add(_value(facts.live, name))
    return sorted(points)


def _value(rule: Rule, name: str) -> float:
    value = variants.spec_of(rule, name).value
    assert isinstance(value, int | float)  # noqa: S101  movable limits are numbers
    return float(value)


def _tidy(x: float) -> float:
    return float(f"{x:.3g}")


def scale_of(facts: Facts, name: str) -> Scale:
    """From half to twice the limit, or the middle of what its feature measures where wider."""
    value = _value(facts.rule, name)
    low, high = sorted((value * 0.5, value * 1.5)) if value else (-1.0, 1.0)
    seen = _seen(facts, name)
    if seen is not None:
        low, high = min(low, seen[0]), max(high, seen[1])
    unit = variants.spec_of(facts.rule, name).unit
    if unit in ("0-1", "share", "probability"):
        low, high = max(low, 0.0), min(max(high, value), 1.0)
    whole = isinstance(variants.spec_of(facts.rule, name).value, int)
    if whole:
        return Scale(float(int(low)), float(-int(-high // 1)), 1.0, whole=True)
    step = _round_step((high - low) / 100)
    low, high = math.floor(low / step) * step, math.ceil(high / step) * step
    return Scale(_tidy(low), _tidy(high), step, whole=False)


def _round_step(width: float) -> float:
    """The largest of 1, 2 and 5 times a power of ten that is no wider."""
    power = 10.0 ** math.floor(math.log10(width)) if width > 0 else 0.001
    return _tidy(next(power * n for n in (5, 2, 1) if power * n <= width or n == 1))


def _seen(facts: Facts, name: str) -> tuple[float, float] | None:
    """The range most rows of the compared figure lie in."""
    column, table = compared(facts.rule, name), facts.table
    if column is None or table is None or column not in table.frame.columns:
        return None
    values = table.frame[column]
    if not values.dtype.is_numeric() or values.drop_nulls().is_empty():
        return None
    low, high = values.quantile(0.01), values.quantile(0.99)
    return (float(low), float(high)) if low is not None and high is not None else None


def compared(rule: Rule, name: str) -> str | None:
    """The column a limit is compared with; None where it is used otherwise."""
    for _, tree in rule.trees():
        for node in walk(tree):
            if isinstance(node, Compare) and any(
                isinstance(side, Parameter) and side.name == name for side in walk(node)
            ):
                return _column(node.left) or _column(node.right)
    return None


def _column(node: Node) -> str | None:
    if isinstance(node, Column):
        return node.name
    if isinstance(node, Peer):
        return f"{node.feature}__{node.kind}"
    if isinstance(node, Prev):
        return node.feature
    return _column(node.operand) if isinstance(node, Negative) else None


def _told(facts: Facts, fired: pl.DataFrame) -> dict[str, Any]:
    """Firings with how the alerts about them ended, and the hours they ask for."""
    ended = fired.join(facts.closings, on=KEY, how="inner")["close_reason"]
    minutes = facts.hindsight.system.settings.review_minutes
    dismissed = [CloseReason.EXPLAINED.value, CloseReason.DATA_ERROR.value]
    return {
        "fired": fired.height,
        "confirmed": int((ended == CloseReason.CONFIRMED.value).sum()),
        "dismissed": int(ended.is_in(dismissed).sum()),
        "hours": figures.review_hours(fired.height, minutes)["value"],
    }


def named(facts: Facts, keys: pl.DataFrame, along: str | None) -> list[dict[str, Any]]:
    """The first subjects with the figure the limit is compared with, and how their alert ended."""
    found = keys.sort(KEY).head(SHOWN).join(facts.closings, on=KEY, how="left")
    table, column = facts.table, compared(facts.rule, along or "")
    if table is not None and column is not None and column in table.frame.columns:
        values = table.frame.select(*KEY, value=pl.col(column))
        found = found.join(values, on=KEY, how="left", maintain_order="left")
    return found.to_dicts()
