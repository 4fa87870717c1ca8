"""Two computations of the world side by side: which columns of which rows are not the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache

import polars as pl

from detector.planning import steadied
from features.compute import Computed, compute_features
from features.vocabulary import RunContext
from tests.features.world import CONTEXT, world

KEY = ("subject_key", "period_start")
Frames = Mapping[str, pl.DataFrame]
Tables = Mapping[str, pl.DataFrame | pl.LazyFrame]


def computed(tables: Tables, context: RunContext = CONTEXT) -> Computed:
    """All features of the tables."""
    return compute_features({n: f.lazy() for n, f in tables.items()}, None, context)


@cache
def as_it_is() -> Computed:
    """All features of the whole world: computed once, whichever test asks first."""
    return computed(world())


def frames(done: Computed) -> dict[str, pl.DataFrame]:
    """Feature frames by grain, rounded as a run of the detector rounds them."""
    return {grain: steadied(made.frame) for grain, made in done.frames.items()}


def parts_of(names: Iterable[str]) -> list[str]:
    """Value, reason and sample size of features."""
    return [f"{name}{suffix}" for name in names for suffix in ("", "__reason", "__n")]


def differing(one: pl.DataFrame, two: pl.DataFrame, columns: Iterable[str]) -> dict[str, object]:
    """Columns in which rows of one key differ, each with the first such row."""
    both = one.join(two, on=KEY, how="inner", suffix="__two")
    found: dict[str, object] = {}
    for column in columns:
        rows = both.filter(pl.col(column).ne_missing(pl.col(f"{column}__two")))
        if rows.height:
            found[column] = rows.select(*KEY, column, f"{column}__two").row(0)
    return found


def lacking(one: pl.DataFrame, two: pl.DataFrame) -> list[tuple[object, ...]]:
    """Keys of the first frame the second has not."""
    return one.join(two, on=KEY, how="anti").select(KEY).rows()
