"""Sensitive data without separate consent (PRIV-SENSITIVE)."""

from __future__ import annotations

import narwhals as nw

from features.catalogue import Measure, base, feature, measure, view
from features.library.apps import ONE, most_suspicious, of_versions
from features.library.words import NOTHING, personal_words
from features.operators import Lazy, year_end, year_start
from features.parameters.sensitive_types import sensitive_words
from features.tables import Tables
from features.vocabulary import Reason

_TYPOLOGY, _APP, _OPERATOR = "PRIV-SENSITIVE", "app_sensitive", "operator_sensitive"
_INPUTS = ("data_declarations.data_type", "data_declarations.sensitive",
           "data_declarations.separate_consent")  # fmt: skip
ASSESSMENT = ("impact_assessment", "pipia", "dpia")


@view("sensitive_counts")
def sensitive_counts(t: Tables) -> Lazy:
    """By version: declared types, sensitive ones, those without separate consent.

    Sensitive is what the filing marks so and what PIPL art. 28 names. A type declared for several
    purposes has consent only when all of them have.
    """
    filed = t["data_declarations"].filter(
        nw.col("declared").fill_null(value=True) & (nw.col("data_type") != NOTHING)
    )
    rows = filed.select(
        "app_id", "version", "taxonomy", nw.col("data_type").alias("source_type"), "sensitive",
        "separate_consent",
    )  # fmt: skip
    rows = of_versions(t, personal_words(t, rows))
    listed = nw.col("word").is_in(sensitive_words()).fill_null(value=False)
    marked = listed | nw.col("sensitive").fill_null(value=False)
    rows = rows.with_columns(
        marked.cast(nw.Int64).alias("special"),
        nw.col("separate_consent").cast(nw.Int64).alias("consent"),
    )
    types = rows.group_by(*ONE, "source_type").agg(nw.col("special").max(), nw.col("consent").min())
    special = nw.col("special") == 1
    types = types.with_columns(
        (special & (nw.col("consent") == 0).fill_null(value=True)).cast(nw.Int64).alias("without"),
        nw.when(special).then(nw.col("consent")).alias("_stated"),
    )
    return types.group_by(*ONE).agg(
        nw.len().alias("types"), nw.col("special").sum().alias("sensitive"),
        nw.col("without").sum(), nw.col("_stated").count().cast(nw.Int64).alias("stated"),
    )  # fmt: skip


@base(
    name=_APP,
    grain="app_v",
    tables=("data_declarations",),
    attributes=("app_type", "operator_id", "sensitive_version"),
    under="operator_id",
    peers=("app_type",),
)
def app_sensitive(t: Tables) -> Lazy:
    """One row per app and month: the version with most sensitive types without consent."""
    rows = t.view("app_versions").join(t.view("sensitive_counts"), on=list(ONE), how="inner")
    weight = nw.col("without") * 1000 + nw.col("sensitive")
    return most_suspicious(rows, weight).with_columns(nw.col("version").alias("sensitive_version"))


@feature(
    name="sens_no_separate_consent_ratio", typology=_TYPOLOGY, base=_APP, inputs=_INPUTS,
    unit="share", direction="high", n="sensitive", source="PIPL arts 28, 29",
    title={"en": "sensitive types without separate consent", "zh": "未取得单独同意的敏感信息占比"},
)  # fmt: skip
def sens_no_separate_consent_ratio() -> Measure:
    """Sensitive types without separate consent by sensitive types declared; a type whose consent
    the app does not state counts as without, an app that states none has not filed it."""
    total = nw.col("sensitive")
    return measure(
        nw.col("without") / nw.when(total > 0).then(total),
        (total == 0, Reason.NOT_APPLICABLE),
        (nw.col("stated") == 0, Reason.MISSING_INPUT),
    )


@base(
    name=_OPERATOR,
    grain="operator_y",
    tables=("data_declarations", "apps"),
    attributes=("operator_id", "sensitive_apps"),
    under="operator_id",
)
def operator_sensitive(t: Tables) -> Lazy:
    """One row per operator and year in which an app of it that declares sensitive data came out."""
    counts = t.view("sensitive_counts").filter(nw.col("sensitive") > 0)
    rows = t.view("app_versions").join(counts, on=list(ONE), how="inner")
    rows = rows.filter(~nw.col("operator_id").is_null()).with_columns(
        year_start(nw.col("judged_on")).alias("period_start")
    )
    cell = ["operator_id", "period_start"]
    cells = rows.group_by(*cell).agg(nw.col("app_id").n_unique().alias("sensitive_apps"))
    cells = cells.with_columns(
        nw.col("operator_id").alias("subject_key"),
        year_end(nw.col("period_start")).alias("period_end"),
    )
    return _with_events(t, cells)


def _with_events(t: Tables, cells: Lazy) -> Lazy:
    """Add whether an impact assessment was filed by then, and persons of this and last year."""
    events = t.get("compliance_events")
    if events is None:
        unknown = ("assessed", "persons", "persons_before")
        return cells.with_columns(
            *(nw.lit(None, dtype=nw.Int64).alias(c) for c in unknown), nw.lit(0).alias("events")
        )
    cell = ["operator_id", "period_start"]
    known = cells.select(*cell, "period_end").join(
        events.select("operator_id", "event_type", "date", "persons_processed"),
        on="operator_id", how="inner",
    )  # fmt: skip
    known = known.filter(
        (nw.col("date") <= nw.col("period_end")) & (nw.col("date") <= t.context.as_of)
    )
    assessed = nw.col("event_type").str.to_lowercase().is_in(ASSESSMENT)
    start = nw.col("period_start")
    this = nw.col("date") >= start
    last = ~this & (nw.col("date") >= start.dt.offset_by("-1y").cast(nw.Date))
    known = known.with_columns(
        assessed.cast(nw.Int64).alias("assessed"),
        nw.when(this).then(nw.col("persons_processed")).alias("persons"),
        nw.when(last).then(nw.col("persons_processed")).alias("persons_before"),
    )
    found = known.group_by(*cell).agg(
        nw.col("assessed").max(), nw.col("persons").max(), nw.col("persons_before").max()
    )
    return cells.join(found, on=cell, how="left").with_columns(
        nw.col("assessed").fill_null(0), nw.lit(1).alias("events")
    )


@feature(
    name="sens_pipia_missing", typology=_TYPOLOGY, base=_OPERATOR,
    inputs=("compliance_events.event_type", "data_declarations.sensitive"), unit="yes/no",
    direction="high", n="sensitive_apps", kind="bool", uses_as_of=True, source="PIPL art. 55",
    title={"en": "no impact assessment for sensitive data", "zh": "敏感信息未做影响评估"},
)  # fmt: skip
def sens_pipia_missing() -> Measure:
    """1 when an operator whose apps declare sensitive data has filed no impact assessment by the
    end of the year, or by the judgement if earlier, else 0."""
    missing = (nw.col("assessed") == 0).cast(nw.Float64)
    return measure(missing, (nw.col("events") == 0, Reason.MISSING_INPUT))


@feature(
    name="sens_volume_yoy", typology=_TYPOLOGY, base=_OPERATOR,
    inputs=("compliance_events.persons_processed",), unit="share", direction="high",
    n="sensitive_apps", uses_as_of=True, source="catalogue 5",
    title={"en": "growth of persons processed", "zh": "处理人数同比增长"},
)  # fmt: skip
def sens_volume_yoy() -> Measure:
    """Most persons filed as processed in the year by those of the year before, minus 1, for
    operators that process sensitive data."""
    before = nw.col("persons_before")
    return measure(
        nw.col("persons") / nw.when(before > 0).then(before) - 1,
        (nw.col("persons").is_null() | before.is_null(), Reason.MISSING_INPUT),
        (before == 0, Reason.ZERO_DENOMINATOR),
    )
