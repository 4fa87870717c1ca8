"""Where expressions begin: portable ones for any engine, or those of Polars at once.

Narwhals takes the names and the meaning of its expressions from Polars, so what compiles with the
one compiles with the other. Portable expressions run on Spark; building and translating them costs
some ten times as much, which counts where a rule has fewer rows than parts.
"""

from __future__ import annotations

from typing import Any, Protocol, cast

import narwhals as nw
import polars as pl
from narwhals.functions import When


class Engine(Protocol):
    """The functions of Narwhals a condition compiles to."""

    Float64: Any
    Int64: Any
    String: Any
    Boolean: Any

    def col(self, name: str) -> nw.Expr: ...
    def lit(self, value: Any, dtype: Any = None) -> nw.Expr: ...
    def when(self, *conditions: nw.Expr) -> When: ...
    def coalesce(self, *parts: nw.Expr) -> nw.Expr: ...
    def min_horizontal(self, *parts: nw.Expr) -> nw.Expr: ...
    def max_horizontal(self, *parts: nw.Expr) -> nw.Expr: ...


PORTABLE = cast("Engine", nw)
NATIVE = cast("Engine", pl)
