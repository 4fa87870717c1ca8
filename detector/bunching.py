"""Are there more values just inside a limit than beside it?

A firm that knows a published limit stays just inside it. If nobody aims, the density is nearly
straight over the few percent around the limit, so of the values in three neighbouring cells of
equal width a third lies in the middle one, whatever the density (the idea of McCrary 2008, on exact
counts). The middle cell reaches from the limit 5 % inwards; its neighbours lie on both sides:

    [0.90 T, 0.95 T)   [0.95 T, T)   [T, 1.05 T)      for a rule that fires from T on

and the mirror image for a rule that fires below. The limit itself belongs to the side it falls on.
Whole numbers share the cells by how many of them each holds; a share stops at 0 and 1.

A heap is a reason to look at who stands in it, no finding: limits are round, and so are many
honest numbers.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from detector.inference import Floats, bh_adjust
from rules.margins import Margin

if TYPE_CHECKING:
    from rules.load import Rule

CELL = 0.05
"""Width of a cell, in parts of the limit (catalogue, 6.4)."""
LEAST = 20
"""Fewer values in the three cells together and nothing is said."""
WATCH, ACT = 0.1, 0.01
"""q-values from which a heap is worth a look, and an act (ENG)."""
DIGITS = 12


@dataclass(frozen=True, slots=True)
class Bunching:
    """What was counted around one limit of a rule.

    Attributes:
        inside: values just inside the limit; `n` those of all three cells.
        expected: the share of `n` that would lie there if nobody aimed.
        p: exact binomial probability of so many or more; null with a `reason`.
        q: the same after counting every limit of every rule (Benjamini-Hochberg).
    """

    rule: str
    version: str
    feature: str
    op: str
    limit: float | None
    inside: int
    n: int
    expected: float | None
    p: float | None
    q: float | None = None
    state: str = "ok"
    reason: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


def bunching(margins: list[Margin]) -> list[Bunching]:
    """Counts and tests of every limit, the least probable first."""
    from dataclasses import replace

    found = [counted(margin) for margin in margins]
    tested = [one for one in found if one.p is not None]
    q = bh_adjust([one.p or 0.0 for one in tested]) if tested else np.empty(0)
    told = [
        replace(one, q=float(v), state="act" if v <= ACT else "watch" if v <= WATCH else "ok")
        for one, v in zip(tested, q, strict=True)
    ]
    rest = [replace(one, state="few") for one in found if one.p is None]
    return [*sorted(told, key=lambda one: (one.p or 0.0, one.rule, one.feature)), *rest]


def counted(margin: Margin) -> Bunching:
    """The three cells around one limit, over the rows the rule is about.

    Where the limit differs by date or place, cells are cut around each row's own limit; whole
    numbers and shares, whose cells then differ, are counted at the commonest limit alone.
    """
    rows = margin.rows.filter(pl.col("limit") != 0)
    values = rows["value"].to_numpy().astype(np.float64)
    whole = bool(values.size and np.all(values == np.rint(values)))
    if rows.height and (whole or margin.share):
        rows = rows.filter(pl.col("limit") == rows["limit"].mode().sort()[0])
    limits = rows["limit"].unique()
    limit = float(limits[0]) if limits.len() == 1 else None
    if rows.is_empty():
        return _few(margin.rule, margin, limit, 0, 0, "no value beside a limit")
    cells = _cells(rows["value"].to_numpy(), rows["limit"].to_numpy(), margin)
    inside, n = int(cells[1]), int(cells.sum())
    expected = _expected(margin, limit, whole)
    if expected is None:
        return _few(margin.rule, margin, limit, inside, n, "no whole number beside the limit")
    if n < LEAST:
        return _few(margin.rule, margin, limit, inside, n, f"fewer than {LEAST} values near it")
    from scipy.special import bdtrc

    p = 1.0 if inside == 0 else float(bdtrc(inside - 1, n, expected))
    rule = margin.rule
    return Bunching(rule.id, rule.version, margin.feature, margin.op, limit, inside, n, expected, p)


def _few(
    rule: Rule, margin: Margin, limit: float | None, inside: int, n: int, why: str
) -> Bunching:
    return Bunching(
        rule.id, rule.version, margin.feature, margin.op, limit, inside, n, None, None, reason=why
    )


def _cells(values: Floats, limits: Floats, margin: Margin) -> Floats:
    """Counts outside, inside and beyond: farther in, just inside, and where the rule holds."""
    along = (values - limits) / np.abs(limits)
    along = np.round(along if margin.op[0] == ">" else -along, DIGITS)
    edges = np.array([-2 * CELL, -CELL, 0.0, CELL])
    # where the limit itself fires the cells hold their lower edge, else their upper one
    side = "right" if margin.op.endswith("=") else "left"
    place = np.searchsorted(edges, along, side=side)  # type: ignore[call-overload]
    return np.array([(place == k).sum() for k in (1, 2, 3)], dtype=np.float64)


def _expected(margin: Margin, limit: float | None, whole: bool) -> float | None:
    """The share of the middle cell where nobody aims."""
    if limit is None or not (whole or margin.share):
        return 1.0 / 3.0
    sign = 1.0 if margin.op[0] == ">" else -1.0
    edges = limit + sign * abs(limit) * np.array([-2 * CELL, -CELL, 0.0, CELL])
    if whole:
        reach = np.arange(np.floor(edges.min()), np.ceil(edges.max()) + 1)
        widths = _cells(reach, np.full(reach.size, limit), margin)
    else:
        widths = np.abs(np.diff(np.clip(edges, 0.0, 1.0)))
    if widths[1] == 0 or widths[1] == widths.sum():
        return None
    return float(widths[1] / widths.sum())
