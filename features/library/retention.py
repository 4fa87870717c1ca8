"""Personal data kept longer than declared (PRIV-RETENTION)."""

from __future__ import annotations

import narwhals as nw

from features.catalogue import Measure, base, feature, measure
from features.library.apps import ONE, of_versions
from features.library.words import personal_words
from features.operators import Lazy, both, civil_day, quarter_end, quarter_start
from features.tables import Tables
from features.vocabulary import Reason

_TYPOLOGY, _BASE = "PRIV-RETENTION", "operator_retention"
_INPUTS = ("retention_samples.age_days", "retention_samples.state", "retention_samples.limit_days",
           "retention_samples.legal_hold", "data_declarations.retention_days")  # fmt: skip
_SOURCE = "PIPL arts 19, 47; GDPR art. 5(1)(e)"
GONE = ("deleted", "anonymised")
_CELL = ("operator_id", "data_type", "period_start")


def _typed(t: Tables, rows: Lazy) -> Lazy:
    """Add `_type`: our word for the type, else the filed word in lower case."""
    rows = personal_words(t, rows)
    return rows.with_columns(
        nw.coalesce(nw.col("word"), nw.col("source_type").str.to_lowercase()).alias("_type")
    )


def _declared(t: Tables, rows: Lazy) -> Lazy:
    """Add `declared_limit`: the longest limit the operator's apps had declared by then."""
    if t.get("apps") is None or t.get("data_declarations") is None:
        return rows.with_columns(nw.lit(None, dtype=nw.Float64).alias("declared_limit"))
    filed = t["data_declarations"].filter(~nw.col("retention_days").is_null())
    filed = _typed(t, filed.select(
        "app_id", "version", "taxonomy", nw.col("data_type").alias("source_type"),
        "retention_days",
    ))  # fmt: skip
    versions = t.view("app_versions").select(*ONE, "operator_id", "judged_on")
    limits = of_versions(t, filed).join(versions, on=list(ONE), how="inner")
    limits = limits.select("operator_id", "_type", "judged_on", "retention_days")
    cells = rows.select(*_CELL, "_type", "period_end").unique()
    known = cells.join(limits, on=["operator_id", "_type"], how="inner").filter(
        nw.col("judged_on") <= nw.col("period_end")
    )
    longest = known.group_by(*_CELL).agg(nw.col("retention_days").max().alias("declared_limit"))
    return rows.join(longest, on=list(_CELL), how="left")


@base(
    name=_BASE,
    grain="operator_type_q",
    tables=("retention_samples",),
    attributes=("operator_id", "data_type", "limit_days"),
    under="operator_id",
    peers=("data_type",),
)
def operator_retention(t: Tables) -> Lazy:
    """One row per operator, type of data and quarter of the sampling."""
    day = civil_day("sampled_on", "recorded_at", fallback=t.context.as_of)
    rows = t["retention_samples"].with_columns(
        quarter_start(day).alias("period_start"), quarter_end(day).alias("period_end"),
        nw.lit("").alias("taxonomy"), nw.col("data_type").alias("source_type"),
        nw.col("data_type").alias("_filed"),
    )  # fmt: skip
    rows = _typed(t, rows.drop("data_type")).drop("data_type").rename({"_filed": "data_type"})
    rows = _declared(t, rows)
    limit = nw.coalesce(nw.col("limit_days"), nw.col("declared_limit"))
    kept = ~nw.col("state").is_in(GONE).fill_null(value=False)
    free = ~nw.col("legal_hold").fill_null(value=False)
    over = nw.col("age_days") - nw.col("limit")
    rows = rows.with_columns(limit.alias("limit")).filter(free)
    judged = ~nw.col("limit").is_null() & ~nw.col("age_days").is_null()
    late = judged & kept & (over > 0).fill_null(value=False)
    idle = nw.col("inactive_account")
    rows = rows.with_columns(
        judged.cast(nw.Int64).alias("judged"),
        late.cast(nw.Int64).alias("late"),
        nw.when(late).then(over).alias("over"),
        (kept & idle.fill_null(value=False)).cast(nw.Int64).alias("idle"),
        (~idle.is_null()).cast(nw.Int64).alias("idle_known"),
    )
    return (
        rows.group_by(*_CELL, "period_end")
        .agg(
            nw.len().alias("samples"), nw.col("judged").sum(), nw.col("late").sum(),
            nw.col("over").max().alias("over_max"),
            nw.col("over").quantile(0.95, interpolation="linear").alias("over_p95"),
            nw.col("idle").sum(), nw.col("idle_known").sum(),
            nw.col("limit").max().alias("limit_days"),
            nw.col("limit").count().cast(nw.Int64).alias("limits"),
        )
        .with_columns(both(nw.col("operator_id"), nw.col("data_type")).alias("subject_key"))
    )  # fmt: skip


_GATE = (nw.col("judged") == 0, Reason.MISSING_INPUT)


def _none_late(value: nw.Expr) -> nw.Expr:
    return nw.when(nw.col("late") == 0).then(0.0).otherwise(value)


@feature(
    name="ret_overdue_share", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="share",
    direction="high", n="judged", source=_SOURCE,
    title={"en": "share of records kept too long", "zh": "超期保存样本占比"},
)  # fmt: skip
def ret_overdue_share() -> Measure:
    """Samples still identifiable (not deleted or anonymised) that are strictly older than the
    declared limit, by samples; those on legal hold are left out. No limit: `missing_input`."""
    return measure(nw.col("late") / nw.col("judged"), _GATE)


@feature(
    name="ret_overdue_days_max", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="d",
    direction="high", n="judged", source=_SOURCE,
    title={"en": "longest time kept beyond the limit", "zh": "最长超期天数"},
)  # fmt: skip
def ret_overdue_days_max() -> Measure:
    """Days the oldest identifiable sample is beyond the limit; 0 where none is."""
    return measure(_none_late(nw.col("over_max")), _GATE)


@feature(
    name="ret_overdue_days_p95", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="d",
    direction="high", min_n=0, n="late", source=_SOURCE,
    title={"en": "time kept beyond the limit, 95 %", "zh": "超期天数95分位"},
)  # fmt: skip
def ret_overdue_days_p95() -> Measure:
    """95 % quantile (type 7) of the days beyond the limit among overdue samples; 0 where none."""
    return measure(_none_late(nw.col("over_p95")), _GATE)


@feature(
    name="ret_no_limit", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="yes/no",
    direction="high", n="samples", kind="bool", source="Network Data Security Regulations art. 21",
    title={"en": "no limit declared", "zh": "未声明保存期限"},
)  # fmt: skip
def ret_no_limit() -> Measure:
    """1 when the operator has declared no limit for the type, else 0."""
    return measure((nw.col("limits") == 0).cast(nw.Float64))


@feature(
    name="ret_inactive_accounts_share", typology=_TYPOLOGY, base=_BASE,
    inputs=("retention_samples.inactive_account", "retention_samples.state"), unit="share",
    direction="high", n="idle_known", source=_SOURCE,
    title={"en": "share of records of inactive accounts", "zh": "不活跃账户样本占比"},
)  # fmt: skip
def ret_inactive_accounts_share() -> Measure:
    """Identifiable samples of inactive accounts by samples where this is known."""
    known = nw.col("idle_known")
    ratio = nw.col("idle") / nw.when(known > 0).then(known)
    return measure(ratio, (known == 0, Reason.MISSING_INPUT))
