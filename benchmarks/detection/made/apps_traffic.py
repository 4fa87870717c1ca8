"""Real traffic of apps without the advertising ids in it, and the schemes that put them back."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from benchmarks.detection.filings import filed
from benchmarks.detection.real import present
from benchmarks.detection.schemes import apps_traffic as schemes
from benchmarks.detection.schemes.planting import World

PLAIN = "app_build"
"""What a request carries instead of the id: no personal data."""


def withheld(name: str, *tables: str) -> Mapping[str, pl.DataFrame]:
    """A set as it would be had every app waited for consent before it sent the advertising id."""
    found = dict(filed(name, *tables))
    word = pl.col("data_type")
    bare = pl.col("phase").is_in(schemes.WITHOUT_CONSENT) & word.is_in(schemes.AD_IDS)
    flows = found["observed_flows"].with_columns(
        data_type=pl.when(bare).then(pl.lit(PLAIN)).otherwise(word)
    )
    return {**found, "observed_flows": flows.unique(maintain_order=True)}


ORDER = ("data_type_map", "apps", "observed_flows")
_SETS = {"consent-traffic": ("apps", "observed_flows"), "app-labels-android-2022": ORDER}


def _world(name: str, tables: tuple[str, ...]) -> World:
    return World(name, lambda _: withheld(name, *tables), schemes.ids(15), drawn=True, order=ORDER)


WORLDS = tuple(_world(name, tables) for name, tables in _SETS.items() if present(name))
