"""Order statistics of many strata at once, with a few entries of each left out.

Leave-one-out by arithmetic on positions instead of by copying: with the positions p(0) < p(1) < ...
of the removed entries in a sorted stratum, the r-th remaining entry is the sorted entry at
r + #{j : p(j) - j <= r}.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from detector.inference import IQR_TO_SD, MAD_TO_SD, Floats

Ints = NDArray[np.int64]


class Sample:
    """Values in strata, sorted inside each stratum; NaN entries take no part.

    Attributes:
        ids: stratum number of each entry.
        position: place of each entry in its sorted stratum, -1 for NaN; unique under ties.
        start, size: by stratum number, the slice of `ordered`.
    """

    def __init__(self, ids: Ints, values: Floats) -> None:
        self.ids, self.values = ids, values
        usable = np.flatnonzero(~np.isnan(values))
        order = usable[np.lexsort((values[usable], ids[usable]))]
        self.entries: Ints = order
        self.ordered: Floats = values[order]
        n = int(ids.max()) + 1 if ids.size else 0
        self.size: Ints = np.bincount(ids[order], minlength=n).astype(np.int64)
        self.start: Ints = np.concatenate([[0], np.cumsum(self.size)[:-1]]).astype(np.int64)
        self.position: Ints = np.full(values.size, -1, dtype=np.int64)
        self.position[order] = np.arange(order.size) - self.start[ids[order]]

    def bounds(self, ids: Ints) -> tuple[Ints, Ints]:
        """Start and size of the strata; a stratum never seen is empty."""
        known = ids < self.size.size
        safe = np.where(known, ids, 0)
        if not self.size.size:
            return np.zeros_like(ids), np.zeros_like(ids)
        return np.where(known, self.start[safe], 0), np.where(known, self.size[safe], 0)

    def search(self, ids: Ints, x: Floats, *, right: bool) -> Ints:
        """Number of entries below (or at most, with `right`) x in each row's own stratum."""
        start, size = self.bounds(ids)
        levels = np.unique(np.concatenate([self.ordered, x]))
        width = levels.size + 1
        key = np.repeat(np.arange(self.size.size), self.size) * width
        key = key + np.searchsorted(levels, self.ordered)
        wanted = ids * width + np.searchsorted(levels, x)
        found = np.searchsorted(key, wanted, side="right" if right else "left")
        return np.asarray(np.clip(found - start, 0, size), dtype=np.int64)


class Without:
    """Per unit: its stratum of a sample less the unit's own entries.

    A unit is whatever leaves the same entries of one stratum out: judged rows of one economic
    group in one stratum share everything but their place.

    Args:
        sample: the strata.
        ids: stratum number of each unit.
        row, entry: pairs of unit and the sample entry to leave out of its stratum.
    """

    def __init__(self, sample: Sample, ids: Ints, row: Ints, entry: Ints) -> None:
        order = np.lexsort((sample.position[entry], row))
        self.sample, self.ids = sample, ids
        self.row, self.entry = row[order], entry[order]
        self.start, full = sample.bounds(ids)
        self.removed = np.bincount(self.row, minlength=ids.size).astype(np.int64)
        self.count: Ints = full - self.removed
        first = np.concatenate([[0], np.cumsum(self.removed)[:-1]]).astype(np.int64)
        self.nth: Ints = np.arange(self.row.size) - first[self.row]

    def where(self, keep: NDArray[np.bool_]) -> Without:
        """The same for some of the units only."""
        place = np.cumsum(keep) - 1
        mine = keep[self.row]
        return Without(
            self.sample, self.ids[keep], place[self.row[mine]].astype(np.int64), self.entry[mine]
        )

    def below_and_equal(self, unit: Ints, x: Floats) -> tuple[Ints, Ints]:
        """Numbers of remaining entries below and equal to each value x of a judged row."""
        own = Sample(self.row, self.sample.values[self.entry])
        counts = []
        for right in (False, True):
            everybody = self.sample.search(self.ids[unit], x, right=right)
            counts.append(everybody - own.search(unit, x, right=right))
        return counts[0], counts[1] - counts[0]

    def at(self, rank: Ints) -> Floats:
        """The remaining entry of each unit at the rank (0 the smallest)."""
        shifted = self.sample.position[self.entry] - self.nth
        skip = np.bincount(self.row, weights=shifted <= rank[self.row], minlength=rank.size).astype(
            np.int64
        )
        return np.asarray(self.sample.ordered[self.start + rank + skip], dtype=np.float64)

    def quantile(self, q: float) -> Floats:
        """Linear (type 7) quantile of the remaining entries; every unit must have one."""
        h = (self.count - 1) * q
        low = np.floor(h).astype(np.int64)
        high = np.minimum(low + 1, self.count - 1)
        a, b = self.at(low), self.at(high)
        return np.asarray(a + (h - low) * (b - a), dtype=np.float64)


def robust_scale(peers: Without, median: Floats) -> Floats:
    """1.4826 MAD of the remaining entries; IQR / 1.349 where that is 0; 0 where both are."""
    scale = MAD_TO_SD * median_deviation(peers, median)
    flat = scale == 0
    if flat.any():
        rest = peers.where(flat)
        scale[flat] = (rest.quantile(0.75) - rest.quantile(0.25)) / IQR_TO_SD
    return scale


def median_deviation(peers: Without, median: Floats) -> Floats:
    """Median absolute deviation of each unit's remaining entries from its own median.

    Units of one stratum share very few medians, so each (stratum, median) is sorted once.
    """
    centres, centre_of = np.unique(median, return_inverse=True)
    pairs, group = np.unique(peers.ids * centres.size + centre_of, return_inverse=True)
    rows, row_edges = _slices(group, len(pairs))
    own, own_edges = _slices(group[peers.row], len(pairs))
    place = np.empty(median.size, dtype=np.int64)
    place[rows] = np.arange(rows.size) - row_edges[group[rows]]
    sample = peers.sample
    result = np.empty(median.size)
    for g, pair in enumerate(pairs):
        stratum, centre = int(pair) // centres.size, centres[int(pair) % centres.size]
        mine = rows[row_edges[g] : row_edges[g + 1]]
        left = own[own_edges[g] : own_edges[g + 1]]
        begin, size = sample.start[stratum], sample.size[stratum]
        deviations = np.abs(sample.ordered[begin : begin + size] - centre)
        inner = Without(
            Sample(np.zeros(size, dtype=np.int64), deviations),
            np.zeros(mine.size, dtype=np.int64),
            place[peers.row[left]],
            sample.position[peers.entry[left]],
        )
        result[mine] = inner.quantile(0.5)
    return result


def _slices(group: Ints, n: int) -> tuple[Ints, Ints]:
    """Indices ordered by group number, and the edges of each group's slice."""
    order = np.argsort(group, kind="stable").astype(np.int64)
    edges = np.concatenate([[0], np.cumsum(np.bincount(group, minlength=n))])
    return order, edges.astype(np.int64)
