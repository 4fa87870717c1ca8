"""Filed months, weeks, runs and worst rows: small steps several conduct bases share."""

from __future__ import annotations

import narwhals as nw

from features.operators import Lazy, day_number

_QUARTERS = {"1": "01", "2": "04", "3": "07", "4": "10"}


def filed_month(column: str) -> nw.Expr:
    """First day of a filed month, written as a date or as `2024`, `2024-Q1`, `2024-03`.

    A quarter or a year counts from its first month.
    """
    text = nw.col(column).cast(nw.String)
    of_quarter = text.str.slice(6, 1).replace_strict(
        list(_QUARTERS), list(_QUARTERS.values()), default=None, return_dtype=nw.String
    )
    month = (
        nw.when(text.str.len_chars() == 4).then(nw.lit("01"))
        .when(text.str.contains("Q")).then(of_quarter)
        .otherwise(text.str.slice(5, 2))
    )  # fmt: skip
    first = nw.concat_str([text.str.slice(0, 4), nw.lit("-"), month, nw.lit("-01")])
    return first.str.to_date("%Y-%m-%d")


def month_number(day: nw.Expr) -> nw.Expr:
    """Months since year 0, so that neighbours differ by one."""
    return day.dt.year().cast(nw.Int64) * 12 + day.dt.month().cast(nw.Int64)


def week_start(day: nw.Expr) -> nw.Expr:
    """Monday of the week of a date; written out because no step of weeks is known everywhere."""
    since_monday = day_number(day) % 7
    monday = day.cast(nw.Date)
    for days in range(1, 7):
        earlier = day.dt.offset_by(f"-{days}d").cast(nw.Date)
        monday = nw.when(since_monday == days).then(earlier).otherwise(monday)
    return monday


def week_number(day: nw.Expr) -> nw.Expr:
    """Weeks since year 1, which began on a Monday: neighbouring Mondays differ by one."""
    return day_number(day) // 7


def worst_row(rows: Lazy, cell: tuple[str, ...], *order: nw.Expr) -> Lazy:
    """One row a cell: the largest by the first expression, ties by the next and so on."""
    names = [f"_order{i}" for i in range(len(order))]
    ranked = rows
    for name, expr in zip(names, order, strict=True):
        ranked = ranked.with_columns(expr.alias(name))
        best = nw.col(name).max().over(*cell)
        ranked = ranked.filter((nw.col(name) == best) | best.is_null())
    return ranked.drop(*names)


def run_length(rows: Lazy, series: tuple[str, ...], at: str, state: nw.Expr, into: str) -> Lazy:
    """Add how many rows in a row, up to and with this one, hold `state`.

    A row whose state is null neither counts nor ends the run; a missing step of `at` ends it.

    Args:
        series: columns that name one series.
        at: whole number of the period; neighbours differ by one.
        state: boolean expression, null where the period is left out of account.
    """
    step = nw.col(at) - nw.col(at).shift(1).over(*series, order_by=at)
    marked = rows.with_columns(state.alias("_state")).with_columns(
        ((step != 1) | ~nw.col("_state")).fill_null(value=False).cast(nw.Int64).alias("_ends")
    )
    marked = marked.with_columns(
        nw.col("_ends").cum_sum().over(*series, order_by=at).alias("_run"),
        nw.col("_state").fill_null(value=False).cast(nw.Int64).alias("_holds"),
    )
    return marked.with_columns(
        nw.col("_holds").cum_sum().over(*series, "_run", order_by=at).alias(into)
    ).drop("_state", "_ends", "_run", "_holds")
