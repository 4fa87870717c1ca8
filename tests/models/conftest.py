"""Small made-up feature tables; no real data."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import narwhals as nw
import numpy as np
import polars as pl
import pytest

from features.catalogue import Feature, measure
from features.compute import FeatureFrame
from features.vocabulary import Direction

JANUARY = (date(2024, 1, 1), date(2024, 1, 31))


def make_feature(name: str, direction: Direction, typology: str, grain: str) -> Feature:
    """A feature with nothing but what peers and models read."""
    return Feature(
        name, typology, grain, "made_up", (), "ratio", direction, 1, "n", "made up",
        {"en": name}, name, False, True, "number", lambda: measure(nw.lit(0.0)),
    )  # fmt: skip


def make_frame(
    columns: dict[str, list[float | None] | np.ndarray],
    directions: dict[str, Direction],
    *,
    keys: list[str] | None = None,
    grain: str = "tender",
    typologies: dict[str, str] | None = None,
    attributes: dict[str, list[str]] | None = None,
    peers: tuple[str, ...] = (),
) -> FeatureFrame:
    """A feature table with the columns given; nulls get the reason `too_few`."""
    n = len(next(iter(columns.values())))
    keys = keys or [f"s{i:05d}" for i in range(n)]
    frame = pl.DataFrame(
        {"subject_key": keys, "period_start": [JANUARY[0]] * n, "period_end": [JANUARY[1]] * n}
    ).with_columns(pl.Series(k, v) for k, v in (attributes or {}).items())
    for name, values in columns.items():
        column = pl.Series(name, values, dtype=pl.Float64).fill_nan(None)
        why = pl.when(pl.col(name).is_null()).then(pl.lit("too_few"))
        frame = frame.with_columns(column).with_columns(
            why.alias(f"{name}__reason"), pl.lit(7, dtype=pl.Int64).alias(f"{name}__n")
        )
    features = tuple(
        make_feature(name, directions[name], (typologies or {}).get(name, "MON-BID-CV"), grain)
        for name in columns
    )
    return FeatureFrame(grain, frame.sort("subject_key"), features, tuple(attributes or {}), peers)


@pytest.fixture
def frame_of() -> Callable[..., FeatureFrame]:
    return make_frame
