"""How far a family agrees: each piece of evidence once, nothing made up where one is missing."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest

from detector.models.agreement import agreement, bringing_own_evidence
from detector.models.base import ModelSpec, specs
from detector.models.fit import fit_in_memory
from detector.models.score import score_models
from features.catalogue import catalogue
from features.compute import FeatureFrame

NAN = float("nan")


def test_a_missing_member_takes_no_part_and_a_missing_family_leaves_nothing() -> None:
    family = np.array([0.8, 0.6, NAN])
    members = {"x": np.array([0.2, NAN, 0.9]), "y": np.array([0.5, 0.4, 0.9])}
    assert agreement(family, members).tolist() == pytest.approx([0.5, 0.5, NAN], nan_ok=True)


def test_a_typology_whose_screens_are_the_familys_is_not_counted_twice() -> None:
    by_id = {s.id: s for s in specs()}
    counted = bringing_own_evidence(by_id["bid-family"], by_id.values())
    assert counted == ["bid-distance", "bid-identical", "bid-shape", "bid-subgroup"]
    idle = dataclasses.replace(by_id["bid-shape"], active=False)
    others: list[ModelSpec] = [s for s in by_id.values() if s.id != "bid-shape"]
    assert "bid-shape" not in bringing_own_evidence(by_id["bid-family"], [*others, idle])


def test_a_subject_alone_and_in_a_batch_agrees_alike(frame_of: Callable[..., FeatureFrame]) -> None:
    rng = np.random.default_rng(1)
    names = sorted({f for s in specs() if s.id.startswith("bid-") for f in s.features})
    known = catalogue().features
    frame = frame_of(
        {n: rng.normal(size=120) for n in names}, {n: known[n].direction for n in names}
    )
    fitted = fit_in_memory({"tender": frame}, "snapshot", datetime(2024, 6, 1, tzinfo=UTC))
    whole = score_models({"tender": frame}, fitted).sort("model_id", "subject_key")
    per_subject = whole.group_by("subject_key").agg(pl.col("family_suspicion").unique())
    assert per_subject["family_suspicion"].list.len().unique().to_list() == [1]
    alone = dataclasses.replace(frame, frame=frame.frame[5:6])
    one = score_models({"tender": alone}, fitted).sort("model_id")
    key = frame.frame["subject_key"][5]
    assert one.equals(whole.filter(pl.col("subject_key") == key))
    single = score_models({"tender": frame}, fitted, typologies=["MON-BID-CV"])
    assert single.equals(whole.filter(pl.col("typology") == "MON-BID-CV").sort("subject_key"))
