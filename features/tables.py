"""What a base may read: the filings of a run, and the views prepared from them once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import narwhals as nw
import polars as pl
import polars.selectors as cs

from features.catalogue import FeatureCatalogue
from features.contracts import CONTRACTS, conform
from features.errors import WardenError
from features.operators import Lazy
from features.vocabulary import RunContext

AnyLazy = Lazy | pl.LazyFrame


class Tables:
    """The canonical tables of one run and the views computed from them.

    A view is computed at its first use and kept, so bases that share it share its cost.

    Args:
        tables: canonical name to lazy frame, as read from the lake.
        context: the day the judgement is made for.
        registry: where views are looked up.
    """

    def __init__(
        self, tables: Mapping[str, AnyLazy], context: RunContext, registry: FeatureCatalogue
    ) -> None:
        self.context = context
        self._registry = registry
        self._frames = {name: _whole(name, frame) for name, frame in tables.items()}
        self._views: dict[str, Lazy] = {}
        self._filled: dict[str, bool] = {}

    def __getitem__(self, name: str) -> Lazy:
        """The filed rows of a table.

        Raises:
            WardenError: ``missing_table`` when the run has no such table.
        """
        if name not in self._frames:
            raise WardenError("missing_table", f"The run has no table '{name}'.", kind="not_found")
        return self._frames[name]

    def get(self, name: str) -> Lazy | None:
        """The filed rows of a table that need not exist."""
        return self._frames.get(name)

    def missing(self, names: tuple[str, ...]) -> str | None:
        """Why these tables cannot be used, or ``None`` when all hold at least one row."""
        for name in names:
            if name not in self._frames:
                return f"table {name} is absent"
            if not self._has_rows(name):
                return f"table {name} is empty"
        return None

    def view(self, name: str) -> Lazy:
        """A prepared table; computed once in a run."""
        if name not in self._views:
            self._views[name] = self.lifted(kept(self._registry.views[name].fn(self)))
        return self._views[name]

    def lifted(self, frame: pl.DataFrame | Lazy) -> Lazy:
        """A frame computed in this process as the run's engine sees it, to join with filed rows."""
        given: Lazy = nw.from_native(frame.lazy()) if isinstance(frame, pl.DataFrame) else frame
        filed = next(iter(self._frames.values()), None)
        if filed is None or filed.implementation == given.implementation:
            return given
        return handed(collect(given), nw.to_native(filed).sparkSession)

    def _has_rows(self, name: str) -> bool:
        if name not in self._filled:
            self._filled[name] = collect(self._frames[name].head(1)).height > 0
        return self._filled[name]


def collect(frame: Lazy, *, streaming: bool = False) -> pl.DataFrame:
    """Run a lazy plan on its engine and bring the rows to this process.

    Streaming is for plans whose aggregates do not depend on row order (counts, extremes, whole
    numbers): it would add floats in an order that changes from run to run.
    """
    if not frame.implementation.is_polars():
        fetched: pl.DataFrame = nw.to_native(frame.collect(backend="polars"))
        return fetched
    native: pl.LazyFrame = nw.to_native(frame)
    return native.collect(engine="streaming" if streaming else "in-memory")


def kept(frame: Lazy) -> Lazy:
    """The frame computed once: in memory here, a checkpoint where the engine is a cluster.

    A checkpoint also cuts the plan: Spark goes through the whole of it at every step added.
    """
    if frame.implementation.is_polars():
        return nw.from_native(collect(frame, streaming=True).lazy())
    checkpoint: Lazy = nw.from_native(nw.to_native(frame).localCheckpoint())
    return checkpoint


def settled(frame: Lazy, *order: str) -> Lazy:
    """The frame computed and sorted, for a sum of floats to follow.

    Inside one plan the optimizer drops a sort before a group-by, and floats would be added in an
    order that depends on the filing. A cluster adds parts in an order of its own: there the last
    digits of a sum may differ, which `SIGNIFICANT` digits of a result do not show.
    """
    if not frame.implementation.is_polars():
        return kept(frame)
    return nw.from_native(collect(frame.sort(*order)).lazy())


def handed(rows: pl.DataFrame, session: Any) -> Lazy:
    """Rows of this process as a frame of a Spark session, which this package never opens itself.

    Spark knows no unsigned numbers; they become signed ones.
    """
    signed = rows.with_columns(cs.unsigned_integer().cast(pl.Int64))
    frame: Lazy = nw.from_native(session.createDataFrame(signed.to_arrow()))
    return frame


def _whole(name: str, frame: AnyLazy) -> Lazy:
    """The frame with every column of its contract; lake rows pass through untouched."""
    if isinstance(frame, nw.LazyFrame) and not frame.implementation.is_polars():
        return _as_filed(name, frame)
    native: pl.LazyFrame = nw.to_native(frame) if isinstance(frame, nw.LazyFrame) else frame
    if name in CONTRACTS:
        given = native.collect_schema()
        if any(given.get(column) != dtype for column, dtype in CONTRACTS[name].dtypes.items()):
            native = conform(name, native)
    return nw.from_native(native)


def _as_filed(name: str, frame: Lazy) -> Lazy:
    """A cluster's frame, which must bring every column of its contract by itself.

    Raises:
        WardenError: ``missing_columns``.
    """
    absent = sorted(set(CONTRACTS[name].dtypes) - set(frame.collect_schema().names()))
    if absent:
        raise WardenError(
            "missing_columns",
            f"Table '{name}' lacks {', '.join(absent)}.",
            "Read it from the lake: ingest fills the columns a filing leaves out.",
        )
    return frame
