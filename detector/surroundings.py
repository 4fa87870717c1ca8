"""What stands around the subject of an alert: names, parties, bids, finer results.

Read for one subject at a time, as plain rows, from the results of the run that raised the alert
and from the filings as known now. What cannot be found is left out; a page says less, never wrong.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import TYPE_CHECKING, Any

import polars as pl

from detector.results import Manifest, Results

if TYPE_CHECKING:
    from detector.system import System

Row = dict[str, Any]
MOST = 200
"""No table of a page is longer."""


class Surroundings:
    """Looks things up for one alert: its run fixes which results are read."""

    def __init__(self, system: System, run_id: str) -> None:
        self._lake = system.lake
        self._results = Results(system.home)
        self._manifest = _manifest(self._results, run_id)

    def judged(self, typology: str, grain: str, keys: Collection[str]) -> list[Row]:
        """Judgements of these subjects, the most suspicious first (schema `JUDGED`)."""
        if self._manifest is None:
            return []
        rows = self._results.judged(self._manifest).filter(
            pl.col("typology") == typology,
            pl.col("grain") == grain,
            pl.col("subject_key").is_in(list(keys)),
        )
        ordered = rows.sort("p_value", "subject_key", nulls_last=True)
        return ordered.unique("subject_key", keep="first", maintain_order=True).collect().to_dicts()

    def features(self, typology: str, grain: str, key: str, start: date) -> list[Row]:
        """Features of a subject in the period from `start`, and of all finer ones under it."""
        found = None
        if self._manifest is not None:
            found = self._results.read(self._manifest, f"features-{grain}-{typology}")
        if found is None:
            return []
        name, inside = pl.col("subject_key"), pl.col("period_start") == start
        own = (name == key) | name.str.starts_with(f"{key}/")
        return found.filter(inside, own).sort("subject_key").head(MOST).collect().to_dicts()

    def filed(self, table: str, **wanted: object) -> list[Row]:
        """Rows in force of a table with these values."""
        if self._lake is None:
            return []
        rows = self._lake.scan(self._lake.pin(), table)
        conditions = [pl.col(name) == value for name, value in wanted.items()]
        return rows.filter(conditions).head(MOST).collect().to_dicts()

    def names(self, firms: Collection[str]) -> dict[str, tuple[str, str]]:
        """English and Chinese names of firms by id, where filed."""
        if self._lake is None or not firms:
            return {}
        rows = self._lake.scan(self._lake.pin(), "firms").filter(
            pl.col("firm_id").is_in(list(firms)), pl.col("name").is_not_null()
        )
        found = rows.select("firm_id", "name", "name_zh").collect()
        return {key: (name, zh or name) for key, name, zh in found.iter_rows()}


def _manifest(results: Results, run_id: str) -> Manifest | None:
    try:
        return results.manifest(run_id)
    except (OSError, ValueError, TypeError):  # gone, or written by another release
        return None
