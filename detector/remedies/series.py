"""One feature over time: of a subject, and of everybody who could be its peer."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from detector.comparison import held_peers
from detector.owners import OWNER, Groups, with_owners
from detector.peers import KEY, PERIOD
from detector.remedies.difference import Floats
from detector.strata import EVERYBODY, in_strata, names_of
from features.compute import FeatureFrame
from features.reliance import relied_on

if TYPE_CHECKING:
    from detector.peers import GrainReference
    from detector.results import Manifest, Results
    from detector.system import System
    from features.catalogue import Feature

PERIODS = 24
"""The last ones of the subject."""
END = "period_end"
GROUP = "_group"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whose series is asked for.

    Attributes:
        decided_on: strata are those of the last period that ended before: a remedy may itself
            move its subject into another one.
        apart: subjects or firms that are no peers, such as the parties of a case.
    """

    feature: Feature
    subject_key: str
    decided_on: date
    apart: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Series:
    """A feature by period.

    Attributes:
        periods: first and last day, oldest first.
        own: the subject's values, NaN where it has none.
        others: by stratum, the narrowest first, the values of its other subjects, peers by
            period; the last one is everybody.
    """

    periods: Sequence[tuple[date, date]]
    own: Floats
    others: Sequence[tuple[str, Floats]]


def series_of(
    system: System, results: Results, manifest: Manifest, wanted: Wanted
) -> Series | None:
    """The series of a subject; None where it has no value in any period."""
    feature = wanted.feature
    whole = results.features(manifest, feature.grain, (feature.typology,))
    if whole is None or feature.name not in whole.columns:
        return None
    frame = relied_on(with_owners(FeatureFrame(feature.grain, whole, (feature,), (), ())))
    table = frame.frame.with_columns(_groups(system, manifest, frame).alias(GROUP))
    own = table.filter(pl.col(KEY) == wanted.subject_key).sort(PERIOD).tail(PERIODS)
    if own[feature.name].null_count() == own.height:
        return None
    near = table.join(own.select(PERIOD, END), on=[PERIOD, END], how="semi")
    peers = near.filter(~_no_peers(table, wanted))
    held = held_peers(system, manifest, feature.grain)
    starts = own[PERIOD].to_list()
    return Series(
        periods=list(own.select(PERIOD, END).iter_rows()),
        own=own[feature.name].cast(pl.Float64).fill_null(float("nan")).to_numpy(),
        others=[
            (name, _wide(peers.filter(pl.col(KEY).is_in(keys)), feature.name, starts))
            for name, keys in _strata(near, wanted, held)
        ],
    )


def _no_peers(table: pl.DataFrame, wanted: Wanted) -> pl.Expr:
    """True for the subject, those kept apart, and the economic groups of either."""
    names = sorted({wanted.subject_key, *wanted.apart})
    named = pl.col(KEY).is_in(names)
    if OWNER in table.columns:
        named |= pl.col(OWNER).is_in(names).fill_null(value=False)
    groups = table.filter(named)[GROUP].drop_nulls().unique().to_list()
    return named | pl.col(GROUP).is_in(groups).fill_null(value=False)


def _strata(
    near: pl.DataFrame, wanted: Wanted, held: GrainReference | None
) -> list[tuple[str, list[str]]]:
    """Strata of the subject before the decision, the narrowest first, and who else was in them."""
    before = near.filter(pl.col(END) < wanted.decided_on).sort(PERIOD)
    last = before.unique(KEY, keep="last", maintain_order=True)
    strata = in_strata(last, held.peers, held.size, held.edges) if held else last.select()
    mine, found = last[KEY] == wanted.subject_key, []
    for depth in range(len(strata.columns), 0, -1):
        level = names_of(strata, tuple(strata.columns[:depth]), last.height)
        name = level.filter(mine)
        if name.len():
            found.append((str(name[0]), last.filter(level == name[0])[KEY].to_list()))
    return [*found, (EVERYBODY, near[KEY].unique().to_list())]


def _wide(rows: pl.DataFrame, feature: str, periods: Sequence[date]) -> Floats:
    """Subjects by period, NaN where there is no value."""
    keys = {key: at for at, key in enumerate(sorted(rows[KEY].unique()))}
    starts = {start: at for at, start in enumerate(periods)}
    values = np.full((len(keys), len(starts)), np.nan)
    have = rows.drop_nulls(feature)
    if have.height:
        at = have[KEY].replace_strict(keys, return_dtype=pl.Int64).to_numpy()
        when = have[PERIOD].replace_strict(starts, return_dtype=pl.Int64).to_numpy()
        values[at, when] = have[feature].cast(pl.Float64).to_numpy()
    return values


def _groups(system: System, manifest: Manifest, frame: FeatureFrame) -> pl.Series:
    """The economic group behind each row; null for nobody's."""
    if OWNER not in frame.frame.columns:
        return pl.Series([None], dtype=pl.String).new_from_index(0, frame.frame.height)
    snapshot = system.lake.pinned(manifest.versions, manifest.known_at)
    return Groups.known(system.lake, snapshot).behind(frame.frame[OWNER], frame.grain)
