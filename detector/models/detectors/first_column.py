"""Baselines that look at one column: the gap a typology is about, and mere size."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Self

import polars as pl

from detector.inference import Floats
from detector.models.base import MIN_REFERENCE, DetectorCard, check_evidence, check_reference


class Gap:
    """The first feature's evidence alone: what one would sort by without any model."""

    card: ClassVar[DetectorCard] = DetectorCard(
        "gap",
        "first feature alone",
        "The first feature of the model is the one a person would sort by.",
        MIN_REFERENCE,
        "any increasing change of the first feature; every change of the others",
        baseline=True,
        source="the gap score of observed minus declared, which no detector was seen to beat",
    )

    def fit(
        self,
        evidence: Floats,
        keys: pl.Series,
        seed: int,  # noqa: ARG002
        labels: Floats | None = None,
    ) -> Self:
        """Nothing to learn."""
        check_reference(self.card, evidence, keys, labels)
        return self

    def score(self, evidence: Floats, keys: pl.Series) -> Floats:
        """The first column."""
        check_evidence(evidence, keys)
        return evidence[:, 0].copy()

    def save(self, folder: Path) -> None:
        """Nothing to write."""

    def load(self, folder: Path) -> Self:  # noqa: ARG002
        """Nothing to read."""
        return self


class Size(Gap):
    """The larger, the higher: what a ranking must beat not to be about size.

    The model names a feature that measures size (bids of a tender, types of data an app sends);
    its percentile among peers is read upwards whatever direction the feature declares, see
    `DetectorCard.reads`.
    """

    card: ClassVar[DetectorCard] = DetectorCard(
        "size",
        "size alone",
        "The first feature of the model measures how large the subject is.",
        MIN_REFERENCE,
        "any increasing change of size",
        reads="size",
        baseline=True,
        source="a ranking that size explains says nothing about conduct",
    )
