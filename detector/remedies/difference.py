"""Difference in differences of one subject against its peers, with peers as placebos.

The effect is how much further the subject moved, from the mean of its periods before to the mean
of those after, than the median of its peers did. How sure that is, is told by the peers: each is
treated as if the decision had been about it, against the median of the others (in-space placebos,
Abadie, Diamond, Hainmueller 2010). The interval holds every effect that would leave the subject
ranked inside its placebos; it is exact where, without the decision, the subject would have moved
as one of them, and needs no shape of distribution. It is wide where peers are few, and there is
none at all where fewer than `MIN_PEERS` are left.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

TAIL = 5
"""Per cent on each side that the interval leaves out: it holds 90 of 100."""
MIN_PEERS = 100 // TAIL - 1
"""With fewer the tail is smaller than one placebo."""
MIN_BEFORE, MIN_AFTER = 2, 2
"""Periods with a value, of the subject and of each peer: one alone has no spread."""

ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Effect:
    """What the decision went along with.

    Attributes:
        subject, peers: mean before, mean after; of the peers those of their medians.
        effect: how much further the subject moved than the peers' median.
        low, high: ends of the interval; None with too few peers.
        n_peers: peers with values enough on both sides.
        extreme: whether the subject was among the outermost twentieth of its peers before: then
            part of any way back to the middle would have come by itself.
    """

    subject: tuple[float, float]
    peers: tuple[float, float]
    effect: float
    low: float | None
    high: float | None
    n_peers: int
    extreme: bool

    @property
    def sign(self) -> int:
        """-1 or 1 where the interval leaves zero out, else 0."""
        if self.low is None or self.high is None:
            return 0
        # sums of floats leave a rest where nothing moved
        least = ROUNDING * max(map(abs, (*self.subject, *self.peers)))
        return 1 if self.low > least else -1 if self.high < -least else 0


def compared(own: Floats, others: Floats, before: Mask, after: Mask) -> Effect | None:
    """The effect, None where no peer has values enough.

    Args:
        own: the subject's values by period, NaN where it has none.
        others: peers by period, of the same length; NaN as before.
        before, after: which periods lie on which side.
    """
    seen = ~np.isnan(own)
    before, after = before & seen, after & seen
    rows = others[enough_on_both(others, before, after)]
    peopled = (~np.isnan(rows)).sum(axis=0) > 1
    before, after = before & peopled, after & peopled
    if not (before.any() and after.any()):
        return None
    rows = rows[enough_on_both(rows, before, after)]
    middle = np.full(own.size, np.nan)
    middle[before | after] = np.nanmedian(rows[:, before | after], axis=0)
    subject = float(own[before].mean()), float(own[after].mean())
    peers = float(np.nanmean(middle[before])), float(np.nanmean(middle[after]))
    effect = (subject[1] - subject[0]) - (peers[1] - peers[0])
    placebos = np.sort(placebo_effects(rows, before, after))
    tail = (placebos.size + 1) * TAIL // 100
    known = tail >= 1
    return Effect(
        subject=subject,
        peers=peers,
        effect=effect,
        low=effect - float(placebos[-tail]) if known else None,
        high=effect - float(placebos[tail - 1]) if known else None,
        n_peers=int(placebos.size),
        extreme=_extreme(subject[0], means(rows, before)),
    )


def enough_on_both(others: Floats, before: Mask, after: Mask) -> Mask:
    """Peers with values enough on both sides."""
    seen = ~np.isnan(others)
    wanted = min(MIN_BEFORE, int(before.sum())), min(MIN_AFTER, int(after.sum()))
    found: Mask = (seen[:, before].sum(axis=1) >= wanted[0]) & (
        seen[:, after].sum(axis=1) >= wanted[1]
    )
    return found


def placebo_effects(rows: Floats, before: Mask, after: Mask) -> Floats:
    """The effect on each peer, had the decision been about it, against the median of the others.

    A peer is compared over the periods it has.
    """
    gaps = rows - medians_of_others(rows)
    found: Floats = means(gaps, after) - means(gaps, before)
    return found[~np.isnan(found)]


def means(rows: Floats, columns: Mask) -> Floats:
    """By row the mean of what some columns have; NaN where they have nothing."""
    part = rows[:, columns]
    n = (~np.isnan(part)).sum(axis=1)
    return np.where(n > 0, np.nansum(part, axis=1) / np.maximum(n, 1), np.nan)


def medians_of_others(rows: Floats) -> Floats:
    """By row and column the median of the column without the row; NaN where nobody else is."""
    found = np.full_like(rows, np.nan)
    for at in range(rows.shape[1]):
        have = np.flatnonzero(~np.isnan(rows[:, at]))
        if have.size < 2:
            continue
        order = np.argsort(rows[have, at], kind="stable")
        values = rows[have, at][order]
        place = np.empty(have.size, dtype=np.int64)
        place[order] = np.arange(have.size)
        left = have.size - 1

        def nth(k: int, values: Floats = values, place: NDArray[np.int64] = place) -> Floats:
            """The k-th of the others: one further where the row itself stands before it."""
            picked: Floats = values[np.where(place <= k, k + 1, k)]
            return picked

        half = left // 2
        found[have, at] = nth(half) if left % 2 else (nth(half - 1) + nth(half)) / 2
    return found


def _extreme(own: float, levels: Floats) -> bool:
    lower, higher = float(np.mean(levels <= own)), float(np.mean(levels >= own))
    return min(lower, higher) < TAIL / 100
