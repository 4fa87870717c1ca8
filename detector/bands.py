"""Where the frozen peers of a subject lie: the band of nine in ten of them, and the quartiles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from detector.peers import Reference, left_out
from detector.strata import in_strata, names_of

if TYPE_CHECKING:
    from features.compute import FeatureFrame

SHARES = (0.05, 0.25, 0.5, 0.75, 0.95)


@dataclass(frozen=True, slots=True)
class Band:
    """Quantiles (type 7) of a feature over the peers a subject was compared with.

    Attributes:
        n: peers with a value; the subject's own economic group is none of them.
        level: the stratum, as the judgement names it.
        reference: version of the frozen peers.
    """

    p05: float
    q25: float
    median: float
    q75: float
    p95: float
    n: int
    level: str
    reference: str

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def bands(row: FeatureFrame, reference: Reference, names: Sequence[str]) -> dict[str, Band]:
    """The band of each feature of one row among the peers it was judged beside.

    Args:
        row: a table of one row that `detector.peers.apply_peers` has been through.
        names: features asked for; those without enough peers are left out.
    """
    held = reference.grains.get(row.grain)
    if held is None:
        return {}
    strata = in_strata(row.frame, held.peers, held.size, held.edges)
    present = tuple(strata.columns)
    own = left_out(held, row.frame, reference.groups)[1][1]
    able = np.ones(held.rows.height, dtype=np.bool_)
    able[own] = False
    levels = {
        names_of(strata, present[:k], 1)[0]: names_of(held.rows, present[:k], held.rows.height)
        for k in range(len(present) + 1)
    }
    found: dict[str, Band] = {}
    for name in names:
        column = f"{name}__level"
        level = row.frame[column][0] if column in row.frame.columns else None
        if level is None or name not in held.features:
            continue
        inside = pl.Series(able) & (levels[level] == level)
        values = held.rows[name].filter(inside).drop_nulls().to_numpy()
        low, first, middle, third, high = (float(x) for x in np.quantile(values, SHARES))
        n, version = int(values.size), held.version
        found[name] = Band(low, first, middle, third, high, n, str(level), version)
    return found
