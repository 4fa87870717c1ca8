"""What a firm filed or is named in, table by table, with every version of every row.

Each version has two times: when it happened, as filed, and when it was learned. Nothing is ever
overwritten, so an amendment stands beside what it amended.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import polars as pl
from sqlalchemy import select

from detector.database import reading
from detector.dossier.parties import columns_about
from detector.lake_tables import batch
from features.contracts import CONTRACTS, RECORDED_AT, contract
from features.errors import WardenError

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from detector.dossier.subject import Subject
    from detector.lake import Lake

LARGEST_PAGE = 200
HIDDEN = ("_key", "_batch_id", "_line", "_seq", "_happened", RECORDED_AT)
Row = dict[str, Any]


def filings(lake: Lake, subject: Subject) -> list[Row]:
    """The tables with rows about the firm, the most rows first.

    Returns:
        By table `rows` in force, `versions`, `amended` rows, `roles` (rows in force by the column
        that names the firm), first and last day it `happened` and moment it was `learned`.
    """
    tables = [t for t in sorted(subject.snapshot.filled) if columns_about(t)]
    plans = [_counted(lake, subject, table) for table in tables]
    found = pl.collect_all(plans) if plans else []
    told = [
        _table(table, frame.row(0, named=True)) for table, frame in zip(tables, found, strict=True)
    ]
    return sorted((t for t in told if t["rows"]), key=lambda t: (-t["rows"], t["table"]))


def filed_rows(
    lake: Lake,
    engine: Engine,
    subject: Subject,
    table: str,
    *,
    amended: bool = False,
    limit: int = 50,
    offset: int = 0,
) -> tuple[list[Row], bool]:
    """Rows of one table about the firm with all their versions, the last learned first.

    Columns that name natural persons hold keyed hashes, as everywhere in the lake.

    Args:
        amended: only rows with more than one version.

    Returns:
        The rows, each with `key` (its natural key) and `versions` (oldest first, each with
        `learned`, `happened`, `files`, `line`, `changed` columns and `values`), and whether more
        follow.

    Raises:
        WardenError: `unknown_table`; `table_names_no_firm`.
    """
    wanted = contract(table)
    if not columns_about(table):
        raise WardenError(
            "table_names_no_firm",
            f"Rows of {table} are about no firm.",
            f"Tables that are: {', '.join(t for t in CONTRACTS if columns_about(t))}.",
            kind="not_found",
        )
    rows = versions_about(lake, subject, table)
    keys = rows.group_by("_key").agg(_learned=pl.col(RECORDED_AT).max(), _n=pl.len())
    keys = keys.filter(pl.col("_n") > 1) if amended else keys
    page = keys.sort("_learned", "_key", descending=[True, False]).slice(offset, limit + 1)
    shown = page.collect()
    near = rows.join(shown.head(limit).lazy(), on="_key", how="semi")
    frame = near.sort(RECORDED_AT, "_seq").collect()
    files = _files(engine, frame["_batch_id"].unique())
    by_key: dict[str, list[Row]] = {key: [] for key in shown.head(limit)["_key"]}
    for row in frame.with_columns(_happened(table)).iter_rows(named=True):
        by_key[row["_key"]].append(row)
    return [_row(wanted.keys, versions, files) for versions in by_key.values()], len(shown) > limit


def _about(subject: Subject, table: str) -> pl.Expr:
    return pl.any_horizontal(
        pl.col(column).is_in(sorted(subject.ids.get(kind, ())))
        for column, kind in columns_about(table).items()
    )


def versions_about(lake: Lake, subject: Subject, table: str) -> pl.LazyFrame:
    """Every version of every row that names the firm in any of its versions, in no order."""
    rows = lake.versions(subject.snapshot, table)
    if table not in subject.snapshot.amended:
        return rows.filter(_about(subject, table))
    keys = rows.filter(_about(subject, table)).select("_key").unique()
    return rows.join(keys, on="_key", how="semi")


def _counted(lake: Lake, subject: Subject, table: str) -> pl.LazyFrame:
    rows = versions_about(lake, subject, table).with_columns(_happened(table))
    last = pl.int_range(pl.len()).over("_key", order_by=[RECORDED_AT, "_seq"]) == (
        pl.len().over("_key") - 1
    )
    named = [
        pl.col(column).filter(last & pl.col(column).is_in(sorted(subject.ids.get(kind, ()))))
        .len().alias(f"role {column}")
        for column, kind in columns_about(table).items()
    ]  # fmt: skip
    return rows.select(
        pl.col("_key").n_unique().alias("rows"),
        pl.len().alias("versions"),
        (pl.col("_key").unique_counts() > 1).sum().alias("amended"),
        pl.col("_happened").min().alias("first_happened"),
        pl.col("_happened").max().alias("last_happened"),
        pl.col(RECORDED_AT).min().alias("first_learned"),
        pl.col(RECORDED_AT).max().alias("last_learned"),
        *named,
    )


def _happened(table: str) -> pl.Expr:
    """When a row happened, as text: a day, or a period as filed; null where nothing says."""
    days = [pl.col(c).cast(pl.String).str.slice(0, 10) for c in CONTRACTS[table].event_time]
    return pl.coalesce(*days, pl.lit(None, pl.String)).alias("_happened")


def _table(table: str, found: Row) -> Row:
    counts = {name.removeprefix("role "): n for name, n in found.items() if name[:5] == "role "}
    return {
        "table": table,
        "title": CONTRACTS[table].title,
        "roles": {name: n for name, n in counts.items() if n},
        **{name: value for name, value in found.items() if name[:5] != "role "},
    }


def _files(engine: Engine, batches: Iterable[str]) -> dict[str, list[str]]:
    """Source files by batch."""
    query = select(batch.c.batch_id, batch.c.source_files)
    with reading(engine) as connection:
        found = connection.execute(query.where(batch.c.batch_id.in_(list(batches))))
        return {batch_id: json.loads(files) for batch_id, files in found}


def _row(keys: tuple[str, ...], versions: list[Row], files: dict[str, list[str]]) -> Row:
    told: list[Row] = []
    before: Row | None = None
    for version in versions:
        values = {n: v for n, v in version.items() if n not in HIDDEN}
        changed = [n for n, v in values.items() if before is not None and v != before[n]]
        told.append(
            {
                "learned": version[RECORDED_AT],
                "happened": version["_happened"],
                "batch_id": version["_batch_id"],
                "files": files.get(version["_batch_id"], []),
                "line": version["_line"],
                "changed": changed,
                "values": {n: v for n, v in values.items() if v is not None or n in changed},
            }
        )
        before = values
    newest = versions[-1]
    return {"key": {n: newest[n] for n in keys if newest[n] is not None}, "versions": told}
