"""Staged rows against the lake: new, a correction, or a repetition.

Rows are compared in partitions by the hash of their key, so that memory does not grow with the
file. A row is compared with the version before it: an earlier row of the batch with the same key,
else the version in force at the batch's learned time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import polars as pl

from detector.ingest.keys import ANONYMOUS, KEY, UNNUMBERED, number_anonymous
from detector.ingest.prepare import FILE, POSITION
from features.contracts import RECORDED_AT, TableContract

SEQUENCE = "_seq"
"""Order of the row over all batches of the lake; breaks ties of equal learned times."""


@dataclass(frozen=True, slots=True)
class Classified:
    """Counts of the verdicts; rows to add are in `folder`."""

    folder: Path
    accepted: int
    corrected: int
    repeated: int


def classify(
    contract: TableContract,
    staged: Path,
    height: int,
    lake: pl.LazyFrame | None,
    when: datetime,
    target: Path,
    partition_rows: int,
) -> Classified:
    """Judges every staged row and writes the new and corrected ones to `target`.

    Args:
        staged: folder of staged rows, `height` of them.
        lake: every version of the table's rows, or None when there are none.
        when: the batch's learned time.
    """
    target.mkdir()
    counts = {"accepted": 0, "corrected": 0, "repeated": 0}
    partitions = max(1, -(-height // partition_rows))
    for part in range(partitions if height else 0):
        frame = pl.scan_parquet(staged / "*.parquet")
        rows = _partition(frame, pl.col(KEY), part, partitions).collect()
        if contract.anonymous_without and rows[KEY].str.starts_with(ANONYMOUS).any():
            rows = number_anonymous(rows.sort(POSITION), per=FILE)
        versions = _versions(lake, rows, part, partitions, contract)
        judged = _judge(rows, versions, [c.name for c in contract.columns], when)
        for verdict, count in judged["verdict"].value_counts().iter_rows():
            counts[verdict] += count
        new = judged.filter(pl.col("verdict") != "repeated").drop("verdict")
        if new.height:
            new.write_parquet(target / f"{part:06}.parquet", compression="lz4")
    return Classified(target, **counts)


def _partition(frame: pl.LazyFrame, key: pl.Expr, part: int, partitions: int) -> pl.LazyFrame:
    """Rows of one partition by the hash of their key."""
    return frame if partitions == 1 else frame.filter(key.hash(0) % partitions == part)


def _versions(
    lake: pl.LazyFrame | None,
    rows: pl.DataFrame,
    part: int,
    partitions: int,
    contract: TableContract,
) -> pl.DataFrame | None:
    """Every version the lake holds of the keys of `rows`."""
    if lake is None:
        return None
    keys = rows.lazy().select(KEY).unique()
    names = [*(c.name for c in contract.columns), RECORDED_AT, KEY, SEQUENCE]
    within = _partition(lake.select(names), UNNUMBERED, part, partitions)
    found = within.join(keys, on=KEY, how="semi")
    return found.collect(engine="streaming")


def _judge(
    rows: pl.DataFrame, versions: pl.DataFrame | None, content: list[str], when: datetime
) -> pl.DataFrame:
    """Adds the verdict of each row."""
    again = rows[KEY].is_duplicated()
    known = pl.Series([], dtype=pl.String) if versions is None else versions[KEY].unique()
    again = again | rows[KEY].is_in(known.implode())
    plain = rows.filter(~again).with_columns(pl.lit("accepted").alias("verdict"))
    if not again.any():
        return plain
    chain = rows.filter(again)
    if versions is not None and versions.height:
        force = (
            versions.filter(pl.col(RECORDED_AT) <= when)
            .sort(RECORDED_AT, SEQUENCE)
            .unique(KEY, keep="last")
            .with_columns(pl.lit(-1, pl.Int64).alias(POSITION))
        )
        chain = pl.concat([force.select(KEY, POSITION, *content), chain], how="diagonal")
    chain = chain.sort(KEY, POSITION)
    before = pl.col(KEY).eq_missing(pl.col(KEY).shift(1))
    same = pl.all_horizontal(pl.col(c).eq_missing(pl.col(c).shift(1)) for c in content)
    verdict = (
        pl.when(before & same)
        .then(pl.lit("repeated"))
        .when(before | pl.col(KEY).is_in(known.implode()))
        .then(pl.lit("corrected"))
        .otherwise(pl.lit("accepted"))
    )
    judged = chain.with_columns(verdict.alias("verdict")).filter(pl.col(POSITION) >= 0)
    return pl.concat([plain, judged.select(plain.columns)])
