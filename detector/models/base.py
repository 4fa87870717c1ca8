"""What a model is, what a detector is, and the registries they join.

Adding a model means one entry: a `ModelSpec` registered in a module of this package (or any module
imported before fitting). A new way of scoring is a `Detector`: one class, named in `SHIPPED`, given
to `register_detector`, or brought by an installed package through the entry point group
`marketwarden.detectors`.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, Self

import numpy as np
import polars as pl

from detector.inference import Floats
from features.errors import WardenError

CODE_VERSION = "3"
"""Raised whenever a change of code changes scores; part of every model's version."""
MIN_REFERENCE = 20
"""Usable reference rows below which a model is not fitted (catalogue, 6.2 step 1)."""
SEED = 20240501
"""Seed of everything random in a fit; recorded with the model."""
ENTRY_POINTS = "marketwarden.detectors"
"""Group under which an installed package names its detectors: a class, or a function making one."""
SHIPPED = {
    "copod": "ecod:Copod",
    "ecod": "ecod:Ecod",
    "extra_trees": "supervised:ExtraTrees",
    "gap": "first_column:Gap",
    "hbos": "hbos:Hbos",
    "isolation_forest": "isolation_forest:IsolationForest",
    "knn": "knn:Knn",
    "logistic": "supervised:Logistic",
    "pca": "pca:Pca",
    "signed_rank": "signed_rank:SignedRank",
    "signed_rank_any": "signed_rank:SignedRankAny",
    "size": "first_column:Size",
}
"""The product's own detectors: module of `detector.models.detectors` and class."""

Joint = Literal["alone", "both", "sum"]


@dataclass(frozen=True, slots=True)
class DetectorCard:
    """What a user must know of a detector before trusting it.

    Attributes:
        name: the name specs refer to.
        title: what it is, in a few words.
        assumptions: what must hold for its ranking to mean something.
        min_rows: reference rows below which it refuses to fit.
        invariance: which changes of the evidence leave the ranking as it is.
        direction: ``monotone`` when more suspicious evidence never lowers a score; ``average``
            when it raises scores on the whole only.
        reads: ``signs`` of suspicion; or ``size``, percentiles upwards whatever a feature declares.
        supervised: whether it learns from labels.
        baseline: whether it is here to be beaten.
        alike: for scores that are percentiles: two in the middle that lie at most this far apart
            are told apart by nothing but noise, so they count as tied when p-values are reckoned.
        libraries: packages whose version can change a score.
        source: literature.
    """

    name: str
    title: str
    assumptions: str
    min_rows: int
    invariance: str
    direction: Literal["monotone", "average"] = "monotone"
    reads: Literal["signs", "size"] = "signs"
    supervised: bool = False
    baseline: bool = False
    alike: float = 0.0
    libraries: tuple[str, ...] = ()
    source: str = ""


class Detector(Protocol):
    """Turns signed evidence into one raw score a row.

    `evidence` has shape (rows, features): percentiles among peers, turned so that 1 is the
    suspicious end, missing ones already at the neutral 0.5. The raw score is higher where more
    suspicious and depends on the row, its key and what was fitted, on nothing else.
    """

    @property
    def card(self) -> DetectorCard:
        """What it assumes and asks for."""

    def fit(
        self, evidence: Floats, keys: pl.Series, seed: int, labels: Floats | None = None
    ) -> Self:
        """Learns from the reference rows; returns itself. Unsupervised ones ignore `labels`.

        Raises:
            WardenError: see `check_reference`.
        """

    def score(self, evidence: Floats, keys: pl.Series) -> Floats:
        """Raw scores, shape (rows,). Raises `null_evidence`."""

    def save(self, folder: Path) -> None:
        """Writes what was learnt into an empty folder, as data: never pickled objects."""

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
        scorer: name of the detector that scores.
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
_ADDED: dict[str, Callable[[], Detector]] = {}
_LOADING = threading.RLock()


def register(spec: ModelSpec) -> ModelSpec:
    """Adds a model. Raises `duplicate_model` when the id is taken by another."""
    if _SPECS.get(spec.id, spec) != spec:
        raise WardenError("duplicate_model", f"The model '{spec.id}' is defined twice.")
    _SPECS[spec.id] = spec
    return spec


def specs() -> tuple[ModelSpec, ...]:
    """All registered models, families before those that are read together with them."""
    with _LOADING:
        importlib.import_module("detector.models.shipped")
    return tuple(sorted(_SPECS.values(), key=lambda s: (bool(s.family), s.id)))


def register_detector(name: str, make: Callable[[], Detector]) -> None:
    """Adds a detector for this process. Raises `duplicate_detector` for a name of the product."""
    if name in SHIPPED:
        raise _taken(name)
    _ADDED[name] = make


def detectors() -> Mapping[str, Callable[[], Detector]]:
    """Every detector by name: the product's own, those added, those of installed packages.

    Raises:
        WardenError: `duplicate_detector` when a package takes a name of another.
    """
    found: dict[str, Callable[[], Detector]] = {n: _shipped(n) for n in sorted(SHIPPED)}
    found |= _ADDED
    for entry in importlib.metadata.entry_points(group=ENTRY_POINTS):
        if entry.name in found:
            raise _taken(entry.name)
        found[entry.name] = _plugged(entry)
    return found


def make_detector(name: str) -> Detector:
    """A fresh detector. Raises `unknown_detector`; `broken_detector` when its package fails."""
    if name in SHIPPED:
        return _shipped(name)()
    known = detectors()
    if name not in known:
        raise WardenError(
            "unknown_detector", f"There is no detector '{name}'.", f"Known: {', '.join(known)}."
        )
    return known[name]()


def _shipped(name: str) -> Callable[[], Detector]:
    def make() -> Detector:
        module, made = SHIPPED[name].split(":")
        detector: Detector = getattr(
            importlib.import_module(f"detector.models.detectors.{module}"), made
        )()
        return detector

    return make


def _plugged(entry: importlib.metadata.EntryPoint) -> Callable[[], Detector]:
    def make() -> Detector:
        try:
            detector: Detector = entry.load()()
            named = detector.card.name
        except Exception as error:
            raise WardenError(
                "broken_detector",
                f"The detector '{entry.name}' ({entry.value}) cannot be made: {error}",
                "Mend or remove the package that brings it.",
            ) from error
        if named != entry.name:
            raise WardenError(
                "broken_detector",
                f"The detector '{entry.name}' ({entry.value}) calls itself '{named}'.",
                "Its entry point and its card must agree.",
            )
        return detector

    return make


def _taken(name: str) -> WardenError:
    return WardenError(
        "duplicate_detector",
        f"The detector '{name}' is defined twice.",
        "Give yours a name of its own; those of the product cannot be replaced.",
    )


def check_reference(
    card: DetectorCard, evidence: Floats, keys: pl.Series, labels: Floats | None = None
) -> None:
    """What every detector asks of its reference before it learns.

    Raises:
        WardenError: `null_evidence`; `too_few_reference`, naming the least number of rows;
            `labels_needed` when one that learns from labels lacks one of the two classes.
    """
    check_evidence(evidence, keys)
    if len(evidence) < card.min_rows:
        raise WardenError(
            "too_few_reference",
            f"'{card.name}' needs at least {card.min_rows} reference rows, not {len(evidence)}.",
        )
    if not card.supervised:
        return
    if labels is None or len(labels) != len(evidence) or set(np.unique(labels)) != {0.0, 1.0}:
        raise WardenError(
            "labels_needed",
            f"'{card.name}' learns from reviewed cases and needs a label of 0 or 1 for every row,"
            " both of them present.",
            "Review some more, or use a detector that needs no labels.",
        )


def check_evidence(evidence: Floats, keys: pl.Series) -> None:
    """Raises `null_evidence` for what is no finite number, `bad_shape` for rows without keys."""
    if evidence.ndim != 2 or len(evidence) != len(keys):
        raise WardenError("bad_shape", "Evidence needs a row for each key and a column a feature.")
    if not np.isfinite(evidence).all():
        raise WardenError(
            "null_evidence",
            "Evidence holds a null or infinite number.",
            "Fill what is missing with the neutral 0.5 first (`signed_evidence` does).",
        )
