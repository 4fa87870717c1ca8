"""What the results in force judged, and why the rest could not be: by family of typologies."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import polars as pl

from detector.results import Results
from features.vocabulary import Outcome

Row = dict[str, Any]


@lru_cache(maxsize=2)
def _counted(home: Path, run: str) -> pl.DataFrame:
    """Judgements by typology, outcome and reason; results never change once published."""
    results = Results(home)
    return (
        results.judged(results.manifest(run))
        .group_by("typology", "outcome", "reason")
        .len("n")
        .collect()
    )


def checked(home: Path, run: str) -> list[Row]:
    """Counts by family, the largest first.

    Returns:
        Of each `family` (the first word of its typologies; bid rigging apart) counts by outcome,
        `judged` in all, and the most frequent `reason` why something was not evaluable, None
        without one.
    """
    first = pl.col("typology").str.extract(r"^(MON-BID|[A-Z0-9]+)")
    counted = _counted(home, run).with_columns(first.alias("family"))
    missing = (
        counted.filter(pl.col("outcome") == Outcome.NOT_EVALUABLE, pl.col("reason").is_not_null())
        .group_by("family", "reason")
        .agg(pl.col("n").sum())
        .sort("family", "n", "reason", descending=[False, True, False])
        .unique("family", keep="first", maintain_order=True)
    )
    reasons = dict(missing.select("family", "reason").iter_rows())
    sums = counted.group_by("family", "outcome").agg(pl.col("n").sum())
    found: dict[str, Row] = {}
    for family, outcome, n in sums.iter_rows():
        row = found.setdefault(family, {"family": family} | {o.value: 0 for o in Outcome})
        row[outcome] = int(n)
    for family, row in found.items():
        row["judged"] = sum(row[o.value] for o in Outcome)
        row["reason"] = reasons.get(family)
    return sorted(found.values(), key=lambda row: (-row["judged"], row["family"]))
