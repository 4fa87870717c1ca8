"""Frozen peers: where a subject stands among comparable subjects, itself left out.

A `Reference` is a sample of the subjects of one moment. Every figure of a row depends on that
frozen sample and on the row alone, never on the rows judged beside it, so a row judged alone and
a row judged in a batch get the same numbers (section 6.2 of the domain catalogue).

Strata are the peer columns of a feature table in their order; where fewer than 20 usable peers
remain, the last column is dropped, and the level used is kept with the figure.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from numpy.typing import NDArray

from detector.inference import Floats
from detector.order_statistics import Sample, Without, robust_scale

if TYPE_CHECKING:
    from features.compute import FeatureFrame

Ints = NDArray[np.int64]

MIN_PEERS = 20
"""Usable peers below which a stratum is too small (catalogue, 6.2 step 1)."""
STRATUM_CAP = 20_000
"""Rows kept of one stratum: the standard error of a percentile stays below 0.0036."""
OWN_PAIRS = 4_000_000
"""Pairs of a row and an entry of its own subject that leaving it out may cost in one grain (ENG).

Days of shops make a hundred times as many; then each subject keeps an even share of its periods.
"""
EVERYBODY = "all"
KEY = "subject_key"


@dataclass(frozen=True)
class GrainReference:
    """The peers of one grain.

    Attributes:
        peers: stratum columns, the most important first.
        features: names of the numeric features held.
        rows: `subject_key`, the stratum columns as text, and one column per feature; sorted.
    """

    grain: str
    peers: tuple[str, ...]
    features: tuple[str, ...]
    rows: pl.DataFrame

    def digest(self) -> str:
        """Names the content: the same peers give the same name on every machine."""
        head = (self.grain, self.peers, self.features, self.rows.height)
        h = hashlib.sha256(repr(head).encode())
        for name in (KEY, *self.peers):
            h.update("\0".join(self.rows[name].to_list()).encode())
        for name in self.features:
            h.update(self.rows[name].to_numpy().astype("<f8").tobytes())
        return h.hexdigest()


@dataclass(frozen=True)
class Reference:
    """Frozen peers by grain."""

    grains: Mapping[str, GrainReference]

    @property
    def digest(self) -> str:
        """A hash of all peers."""
        text = "".join(self.grains[g].digest() for g in sorted(self.grains))
        return hashlib.sha256(text.encode()).hexdigest()


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


def fit_reference(frames: Mapping[str, FeatureFrame]) -> Reference:
    """Freezes the peers of every grain.

    Strata above `STRATUM_CAP` rows are sampled by key hash, and subjects with so many periods that
    leaving them out would take more than `OWN_PAIRS` pairs by a hash of key and period.
    """
    return Reference({grain: _fit_grain(frame) for grain, frame in sorted(frames.items())})


def _fit_grain(frame: FeatureFrame) -> GrainReference:
    names = numeric_features(frame)
    peers = tuple(p for p in frame.peers if p in frame.frame.columns)
    everything = frame.frame.select(KEY, "period_start", *_strata_text(peers), *names)
    rows = everything
    if rows.height > STRATUM_CAP:
        hashed = rows.with_columns(_h=pl.Series(stable_hash(rows[KEY])))
        place = pl.col("_h").rank("ordinal")
        kept = place.over(list(peers)) if peers else place
        rows = hashed.filter(kept <= STRATUM_CAP).drop("_h")
    rows = _thinned(rows, everything).sort(KEY, "period_start").drop("period_start")
    return GrainReference(frame.grain, peers, names, rows)


def _thinned(kept: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """At most so many periods of each subject that `OWN_PAIRS` holds; all of them as a rule.

    Leaving a subject out takes a pair for each of its rows with each of its kept entries.
    """
    entries = kept.group_by(KEY).agg(entries=pl.len().cast(pl.Int64))
    sizes = rows.group_by(KEY).agg(rows=pl.len().cast(pl.Int64)).join(entries, on=KEY)
    if (sizes["rows"] * sizes["entries"]).sum() <= OWN_PAIRS:
        return kept
    most = max(1, OWN_PAIRS // int(sizes["rows"].sum()))
    names = kept.select(pl.format("{}/{}", KEY, "period_start")).to_series()
    hashed = kept.with_columns(_h=pl.Series(stable_hash(names)))
    return hashed.filter(pl.col("_h").rank("ordinal").over(KEY) <= most).drop("_h")


def _strata_text(peers: tuple[str, ...]) -> list[pl.Expr]:
    """Stratum columns as text; what is not known forms a stratum of its own."""
    return [pl.col(p).cast(pl.String).fill_null("unknown") for p in peers]


def apply_peers(frame: FeatureFrame, reference: Reference) -> FeatureFrame:
    """Adds `f__pct`, `f__median`, `f__z`, `f__peers`, `f__level` for every numeric feature.

    `f__pct` is the share of peers below, ties by half (0 to 1); `f__z` the robust z of section
    1.2, null where the peers do not vary; `f__peers` the number of peers; `f__level` the stratum
    used, as `column=value; ...`, `all` for everybody, null where even all are too few. The
    subject's own rows never count among its peers.
    """
    held = reference.grains.get(frame.grain)
    names = numeric_features(frame)
    if held is None:
        return dataclasses.replace(frame, frame=_with(frame.frame, dict.fromkeys(names)))
    strata = _Strata(held, frame.frame)
    figures = {n: strata.stand(n) if n in held.features else None for n in names}
    return dataclasses.replace(frame, frame=_with(frame.frame, figures))


@dataclass(frozen=True)
class Standing:
    """Where each row stands for one feature; NaN and empty text mean not known."""

    pct: Floats
    median: Floats
    z: Floats
    peers: Ints
    level: NDArray[np.object_]


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
    pct, median, z = np.full((3, n), np.nan)
    return Standing(pct, median, z, np.zeros(n, np.int64), np.full(n, "", dtype=object))


class _Strata:
    """Reference and judged rows of one grain with shared stratum numbers at every level."""

    def __init__(self, held: GrainReference, judged: pl.DataFrame) -> None:
        self.held, self.judged = held, judged
        present = tuple(p for p in held.peers if p in judged.columns)
        self.levels = [present[:k] for k in range(len(present), -1, -1)]
        keys = judged.select(_row=pl.int_range(pl.len()), k=KEY)
        own = held.rows.select(_ref=pl.int_range(pl.len()), k=KEY)
        pairs = keys.join(own, on="k", how="inner").sort("_row", "_ref")
        self.own_row = pairs["_row"].to_numpy().astype(np.int64)
        self.own_ref = pairs["_ref"].to_numpy().astype(np.int64)
        self.names: list[NDArray[np.object_]] = []
        self.ref_ids: list[Ints] = []
        self.row_ids: list[Ints] = []
        for columns in self.levels:
            self._number(columns)

    def _number(self, columns: tuple[str, ...]) -> None:
        """Numbers the strata of one level, the same for reference and judged rows."""
        texts = [pl.format(c + "={}", pl.col(c)) for c in columns] or [pl.lit(EVERYBODY)]
        name = pl.concat_str(texts, separator="; ")
        ref = self.held.rows.with_columns(_s=name)["_s"]
        strata = self.judged.select(KEY, *_strata_text(columns)).with_columns(_s=name)["_s"]
        both = pl.concat([ref, strata]).cast(pl.String)
        ids = both.rank("dense").cast(pl.Int64).to_numpy() - 1
        self.names.append(np.asarray(strata.to_list(), dtype=object))
        self.ref_ids.append(ids[: ref.len()])
        self.row_ids.append(ids[ref.len() :])

    def stand(self, feature: str) -> Standing:
        """Percentile, median, z, count and level of every judged row for one feature."""
        values = self.judged[feature].to_numpy().astype(np.float64)
        reference = self.held.rows[feature].to_numpy().astype(np.float64)
        result = _nobody(values.size)
        todo = np.flatnonzero(~np.isnan(values))
        for level, names in enumerate(self.names):
            if not todo.size:
                break
            sample = Sample(self.ref_ids[level], reference)
            without = self._without(sample, level, todo)
            count = without.count
            result.peers[todo] = count
            enough = count >= MIN_PEERS
            chosen = todo[enough]
            self._fill(result, chosen, values, without.where(enough))
            result.level[chosen] = names[chosen]
            todo = todo[~enough]
        return result

    def _without(self, sample: Sample, level: int, rows: Ints) -> Without:
        """Each row's stratum with the row's own reference entries taken out."""
        ids = self.row_ids[level][rows]
        place = np.full(self.judged.height, -1, dtype=np.int64)
        place[rows] = np.arange(rows.size)
        at, ref = place[self.own_row], self.own_ref
        mine = at >= 0
        at, ref = at[mine], ref[mine]
        inside = (sample.position[ref] >= 0) & (sample.ids[ref] == ids[at])
        return Without(sample, ids, at[inside], ref[inside])

    def _fill(self, result: Standing, rows: Ints, values: Floats, peers: Without) -> None:
        if not rows.size:
            return
        x = values[rows]
        below, equal = peers.below_and_equal(x)
        result.pct[rows] = (below + 0.5 * equal) / peers.count
        median = peers.quantile(0.5)
        result.median[rows] = median
        scale = robust_scale(peers, median)
        varying = scale > 0
        result.z[rows[varying]] = (x[varying] - median[varying]) / scale[varying]
