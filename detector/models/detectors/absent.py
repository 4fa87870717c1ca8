"""Stands for a stored model's detector whose package is not installed here."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn, Self

import polars as pl

from detector.inference import Floats
from detector.models.base import DetectorCard
from features.errors import WardenError


class Absent:
    """Lets a set be listed and its other models judge; asked for a score, it says what is missing.

    A model nobody asks (a challenger) must not stop a run; one in force must not fall silent.
    """

    def __init__(self, name: str, why: WardenError) -> None:
        self.why = why
        self.card = DetectorCard(name, "not installed", str(why), 1, "", libraries=())

    def fit(
        self,
        evidence: Floats,  # noqa: ARG002
        keys: pl.Series,  # noqa: ARG002
        seed: int,  # noqa: ARG002
        labels: Floats | None = None,  # noqa: ARG002
    ) -> Self:
        """Raises why the detector is absent."""
        self._refuse()

    def score(self, evidence: Floats, keys: pl.Series) -> Floats:  # noqa: ARG002
        """Raises why the detector is absent."""
        self._refuse()

    def save(self, folder: Path) -> None:  # noqa: ARG002
        """Raises why the detector is absent."""
        self._refuse()

    def load(self, folder: Path) -> Self:  # noqa: ARG002
        """What is stored stays unread."""
        return self

    def _refuse(self) -> NoReturn:
        raise WardenError(
            "absent_detector",
            f"A stored model needs the detector '{self.card.name}'. {self.why.message}",
            "Install the package that brings it, or fit anew with `warden models fit`.",
            "unavailable",
        ) from self.why
