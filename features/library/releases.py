"""Released data sets in which persons can be found again (PRIV-REID)."""

from __future__ import annotations

import json

import narwhals as nw
import polars as pl

from features.catalogue import Measure, base, feature, measure
from features.operators import Lazy, civil_day, month_end, month_start
from features.tables import Tables, collect
from features.vocabulary import Reason

_TYPOLOGY, _BASE = "PRIV-REID", "releases"
_INPUTS = ("released_datasets.quasi", "released_datasets.records")
_SOURCE = "Sweeney 2002; El Emam and Malin 2015"
SMALLEST_CELL = 3
"""The k of `reid_share_below_k`: the smallest of the customary cell sizes 3, 5, 11 and 20."""
CELLS = (5, 11, 20)


@base(
    name=_BASE,
    grain="dataset",
    tables=("released_datasets",),
    attributes=("operator_id", "records", "classes"),
    under="operator_id",
)
def releases(t: Tables) -> Lazy:
    """One row per data set in the month of its release, from its classes of equal records."""
    day = civil_day("released_on", "recorded_at", fallback=t.context.as_of)
    rows = t["released_datasets"].with_columns(
        nw.coalesce(nw.col("records"), nw.lit(1)).alias("size"), day.alias("_day")
    )
    classes = rows.group_by("dataset_id", "quasi").agg(
        nw.col("size").sum(), nw.col("population").min(), nw.col("operator_id").max(),
        nw.col("_day").min(),
    )  # fmt: skip
    size = nw.col("size")
    below = {f"below_{k}": nw.when(size < k).then(size).otherwise(0) for k in (3, *CELLS)}
    classes = classes.with_columns(
        *(e.alias(c) for c, e in below.items()),
        nw.when(nw.col("population") == 1).then(size).otherwise(0).alias("unique"),
        nw.when(~nw.col("population").is_null()).then(size).otherwise(0).alias("counted"),
    )
    sums = (*below, "unique", "counted")
    made = classes.group_by("dataset_id").agg(
        size.sum().alias("records"), nw.len().alias("classes"), size.min().alias("k_min"),
        nw.col("operator_id").max(), nw.col("_day").min(), *(nw.col(c).sum() for c in sums),
    )  # fmt: skip
    made = made.join(t.lifted(_diversity(rows)), on="dataset_id", how="left")
    return made.with_columns(
        nw.col("dataset_id").alias("subject_key"),
        month_start(nw.col("_day")).alias("period_start"),
        month_end(nw.col("_day")).alias("period_end"),
    )


def _diversity(rows: Lazy) -> Lazy:
    """Fewest distinct values of a sensitive attribute inside a class, by data set.

    The attributes are read once for each distinct filed text, not for each record.
    """
    filed = collect(
        rows.filter(~nw.col("sensitive").is_null()).select("dataset_id", "quasi", "sensitive")
        .unique()
    )  # fmt: skip
    texts = filed["sensitive"].unique().sort().to_list()
    read = [(text, str(k), str(v)) for text in texts for k, v in json.loads(text).items()]
    values = pl.DataFrame(read, schema=["sensitive", "attribute", "value"], orient="row",
                          schema_overrides=dict.fromkeys(("sensitive", "attribute", "value"),
                                                         pl.String))  # fmt: skip
    counted = (
        filed.join(values, on="sensitive", how="inner")
        .group_by("dataset_id", "quasi", "attribute")
        .agg(pl.col("value").n_unique().cast(pl.Int64).alias("l"))
        .group_by("dataset_id")
        .agg(pl.col("l").min().alias("l_min"))
    )
    return nw.from_native(counted.lazy())


@feature(
    name="reid_k_min", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="records",
    direction="low", n="records", source=_SOURCE,
    title={"en": "smallest class of equal records", "zh": "最小等价类规模"},
)  # fmt: skip
def reid_k_min() -> Measure:
    """Records in the smallest class that shares all quasi-identifiers; a null among them is a
    value of its own."""
    return measure(nw.col("k_min"))


@feature(
    name="reid_share_below_k", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="share",
    direction="high", n="records", source=_SOURCE,
    title={"en": "share of records in classes below 3", "zh": "等价类规模小于3的记录占比"},
)  # fmt: skip
def reid_share_below_k() -> Measure:
    """Records in classes smaller than k = 3, by records; see `reid_share_below_5`, `_11`, `_20`
    for the other customary cell sizes."""
    return measure(nw.col(f"below_{SMALLEST_CELL}") / nw.col("records"))


def _register(k: int, use: str) -> None:
    @feature(
        name=f"reid_share_below_{k}", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS,
        unit="share", direction="high", n="records", source=_SOURCE,
        title={"en": f"share of records in classes below {k}",
               "zh": f"等价类规模小于{k}的记录占比"},
        doc=f"Records in classes smaller than {k}, by records: {use}.",
    )  # fmt: skip
    def below() -> Measure:
        return measure(nw.col(f"below_{k}") / nw.col("records"))


for _k, _use in zip(
    CELLS, ("internal use", "public releases in US practice", "some patient data"), strict=True
):
    _register(_k, _use)


@feature(
    name="reid_avg_risk", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="share",
    direction="high", n="records", source="average prosecutor risk, El Emam and Malin 2015",
    title={"en": "average risk of re-identification", "zh": "平均重识别风险"},
)  # fmt: skip
def reid_avg_risk() -> Measure:
    """Classes of equal records by records."""
    return measure(nw.col("classes") / nw.col("records"))


@feature(
    name="reid_max_risk", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="share",
    direction="high", n="records", source="EMA Policy 0070",
    title={"en": "highest risk of re-identification", "zh": "最高重识别风险"},
)  # fmt: skip
def reid_max_risk() -> Measure:
    """1 by the size of the smallest class."""
    return measure(1.0 / nw.col("k_min"))


@feature(
    name="l_diversity_min", typology=_TYPOLOGY, base=_BASE,
    inputs=("released_datasets.quasi", "released_datasets.sensitive"), unit="values",
    direction="low", n="records", source="Machanavajjhala et al. 2007",
    title={"en": "fewest sensitive values in a class", "zh": "等价类内敏感值最少种数"},
)  # fmt: skip
def l_diversity_min() -> Measure:
    """Fewest distinct values of one sensitive attribute inside one class."""
    return measure(nw.col("l_min"))


@feature(
    name="pop_uniqueness", typology=_TYPOLOGY, base=_BASE,
    inputs=("released_datasets.quasi", "released_datasets.population"), unit="share",
    direction="high", n="counted", source=_SOURCE,
    title={"en": "share of records unique in the population", "zh": "在总体中唯一的记录占比"},
)  # fmt: skip
def pop_uniqueness() -> Measure:
    """Records whose quasi-identifiers only one person of the population has, by records whose
    class size in the population was filed."""
    known = nw.col("counted")
    ratio = nw.col("unique") / nw.when(known > 0).then(known)
    return measure(ratio, (known == 0, Reason.MISSING_INPUT))
