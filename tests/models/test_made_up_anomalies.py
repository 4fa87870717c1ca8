"""The default for tables without directions, on a few of the anomalies of `benchmarks/models`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from benchmarks.models.anomalies import BASES, KINDS, table
from benchmarks.models.ranking import Found, measure
from detector.models.base import detectors
from detector.models.detectors.unsigned import Unsigned
from features.errors import WardenError

ROWS = 400
MARGIN = 0.01
"""Mean AUC the default may stay below plain isolation forest."""


def test_the_default_ranks_no_worse_than_plain_isolation_forest() -> None:
    found: list[Found] = []
    for base, kind in zip(BASES, KINDS, strict=True):
        found += measure([1], ROWS, [base], [kind])
    mean = {
        name: np.mean([f.auc for f in found if f.ranking == name])
        for name in ("default", "plain forest")
    }
    assert mean["default"] >= mean["plain forest"] - MARGIN
    assert mean["default"] > 0.8


@pytest.mark.parametrize("kind", ["local", "dependency"])
def test_tables_are_seeded_shuffled_and_hold_one_anomaly_in_twenty(kind: str) -> None:
    values, truth = table("vine", kind, ROWS, 3)
    assert np.array_equal(values, table("vine", kind, ROWS, 3)[0])
    assert not np.array_equal(values, table("vine", kind, ROWS, 4)[0])
    assert values.shape == (ROWS, 5)
    assert truth.sum() == ROWS / 20
    assert 0 < np.flatnonzero(truth).mean() < ROWS - 1
    assert truth[: ROWS // 2].any()


def test_each_kind_is_odd_in_its_own_way() -> None:
    def parts(kind: str) -> tuple[np.ndarray, np.ndarray]:
        values, truth = table("blobs", kind, 2_000, 5)
        return values[truth == 0], values[truth == 1]

    normal, odd = parts("clustered")
    assert np.linalg.norm(odd.mean(axis=0)) > 2.5 * np.linalg.norm(normal.mean(axis=0))
    normal, odd = parts("global")
    assert np.all(odd.min(axis=0) >= normal.min(axis=0) - 0.1001 * np.ptp(normal, axis=0))
    assert np.all(odd.max(axis=0) <= normal.max(axis=0) + 0.1001 * np.ptp(normal, axis=0))
    values, truth = table("vine", "dependency", 2_000, 5)
    tied, loose = (np.corrcoef(np.log(np.abs(values[truth == t]).T + 1e-9)) for t in (0, 1))
    assert np.abs(tied[0, 1]) > 0.5
    assert np.abs(loose[0, 1]) < 0.3


def test_the_default_scores_rows_for_themselves_and_holds_no_pickle(tmp_path: Path) -> None:
    values, _ = table("bent", "dependency", 200, 0)
    keys = pl.Series([f"s{i}" for i in range(200)])
    detector = Unsigned().fit(values, keys, 3)
    scores = detector.score(values, keys)
    for i in (0, 17, 199):
        assert detector.score(values[i : i + 1], keys[i : i + 1])[0] == scores[i]
    detector.save(tmp_path)
    loaded = Unsigned().load(tmp_path)
    assert loaded.score(values, keys).tobytes() == scores.tobytes()
    assert {f.suffix for f in tmp_path.rglob("*") if f.is_file()} == {".npz"}
    # Both ends are odd: it has no direction, so no model may name it.
    far = np.median(values, axis=0) + np.array([[9.0], [-9.0]]) * values.std(axis=0)
    assert np.all(detector.score(far, keys[:2]) > np.median(scores))
    assert "unsigned" not in detectors()
    with pytest.raises(WardenError):
        detector.score(values * np.nan, keys)
