"""Every shipped feature that can be computed from orders and products."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from benchmarks.blocks.data import ORDERS
from benchmarks.cases import CONTEXT
from features.catalogue import FeatureCatalogue, catalogue
from features.compute import compute_features

_GIVEN = ("transactions", "products")


def registry() -> FeatureCatalogue:
    """The shipped bases that read orders, with their features."""
    shipped = catalogue()
    bases = {
        b.name: b
        for b in shipped.bases.values()
        if "transactions" in b.tables and set(b.tables) <= set(_GIVEN)
    }
    features = {f.name: f for f in shipped.features.values() if f.base in bases}
    return FeatureCatalogue(features, bases, shipped.views)


def run(folder: Path) -> dict[str, pl.DataFrame]:
    """All of them, by grain."""
    tables = {
        "transactions": pl.scan_parquet(folder / ORDERS),
        "products": pl.scan_parquet(folder / "products.parquet"),
    }
    computed = compute_features(tables, None, CONTEXT, registry())
    return {grain: found.frame for grain, found in computed.frames.items()}
