"""Similar firms: the nearest by what every firm shows, or by the features of one suspicion."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from detector.comparison import compared, grains_of
from detector.database import reading
from detector.dossier.alerts import open_alerts_of
from detector.dossier.identity import names_of
from detector.dossier.measures import recurring
from detector.dossier.parties import FIRM, key_kinds
from detector.dossier.profile import FIGURES, GRAIN, profiles
from detector.nearest import NEAREST, nearest
from detector.owners import Groups
from detector.peers import KEY, PERIOD
from features.catalogue import catalogue
from features.compute import FeatureFrame
from features.reliance import relied_on

if TYPE_CHECKING:
    from detector.dossier.subject import Subject
    from detector.results import Manifest, Results
    from detector.system import System

Row = dict[str, Any]


def similar_firms(system: System, subject: Subject) -> Row | None:
    """The ten firms most like the firm in size, markets, tenders, apps and shops.

    Peers are of the same sector and country where these have enough firms; the economic group is
    left out.

    Returns:
        `level` (the stratum), `candidates`, `enough` (of them for a percentile), `features` (each
        with `title`, `unit`, `value`, `peer_median`, `scale`, and whether it was `compared`) and
        `peers`, the nearest first, each with `firm_id`, names, `distance`, `shared` (features
        compared), `open_alerts` and `values`. None where the firm shows none of the figures.
    """
    held = profiles(system.lake, subject.snapshot)
    row = held.rows.filter(pl.col(KEY) == subject.firm_id)
    if row.is_empty():
        return None
    groups = Groups.known(system.lake, subject.snapshot)
    found = nearest(row, held, list(FIGURES), groups, NEAREST)
    if not found.features:
        return None
    values = row.row(0, named=True)
    features = [
        {
            "feature": name,
            "title": title,
            "unit": unit,
            "value": values[name],
            "peer_median": found.medians.get(name),
            "scale": found.scales.get(name),
            "compared": name in found.features,
        }
        for name, (title, unit) in FIGURES.items()
    ]
    told: Row = {"by": "profile", "typology": None, "grain": GRAIN, "period_start": None}
    told |= {"level": found.level, "candidates": found.candidates, "enough": found.enough}
    return told | {"features": features, "peers": _peers(system, subject, GRAIN, found.rows)}


def similar_by(
    system: System, results: Results, manifest: Manifest, subject: Subject, typology: str
) -> Row | None:
    """The same by the features of a typology, among the frozen peers of its judgement.

    The firm's last row with the most values is compared. None where no feature of the typology
    is about the firm.

    Raises:
        WardenError: `unknown_typology`.
    """
    grains_of(typology)
    rows = [
        row
        for grain in recurring(results, manifest, subject)
        if FIRM in key_kinds(grain)
        and (row := _latest(results, manifest, subject, typology, grain)) is not None
    ]
    if not rows:
        return None
    found = compared(system, manifest, typology, max(rows, key=_filled), NEAREST)
    told = found.as_dict()
    wanted = ("typology", "grain", "period_start", "level", "candidates", "enough")
    return (
        {"by": "features"}
        | {name: told[name] for name in wanted}
        | {
            "features": [f | _words(f["feature"]) for f in told["features"]],
            "peers": _peers(system, subject, told["grain"], found.peers.rows),
        }
    )


def _latest(
    results: Results, manifest: Manifest, subject: Subject, typology: str, grain: str
) -> FeatureFrame | None:
    """The firm's last row of the typology's features, where one of them has a value."""
    stored = results.read(manifest, f"features-{grain}-{typology}")
    if stored is None:
        return None
    rows = stored.filter(subject.about(grain)).sort(PERIOD, KEY).tail(1).collect()
    features = tuple(
        f
        for f in catalogue().of_typology(typology)
        if f.grain == grain and f.name in rows.columns and f.kind != "class"
    )
    frame = relied_on(FeatureFrame(grain, rows, features, (), ()))
    return frame if rows.height and _filled(frame) else None


def _filled(row: FeatureFrame) -> int:
    return sum(row.frame[f.name][0] is not None for f in row.features)


def _words(feature: str) -> Row:
    known = catalogue().features[feature]
    return {"title": dict(known.title), "unit": known.unit}


def _peers(system: System, subject: Subject, grain: str, rows: pl.DataFrame) -> list[Row]:
    kinds = key_kinds(grain)
    key = pl.col(KEY)
    firm = key if len(kinds) == 1 else key.str.split("/").list.get(kinds.index(FIRM))
    named = rows.with_columns(firm.alias("_firm"))
    words = names_of(system.lake, subject, named["_firm"].to_list())
    with reading(system.engine) as connection:
        waiting = open_alerts_of(connection, {*named["_firm"], *named[KEY]}, subject.within)
    about = (KEY, PERIOD, "distance", "shared", "_firm")
    return [
        {
            "firm_id": row["_firm"],
            "name": words.get(row["_firm"], {}).get("name"),
            "name_zh": words.get(row["_firm"], {}).get("name_zh"),
            "subject_key": row[KEY],
            "distance": row["distance"],
            "shared": row["shared"],
            "open_alerts": sum(waiting.get(k, 0) for k in {row["_firm"], row[KEY]}),
            "values": {n: v for n, v in row.items() if n not in about},
        }
        for row in named.iter_rows(named=True)
    ]
