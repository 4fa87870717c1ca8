"""Every detector on the same labelled subjects, beside the simplest baselines.

Detectors that need no labels are fitted on all rows of the grain, labels unseen. Those that learn
from labels are judged by grouped cross-validation: no subject (nor anything else named as its
group) is scored by a detector that has seen it. The winner is proposed, never switched.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from numpy.typing import NDArray

from detector.inference import Floats
from detector.models.base import SEED, Detector, detectors, make_detector
from detector.models.fitted import FittedSet
from detector.models.folds import Fold, grouped_folds
from detector.models.learnable import learnable
from detector.models.score import with_peers
from detector.models.signed import signed_evidence
from features.errors import WardenError
from features.vocabulary import meant_by

if TYPE_CHECKING:
    from features.compute import FeatureFrame

REPEATS = 3
"""Splits of the labelled subjects into folds whose scores are averaged."""


def entries(
    frame: FeatureFrame,
    fitted: FittedSet,
    pattern: str,
    labels: Mapping[str, int],
    groups: Mapping[str, str] | None = None,
    names: Collection[str] | None = None,
) -> Iterator[tuple[str, pl.DataFrame]]:
    """Name of each detector, and `subject_key`, `value` of the labelled subjects.

    Detectors that cannot be fitted here (too few rows, one kind of label) are left out.

    Args:
        frame: one grain's table.
        pattern: typology or family of typologies the labels are about.
        labels: 1 a case, 0 not, by subject key.
        groups: what cross-validation keeps together, by subject key; the subject when None.
        names: only these detectors; all when None.
    """
    standing = with_peers(frame, fitted)
    features = features_of(fitted, frame, pattern)
    for name in detectors() if names is None else names:
        detector = make_detector(name)
        if detector.card.reads == "size":
            continue
        try:
            if detector.card.supervised:
                yield name, _learnt(name, standing, fitted, pattern, labels, groups or {})
            elif features:
                yield name, _unlearnt(detector, standing, features)
        except WardenError as error:
            if error.code not in REFUSALS:
                raise


REFUSALS = frozenset({"too_few_reference", "labels_needed", "too_few_labels"})
"""A detector says that it cannot be fitted on so little."""


def features_of(fitted: FittedSet, frame: FeatureFrame, pattern: str) -> tuple[str, ...]:
    """Features of all models of a typology or family, the family's own first.

    Where no model speaks for it, all its numbers with a declared direction.
    """
    mine = [m for m in fitted if m.spec.grain == frame.grain and meant_by(pattern, m.spec.typology)]
    ordered = sorted(mine, key=lambda m: (not m.spec.is_family, m.spec.id))
    modelled = tuple(dict.fromkeys(f for m in ordered for f in m.features))
    if modelled:
        return modelled
    held = fitted.reference.grains[frame.grain].features
    return tuple(
        f.name
        for f in frame.features
        if meant_by(pattern, f.typology) and f.direction != "none" and f.name in held
    )


def _unlearnt(
    detector: Detector, standing: FeatureFrame, features: tuple[str, ...]
) -> pl.DataFrame:
    evidence = signed_evidence(standing, features)
    keys = standing.frame["subject_key"]
    rows = np.flatnonzero((~evidence.missing).any(axis=1))
    mine = keys.gather(rows)
    fitted = detector.fit(evidence.signed[rows], mine, SEED)
    return pl.DataFrame({"subject_key": mine, "value": fitted.score(evidence.signed[rows], mine)})


def _learnt(
    name: str,
    frame: FeatureFrame,
    fitted: FittedSet,
    pattern: str,
    labels: Mapping[str, int],
    groups: Mapping[str, str],
) -> pl.DataFrame:
    meant = {f.typology for f in frame.features if meant_by(pattern, f.typology)}
    seen = learnable(frame, fitted.reference.grains[frame.grain], meant)
    every = frame.frame["subject_key"].to_list()
    rows = np.asarray([i for i, key in enumerate(every) if key in labels], dtype=np.int64)
    keys = frame.frame["subject_key"].gather(rows)
    y = np.asarray([labels[key] for key in keys], dtype=np.float64)
    table = np.column_stack([seen.places, *_telling(seen.missing)])[rows]
    together = pl.Series([groups.get(key, key) for key in keys])
    total = np.zeros(rows.size)
    for repeat in range(REPEATS):
        for train, test in _folds(y, together, SEED + repeat):
            detector = make_detector(name)
            detector.fit(table[train], keys.gather(train), SEED + repeat, y[train])
            total[test] += detector.score(table[test], keys.gather(test))
    return pl.DataFrame({"subject_key": keys, "value": total / REPEATS})


def _telling(missing: NDArray[np.bool_]) -> list[Floats]:
    """Indicators of missing numbers, where some are missing and some are not."""
    varying = np.flatnonzero(missing.any(axis=0) & ~missing.all(axis=0))
    return [missing[:, j].astype(np.float64) for j in varying]


def _folds(y: Floats, groups: pl.Series, seed: int) -> list[Fold]:
    folds = grouped_folds(y, groups, seed)
    if folds is None:
        raise WardenError("too_few_labels", "Too few independent subjects of one kind are labelled")
    return folds
