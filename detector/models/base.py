"""What a model is, and the registry it joins.

Adding a model means one entry: a `ModelSpec` registered in a module of this package (or any module
imported before fitting). A new way of scoring means one class with the `Scorer` protocol.
"""

from __future__ import annotations

import importlib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, Self

import polars as pl

from detector.inference import Floats
from features.errors import WardenError

CODE_VERSION = "2"
"""Raised whenever a change of code changes scores; part of every model's version."""
MIN_REFERENCE = 20
"""Usable reference rows below which a model is not fitted (catalogue, 6.2 step 1)."""
SEED = 20240501
"""Seed of everything random in a fit; recorded with the model."""

Joint = Literal["alone", "both", "sum"]


class Scorer(Protocol):
    """Turns signed evidence into one raw score a row.

    `evidence` has shape (rows, features): percentiles among peers, already turned so that 1 is the
    suspicious end, NaN where a feature is missing. The raw score is higher where more suspicious
    and depends on nothing but the row, its key and what was fitted.
    """

    def fit(self, evidence: Floats, keys: pl.Series, seed: int) -> Self:
        """Learns from the reference rows; returns itself."""

    def score(self, evidence: Floats, keys: pl.Series) -> Floats:
        """Raw scores, shape (rows,)."""

    def save(self, folder: Path) -> None:
        """Writes what was learnt into an empty folder."""

    def load(self, folder: Path) -> Self:
        """Reads what `save` wrote; the caller has checked the files' hashes."""


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A model's card.

    Attributes:
        id: stable name, for example ``bid-cv``.
        typology: the typology it speaks for, or a family pattern such as ``MON-BID-*``.
        grain: the feature table it reads.
        features: names whose declared direction it uses; a feature without direction is refused.
        scorer: name of the registered scorer.
        family: id of the model of the whole family this one is read together with.
        joint: ``alone``; ``both`` (suspicious only where the family is too); ``sum`` (agreement).
        active: whether its suspicion is used; others are challengers, scored on request only.
        min_present: features a row must have.
        baseline: the single feature shown beside it; the first one when empty.
        source: literature and evidence for the choice.
    """

    id: str
    typology: str
    grain: str
    features: tuple[str, ...]
    scorer: str = "signed_rank"
    family: str = ""
    joint: Joint = "alone"
    active: bool = True
    min_present: int = 1
    baseline: str = ""
    source: str = ""

    @property
    def is_family(self) -> bool:
        """Whether it speaks for a whole family and gives no row of its own."""
        return self.typology.endswith("*")


_SPECS: dict[str, ModelSpec] = {}
_SCORERS: dict[str, Callable[[], Scorer]] = {}
_LOADING = threading.RLock()


def register(spec: ModelSpec) -> ModelSpec:
    """Adds a model. Raises `duplicate_model` when the id is taken by another."""
    if _SPECS.get(spec.id, spec) != spec:
        raise WardenError("duplicate_model", f"The model '{spec.id}' is defined twice.")
    _SPECS[spec.id] = spec
    return spec


def register_scorer(name: str, make: Callable[[], Scorer]) -> None:
    """Adds a way of scoring under a name that specs refer to."""
    _SCORERS[name] = make


def specs() -> tuple[ModelSpec, ...]:
    """All registered models, families before those that are read together with them."""
    with _LOADING:
        importlib.import_module("detector.models.shipped")
    return tuple(sorted(_SPECS.values(), key=lambda s: (bool(s.family), s.id)))


def make_scorer(name: str) -> Scorer:
    """A fresh scorer. Raises `unknown_scorer`."""
    specs()
    if name not in _SCORERS:
        raise WardenError("unknown_scorer", f"There is no scorer '{name}'.")
    return _SCORERS[name]()
