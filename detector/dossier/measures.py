"""A firm's features over time, each beside the band of its peers in the same period.

Everything is read from the results in force. Peers of a row are the subjects of the same period
and stratum (jurisdiction, market or kind, size: `detector.strata`), the firm's own economic group
left out; where fewer than `MIN_PEERS` have a value, the last criterion is dropped, as in every
judgement.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import polars as pl

from detector.comparison import held_peers
from detector.owners import OWNED, OWNER, Groups, with_owners
from detector.peers import KEY, MIN_PEERS, PERIOD
from detector.strata import in_strata, names_of
from features.catalogue import catalogue
from features.compute import FeatureFrame
from features.reliance import relied_on
from features.vocabulary import GRAINS

if TYPE_CHECKING:
    from detector.dossier.subject import Subject
    from detector.peers import GrainReference
    from detector.results import Manifest, Results
    from detector.system import System
    from features.catalogue import Feature

Row = dict[str, Any]
QUANTILES = (("p05", 0.05), ("q25", 0.25), ("median", 0.5), ("q75", 0.75), ("p95", 0.95))
MOST = 60
"""Series of one grain that are told; the rest is counted."""
SAME = [PERIOD, "period_end", "_level"]
_JOINT = frozenset(grain for grain, owned in OWNED.items() if owned.joint)


def measures(
    system: System,
    results: Results,
    manifest: Manifest,
    subject: Subject,
    periods: int = 24,
    typology: str | None = None,
) -> list[Row]:
    """The firm's features over time by grain, of subjects that are the firm or its own.

    Tenders, incidents and other one-time events are gathered: a point is the median over those of
    the firm in a period, beside the single ones of the others. Subjects made of several firms
    have no line of one of them.

    Args:
        periods: the last ones of each subject.
        typology: only its features.

    Returns:
        By grain `gathered` (whether points are such medians) and `series`, each one feature of
        one subject: `feature`, `title`, `unit`, `direction`, `typology`, `subject_key` and
        `points` (oldest first: `period_start`, `period_end`, `value` or null with `reason`, own
        `n`, `peers` with a value, and `band` or null with `band_reason`); and `hidden`, how many
        series are left out.
    """
    told = []
    for grain in _own_grains(results, manifest, subject):
        frame = _of_grain(results, manifest, subject, grain, periods)
        if frame is None:
            continue
        wanted = tuple(
            feature
            for feature in frame.features
            if typology in (None, feature.typology) and subject.within.allow(feature.typology)
        )
        if not wanted:
            continue
        frame = replace(frame, features=wanted)
        if GRAINS[grain].recurs:
            mine, held = subject.about(grain), held_peers(system, manifest, grain)
        else:
            # strata tell tenders apart by what a median over several of them has not
            frame, mine, held = _gathered(frame, subject), pl.col(KEY) == subject.firm_id, None
        bands = _bands(system, manifest, mine, frame, held)
        told.append(_told(frame, mine, bands, periods))
    return [one for one in told if one["series"]]


def recurring(results: Results, manifest: Manifest, subject: Subject) -> list[str]:
    """Grains with features in force whose subjects come again and can be the firm's own."""
    return [g for g in _own_grains(results, manifest, subject) if GRAINS[g].recurs]


def _own_grains(results: Results, manifest: Manifest, subject: Subject) -> list[str]:
    have = {name.split("-")[1] for name in results.names(manifest, "features-")}
    return sorted(grain for grain in have if grain not in _JOINT and subject.concerns(grain))


def _gathered(frame: FeatureFrame, subject: Subject) -> FeatureFrame:
    """The firm's rows of each period as one row under its id: medians, and how many had a value."""
    table, mine = frame.frame, subject.about(frame.grain)
    numbers = tuple(f for f in frame.features if table.schema[f.name].is_float())
    one = [
        expression
        for f in numbers
        for expression in (
            pl.col(f.name).median(),
            pl.col(f.name).count().cast(pl.Int64).alias(f"{f.name}__n"),
            pl.col(f"{f.name}__reason").drop_nulls().first(),
        )
    ]
    own = table.filter(mine).group_by(PERIOD, "period_end").agg(one)
    named = own.with_columns(pl.lit(subject.firm_id).alias(KEY))
    told = [KEY, PERIOD, "period_end", *(f.name for f in numbers)]
    others = table.filter(~mine).select(told)
    return FeatureFrame(frame.grain, pl.concat([named, others], how="diagonal"), numbers, (), ())


def _of_grain(
    results: Results, manifest: Manifest, subject: Subject, grain: str, periods: int
) -> FeatureFrame | None:
    """Rows of the grain in the periods the firm's subjects have; None where they have none."""
    own = [
        rows.filter(subject.about(grain)).select(PERIOD)
        for name in results.names(manifest, f"features-{grain}-")
        if (rows := results.read(manifest, name)) is not None
    ]
    starts = pl.concat(own).unique().sort(PERIOD).tail(periods).collect() if own else None
    if starts is None or starts.is_empty():
        return None
    whole = results.features(manifest, grain)
    assert whole is not None  # noqa: S101  one of its files has rows of the firm
    near = whole.join(starts, on=PERIOD, how="semi")
    features = tuple(f for f in catalogue().of_grain(grain) if f.name in near.columns)
    return relied_on(with_owners(FeatureFrame(grain, near, features, (), ())))


def _bands(
    system: System,
    manifest: Manifest,
    mine: pl.Expr,
    frame: FeatureFrame,
    held: GrainReference | None,
) -> pl.DataFrame:
    """Quantiles by own subject, period and feature, of the narrowest stratum with enough peers.

    Columns: `subject_key`, `period_start`, `feature`, the quantiles, `n`, `level`.
    """
    names = [f.name for f in frame.features if frame.frame.schema[f.name].is_float()]
    table = frame.frame.with_columns(_group=_groups(system, manifest, frame))
    if held is not None:
        strata = in_strata(table, held.peers, held.size, held.edges)
    else:
        strata = table.select()
    levels = [tuple(strata.columns[:k]) for k in range(len(strata.columns), -1, -1)]
    found: list[pl.DataFrame] = []
    for depth, level in enumerate(levels):
        named = table.with_columns(_level=names_of(strata, level, table.height))
        own = named.filter(mine).select(*SAME, _own=KEY, _mine="_group")
        peers = own.join(named.filter(~mine), on=SAME).filter(
            pl.col("_group").ne_missing(pl.col("_mine")) | pl.col("_group").is_null()
        )
        found.append(_quantiles(peers, names).with_columns(depth=pl.lit(depth)))
    every = pl.concat(found)
    enough = every.filter(pl.col("n") >= MIN_PEERS).sort("depth")
    place = [KEY, PERIOD, "feature"]
    chosen = enough.unique(place, keep="first", maintain_order=True)
    few = every.sort("depth", descending=True).unique(place, keep="first", maintain_order=True)
    few = few.join(chosen, on=place, how="anti")
    return pl.concat([chosen, few])


def _groups(system: System, manifest: Manifest, frame: FeatureFrame) -> pl.Series:
    snapshot = system.lake.pinned(manifest.versions, manifest.known_at)
    if OWNER not in frame.frame.columns:
        return pl.Series([None], dtype=pl.String).new_from_index(0, frame.frame.height)
    return Groups.known(system.lake, snapshot).behind(frame.frame[OWNER], frame.grain)


def _quantiles(peers: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """Of each feature among the peers of each own row, linear between ranks (type 7)."""
    long = peers.unpivot(
        names, index=["_own", PERIOD, "_level"], variable_name="feature", value_name="value"
    ).drop_nulls("value")
    value = pl.col("value").cast(pl.Float64)
    return long.group_by(pl.col("_own").alias(KEY), PERIOD, "feature", level="_level").agg(
        *(value.quantile(q, interpolation="linear").alias(name) for name, q in QUANTILES),
        n=pl.len().cast(pl.Int64),
    )


def _told(frame: FeatureFrame, mine: pl.Expr, bands: pl.DataFrame, periods: int) -> Row:
    by_place = {(row[KEY], row[PERIOD], row["feature"]): row for row in bands.iter_rows(named=True)}
    own = frame.frame.filter(mine).sort(KEY, PERIOD)
    series = []
    for (key,), rows in own.group_by(KEY, maintain_order=True):
        last = rows.tail(periods).to_dicts()
        for feature in frame.features:
            if any(row[feature.name] is not None for row in last):
                points = [_point(row, feature, by_place) for row in last]
                series.append(_series(feature, str(key), points))
    return {
        "grain": frame.grain,
        "gathered": not GRAINS[frame.grain].recurs,
        "series": series[:MOST],
        "hidden": max(0, len(series) - MOST),
    }


def _series(feature: Feature, key: str, points: list[Row]) -> Row:
    return {
        "feature": feature.name,
        "title": dict(feature.title),
        "unit": feature.unit,
        "direction": feature.direction,
        "typology": feature.typology,
        "subject_key": key,
        "points": points,
    }


def _point(row: Row, feature: Feature, bands: dict[tuple[Any, ...], Row]) -> Row:
    found = bands.get((row[KEY], row[PERIOD], feature.name))
    enough = found is not None and found["n"] >= MIN_PEERS
    return {
        "period_start": row[PERIOD],
        "period_end": row["period_end"],
        "value": row[feature.name],
        "reason": row.get(f"{feature.name}__reason"),
        "n": row.get(f"{feature.name}__n"),
        "band": {name: found[name] for name, _ in QUANTILES} | {"level": found["level"]}
        if found is not None and enough
        else None,
        "peers": found["n"] if found is not None else 0,
        "band_reason": None if enough else "too_few",
    }
