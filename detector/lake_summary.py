"""What a table of the lake holds, in counts: the first thing to compare with a filer's own."""

from __future__ import annotations

from typing import Any

import polars as pl

from detector.lake import Lake
from features.contracts import RECORDED_AT, contract


def summarised(lake: Lake, table: str) -> dict[str, Any]:
    """Rows in force, versions, and by column the filled cells, distinct values, least and most.

    Least and most of persons, texts and lists are not shown: they would be single filings.

    Raises:
        WardenError: `unknown_table`.
    """
    wanted = contract(table)
    snapshot = lake.pin()
    rows = lake.scan(snapshot, table)
    names = [c.name for c in wanted.columns]
    counts = rows.select(
        pl.len().alias("rows"),
        *(pl.col(n).count().alias(f"filled {n}") for n in names),
        *(pl.col(n).drop_nulls().n_unique().alias(f"distinct {n}") for n in names),
    ).collect(engine="streaming")
    ranged = [c.name for c in wanted.columns if c.dtype.is_numeric() or c.dtype.is_temporal()]
    ends = rows.select(
        *(pl.col(n).min().alias(f"least {n}") for n in ranged),
        *(pl.col(n).max().alias(f"most {n}") for n in ranged),
    ).collect(engine="streaming")
    found = counts.row(0, named=True) | (ends.row(0, named=True) if ranged else {})
    shown = ("filled", "distinct", "least", "most")
    return {
        "table": table,
        "rows": found["rows"],
        "versions": _versions(lake, table),
        "columns": [{"column": n} | {k: found.get(f"{k} {n}") for k in shown} for n in names],
    }


def _versions(lake: Lake, table: str) -> int:
    """Rows of the table, older versions too."""
    required = contract(table).required
    first = pl.col(required[0] if required else RECORDED_AT)
    rows = lake.history(table, {}) if table in lake.tables() else lake.scan(lake.pin(), table)
    return int(rows.select(first.is_not_null().sum()).collect().item())
