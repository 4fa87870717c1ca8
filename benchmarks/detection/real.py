"""Public sets of findings through the product's own path; left out where they are not there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl

from detector.inference import Floats
from detector.models.fit import fit_in_memory
from detector.models.fitted import FittedSet
from detector.models.learnable import Learnable, learnable
from detector.models.score import score_models
from features.compute import FeatureFrame, compute_features
from features.contracts import conform
from features.reliance import relied_on
from features.vocabulary import RunContext

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"
LEARNED = datetime(2024, 1, 1, tzinfo=UTC)
BIDS = ("tenders", "bids")


@dataclass(frozen=True)
class Findings:
    """One set, judged without its labels.

    Attributes:
        frame: feature table of the tenders.
        scores: what the models say, one row a model and tender.
        prior: suspicion of the family by tender, in the table's order; NaN where not judged.
        labels: 1 where an authority found a ring active, in the table's order.
    """

    name: str
    frame: FeatureFrame
    fitted: FittedSet
    scores: pl.DataFrame
    prior: Floats
    labels: Floats

    def learnable(self) -> Learnable:
        """Evidence for learning."""
        held = self.fitted.reference.grains[self.frame.grain]
        typologies = {f.typology for f in self.frame.features}
        return learnable(self.frame, held, {t for t in typologies if t.startswith("MON-BID-")})


def present(name: str) -> bool:
    """Whether the set is beside the project."""
    return (DATA / name).is_dir()


@cache
def tenders(name: str) -> Findings:
    """A set of tenders with labels, through contracts, features, peers and models."""
    moment = pl.lit(LEARNED).dt.cast_time_unit("us")
    tables = {
        t: conform(t, pl.read_csv(DATA / name / f"{t}.csv", infer_schema_length=None)).with_columns(
            recorded_at=moment
        )
        for t in BIDS
    }
    frames = compute_features(tables, None, RunContext(date(2024, 1, 1))).frames
    frame = relied_on(frames["tender"])
    fitted = fit_in_memory({"tender": frame}, name, LEARNED)
    scores = score_models({"tender": frame}, fitted)
    agreed = scores.group_by("subject_key").agg(pl.col("family_suspicion").max())
    found = pl.read_csv(DATA / name / "labels.csv").filter(pl.col("subject_kind") == "tender")
    both = (
        frame.frame.select("subject_key")
        .join(agreed, on="subject_key", how="left", maintain_order="left")
        .join(found.select("subject_key", "label"), on="subject_key", how="left",
              maintain_order="left")
    )  # fmt: skip
    prior = both["family_suspicion"].fill_null(np.nan).to_numpy()
    return Findings(name, frame, fitted, scores, prior, both["label"].to_numpy().astype(np.float64))
