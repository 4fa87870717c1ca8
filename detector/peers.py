"""Frozen peers: where a subject stands among comparable subjects, itself and its group left out.

A `Reference` is a sample of the subjects of one moment. Every figure of a row depends on that
frozen sample and on the row alone, never on the rows judged beside it, so a row judged alone and
a row judged in a batch get the same numbers (section 6.2 of the domain catalogue).

Strata are the peer columns of a feature table in their order; where fewer than 20 usable peers
remain, the last column is dropped, and the level used is kept with the figure.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from numpy.typing import NDArray

from detector.inference import Floats
from detector.order_statistics import Sample, Without, robust_scale
from detector.owners import OWNER, Groups
from detector.strata import DECILE, cut, in_strata, names_of
from detector.strata import EVERYBODY as EVERYBODY

if TYPE_CHECKING:
    from features.compute import FeatureFrame

Ints = NDArray[np.int64]

MIN_PEERS = 20
"""Usable peers below which a stratum is too small (catalogue, 6.2 step 1)."""
STRATUM_CAP = 20_000
"""Rows kept of one stratum: the standard error of a percentile stays below 0.0036."""
PARENT_WEIGHT = MIN_PEERS
"""Peers' worth of weight a wider stratum has in a standing drawn towards it (catalogue, 6.2 step 1
and 6.3): a stratum of the least size counts as much as its parent, a large one stands alone."""
OWN_PAIRS = 4_000_000
"""Pairs of a row and an entry of its own subject that leaving it out may cost in one grain (ENG).

Days of shops make a hundred times as many; then each subject keeps an even share of its periods.
"""
NO_PEERS = "none"
"""Cited where the grain has no frozen peers."""
KEY, PERIOD = "subject_key", "period_start"
VERSION_DIGITS = 12


@dataclass(frozen=True)
class GrainReference:
    """The peers of one grain.

    Attributes:
        peers: stratum columns, the most important first.
        features: names of the numeric features held.
        rows: `subject_key`, `period_start`, `_owner` (see `detector.owners`), the stratum columns
            as text, and one column per feature; sorted.
        size: attribute whose deciles are a stratum; empty for none.
        edges: where the deciles are cut, see `detector.strata`.
    """

    grain: str
    peers: tuple[str, ...]
    features: tuple[str, ...]
    rows: pl.DataFrame
    size: str = ""
    edges: pl.DataFrame = field(default_factory=pl.DataFrame)

    def digest(self) -> str:
        """Names the content: the same peers give the same name on every machine."""
        return self._digest

    @property
    def version(self) -> str:
        """The short name under which a judgement cites these peers."""
        return self._digest[:VERSION_DIGITS]

    @cached_property
    def _digest(self) -> str:
        head = (self.grain, self.peers, self.features, self.rows.height, self.size)
        h = hashlib.sha256(repr(head).encode())
        texts = self.rows.select(KEY, pl.col(PERIOD).cast(pl.String), OWNER, *self.peers)
        for column in texts.fill_null(""):
            h.update("\0".join(column.to_list()).encode())
        for name in self.features:
            h.update(self.rows[name].to_numpy().astype("<f8").tobytes())
        h.update(repr(self.edges.rows()).encode())
        return h.hexdigest()


@dataclass(frozen=True)
class Reference:
    """Frozen peers by grain.

    Attributes:
        groups: economic groups as known now; they are no part of what is frozen, so that a group
            that becomes known is left out at once.
    """

    grains: Mapping[str, GrainReference]
    groups: Groups = field(default_factory=Groups.nobody)

    @cached_property
    def digest(self) -> str:
        """A hash of all peers."""
        text = "".join(self.grains[g].digest() for g in sorted(self.grains))
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def version(self) -> str:
        """The short name under which these peers are stored."""
        return self.digest[:VERSION_DIGITS]


def stable_hash(keys: pl.Series, salt: str = "") -> NDArray[np.uint64]:
    """A 64-bit hash of each key that is the same in every process, version and machine."""
    unique = keys.unique()
    values = [
        int.from_bytes(hashlib.blake2b(f"{salt}{k}".encode(), digest_size=8).digest(), "big")
        for k in unique
    ]
    table = pl.DataFrame({"k": unique, "h": pl.Series(values, dtype=pl.UInt64)})
    return (
        pl.DataFrame({"k": keys})
        .join(table, on="k", how="left", maintain_order="left")["h"]
        .to_numpy()
    )


def numeric_features(frame: FeatureFrame) -> tuple[str, ...]:
    """Features of a table that are numbers; classes have no percentile."""
    schema = frame.frame.schema
    return tuple(f.name for f in frame.features if f.name in schema and schema[f.name].is_float())


def fit_reference(frames: Mapping[str, FeatureFrame], groups: Groups | None = None) -> Reference:
    """Freezes the peers of every grain, to be applied with the groups known now.

    Strata above `STRATUM_CAP` rows are sampled by key hash, and subjects with so many periods that
    leaving them out would take more than `OWN_PAIRS` pairs by a hash of key and period.
    """
    grains = {grain: _fit_grain(frame) for grain, frame in sorted(frames.items())}
    return Reference(grains, groups or Groups.nobody())


def _fit_grain(frame: FeatureFrame) -> GrainReference:
    names, table = numeric_features(frame), frame.frame
    size = frame.size if frame.size in table.columns else ""
    wanted = [p for p in frame.peers if p in table.columns or (p == DECILE and size)]
    edges = cut(table, tuple(wanted), size)
    strata = in_strata(table, tuple(wanted), size, edges)
    peers = tuple(strata.columns)
    owner = OWNER if OWNER in table.columns else pl.lit(None, pl.String).alias(OWNER)
    everything = table.select(KEY, PERIOD, owner, *names).hstack(strata.get_columns())
    everything = everything.select(KEY, PERIOD, OWNER, *peers, *names)
    rows = everything
    if rows.height > STRATUM_CAP:
        hashed = rows.with_columns(_h=pl.Series(stable_hash(rows[KEY])))
        place = pl.col("_h").rank("ordinal")
        kept = place.over(list(peers)) if peers else place
        rows = hashed.filter(kept <= STRATUM_CAP).drop("_h")
    rows = _thinned(rows, everything).sort(KEY, PERIOD)
    return GrainReference(frame.grain, peers, names, rows, size if DECILE in peers else "", edges)


def _thinned(kept: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """At most so many periods of each subject that `OWN_PAIRS` holds; all of them as a rule."""
    entries = kept.group_by(KEY).agg(entries=pl.len().cast(pl.Int64))
    sizes = rows.group_by(KEY).agg(rows=pl.len().cast(pl.Int64)).join(entries, on=KEY)
    if (sizes["rows"] * sizes["entries"]).sum() <= OWN_PAIRS:
        return kept
    most = max(1, OWN_PAIRS // int(sizes["rows"].sum()))
    names = kept.select(pl.format("{}/{}", KEY, PERIOD)).to_series()
    hashed = kept.with_columns(_h=pl.Series(stable_hash(names)))
    return hashed.filter(pl.col("_h").rank("ordinal").over(KEY) <= most).drop("_h")


def apply_peers(
    frame: FeatureFrame,
    reference: Reference,
    only: Collection[str] | None = None,
    drawn: Collection[str] = (),
) -> FeatureFrame:
    """Adds `f__pct`, `f__median`, `f__z`, `f__peers`, `f__level` for every numeric feature.

    `f__pct` is the share of peers below, ties by half (0 to 1); `f__z` the robust z of section
    1.2, null where the peers do not vary; `f__peers` the number of peers; `f__level` the stratum
    used, as `column=value; ...`, `all` for everybody, null where even all are too few. The
    subject's own rows never count among its peers, nor those of the economic group of its owner
    (`_owner`).

    Args:
        only: leave the other features without these columns.
        drawn: features that also get `f__drawn`, the percentile drawn towards that of the next
            wider stratum: (n pct + 20 pct of the parent) / (n + 20). Few peers give a rough
            percentile; models read this one, people and rules the plain one.
    """
    held = reference.grains.get(frame.grain)
    names = [n for n in numeric_features(frame) if only is None or n in only]
    version = held.version if held is not None else NO_PEERS
    figures: dict[str, Standing | None] = dict.fromkeys(names)
    if held is not None and names:
        strata = _Strata(held, frame.frame, reference.groups)
        figures |= {n: strata.stand(n, n in drawn) for n in names if n in held.features}
    table = _with(frame.frame, figures)
    empty = np.full(table.height, np.nan)
    table = table.with_columns(
        pl.Series(f"{n}__drawn", s.drawn if (s := figures[n]) else empty).fill_nan(None)
        for n in names
        if n in drawn
    )
    return dataclasses.replace(frame, frame=table, reference=version)


@dataclass(frozen=True)
class Standing:
    """Where each row stands for one feature; NaN and empty text mean not known."""

    pct: Floats
    median: Floats
    z: Floats
    peers: Ints
    level: NDArray[np.object_]
    drawn: Floats


def _with(frame: pl.DataFrame, figures: Mapping[str, Standing | None]) -> pl.DataFrame:
    columns: list[pl.Series] = []
    for name, at in figures.items():
        s = at or _nobody(frame.height)
        for suffix, values in (("pct", s.pct), ("median", s.median), ("z", s.z)):
            columns.append(pl.Series(f"{name}__{suffix}", values).fill_nan(None))
        columns.append(pl.Series(f"{name}__peers", s.peers, dtype=pl.Int64))
        level = pl.Series(f"{name}__level", s.level.tolist(), dtype=pl.String)
        columns.append(level.replace("", None))
    return frame.with_columns(columns)


def _nobody(n: int) -> Standing:
    pct, median, z, drawn = np.full((4, n), np.nan)
    return Standing(pct, median, z, np.zeros(n, np.int64), np.full(n, "", dtype=object), drawn)


class _Strata:
    """Reference and judged rows of one grain with shared stratum numbers at every level."""

    def __init__(self, held: GrainReference, judged: pl.DataFrame, groups: Groups) -> None:
        self.held, self.judged = held, judged
        strata = in_strata(judged, held.peers, held.size, held.edges)
        present = tuple(strata.columns)
        outsiders, own = left_out(held, judged, groups)
        sizes = held.rows.height, judged.height
        self.levels = []
        for k in range(len(present), -1, -1):
            level = present[:k]
            names = names_of(held.rows, level, sizes[0]), names_of(strata, level, sizes[1])
            self.levels.append(_Level(*names, outsiders, own))

    def stand(self, feature: str, drawn: bool) -> Standing:
        """Percentile, median, z, count and level of every judged row for one feature."""
        values = self.judged[feature].to_numpy().astype(np.float64)
        reference = self.held.rows[feature].to_numpy().astype(np.float64)
        result = _nobody(values.size)
        todo = np.flatnonzero(~np.isnan(values))
        rough: Ints = np.empty(0, np.int64)
        for level in self.levels:
            if not todo.size and not rough.size:
                break
            sample = Sample(level.entry_ids, reference)
            if rough.size:
                rough = _draw(result, rough, values, level, sample)
            units, unit = np.unique(level.unit[todo], return_inverse=True)
            peers = level.without(sample, units)
            result.peers[todo] = peers.count[unit]
            enough = peers.count >= MIN_PEERS
            chosen, place = todo[enough[unit]], np.cumsum(enough) - 1
            _fill(result, chosen, values[chosen], peers.where(enough), place[unit[enough[unit]]])
            result.level[chosen] = level.names[chosen]
            todo = todo[~enough[unit]]
            if drawn:
                rough = np.concatenate([rough, chosen])
        if drawn:
            result.drawn[rough] = result.pct[rough]
        return result


class _Level:
    """One level of strata: rows that leave the same entries out of the same stratum are a unit.

    Args:
        held, judged: names of the strata of the reference's and of the judged rows.
        outsiders: by judged row, a number for what it leaves out.
        own: pairs of such a number and an entry of the reference it leaves out.
    """

    def __init__(
        self, held: pl.Series, judged: pl.Series, outsiders: Ints, own: tuple[Ints, Ints]
    ) -> None:
        both = pl.concat([held, judged]).cast(pl.String).rank("dense").cast(pl.Int64)
        ids = both.to_numpy() - 1 if both.len() else np.empty(0, np.int64)
        self.names = np.asarray(judged.to_list(), dtype=object)
        self.entry_ids, row_ids = ids[: held.len()], ids[held.len() :]
        kinds = int(outsiders.max()) + 1 if outsiders.size else 1
        keys, unit = np.unique(row_ids * kinds + outsiders, return_inverse=True)
        self.unit: Ints = unit.astype(np.int64)
        self.unit_ids: Ints = (keys // kinds).astype(np.int64)
        wanted = self.entry_ids[own[1]] * kinds + own[0]
        place = np.minimum(np.searchsorted(keys, wanted), max(keys.size - 1, 0))
        here = keys[place] == wanted if keys.size else np.zeros(wanted.size, dtype=np.bool_)
        self.own_unit, self.own_entry = place[here].astype(np.int64), own[1][here]

    def without(self, sample: Sample, units: Ints) -> Without:
        """The strata of some units (ascending), each less what the unit leaves out."""
        place = np.full(self.unit_ids.size, -1, dtype=np.int64)
        place[units] = np.arange(units.size)
        at = place[self.own_unit]
        usable = (at >= 0) & (sample.position[self.own_entry] >= 0)
        return Without(sample, self.unit_ids[units], at[usable], self.own_entry[usable])


def left_out(
    held: GrainReference, judged: pl.DataFrame, groups: Groups
) -> tuple[Ints, tuple[Ints, Ints]]:
    """What each judged row leaves out of the reference: its subject, and its owners' subjects.

    Returns:
        A number by judged row, the same for rows that leave the same entries out; and pairs of
        that number and an entry.
    """
    owner = OWNER if OWNER in judged.columns else pl.lit(None, pl.String).alias(OWNER)
    whose = judged.select(KEY, owner).with_columns(
        pl.col(OWNER).map_batches(lambda s: groups.behind(s, held.grain), return_dtype=pl.String)
    )
    entries = held.rows.select(KEY, OWNER).with_columns(groups.behind(held.rows[OWNER], held.grain))
    entries = entries.with_columns(_entry=pl.int_range(pl.len()))
    # A subject whose owner is unknown, or was another when the peers were frozen, is named itself.
    moved = (
        whose.unique()
        .join(entries.select(KEY, was=OWNER).unique(), on=KEY)
        .filter(pl.col(OWNER).ne_missing(pl.col("was")))
        .select(KEY)
        .unique()
        .with_columns(_moved=True)
    )
    named = whose.join(moved, on=KEY, how="left", maintain_order="left").with_columns(
        pl.when(pl.col(OWNER).is_null() | pl.col("_moved")).then(KEY).alias("_self")
    )
    units = named.select(OWNER, "_self").unique(maintain_order=True).with_row_index("_unit")
    unit = named.join(
        units, on=[OWNER, "_self"], how="left", maintain_order="left", nulls_equal=True
    )["_unit"]
    member = pl.col(OWNER).str.split("|").alias("_member")
    shared = (
        units.select("_unit", member)
        .explode("_member")
        .drop_nulls()
        .join(entries.select("_entry", member).explode("_member").drop_nulls(), on="_member")
    )
    same = units.select("_unit", _k="_self").drop_nulls()
    same = same.join(entries.select("_entry", _k=KEY), on="_k")
    pairs = pl.concat([shared.select("_unit", "_entry"), same.select("_unit", "_entry")])
    pairs = pairs.cast(pl.Int64).unique().sort("_unit", "_entry")
    return unit.cast(pl.Int64).to_numpy(), (pairs["_unit"].to_numpy(), pairs["_entry"].to_numpy())


def _draw(result: Standing, rows: Ints, values: Floats, level: _Level, sample: Sample) -> Ints:
    """Draws percentiles towards this level where it is wider; returns the rows it is not for."""
    units, unit = np.unique(level.unit[rows], return_inverse=True)
    peers = level.without(sample, units)
    wider = peers.count[unit] > result.peers[rows]
    mine, at = rows[wider], unit[wider]
    if mine.size:
        below, equal = peers.below_and_equal(at, values[mine])
        parent = (below + 0.5 * equal) / peers.count[at]
        n = result.peers[mine]
        own = n * result.pct[mine]
        result.drawn[mine] = (own + PARENT_WEIGHT * parent) / (n + PARENT_WEIGHT)
    return np.asarray(rows[~wider], dtype=np.int64)


def _fill(result: Standing, rows: Ints, x: Floats, peers: Without, unit: Ints) -> None:
    """Writes the figures of the rows, each of which belongs to a unit with enough peers."""
    if not rows.size:
        return
    below, equal = peers.below_and_equal(unit, x)
    result.pct[rows] = (below + 0.5 * equal) / peers.count[unit]
    median = peers.quantile(0.5)
    result.median[rows] = median[unit]
    scale = robust_scale(peers, median)[unit]
    varying = scale > 0
    result.z[rows[varying]] = (x[varying] - median[unit][varying]) / scale[varying]
