"""What a comparison of rankings says about each: kept, proposed, or not worth using.

Nothing is switched by it. Proposed is the detector with the best average precision, and only where
its ROC AUC lies clearly (by its interval) above that of the model in force and of every baseline.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import groupby
from typing import Any

from detector.evaluate import BASELINE, MODEL, Quality

DETECTOR = "detector "
"""Begins the name of a ranking by a detector fitted for the occasion."""
IN_FORCE, PROPOSED, ONE_KIND = "in force", "proposed", "cannot be told: one kind of label"
NOT_BETTER = "not clearly better than what is in force"


def with_verdicts(rows: Sequence[Quality], baselines: Collection[str]) -> list[dict[str, Any]]:
    """Rows for printing with the `interval` of the ROC AUC and a `verdict`, none for baselines.

    Args:
        rows: as `evaluate` gives them, all of one typology and kind together.
        baselines: names of the rankings that are here to be beaten.
    """
    simple = {BASELINE, *baselines}
    shown: list[dict[str, Any]] = []
    for _, some in groupby(rows, key=lambda r: (r.typology, r.subject_kind)):
        mine = list(some)
        best = max((r for r in mine if r.ranking in simple), key=_area, default=None)
        model = next((r for r in mine if r.ranking == MODEL), None)
        winner = max((r for r in mine if r.ranking.startswith(DETECTOR)), key=_precision,
                     default=None)  # fmt: skip
        shown += [
            r.row()
            | {"interval": _interval(r), "verdict": _verdict(r, model, best, winner, simple)}
            for r in mine
        ]
    return shown


def _verdict(
    row: Quality,
    model: Quality | None,
    best: Quality | None,
    winner: Quality | None,
    simple: Collection[str],
) -> str:
    if row.ranking in simple:
        return ""
    if row.roc_auc is None:
        return ONE_KIND
    if best is not None and _area(row) <= _area(best):
        return f"does not beat '{best.ranking}'"
    if row is model:
        return IN_FORCE
    if not row.ranking.startswith(DETECTOR):
        return ""
    bars = [_area(r) for r in (model, best) if r is not None]
    clear = row.roc_auc_low is not None and all(row.roc_auc_low > bar for bar in bars)
    return PROPOSED if row is winner and clear else NOT_BETTER


def _interval(row: Quality) -> str:
    """The 95 % interval of the ROC AUC for the eye."""
    if row.roc_auc_low is None or row.roc_auc_high is None:
        return ""
    return f"{row.roc_auc_low:.3f} to {row.roc_auc_high:.3f}"


def _area(row: Quality) -> float:
    return row.roc_auc if row.roc_auc is not None else 0.0


def _precision(row: Quality) -> float:
    return row.average_precision if row.average_precision is not None else 0.0
