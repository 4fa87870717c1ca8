"""One fitted model and the set in force: what scoring needs, frozen and named by content."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np

from detector.models.base import CODE_VERSION, MIN_REFERENCE, Detector, ModelSpec
from detector.models.reference import Calibration
from detector.owners import Groups
from detector.peers import Reference

LIBRARIES = ("numpy", "polars", "scipy", "scikit-learn", "pyod")
"""Recorded with every model, besides those its detector names."""


@dataclass(frozen=True)
class FittedModel:
    """A model with its frozen calibration.

    Attributes:
        features: those of the spec that the reference had; the order of the evidence.
        calibration: raw scores of the reference rows.
        joint_calibration: for ``sum`` models the calibration of the combined score.
        rho: for ``sum`` models the correlation of own and family evidence.
        usable: false where the reference was too small; every row is then not evaluable.
    """

    spec: ModelSpec
    version: str
    features: tuple[str, ...]
    scorer: Detector
    calibration: Calibration
    joint_calibration: Calibration | None
    rho: float
    seed: int
    libraries: Mapping[str, str]

    @property
    def usable(self) -> bool:
        """Whether enough reference rows were seen to judge anybody."""
        return self.calibration.n >= MIN_REFERENCE

    def card(self) -> dict[str, Any]:
        """Everything about the model that is not an array, as plain JSON data."""
        return {
            "spec": asdict(self.spec),
            "version": self.version,
            "features": list(self.features),
            "n": self.calibration.n,
            "rho": self.rho,
            "seed": self.seed,
            "code_version": CODE_VERSION,
            "libraries": dict(self.libraries),
        }


@dataclass(frozen=True)
class FittedSet:
    """The frozen peers and every model fitted on them.

    Attributes:
        snapshot_id: the lake snapshot it was fitted on.
        known_as_of: what was known then.
    """

    reference: Reference
    models: Mapping[str, FittedModel]
    snapshot_id: str
    known_as_of: datetime

    def __len__(self) -> int:
        return len(self.models)

    def __iter__(self) -> Iterator[FittedModel]:
        return iter(self.models[k] for k in sorted(self.models))

    @property
    def digest(self) -> str:
        """Names the content: equal digests score equally."""
        versions = [f"{m.spec.id}={m.version}" for m in self]
        text = "|".join([self.reference.digest, *versions])
        return hashlib.sha256(text.encode()).hexdigest()

    def digest_of(self, typology: str) -> str:
        """The same for what judges one typology: its models, their families and its peers."""
        mine = [m for m in self if m.spec.typology == typology]
        names = {m.spec.id for m in mine} | {m.spec.family for m in mine if m.spec.family}
        parts = [f"{n}={self.models[n].version}" for n in sorted(names) if n in self.models]
        grains = sorted({m.spec.grain for m in mine} & set(self.reference.grains))
        parts += [self.reference.grains[g].digest() for g in grains]
        return hashlib.sha256("|".join(parts).encode()).hexdigest()

    def beside(self, groups: Groups) -> FittedSet:
        """The same set, applied with the economic groups known now."""
        return replace(self, reference=replace(self.reference, groups=groups))

    def cited(self) -> dict[str, str]:
        """Names under which the peers and the whole set are stored, for a run's manifest."""
        return {"peers": self.reference.version, "models": self.digest}

    def describe(self) -> list[dict[str, Any]]:
        """One row a model for people: what it looks at and what it was fitted on."""
        return [
            {
                "model": m.spec.id,
                "version": m.version,
                "grain": m.spec.grain,
                "typologies": m.spec.typology,
                "features": ", ".join(m.features),
                "scorer": m.spec.scorer,
                "n": m.calibration.n,
                "fitted_on": self.known_as_of.isoformat(),
                "active": m.spec.active and m.usable,
                "source": m.spec.source,
            }
            for m in self
        ]


def content_version(model: FittedModel) -> str:
    """Twelve hex digits of everything that decides a score."""
    h = hashlib.sha256()
    card = {k: v for k, v in model.card().items() if k not in ("version", "libraries")}
    h.update(repr(sorted(card.items())).encode())
    if model.scorer.card.libraries:
        used = {name: model.libraries[name] for name in model.scorer.card.libraries}
        h.update(repr(sorted(used.items())).encode())
    for calibration in (model.calibration, model.joint_calibration):
        if calibration is not None:
            h.update(np.ascontiguousarray(calibration.scores).tobytes())
            h.update("\0".join(calibration.keys.to_list()).encode())
    return h.hexdigest()[:12]
