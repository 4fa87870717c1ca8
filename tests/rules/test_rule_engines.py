"""The same condition on every engine: Polars' own expressions, portable ones, and Spark."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import narwhals as nw
import polars as pl
import pytest

from rules.checking import ColumnInfo, Quantity, Vocabulary, check_condition
from rules.compilation import compile_condition
from rules.engine import NATIVE, PORTABLE, Engine
from rules.expression import parse_condition
from rules.parameters import Threshold
from rules.values import Values
from tests.rules.truth_cases import CASES, COLUMNS

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

DTYPES = {"number": pl.Float64, "whole": pl.Int64, "text": pl.String, "truth": pl.Boolean}
NAMES = Vocabulary(
    "category_y",
    {
        "a": ColumnInfo("a", "feature", Quantity("number", "ratio")),
        "b": ColumnInfo("b", "feature", Quantity("number", "ratio")),
        "n_bids": ColumnInfo("n_bids", "attribute", Quantity("number")),
        "level": ColumnInfo("level", "feature", Quantity("text")),
        "is_new": ColumnInfo("is_new", "attribute", Quantity("boolean")),
    },
)
TYPES = {"k": Quantity("number", "ratio"), "word": Quantity("text")}


def rows() -> pl.DataFrame:
    """One row a case, in the order of the cases."""
    return pl.DataFrame(
        {"case": pl.Series(range(len(CASES)), dtype=pl.Int64)}
        | {
            name: pl.Series([r.get(name) for _, r, _ in CASES], dtype=DTYPES[kind], strict=False)
            for name, kind in COLUMNS.items()
        }
    )  # fmt: skip


def truths(frame: Any, engine: Engine, *, every: int = 1) -> Any:
    """The truth of each case's condition on each case's own row, in column ``truth``.

    Column ``whole`` holds that of every `every`-th case as a fact-telling rule computes it, leaf
    by leaf; ``truth`` is what a rule is judged by first.
    """
    thresholds = {
        "k": Threshold("k", "number", "ratio", engine.lit(0.5), engine.lit("ENG"), 0.5),
        "word": Threshold("word", "text", "", engine.lit("w"), engine.lit("ENG"), "w"),
    }
    columns, sides, judgements, told, whole = frozenset(COLUMNS), [], [], [], []
    values = Values(NAMES, thresholds, columns, engine)
    for number, (text, _, _) in enumerate(CASES):
        tree = parse_condition(text)
        assert check_condition(tree, NAMES, TYPES) == (), text
        here = engine.col("case") == number
        told.append(engine.when(here).then(values.judgement(tree)))
        if number % every:
            continue
        found = compile_condition(tree, NAMES, thresholds, columns, f"_{number}_", engine=engine)
        sides += found.sides
        judgements += found.judgements
        whole.append(engine.when(here).then(found.truth))
    staged = frame.with_columns(*sides).with_columns(*judgements)
    return staged.select(
        "case", engine.coalesce(*told).alias("truth"), engine.coalesce(*whole).alias("whole")
    )


def answers(found: Any, every: int = 1) -> list[str]:
    """Cases that were answered otherwise than by hand, in either way of computing."""
    judged = dict(zip(found["case"].to_list(), found["truth"].to_list(), strict=True))
    told = dict(zip(found["case"].to_list(), found["whole"].to_list(), strict=True))
    wrong: list[str] = []
    for number, (text, row, answer) in enumerate(CASES):
        if judged[number] is not answer:
            wrong.append(f"{text} over {row}: {judged[number]}, not {answer}")
        if number % every == 0 and told[number] is not answer:
            wrong.append(f"{text} over {row}, leaf by leaf: {told[number]}, not {answer}")
    return wrong


def test_the_table_is_large_and_every_case_another() -> None:
    assert len(CASES) >= 200
    assert len({(text, repr(row)) for text, row, _ in CASES}) == len(CASES)
    assert {answer for _, _, answer in CASES} == {True, False, None}


def test_polars_gives_the_answers_written_by_hand() -> None:
    assert answers(truths(rows().lazy(), NATIVE).collect()) == []


def test_portable_expressions_give_them_too() -> None:
    assert answers(truths(nw.from_native(rows().lazy()), PORTABLE).to_native().collect()) == []


@pytest.fixture(scope="module")
def session() -> Iterator[SparkSession]:
    pytest.importorskip("pyspark", reason="PySpark is not installed")
    if shutil.which("java") is None:
        pytest.skip("Java is not installed")
    from detector.backends.spark import open_session
    from tests.conformance.test_features_on_spark import SMALL

    opened = open_session("local[1]", {**SMALL, "spark.driver.memory": "1g"})
    opened.sparkContext.setLogLevel("ERROR")
    yield opened
    opened.stop()


@pytest.mark.spark
def test_spark_gives_them_too(session: SparkSession) -> None:
    """One job for all cases; each tenth leaf by leaf too, since Spark plans slowly."""
    from features.tables import handed

    found = truths(handed(rows(), session), PORTABLE, every=10).to_native().toArrow()
    assert answers(pl.from_arrow(found), every=10) == []
