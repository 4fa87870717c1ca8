"""Division that does not depend on how many rows there are."""

from __future__ import annotations

from typing import TypeVar

import narwhals as nw
import polars as pl

Expr = TypeVar("Expr", nw.Expr, pl.Expr)


def quotient(left: Expr, right: Expr) -> Expr:
    """``left / right``, rounded once.

    Polars divides a column by a constant as a product with its reciprocal, which is rounded twice:
    49 / 49 gives 0.9999999999999999. Whether a limit that is the same for every row is a constant
    depends on the rows beside it, so a subject judged alone would get other digits than among
    others. Adding nought of the left side makes the right side a column in every case.

    Args:
        left: finite numbers; what is not finite gives a result that is not.
        right: numbers other than zero.
    """
    return left / (right + left * 0.0)
