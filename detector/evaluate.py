"""How well a ranking finds known cases, beside the simplest baselines and the base rate.

Labels are used here and nowhere else. A label is a finding about one case: a subject without one
is not proof of innocence, so precision is a lower bound and the figures compare rankings only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import ArrayLike

from detector.inference import Floats, average_precision, expected_precision_at_k, roc_auc
from features.errors import WardenError
from features.vocabulary import meant_by

SUBJECT = ("subject_kind", "subject_key")
MODEL, MEAN, BASELINE = "model", "mean of the family", "single feature"
WORST = "most suspicious of the family"
RESAMPLES, SEED = 500, 20240501
LABEL_COLUMNS = (*SUBJECT, "typology", "label")


@dataclass(frozen=True)
class Quality:
    """One ranking against one set of labels.

    Attributes:
        typology: as the labels name it (``MON-BID-*`` is any of the family), or one member of it.
        ranking: ``model``, ``mean of the family``, ``single feature``, or the name of a baseline.
        n, positives: labelled subjects the run saw, and how many of them are cases.
        unjudged: of these, those without a score. They are neither suspected nor cleared, so they
            stand at the middle (the median) of the ranking.
        base_rate: precision of a random order.
        roc_auc, average_precision: null where only one class is present.
        roc_auc_low, roc_auc_high: 95 % interval of the former, by bootstrap of the subjects.
        precision_at_k, precision_top_tenth: ties at the cut count by their expected share.
    """

    typology: str
    subject_kind: str
    ranking: str
    n: int
    positives: int
    unjudged: int
    base_rate: float
    roc_auc: float | None
    roc_auc_low: float | None
    roc_auc_high: float | None
    average_precision: float | None
    precision_at_k: float
    k: int
    precision_top_tenth: float

    def row(self) -> dict[str, Any]:
        """Plain data for printing and JSON."""
        return asdict(self)


def evaluate(
    scores: pl.DataFrame,
    labels: pl.DataFrame,
    k: int = 50,
    baselines: pl.DataFrame | None = None,
) -> list[Quality]:
    """Compares rankings with labels, one list for each labelled typology and kind of subject.

    A subject scored in several periods counts once, with its most suspicious score. For a label
    such as ``MON-BID-*`` the ranking is the most suspicious typology of the family; the mean over
    the family and each member alone follow.

    Args:
        scores: `typology`, `subject_kind`, `subject_key`, `suspicion`, optionally `baseline`.
        labels: `subject_kind`, `subject_key`, `typology`, `label` (1 a case, 0 not).
        k: length of the list judged by precision.
        baselines: `subject_kind`, `subject_key`, `name`, `value` (higher ranks first), for
            example the number of bids.

    Raises:
        WardenError: `bad_labels` when a column is missing or a label is neither 0 nor 1; `bad_k`.
    """
    cases = _checked(labels)
    if k < 1:
        raise WardenError("bad_k", "precision@k needs k of at least 1.")
    rows: list[Quality] = []
    for pattern, kind in cases.select("typology", "subject_kind").unique().sort(pl.all()).rows():
        mine = cases.filter(pl.col("typology") == pattern, pl.col("subject_kind") == kind)
        meant = [t for t in scores["typology"].unique() if meant_by(pattern, t)]
        judged = scores.filter(pl.col("typology").is_in(meant), pl.col("subject_kind") == kind)
        here = mine.join(judged.select("subject_key").unique(), on="subject_key", how="semi")
        if here.is_empty():
            continue
        for typology, name, ranked in _rankings(pattern, kind, judged, baselines):
            rows.append(_quality(typology, kind, name, here, ranked, k))
    return rows


def _rankings(
    pattern: str, kind: str, judged: pl.DataFrame, baselines: pl.DataFrame | None
) -> Iterator[tuple[str, str, pl.DataFrame]]:
    """(typology, name, table of subject_key and value): model first, then baselines."""
    value = pl.col("suspicion")
    members = sorted(judged["typology"].unique())
    agreed = "family_suspicion" in judged.columns and judged["family_suspicion"].count() > 0
    if len(members) > 1 and agreed:
        yield pattern, MODEL, _best(judged, pl.col("family_suspicion").max())
        yield pattern, WORST, _best(judged, value.max())
    else:
        yield pattern, MODEL, _best(judged, value.max())
    if len(members) > 1:
        worst = judged.group_by("subject_key", "typology").agg(value.max())
        yield pattern, MEAN, _best(worst, value.mean())
    elif "baseline" in judged.columns:
        yield pattern, BASELINE, _best(judged, pl.col("baseline").max())
    if baselines is not None:
        known = baselines.filter(pl.col("subject_kind") == kind)
        for name in sorted(known["name"].unique()):
            yield pattern, name, _best(known.filter(pl.col("name") == name), pl.col("value").max())
    if len(members) > 1:
        for member in members:
            own = judged.filter(pl.col("typology") == member)
            yield member, MODEL, _best(own, value.max())
            if "baseline" in own.columns:
                yield member, BASELINE, _best(own, pl.col("baseline").max())


def _best(rows: pl.DataFrame, value: pl.Expr) -> pl.DataFrame:
    """One value a subject."""
    return rows.group_by("subject_key").agg(value.cast(pl.Float64).alias("value"))


def _quality(
    typology: str, kind: str, name: str, cases: pl.DataFrame, ranked: pl.DataFrame, k: int
) -> Quality:
    both = cases.join(ranked, on="subject_key", how="left")
    y = both["label"].to_numpy()
    middle = both["value"].median()
    s = both["value"].fill_null(0.0 if middle is None else middle).to_numpy()
    low, high = auc_interval(y, s) or (None, None)
    return Quality(
        typology, kind, name, both.height, int(y.sum()), both["value"].null_count(),
        float(y.mean()), roc_auc(y, s), low, high, average_precision(y, s),
        expected_precision_at_k(y, s, k), k, expected_precision_at_k(y, s, max(1, y.size // 10)),
    )  # fmt: skip


def auc_interval(
    labels: ArrayLike, scores: ArrayLike, resamples: int = RESAMPLES
) -> tuple[float, float] | None:
    """95 % interval of the ROC AUC: percentiles of a bootstrap inside cases and non-cases.

    Seeded by nothing but the numbers, so the same ranking has the same interval. None where one
    class is missing.
    """
    y, s = np.asarray(labels, dtype=np.float64), np.asarray(scores, dtype=np.float64)
    cases, others = int(y.sum()), int(y.size - y.sum())
    if not cases or not others:
        return None
    levels, place = np.unique(s, return_inverse=True)
    rng = np.random.default_rng(SEED)

    def drawn(kind: int, size: int) -> Floats:
        share = np.bincount(place[y == kind], minlength=levels.size) / size
        return rng.multinomial(size, share, size=resamples) / size

    case, other = drawn(1, cases), drawn(0, others)
    below = np.cumsum(other, axis=1) - other / 2.0
    low, high = np.quantile((case * below).sum(axis=1), [0.025, 0.975])
    return float(low), float(high)


def _checked(labels: pl.DataFrame) -> pl.DataFrame:
    """One label a subject and typology: a case in any period is a case."""
    absent = [c for c in LABEL_COLUMNS if c not in labels.columns]
    if absent:
        raise WardenError(
            "bad_labels",
            f"The labels lack the column {', '.join(absent)}.",
            f"Needed: {', '.join(LABEL_COLUMNS)}.",
        )
    cases = labels.select(*LABEL_COLUMNS).with_columns(pl.col("label").cast(pl.Int64, strict=False))
    if not cases["label"].is_in([0, 1]).fill_null(False).all():
        raise WardenError("bad_labels", "A label must be 0 or 1.")
    return cases.group_by(*SUBJECT, "typology").agg(pl.col("label").max()).sort(pl.all())


def as_table(rows: Sequence[Quality]) -> list[dict[str, Any]]:
    """Rows for printing."""
    return [r.row() for r in rows]
