"""Detectors that are grown again on load: known by their scores, not by their files.

A library's forest can only be stored as a pickle, which is code. What is stored instead is what it
was grown from, and the scores it gave to some of those rows. Another version of the library may
grow another forest; then the scores differ, and the model is refused rather than silently moved.
"""

from __future__ import annotations

import numpy as np

from detector.inference import Floats
from detector.models.base import DetectorCard
from features.errors import WardenError

PROBES = 64
TOLERANCE = 1e-12


def probe(rows: Floats) -> Floats:
    """The rows a fit is known by."""
    return rows[:PROBES]


def agree(card: DetectorCard, before: Floats, now: Floats) -> None:
    """Raises `model_not_reproduced` when a refit scores its own rows otherwise than the fit did."""
    if before.shape != now.shape or np.abs(before - now).max(initial=0.0) > TOLERANCE:
        raise WardenError(
            "model_not_reproduced",
            f"'{card.name}' grown again from its stored rows scores them otherwise: the installed"
            f" {', '.join(card.libraries)} are not those it was fitted with.",
            "Fit anew with `warden models fit`, or install the versions its model.json records.",
            "integrity",
        )
