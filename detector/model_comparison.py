"""Two sets of models on the same rows: do they rank alike, and who enters or leaves the top?"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from detector.excess import TAIL
from detector.inference import Floats, psi
from detector.models.versions import NAME_DIGITS, read_versions
from detector.owners import Groups, with_owners
from detector.results import Manifest, Results
from features.errors import WardenError

if TYPE_CHECKING:
    from detector.models.fitted import FittedSet
    from detector.system import System
    from features.compute import FeatureFrame

BINS = 10
KEYS = ("model_id", "typology", "grain", "subject_key", "period_start")
MOST_NAMED = 20
"""Subjects named among those who enter or leave; all are counted."""


def compare(system: System, version: str | None = None) -> dict[str, Any]:
    """A set of models (the shadow by default) beside the one in force, on the rows in force.

    Returns:
        ``in_force`` and ``beside`` (names of the sets), ``line`` (the p-value that makes the top)
        and ``models``, one row a model that both or one of them has: ``rows`` scored by both,
        ``rank_correlation`` (Spearman), ``psi`` of the suspicion in tenths of the set in force,
        ``top_in_force``, ``top_beside``, ``entering`` and ``leaving`` (counts), ``enter`` and
        ``leave`` (up to `MOST_NAMED` subjects, the most suspicious first), and ``reason`` where
        nothing can be compared.

    Raises:
        WardenError: `no_shadow`, `unknown_version`, `nothing_judged`, `damaged_model`.
    """
    from detector.models.artifacts import load_set
    from detector.shadow_models import chosen

    folder = system.home / "models"
    known = read_versions(folder)
    entry = chosen(known, version)
    if known.in_force is None:
        raise WardenError("nothing_judged", "No set of models is in force.", "Run `warden detect`.")
    now, beside = load_set(folder, known.in_force["digest"]), load_set(folder, entry["digest"])
    assert now is not None and beside is not None  # noqa: S101  both were just read in the list
    names = {"in_force": now.digest[:NAME_DIGITS], "beside": beside.digest[:NAME_DIGITS]}
    return {**names, "line": TAIL, "models": _models(system, now, beside)}


def _models(system: System, now: FittedSet, beside: FittedSet) -> list[dict[str, Any]]:
    from detector.extracts import manifest_of
    from detector.models.score import score_models

    results = Results(system.home)
    manifest = manifest_of(system, results, None)
    groups = groups_of(system, manifest)
    specs = {m.spec.id: m.spec for one in (now, beside) for m in one}
    wanted = {name for name, s in specs.items() if s.active and not s.is_family}
    scores = []
    for one in (now, beside):
        frames = feature_frames(results, manifest, {specs[n].grain for n in wanted}, one)
        scored = score_models(frames, one.beside(groups))
        scores.append(scored.filter(pl.col("p_value").is_not_null()))
    return [_compared(name, *scores) for name in sorted(wanted)]


def groups_of(system: System, manifest: Manifest) -> Groups:
    """Economic groups as the run of the manifest knew them."""
    snapshot = system.lake.pinned(manifest.versions, manifest.known_at)
    return Groups.known(system.lake, snapshot)


def feature_frames(
    results: Results, manifest: Manifest, grains: Collection[str], fitted: FittedSet
) -> Mapping[str, FeatureFrame]:
    """The rows in force of some grains, with the features the set's models read."""
    from features.catalogue import catalogue
    from features.compute import FeatureFrame

    found: dict[str, FeatureFrame] = {}
    for grain in sorted(grains):
        names = {f for m in fitted if m.spec.grain == grain for f in m.features}
        features = [f for f in catalogue().features.values() if f.name in names]
        table = results.features(manifest, grain, {f.typology for f in features})
        if table is not None and table.height:
            have = tuple(f for f in features if f.name in table.columns)
            found[grain] = with_owners(FeatureFrame(grain, table, have, (), ()))
    return found


def _compared(name: str, now: pl.DataFrame, beside: pl.DataFrame) -> dict[str, Any]:
    mine, other = (t.filter(pl.col("model_id") == name) for t in (now, beside))
    both = mine.join(other, on=list(KEYS), suffix="_beside")
    top, top_beside = both["p_value"] <= TAIL, both["p_value_beside"] <= TAIL
    enter, leave = both.filter(~top & top_beside), both.filter(top & ~top_beside)
    row: dict[str, Any] = {
        "model": name,
        "rows": both.height,
        "rank_correlation": None,
        "psi": None,
        "top_in_force": int(top.sum()),
        "top_beside": int(top_beside.sum()),
        "entering": enter.height,
        "leaving": leave.height,
        "enter": _named(enter, "suspicion_beside"),
        "leave": _named(leave, "suspicion"),
        "reason": None,
    }
    if both.height < 2:
        lacking = "neither" if not (mine.height or other.height) else "only one of them"
        return row | {"reason": f"{lacking} can judge a row" if not both.height else "one row"}
    a, b = both["suspicion"].to_numpy(), both["suspicion_beside"].to_numpy()
    return row | {"rank_correlation": spearman(a, b), "psi": psi_in_tenths(a, b)}


def spearman(a: Floats, b: Floats) -> float | None:
    """Rank correlation, ties by mid-rank; None where one side is constant."""
    from scipy.stats import rankdata

    x, y = rankdata(a), rankdata(b)
    if x.std() == 0 or y.std() == 0:
        return None
    return float(np.corrcoef(x, y)[0, 1])


def psi_in_tenths(expected: Floats, actual: Floats) -> float:
    """Population stability index over the tenths of the expected values."""
    edges = np.unique(np.quantile(expected, np.linspace(0, 1, BINS + 1)[1:-1]))
    before, after = (
        np.bincount(np.searchsorted(edges, v, side="left"), minlength=edges.size + 1) / v.size
        for v in (expected, actual)
    )
    return psi(before, after)


def _named(rows: pl.DataFrame, by: str) -> list[dict[str, Any]]:
    first = rows.sort(by, "subject_key", descending=[True, False]).head(MOST_NAMED)
    return [
        {"subject_key": r["subject_key"], "period_start": r["period_start"].isoformat(),
         "p_in_force": r["p_value"], "p_beside": r["p_value_beside"]}
        for r in first.iter_rows(named=True)
    ]  # fmt: skip
