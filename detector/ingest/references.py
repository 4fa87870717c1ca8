"""Names a batch uses that no other table knows: remarks for the clerk, never a refusal."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl

from features.contracts.references import REFERENCES, Reference
from features.errors import WardenError

Scan = Callable[[str], pl.LazyFrame | None]
"""Gives the stored rows of a table, or None when it holds none."""

SHOWN = 3
"""Names given as examples."""


def unknown_names(table: str, staged: Path, scan: Scan) -> tuple[str, ...]:
    """One sentence for each reference of the table that leads nowhere.

    Only distinct names are compared, and only against tables that hold rows: an installation
    that files no firms at all is not told so with every batch.

    Args:
        staged: folder of the batch's good rows (Parquet); it holds at least one.
    """
    rows = pl.scan_parquet(staged / "*.parquet")
    said = (_checked(rows, reference, scan) for reference in REFERENCES.get(table, ()))
    return tuple(sentence for sentence in said if sentence)


def _checked(rows: pl.LazyFrame, reference: Reference, scan: Scan) -> str | None:
    try:
        return _unknown(rows, reference, scan)
    except (WardenError, pl.exceptions.PolarsError, OSError) as error:
        # another table's trouble must not keep this batch out
        names = " or ".join(f"`{name}`" for name, _ in reference.targets)
        return f"{reference.noun} could not be looked up in {names} ({type(error).__name__})"


def _unknown(rows: pl.LazyFrame, reference: Reference, scan: Scan) -> str | None:
    targets = [
        (name, columns, frame)
        for name, columns in reference.targets
        if (frame := scan(name)) is not None
    ]
    if not targets:
        return None
    named = rows.select(reference.columns).drop_nulls()
    if reference.wildcard is not None:
        named = named.filter(pl.col(reference.columns[-1]) != reference.wildcard)
    used = named.group_by(reference.columns).len("rows_")
    for _, columns, frame in targets:
        known = frame.select(columns).drop_nulls().unique()
        used = used.join(known, left_on=reference.columns, right_on=columns, how="anti")
    strange = used.sort(reference.columns).collect(engine="streaming")
    if not strange.height:
        return None
    return _sentence(reference, strange, [name for name, _, _ in targets])


def _sentence(reference: Reference, strange: pl.DataFrame, targets: list[str]) -> str:
    """For example: tenders not in `tenders`: 2 (`tender_id`: T1, T2), rows: 5; they are kept."""
    names = strange.head(SHOWN).select(
        pl.concat_str(pl.col(reference.columns).str.slice(0, 60), separator="/")
    )
    examples = ", ".join(names.to_series()) + (", ..." if strange.height > SHOWN else "")
    columns = "/".join(reference.columns)
    places = " or ".join(f"`{name}`" for name in dict.fromkeys(targets))
    return (
        f"{reference.noun} not in {places}: {strange.height:,} (`{columns}`: {examples}), "
        f"rows: {strange['rows_'].sum():,}; they are kept"
    )
