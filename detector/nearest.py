"""The ten subjects most like one: who a reviewer should look at beside it.

Peers come from the frozen reference, of the deepest stratum with enough of them, the subject and
its economic group left out; each other subject speaks once, by the period most like the one asked
about. Likeness is the root mean square of differences over the features both have, each divided by
its robust scale among the peers (1.4826 MAD, else IQR / 1.349; catalogue, 1.2). A peer must have
at least half of the subject's features. Features all peers agree on say nothing and are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from detector.inference import IQR_TO_SD, MAD_TO_SD, Floats
from detector.owners import Groups
from detector.peers import KEY, MIN_PEERS, NO_PEERS, PERIOD, GrainReference, left_out
from detector.strata import EVERYBODY, in_strata, names_of

NEAREST = 10


@dataclass(frozen=True)
class Nearest:
    """The peers most like a subject, and what they were chosen by.

    Attributes:
        level: the stratum used, `column=value; ...` or `all`.
        version: of the frozen peers.
        candidates: subjects of the stratum, the subject's own group left out.
        enough: whether they are `MIN_PEERS` or more; a percentile among fewer is never told.
        features: compared, in order.
        medians, scales: of the candidates, by feature.
        rows: `subject_key`, `period_start`, `distance`, `shared` (features compared) and the
            features' values; the nearest first, equals by key.
    """

    level: str
    version: str
    candidates: int
    enough: bool
    features: tuple[str, ...]
    medians: dict[str, float]
    scales: dict[str, float]
    rows: pl.DataFrame


def nearest(
    subject: pl.DataFrame,
    held: GrainReference | None,
    features: Sequence[str],
    groups: Groups,
    k: int = NEAREST,
) -> Nearest:
    """The `k` peers most like the subject.

    Args:
        subject: one row of a feature table: its key, the stratum columns, `_owner`, the features.
        held: the frozen peers of its grain.
        features: those to compare; what the subject or the reference lacks is left out.
        groups: economic groups as known now.
    """
    names = [f for f in features if held is not None and f in held.features]
    names = [f for f in names if f in subject.columns and subject[f][0] is not None]
    if held is None or not names:
        version = NO_PEERS if held is None else held.version
        return Nearest(EVERYBODY, version, 0, False, (), {}, {}, _none(()))
    x = subject.select(names).to_numpy()[0].astype(np.float64)
    values = held.rows.select(names).to_numpy().astype(np.float64)
    able = 2 * (~np.isnan(values)).sum(axis=1) >= len(names)
    able[left_out(held, subject, groups)[1][1]] = False
    level, rows = _stratum(subject, held, able)
    median, scale = _spread(values[rows])
    used = scale > 0
    kept = tuple(n for n, u in zip(names, used, strict=True) if u)
    squared = ((values[rows][:, used] - x[used]) / scale[used]) ** 2
    shared = (~np.isnan(squared)).sum(axis=1)
    distance = np.sqrt(np.nansum(squared, axis=1) / np.maximum(shared, 1))
    beside = (
        held.rows[rows]
        .select(KEY, PERIOD, *names)
        .with_columns(
            distance=pl.Series(distance).round_sig_figs(12),
            shared=pl.Series(shared).cast(pl.Int64),
        )
    )
    ordered = beside.filter((pl.col("shared") > 0) | (len(kept) == 0)).sort(
        "distance", KEY, PERIOD, descending=[False, False, True]
    )
    apart = ordered.unique(KEY, keep="first", maintain_order=True)
    shown = apart.head(k).select(KEY, PERIOD, "distance", "shared", *names)
    candidates = held.rows[rows][KEY].n_unique()
    return Nearest(
        level, held.version, candidates, candidates >= MIN_PEERS, kept,
        {n: float(m) for n, m in zip(names, median, strict=True)},
        {n: float(s) for n, s in zip(names, scale, strict=True)}, shown.fill_nan(None),
    )  # fmt: skip


def _stratum(
    subject: pl.DataFrame, held: GrainReference, able: NDArray[np.bool_]
) -> tuple[str, NDArray[np.int64]]:
    """The deepest stratum with enough comparable subjects, and its entries; all where none has."""
    strata = in_strata(subject, held.peers, held.size, held.edges)
    present = tuple(strata.columns)
    rows = np.flatnonzero(able)
    for k in range(len(present), -1, -1):
        name = names_of(strata, present[:k], 1)[0]
        same = names_of(held.rows, present[:k], held.rows.height).eq_missing(name).to_numpy()
        rows = np.flatnonzero(able & same)
        if held.rows[rows][KEY].n_unique() >= MIN_PEERS:
            return str(name), rows
    return EVERYBODY, rows


def _spread(values: Floats) -> tuple[Floats, Floats]:
    """Median and robust scale of each column, NaN left out; scale 0 where nothing varies."""
    if not len(values):
        return np.full((2, values.shape[1]), np.nan)[0], np.zeros(values.shape[1])
    table = pl.DataFrame(values).fill_nan(None)
    median = np.array([np.nan if (m := c.median()) is None else m for c in table], dtype=np.float64)
    scale = np.zeros(len(median))
    for j, column in enumerate(table):
        known = column.drop_nulls().to_numpy()
        if known.size:
            scale[j] = MAD_TO_SD * float(np.median(np.abs(known - np.median(known))))
            quarters = np.quantile(known, [0.25, 0.75])
            scale[j] = scale[j] or float(quarters[1] - quarters[0]) / IQR_TO_SD
    return median, scale


def _none(names: Sequence[str]) -> pl.DataFrame:
    schema = {KEY: pl.String(), PERIOD: pl.Date(), "distance": pl.Float64(), "shared": pl.Int64()}
    return pl.DataFrame(schema=schema | dict.fromkeys(names, pl.Float64()))
