"""How many false alarms to expect: q-values over entities, then over typologies inside them.

A firm is asked about by many screens. If each were a test of its own, a firm with eighty screens
would flood the queue. So entities come first: each entity's p-values in one family of typologies
become one by Simes, Benjamini-Hochberg chooses among entities, and inside the chosen ones
Benjamini-Hochberg runs again at the level times the share of entities chosen (Benjamini and
Bogomolov 2014). On average over the chosen entities, the share of false findings stays within the
level. The q-value of a (typology, entity) is the smallest level at which this procedure finds it.

Judged together are the hypotheses of the screen lane, one family of typologies, one grain and one
period. The legal lane has none: a limit passed is a fact, not a test.
"""

from __future__ import annotations

import polars as pl

from detector.owners import OWNED
from detector.results import CELL, rows_in
from features.vocabulary import TYPOLOGIES, Lane

FAMILIES = {typology.id: typology.family for typology in TYPOLOGIES.values()}
OVERLAPPING = frozenset({g for g, owned in OWNED.items() if owned.joint} | {"market_firm_y"})
"""Grains whose subjects share firms (pairs, clusters, a firm's shares of several markets): their
p-values may depend on each other in any way, so the factor of Benjamini and Yekutieli is due."""
GROUP = ("family", "grain", "period_start")


def with_family(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows with the `family` of their typology."""
    return rows.with_columns(
        family=pl.col("typology").replace_strict(FAMILIES, default=pl.col("typology"))
    )


def with_q_values(judged: pl.DataFrame) -> pl.DataFrame:
    """Gives every row with a p-value its `q_value`; null without one and in the legal lane.

    The rows must hold whole groups (`GROUP`): a q-value depends on all p-values judged together.

    Args:
        judged: columns `typology`, `grain`, `subject_key`, `period_start`, `lane`, `p_value`.
    """
    rows = judged.with_row_index("_row")
    inside = tests_of(rows)
    found = adjusted(inside, entity_levels(inside)).select("_row", "q_value")
    return (
        rows.drop("q_value", strict=False)
        .join(found, on="_row", how="left", maintain_order="left")
        .drop("_row")
    )


def tests_of(rows: pl.DataFrame) -> pl.DataFrame:
    """The tests among rows (with `_row`): columns of `GROUP`, numbers `_group` and `_entity`, and
    `within`, their Benjamini-Hochberg value among those of their entity."""
    screens = (pl.col("lane") != Lane.LEGAL.value).fill_null(value=True)
    tested = with_family(rows.filter(screens & pl.col("p_value").is_not_null())).select(
        "_row", *GROUP, "subject_key", "p_value"
    )
    # Numbers in place of texts: five sorts and windows over them are to come.
    groups = tested.select(GROUP).unique(maintain_order=True).with_row_index("_group")
    numbered = tested.join(groups, on=GROUP, how="left", maintain_order="left").with_columns(
        _subject=pl.col("subject_key").cast(pl.Categorical).to_physical()
    )
    ordered = numbered.sort("_group", "_subject", "p_value", "_row").with_columns(
        _entity=pl.struct("_group", "_subject").rle_id()
    )
    return ordered.with_columns(within=_step_up("p_value", "_entity"))


def entity_tests(judged: pl.DataFrame) -> pl.DataFrame:
    """One p-value `p` an entity of each group (`GROUP`): what the first level chooses among.

    It carries the factor of subjects that share firms, so that plain Benjamini-Hochberg over it
    chooses the entities with a q-value within its level.
    """
    entities = entity_levels(tests_of(judged.with_row_index("_row")))
    whole = pl.min_horizontal(pl.col("simes") * dependence(), 1.0)
    return entities.select(*GROUP, p=whole)


def entity_levels(inside: pl.DataFrame) -> pl.DataFrame:
    """One row an entity of each group, best first: `simes`, `place`, `entities`, `level`, `bound`.

    Args:
        inside: tests (`tests_of`).

    Returns:
        `level` is the least level at which `place` entities are chosen; `bound` is that level times
        the share chosen, the least a test inside must fall below; both never fall with `place`.
    """
    simes = inside.group_by("_entity").agg(
        pl.col("within").min().alias("simes"), pl.col("_group", *GROUP).first()
    )
    ordered = simes.sort("_group", "simes", "_entity").with_columns(
        place=pl.int_range(1, pl.len() + 1).over("_group"), entities=pl.len().over("_group")
    )
    leveled = ordered.with_columns(level=_step_up("simes", "_group"))
    return leveled.with_columns(bound=pl.col("level") * pl.col("place") / pl.col("entities"))


def adjusted(inside: pl.DataFrame, entities: pl.DataFrame) -> pl.DataFrame:
    """The smallest level at which the two-level procedure finds each test, as `q_value`.

    With k entities chosen, a test is found where `within` is at most level times k over the number
    of entities; k entities are chosen from `level` of the k-th on. The best k is where the two
    requirements cross: the first whose `bound` reaches `within`, or the one before it.
    """
    steps = entities.select("_group", "bound", "place", "level").sort("bound")
    sizes = entities.select("_group", "entities").unique()
    crossed = (
        inside.sort("within")
        .join_asof(
            steps, left_on="within", right_on="bound", by="_group", strategy="forward",
            check_sortedness=False,
        )
        .join(sizes, on="_group", how="left")
    )  # fmt: skip
    before = pl.col("within") * pl.col("entities") / (pl.col("place") - 1)
    level = (
        pl.when(pl.col("place").is_null())
        .then(pl.col("within"))
        .when(pl.col("place") == 1)
        .then(pl.col("level"))
        .otherwise(pl.min_horizontal("level", before))
    )
    return crossed.with_columns(q_value=pl.min_horizontal(level * dependence(), 1.0))


def dependence() -> pl.Expr:
    """1, or for subjects that share firms the sum of 1/i up to the number of `entities`."""
    harmonic = pl.col("entities").map_batches(_harmonic, return_dtype=pl.Float64)
    shared = pl.col("grain").is_in(sorted(OVERLAPPING))
    return pl.when(shared).then(harmonic).otherwise(1.0)


def _harmonic(counts: pl.Series) -> pl.Series:
    import numpy as np

    most = int(counts.max() or 0)  # type: ignore[arg-type]
    sums = np.concatenate([[0.0], np.cumsum(1.0 / np.arange(1, most + 1))])
    return pl.Series(sums[counts.to_numpy()])


def _step_up(p: str, group: str) -> pl.Expr:
    """Benjamini-Hochberg values of sorted p-values inside each group."""
    rank, size = pl.int_range(1, pl.len() + 1), pl.len()
    steps = (pl.col(p) * size / rank).reverse().cum_min().reverse()
    return pl.min_horizontal(steps, 1.0).over(group)


def beside(before: pl.LazyFrame, cells: pl.DataFrame) -> pl.DataFrame:
    """Rows in force that are not judged anew but share a group with cells that are.

    Their q-values move with those judged anew: all rows of such cells are given, those without a
    p-value too. None where no row of the groups has one.

    Args:
        before: rows in force before this run.
        cells: cells judged anew (`detector.results.CELL`).
    """
    groups = with_family(cells).select("family", "grain", "period_start").unique()
    names = pl.LazyFrame(
        {"typology": list(FAMILIES), "family": list(FAMILIES.values())}, schema_overrides=_TEXTS
    )
    near = (
        before.filter(
            pl.col("p_value").is_not_null(),
            pl.col("grain").is_in(groups["grain"].unique().implode()),
        )
        .select(CELL)
        .unique()
        .join(names, on="typology")
        .join(groups.lazy(), on=["family", "grain", "period_start"], how="semi")
        .join(cells.lazy(), on=list(CELL), how="anti")
        .select(CELL)
    ).collect()
    if near.is_empty():
        return before.head(0).collect()
    return rows_in(before, near).collect()


_TEXTS = {"typology": pl.String(), "family": pl.String()}
