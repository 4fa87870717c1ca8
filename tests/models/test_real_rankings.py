"""Rankings on real findings, without labels at fit time and with one setting for all sets.

The floors are those this software promises; the labels are read only to measure.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from detector.evaluate import MEAN, MODEL, Quality, evaluate
from detector.inference import roc_auc
from detector.models.fit import fit_in_memory
from detector.models.score import score_models
from features.compute import Computed, compute_features
from features.contracts import conform
from features.vocabulary import RunContext
from tests.conftest import shared_data

pytestmark = pytest.mark.real

BIDS = ("tenders", "bids")
APPS = ("apps", "data_declarations", "observed_flows", "data_type_map")


def read(path: Path) -> pl.DataFrame:
    return pl.read_csv(path, infer_schema_length=None)


@cache
def computed(name: str, tables: tuple[str, ...]) -> Computed:
    learned = pl.lit(datetime(2024, 1, 1, tzinfo=UTC)).dt.cast_time_unit("us")
    lazy = {
        t: conform(t, read(shared_data(name) / f"{t}.csv")).with_columns(recorded_at=learned)
        for t in tables
    }
    return compute_features(lazy, None, RunContext(date(2024, 1, 1)))


@cache
def scored(name: str, tables: tuple[str, ...]) -> pl.DataFrame:
    frames = computed(name, tables).frames
    fitted = fit_in_memory(frames, name, datetime(2024, 1, 1, tzinfo=UTC))
    return score_models(frames, fitted, challengers=True)


def quality(name: str, tables: tuple[str, ...], scores: pl.DataFrame) -> list[Quality]:
    return evaluate(scores, read(shared_data(name) / "labels.csv"))


def auc(rows: list[Quality], typology: str, ranking: str) -> float:
    value = next(r.roc_auc for r in rows if (r.typology, r.ranking) == (typology, ranking))
    assert value is not None
    return value


@pytest.mark.parametrize(
    ("name", "best", "mean", "single"),
    [("bids-japan", 0.75, 0.74, 0.73), ("bids-ticino", 0.86, 0.85, 0.79)],
)
def test_rigged_tenders_rank_first_by_agreement_mean_and_variance_alone(
    name: str, best: float, mean: float, single: float
) -> None:
    shown = scored(name, BIDS).filter(~pl.col("typology").str.ends_with("*"))
    rows = [r for r in quality(name, BIDS, shown) if r.subject_kind == "tender"]
    assert auc(rows, "MON-BID-*", MODEL) >= best
    assert auc(rows, "MON-BID-*", MEAN) >= mean
    assert auc(rows, "MON-BID-CV", MODEL) >= single


@pytest.mark.parametrize("name", ["bids-japan", "bids-ticino"])
def test_the_forest_stays_a_challenger_because_it_ranks_below_the_signed_rank(name: str) -> None:
    """When this fails the forest has earned its place: make it active."""
    every = scored(name, BIDS)
    plain, forest = (
        quality(name, BIDS, every.filter(pl.col("model_id") == m))[0].roc_auc
        for m in ("bid-family", "bid-family-forest")
    )
    assert plain is not None
    assert forest is not None
    assert forest < plain


def test_two_sided_outlier_scores_fail_where_signed_ones_work() -> None:
    """Rigged tenders are inliers: the reason every model here is directional."""
    from pyod.models.ecod import ECOD

    frame = computed("bids-ticino", BIDS).frames["tender"].frame
    names = ["bid_cv", "bid_spread", "bid_ks_uniform"]
    raw = frame.select(pl.col(n).fill_null(pl.col(n).median()) for n in names).to_numpy()
    outlying = frame.select("subject_key", s=pl.Series(ECOD().fit(raw).decision_scores_))
    both = read(shared_data("bids-ticino") / "labels.csv").join(outlying, on="subject_key")
    value = roc_auc(both["label"].to_numpy(), both["s"].to_numpy())
    assert value is not None
    assert value < 0.4


def test_apps_that_collect_undeclared_types_rank_first() -> None:
    name = "app-labels-android-2022"
    shown = scored(name, APPS).filter(~pl.col("typology").str.ends_with("*"))
    apps = [r for r in quality(name, APPS, shown) if r.subject_kind == "app"]
    assert auc(apps, "PRIV-UNDECLARED-COLLECTION", MODEL) >= 0.89


def test_figures_of_real_tenders_are_complete() -> None:
    every = scored("bids-japan", BIDS)
    judged = every.filter(pl.col("outcome") != "not_evaluable")
    figures = judged.select("p_value", "suspicion", "raw", "baseline").to_numpy()
    assert judged.select("p_value", "suspicion", "raw").null_count().sum_horizontal().item() == 0
    assert np.all(np.isfinite(figures[:, :3].astype(float)))
    unjudged = every.filter(pl.col("outcome") == "not_evaluable")
    assert unjudged["reason"].null_count() == 0
