"""Filed periods (`2024`, `2024-Q1`, `2024-03`, a date) read as their first and last day."""

from __future__ import annotations

import narwhals as nw

from features.operators import Lazy, month_end, quarter_end, year_end


def with_period(rows: Lazy, column: str = "period") -> Lazy:
    """Add `period_start` and `period_end` (inclusive) read from a text column."""
    filed, length = nw.col(column), nw.col(column).str.len_chars()
    is_quarter = filed.str.contains("Q")
    year, number = filed.str.slice(0, 4), filed.str.slice(6, 1)
    quarter_month = number.replace_strict(
        ["1", "2", "3", "4"], ["01", "04", "07", "10"], default=None, return_dtype=nw.String
    )
    first = (
        nw.when(length == 4).then(nw.concat_str([year, nw.lit("-01-01")]))
        .when(is_quarter).then(nw.concat_str([year, nw.lit("-"), quarter_month, nw.lit("-01")]))
        .when(length == 7).then(nw.concat_str([filed, nw.lit("-01")]))
        .otherwise(filed)
    ).str.to_date("%Y-%m-%d")  # fmt: skip
    start = nw.col("period_start")
    last = (
        nw.when(length == 4).then(year_end(start))
        .when(is_quarter).then(quarter_end(start))
        .when(length == 7).then(month_end(start))
        .otherwise(start)
    )  # fmt: skip
    return rows.with_columns(first.alias("period_start")).with_columns(last.alias("period_end"))
