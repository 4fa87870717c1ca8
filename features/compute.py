"""The planner: from filings to feature tables, one pass per base, nothing computed twice."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import narwhals as nw
import polars as pl
import polars.selectors as cs

from features.catalogue import KEY_COLUMNS, Base, Feature, FeatureCatalogue, catalogue
from features.errors import WardenError
from features.tables import AnyLazy, Tables, collect
from features.vocabulary import Reason, RunContext
from features.windows import Part, Scope, inside

_KEYS = list(KEY_COLUMNS)


@dataclass(frozen=True, slots=True)
class FeatureFrame:
    """The features of one grain.

    Attributes:
        frame: ``subject_key``, ``period_start``, ``period_end``, the attributes, and per feature
            ``f``, ``f__reason`` and ``f__n``; sorted, unique on subject and period start.
        peers: attribute columns that define peers, coarsest first; ``size_decile`` among them
            stands for tenths of `size`.
        size: attribute that says how large a subject is, empty for none.
        reference: version of the frozen peers the table stands beside, empty before that.
    """

    grain: str
    frame: pl.DataFrame
    features: tuple[Feature, ...]
    attributes: tuple[str, ...]
    peers: tuple[str, ...]
    size: str = ""
    reference: str = ""


@dataclass(frozen=True, slots=True)
class Computed:
    """Everything a run needs from the features.

    Attributes:
        frames: by grain code.
        memberships: by (child grain, parent grain): which coarser subjects a row belongs to.
        skipped: feature name to the reason nothing was computed.
        notes: by name: tables of facts about the filings that must be reported.
        reads: by base, the tables it looked at.
        scope: what was computed; None for every cell.
    """

    frames: dict[str, FeatureFrame]
    memberships: dict[tuple[str, str], pl.DataFrame]
    skipped: dict[str, str]
    notes: dict[str, pl.DataFrame]
    reads: dict[str, frozenset[str]] = field(default_factory=dict)
    scope: Scope | None = None

    def joined(self, other: Computed) -> Computed:
        """Both, where they computed different grains; they may tell of the same memberships."""
        links = {**self.memberships, **other.memberships}
        for pair in self.memberships.keys() & other.memberships.keys():
            rows = pl.concat([self.memberships[pair], other.memberships[pair]]).unique()
            links[pair] = rows.sort(rows.columns)
        return Computed(
            {**self.frames, **other.frames},
            links,
            {**self.skipped, **other.skipped},
            {**self.notes, **other.notes},
            {**self.reads, **other.reads},
            None if self.scope is None or other.scope is None else {**self.scope, **other.scope},
        )


def compute_features(
    tables: Mapping[str, AnyLazy],
    typologies: Collection[str] | None,
    context: RunContext,
    registry: FeatureCatalogue | None = None,
    scope: Scope | None = None,
    also: Collection[str] = (),
) -> Computed:
    """Compute the features the typologies need.

    A base that is needed at all yields all its features: they share its aggregates, and rules of
    one typology may read features of a sister typology.

    Args:
        tables: canonical name to lazy frame, as read from the lake.
        typologies: catalogue ids; ``None`` for all.
        context: the day the judgement is made for; nothing else about time is known.
        registry: the features to choose from; the shipped library by default.
        scope: compute only these cells, from as few rows as they reach; notes are then left out,
            because they tell of the whole.
        also: features of other typologies that are needed as well.

    Raises:
        WardenError: ``unknown_typology``; ``duplicate_subject`` when a base breaks its promise of
            one row per subject and period.
    """
    registry = registry or catalogue()
    bases = registry.bases_for(typologies, also)
    part = Part(tables, context, registry, scope, bases)
    why = {base.name: part.whole.missing(base.tables) for base in bases}
    skipped = {f.name: w for name, w in why.items() if w for f in registry.of_base(name)}
    wanted = [base for base in bases if not why[base.name] and part.wants(base.grain)]
    found: dict[str, pl.DataFrame] = {}
    reads: dict[str, frozenset[str]] = {}
    for base in part.in_order(wanted):
        run, months = part.for_base(base), part.cells(base.grain)
        run.seen()
        frame = _evaluate(base, registry.of_base(base.name), run)
        reads[base.name] = run.seen() | set(base.tables)
        found[base.name] = frame if months is None else frame.filter(inside(months))
    parts: dict[str, list[tuple[Base, pl.DataFrame]]] = {}
    for base in wanted:
        parts.setdefault(base.grain, []).append((base, found[base.name]))
    frames = {grain: _assemble(grain, mine, registry) for grain, mine in parts.items()}
    notes = _notes(part.whole, registry, frames) if scope is None else {}
    links = _memberships(part, registry, frames)
    return Computed(frames, links, skipped, notes, reads, scope)


def _evaluate(needed: Base, features: tuple[Feature, ...], run: Tables) -> pl.DataFrame:
    """One base with its features: values and reasons on the run's engine, the guard here."""
    values: list[nw.Expr] = []
    guards: list[pl.Expr] = []
    for f in features:
        value, reason = _expressions(f)
        values += [value, reason, nw.col(f.n).fill_null(0).cast(nw.Int64).alias(f"{f.name}__n")]
        guards += _guard(f)
    asked = needed.fn(run).select(*KEY_COLUMNS, *needed.attributes, *values)
    return collect(asked).with_columns(*guards).with_columns(cs.integer().cast(pl.Int64))


def _expressions(f: Feature) -> tuple[nw.Expr, nw.Expr]:
    """The raw value and the first reason against it."""
    spec = f.fn()
    reason: nw.Expr = nw.lit(None, dtype=nw.String)
    for condition, code in reversed(spec.checks):
        holds = condition.fill_null(value=False)
        reason = nw.when(holds).then(nw.lit(code.value)).otherwise(reason)
    dtype = nw.String if f.kind == "class" else nw.Float64
    return spec.value.cast(dtype).alias(f.name), reason.alias(f"{f.name}__reason")


def _guard(f: Feature) -> list[pl.Expr]:
    """Hold the promise: a finite number, or null with a reason."""
    value, reason = pl.col(f.name), pl.col(f"{f.name}__reason")
    absent = pl.when(value.is_null()).then(pl.lit(Reason.MISSING_INPUT.value))
    why = pl.coalesce(reason, absent)
    if f.kind != "class":
        broken = pl.when(~value.is_finite()).then(pl.lit(Reason.ZERO_DENOMINATOR.value))
        why = pl.coalesce(reason, broken, absent)
    return [pl.when(why.is_null()).then(value).alias(f.name), why.alias(reason.meta.output_name())]


def _assemble(
    grain: str, parts: list[tuple[Base, pl.DataFrame]], registry: FeatureCatalogue
) -> FeatureFrame:
    """Join the bases of one grain on their keys; a row one base lacks is null with a reason.

    Where bases read periods of different length from one day on, the row takes the longest.
    """
    frame = parts[0][1]
    if len(parts) > 1:
        for needed, part in parts:
            _check_unique(needed, part, repeated=part.select(_KEYS[:2]).is_duplicated().any())
    for _, other in parts[1:]:
        shared = [c for c in other.columns if c in frame.columns and c not in _KEYS]
        frame = frame.join(other, on=_KEYS[:2], how="full", coalesce=True, suffix="__right")
        frame = frame.with_columns(
            pl.max_horizontal("period_end", "period_end__right"),
            *(pl.coalesce(c, f"{c}__right").alias(c) for c in shared),
        ).drop(f"{c}__right" for c in ("period_end", *shared))
    features = tuple(f for b, _ in parts for f in registry.of_base(b.name))
    if len(parts) > 1:
        frame = frame.with_columns(_fill_absent(features))
    attributes = tuple(dict.fromkeys(a for b, _ in parts for a in b.attributes))
    peers = tuple(dict.fromkeys(p for b, _ in parts for p in b.peers))
    size = next((b.size for b, _ in parts if b.size), "")
    order = [*_KEYS, *attributes, *(c for c in frame.columns if c not in {*_KEYS, *attributes})]
    frame = frame.lazy().select(order).sort(_KEYS[:2]).collect(engine="streaming")
    if len(parts) == 1:
        _check_unique(parts[0][0], frame, repeated=_has_equal_neighbours(frame))
    return FeatureFrame(grain, frame, features, attributes, peers, size)


def _has_equal_neighbours(frame: pl.DataFrame) -> bool:
    """Whether two rows of a sorted frame have the same subject and period."""
    same = (pl.col(c).eq_missing(pl.col(c).shift()) for c in _KEYS[:2])
    return bool(frame.select(pl.all_horizontal(same).slice(1).any()).item())


def _fill_absent(features: tuple[Feature, ...]) -> list[pl.Expr]:
    filled: list[pl.Expr] = []
    for f in features:
        silent = pl.col(f.name).is_null() & pl.col(f"{f.name}__reason").is_null()
        filled.append(
            pl.when(silent)
            .then(pl.lit(Reason.MISSING_INPUT.value))
            .otherwise(pl.col(f"{f.name}__reason"))
            .alias(f"{f.name}__reason")
        )
        filled.append(pl.col(f"{f.name}__n").fill_null(0))
    return filled


def _check_unique(needed: Base, frame: pl.DataFrame, *, repeated: bool) -> None:
    keys = frame.select("subject_key", "period_start")
    if repeated or keys.null_count().sum_horizontal().item():
        raise WardenError(
            "duplicate_subject",
            f"Base '{needed.name}' has two rows for one subject and period, or one without either.",
            "This is a fault in the base, not in the filings.",
            "integrity",
        )


def _memberships(
    part: Part, registry: FeatureCatalogue, frames: Mapping[str, FeatureFrame]
) -> dict[tuple[str, str], pl.DataFrame]:
    found: dict[tuple[str, str], pl.DataFrame] = {}
    for pair, entry in registry.memberships.items():
        # A parent computed for features of its own is rolled up again, whatever its children did.
        if {entry.child, entry.parent} & set(frames) and part.whole.missing(entry.tables) is None:
            run, months = part.for_roll_up(*pair)
            rows = collect(entry.fn(run)).unique()
            if months is not None:
                rows = rows.filter(inside(months, "child_period_start"))
            found[pair] = rows.sort(rows.columns)
    return found


def _notes(
    run: Tables, registry: FeatureCatalogue, frames: Mapping[str, FeatureFrame]
) -> dict[str, pl.DataFrame]:
    grains = set(frames)
    found: dict[str, pl.DataFrame] = {}
    for name, entry in registry.notes.items():
        told = any(
            f.typology == entry.typology and f.grain in grains for f in registry.features.values()
        )
        if told and run.missing(entry.tables) is None:
            rows = collect(entry.fn(run))
            found[name] = rows.sort(rows.columns)
    return found
