"""A subject beside its nearest peers, as the run in force compared it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import polars as pl

from detector.extracts import manifest_of
from detector.nearest import NEAREST, Nearest, nearest
from detector.owners import Groups, with_owners
from detector.results import Manifest, Results
from features.errors import WardenError

if TYPE_CHECKING:
    from detector.peers import GrainReference
    from detector.system import System
    from features.compute import FeatureFrame


@dataclass(frozen=True)
class Compared:
    """One row of a feature table and the peers most like it.

    Attributes:
        values: the subject's own features of the typology; null where it has none.
    """

    typology: str
    grain: str
    subject_key: str
    period_start: date
    period_end: date
    values: dict[str, float | None]
    peers: Nearest

    def as_dict(self) -> dict[str, Any]:
        """Plain data for printing and JSON."""
        found = self.peers
        return {
            "typology": self.typology,
            "grain": self.grain,
            "subject_key": self.subject_key,
            "period_start": self.period_start.isoformat(),
            "period_end": self.period_end.isoformat(),
            "reference": found.version,
            "level": found.level,
            "candidates": found.candidates,
            "enough": found.enough,
            "features": [
                {
                    "feature": name,
                    "value": value,
                    "peer_median": found.medians.get(name),
                    "scale": found.scales.get(name),
                    "compared": name in found.features,
                }
                for name, value in self.values.items()
            ],
            "peers": [
                row | {"period_start": row["period_start"].isoformat()}
                for row in found.rows.iter_rows(named=True)
            ],
        }


def nearest_peers(
    system: System, subject: str, typology: str, period: date | None = None, k: int = NEAREST
) -> Compared:
    """The subject's row of the typology's features and the peers most like it.

    Args:
        subject: subject key as in the exports.
        period: a day of the period asked about; the latest period without it.

    Raises:
        WardenError: `unknown_typology`; `nothing_judged`; `unknown_subject` where no feature of
            the typology is about it in that period.
    """
    results = Results(system.home)
    manifest = manifest_of(system, results, None)
    for grain in grains_of(typology):
        row = subject_row(results, manifest, grain, typology, subject, period)
        if row is not None:
            return compared(system, manifest, typology, row, k)
    when = f" in the period of {period}" if period else ""
    raise WardenError(
        "unknown_subject",
        f"No feature of {typology} is about {subject}{when}.",
        f"See the keys: warden export features:{grains_of(typology)[0]} --out features.csv",
        "not_found",
    )


def grains_of(typology: str) -> list[str]:
    """Grains of the typology's features, its own first."""
    from features.catalogue import catalogue
    from features.vocabulary import TYPOLOGIES

    if typology not in TYPOLOGIES:
        raise WardenError(
            "unknown_typology",
            f"There is no typology {typology}.",
            "docs/reference/typologies.md names them all.",
        )
    found = dict.fromkeys(f.grain for f in catalogue().of_typology(typology))
    return sorted(found, key=lambda g: (g != TYPOLOGIES[typology].grain, g))


def subject_row(
    results: Results,
    manifest: Manifest,
    grain: str,
    typology: str,
    subject: str,
    period: date | None,
) -> FeatureFrame | None:
    """The judged row, without values that rest on too few cases."""
    from features.catalogue import catalogue
    from features.compute import FeatureFrame
    from features.reliance import relied_on

    stored = results.read(manifest, f"features-{grain}-{typology}")
    if stored is None:
        return None
    inside = pl.lit(value=True)
    if period is not None:
        inside = pl.lit(period).is_between("period_start", "period_end")
    rows = stored.filter(pl.col("subject_key") == subject, inside).collect()
    if rows.is_empty():
        return None
    features = tuple(
        f for f in catalogue().of_typology(typology) if f.grain == grain and f.name in rows.columns
    )
    last = rows.sort("period_start").tail(1)
    return relied_on(FeatureFrame(grain, last, features, (), ()))


def compared(
    system: System, manifest: Manifest, typology: str, row: FeatureFrame, k: int
) -> Compared:
    """The row beside the frozen peers its run cites."""
    snapshot = system.lake.pinned(manifest.versions, manifest.known_at)
    owned, groups = with_owners(row).frame, Groups.known(system.lake, snapshot)
    names = [f.name for f in row.features if owned.schema[f.name].is_float()]
    found = nearest(owned, held_peers(system, manifest, row.grain), names, groups, k)
    first = owned.row(0, named=True)
    return Compared(
        typology, row.grain, first["subject_key"], first["period_start"], first["period_end"],
        {n: first[n] for n in names}, found,
    )  # fmt: skip


def held_peers(system: System, manifest: Manifest, grain: str) -> GrainReference | None:
    """The frozen peers of a grain that the run was judged beside; the current ones before that."""
    from detector.models.artifacts import load_current, load_set

    folder = system.home / "models"
    cited = manifest.judges.get("models")
    fitted = load_set(folder, cited) if cited else None
    fitted = fitted or load_current(folder, None)
    return fitted.reference.grains.get(grain) if fitted else None
