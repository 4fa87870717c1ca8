"""Writes the simulated filings: Parquet for the big tables, CSV for those a clerk may open."""

from __future__ import annotations

from pathlib import Path

import polars as pl

BIG_TABLES = frozenset({"transactions", "listing_prices", "observed_flows"})


def write_table(folder: Path, table: str, frame: pl.DataFrame) -> list[Path]:
    """Write one canonical table and return its files; instants are ISO 8601 in UTC."""
    folder.mkdir(parents=True, exist_ok=True)
    if table in BIG_TABLES:
        path = folder / f"{table}.parquet"
        frame.write_parquet(path, compression="zstd", compression_level=1, row_group_size=131_072)
    else:
        path = folder / f"{table}.csv"
        frame.write_csv(path, datetime_format="%Y-%m-%dT%H:%M:%SZ", date_format="%Y-%m-%d")
    return [path]
