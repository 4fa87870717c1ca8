"""What a base may read: the filings of a run, and the views prepared from them once."""

from __future__ import annotations

from collections.abc import Mapping

import narwhals as nw
import polars as pl

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
            built = self._registry.views[name].fn(self)
            self._views[name] = nw.from_native(collect(built, streaming=True).lazy())
        return self._views[name]

    def _has_rows(self, name: str) -> bool:
        if name not in self._filled:
            self._filled[name] = collect(self._frames[name].head(1)).height > 0
        return self._filled[name]


def collect(frame: Lazy, *, streaming: bool = False) -> pl.DataFrame:
    """Run a lazy plan.

    Streaming is for plans whose aggregates do not depend on row order (counts, extremes, whole
    numbers): it would add floats in an order that changes from run to run.
    """
    native: pl.LazyFrame = nw.to_native(frame)
    return native.collect(engine="streaming" if streaming else "in-memory")


def settled(frame: Lazy, *order: str) -> Lazy:
    """The frame computed and sorted, for a sum of floats to follow.

    Inside one plan the optimizer drops a sort before a group-by, and floats would be added in an
    order that depends on the filing.
    """
    return nw.from_native(collect(frame.sort(*order)).lazy())


def _whole(name: str, frame: AnyLazy) -> Lazy:
    """The frame with every column of its contract; lake rows pass through untouched."""
    native: pl.LazyFrame = nw.to_native(frame) if isinstance(frame, nw.LazyFrame) else frame
    if name in CONTRACTS:
        given = native.collect_schema()
        if any(given.get(column) != dtype for column, dtype in CONTRACTS[name].dtypes.items()):
            native = conform(name, native)
    return nw.from_native(native)
