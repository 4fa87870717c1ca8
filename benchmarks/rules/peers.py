"""The same rules as somebody writes them by hand: Polars in one select, DuckDB in one query.

Both give the five outcomes as numbers and, for every firing, the figures and limits behind it. They
check nothing, resolve no dated limit, rank nothing, and write no sentence.
"""

from __future__ import annotations

from collections.abc import Sequence

import duckdb
import polars as pl

from benchmarks.rules.market import Made

FIRED, CLEAR, NOT_EVALUABLE, OUT_OF_SCOPE = 0, 1, 2, 3
_LEAST_N = 5


def polars_by_hand(frame: pl.DataFrame, rules: Sequence[Made]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Outcomes (a column a rule) and firings (rule, subject, the three figures, both limits)."""
    outcomes = frame.lazy().select(
        "subject_key", *(_outcome(rule).alias(f"r{i}") for i, rule in enumerate(rules))
    )
    found = outcomes.collect(engine="streaming")
    firings = []
    for number, rule in enumerate(rules):
        rows = frame.select("subject_key", *dict.fromkeys(rule.features)).filter(
            found[f"r{number}"] == FIRED
        )
        firings.append(
            rows.select(
                pl.lit(number).alias("rule"), "subject_key",
                *(pl.col(name).alias(f"v{i}") for i, name in enumerate(rule.features)),
                pl.lit(rule.high).alias("high"), pl.lit(rule.low).alias("low"),
            )
        )  # fmt: skip
    return found, pl.concat(firings)


def _outcome(rule: Made) -> pl.Expr:
    a, b, c = (pl.col(name) for name in rule.features)
    truth = (
        (a >= rule.high) & (b < rule.low),
        (a >= rule.high) & (b < rule.low) & (c > 0.2),
        (a >= rule.high) & ((b < rule.low) | (c < rule.low)),
        (a / pl.when(b != 0).then(b) > 40) & (c < rule.low),
        (a >= rule.high) & (b >= rule.low) & (b <= 0.3) & (c < 0.1),
    )[rule.shape]
    scope = pl.col("kind") != rule.kind
    support = (pl.col(f"{rule.features[0]}__n") >= _LEAST_N).fill_null(value=True)
    return (
        pl.when(scope.is_null()).then(pl.lit(NOT_EVALUABLE, dtype=pl.UInt8))
        .when(~scope).then(pl.lit(OUT_OF_SCOPE, dtype=pl.UInt8))
        .when(~support).then(pl.lit(NOT_EVALUABLE, dtype=pl.UInt8))
        .when(truth.is_null()).then(pl.lit(NOT_EVALUABLE, dtype=pl.UInt8))
        .when(truth).then(pl.lit(FIRED, dtype=pl.UInt8))
        .otherwise(pl.lit(CLEAR, dtype=pl.UInt8))
    )  # fmt: skip


def duckdb_by_hand(path: str, rules: Sequence[Made]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The same from a Parquet file, one query for the outcomes and one for the evidence."""
    with duckdb.connect() as database:
        database.execute("SET preserve_insertion_order = false")
        columns = ", ".join(f"{_sql(rule)} AS r{i}" for i, rule in enumerate(rules))
        figures = ", ".join(sorted({name for rule in rules for name in rule.features}))
        database.execute(
            f"CREATE TEMP TABLE found AS SELECT subject_key, {figures}, {columns} FROM '{path}'"
        )
        parts = [
            f"SELECT {i} AS rule, subject_key, "
            + ", ".join(f"{name} AS v{j}" for j, name in enumerate(rule.features))
            + f", {rule.high} AS high, {rule.low} AS low FROM found WHERE r{i} = {FIRED}"
            for i, rule in enumerate(rules)
        ]
        firings = _frame(database.sql(" UNION ALL ".join(parts)))
        names = ", ".join(f"r{i}" for i in range(len(rules)))
        outcomes = _frame(database.sql(f"SELECT subject_key, {names} FROM found"))
    return outcomes, firings


def _frame(result: duckdb.DuckDBPyRelation) -> pl.DataFrame:
    found = pl.from_arrow(result.to_arrow_table())
    assert isinstance(found, pl.DataFrame)
    return found


def _sql(rule: Made) -> str:
    a, b, c = rule.features
    truth = (
        f"{a} >= {rule.high} AND {b} < {rule.low}",
        f"{a} >= {rule.high} AND {b} < {rule.low} AND {c} > 0.2",
        f"{a} >= {rule.high} AND ({b} < {rule.low} OR {c} < {rule.low})",
        f"{a} / nullif({b}, 0) > 40 AND {c} < {rule.low}",
        f"{a} >= {rule.high} AND {b} BETWEEN {rule.low} AND 0.3 AND {c} < 0.1",
    )[rule.shape]
    scope = f"kind <> '{rule.kind}'"
    return (
        f"(CASE WHEN ({scope}) IS NULL THEN {NOT_EVALUABLE} WHEN NOT ({scope}) THEN {OUT_OF_SCOPE}"
        f" WHEN NOT coalesce({a}__n >= {_LEAST_N}, true) THEN {NOT_EVALUABLE}"
        f" WHEN ({truth}) IS NULL THEN {NOT_EVALUABLE} WHEN {truth} THEN {FIRED}"
        f" ELSE {CLEAR} END)::UTINYINT"
    )
