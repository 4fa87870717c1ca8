"""Data an app was seen to send and did not declare (PRIV-UNDECLARED-COLLECTION)."""

from __future__ import annotations

import narwhals as nw

from features.catalogue import Measure, base, feature, measure, membership, view
from features.library.apps import ONE, of_versions
from features.library.words import NOTHING, TABLES
from features.operators import Lazy, both, month_end
from features.tables import Tables
from features.vocabulary import Reason

_TYPOLOGY = "PRIV-UNDECLARED-COLLECTION"
_INPUTS = ("observed_flows.data_type", "data_declarations.data_type",
           "data_declarations.declared", "data_type_map.data_type")  # fmt: skip
_SOURCE = "PIPL arts 7 and 17; GDPR art. 13; catalogue 5"


@view("collected_types")
def collected_types(t: Tables) -> Lazy:
    """One row per app, version and translated type that is declared, denied or observed.

    Columns: `declared`, `observed` (1 or 0), `flows`, `sessions`, `identified`, `bytes` of the
    `sized` flows; a type is declared when any of its words is.
    """
    translated = ~nw.col("data_type").is_null()
    own = [*ONE, "data_type"]
    filed = of_versions(t, t.view("declared_types").filter(translated))
    seen = of_versions(t, t.view("observed_types").filter(translated))
    declared = filed.group_by(*own).agg(nw.col("declared").cast(nw.Int64).max())
    observed = seen.group_by(*own).agg(
        nw.col("flows").cast(nw.Int64).sum(),
        nw.col("sessions").cast(nw.Int64).max(),
        nw.col("identified").max(),
        *(nw.col(c).cast(nw.Int64).sum() for c in ("bytes", "sized")),
    )
    rows = nw.concat([declared.select(*own), observed.select(*own)]).unique()
    rows = rows.join(declared, on=own, how="left").join(observed, on=own, how="left")
    return rows.with_columns(
        nw.col("declared").fill_null(0),
        (~nw.col("flows").is_null()).cast(nw.Int64).alias("observed"),
        nw.col("flows").fill_null(0),
        nw.col("sessions").fill_null(0),
        nw.col("bytes").fill_null(0),
        nw.col("sized").fill_null(0),
    )


@view("judged_apps")
def judged_apps(t: Tables) -> Lazy:
    """One row per app and version with its counts, and whether it is the one judged.

    Of several versions in one month the most suspicious is `judged`: most undeclared types, then
    most observed, then the last name.
    """
    own = list(ONE)
    filed = of_versions(t, t.view("declared_types"))
    seen = of_versions(t, t.view("observed_types"))
    unknown = nw.col("data_type").is_null() & (nw.col("source_type") != NOTHING)
    words = nw.concat(
        [f.filter(unknown).select(*own, "taxonomy", "source_type") for f in (filed, seen)]
    )
    missing = words.unique().group_by(*own).agg(nw.len().alias("unmapped_types"))
    undeclared = (nw.col("observed") == 1) & (nw.col("declared") == 0)
    counts = t.view("collected_types").with_columns(undeclared.cast(nw.Int64).alias("undeclared"))
    sums = ("observed", "declared", "undeclared", "bytes", "sized", "hidden_bytes")
    counts = counts.with_columns((nw.col("bytes") * nw.col("undeclared")).alias("hidden_bytes"))
    counts = counts.group_by(*own).agg(nw.col(c).sum() for c in sums)
    rows = (
        t.view("app_versions")
        .join(counts, on=own, how="left")
        .join(missing, on=own, how="left")
        .join(filed.group_by(*own).agg(nw.len().alias("filed")), on=own, how="left")
        .join(seen.group_by(*own).agg(nw.col("flows").sum()), on=own, how="left")
        .join(_words(seen), on=own, how="left")
    )
    numbers = (*sums, "unmapped_types", "filed", "flows", "words")
    rows = rows.with_columns(nw.col(c).fill_null(0).cast(nw.Int64) for c in numbers)
    weight = nw.col("undeclared") * 1_000_000 + nw.col("observed") * 1_000 + 1
    strength = nw.when((nw.col("filed") > 0) & (nw.col("flows") > 0)).then(weight).otherwise(0)
    cell = ("app_id", "period_start")
    best = nw.col("_strength") == nw.col("_strength").max().over(*cell)
    rows = rows.with_columns(strength.alias("_strength")).with_columns(best.alias("_best"))
    last = nw.when(nw.col("_best")).then(nw.col("version")).max().over(*cell)
    return rows.with_columns((nw.col("version") == last).alias("judged")).drop("_best", "_strength")


def _words(seen: Lazy) -> Lazy:
    """How many words of the analyser each app and version was seen with, translated or not."""
    each = seen.select(*ONE, "taxonomy", "source_type").unique()
    return each.group_by(*ONE).agg(nw.len().alias("words"))


@base(
    name="app_collection",
    grain="app_v",
    tables=TABLES,
    attributes=("app_id", "version", "app_type", "operator_id", "unmapped_types", "has_filed",
                "flows"),
    peers=("app_type", "size_decile"),
    size="flows",
)  # fmt: skip
def app_collection(t: Tables) -> Lazy:
    """One row per app and month: its most suspicious version."""
    judged = t.view("judged_apps").filter(nw.col("judged"))
    return judged.join(_first_seen(t, judged), on=list(ONE), how="left").with_columns(
        nw.col("app_id").alias("subject_key"),
        month_end(nw.col("period_start")).alias("period_end"),
        (nw.col("filed") > 0).alias("has_filed"),
    )


def _first_seen(t: Tables, judged: Lazy) -> Lazy:
    """The earliest version in which a type was seen that the judged version hides: `first_seen`."""
    seen = t.view("collected_types").filter(nw.col("observed") == 1)
    hidden = seen.filter(nw.col("declared") == 0).select(*ONE, "data_type")
    days = t.view("app_versions").select(*ONE, nw.col("judged_on").alias("seen_on"))
    earlier = seen.join(days, on=list(ONE), how="inner").select(
        "app_id", "data_type", "seen_on", nw.col("version").alias("first_seen")
    )
    rows = (
        judged.select(*ONE)
        .join(hidden, on=list(ONE), how="inner")
        .join(earlier, on=["app_id", "data_type"], how="inner")
    )
    first = nw.col("seen_on") == nw.col("seen_on").min().over(*ONE)
    return rows.filter(first).group_by(*ONE).agg(nw.col("first_seen").min())


@base(
    name="app_types",
    grain="app_data_type",
    tables=TABLES,
    attributes=("app_id", "version", "data_type", "app_type", "operator_id", "sessions",
                "identified", "declared", "observed"),
    peers=("data_type", "app_type"),
)  # fmt: skip
def app_types(t: Tables) -> Lazy:
    """One row per app, type of data and month, for the version judged."""
    judged = (
        t.view("judged_apps")
        .filter(nw.col("judged"))
        .select(
            *ONE,
            "period_start",
            "app_type",
            "operator_id",
            "filed",
            nw.col("flows").alias("tested"),
        )
    )
    return (
        t.view("collected_types")
        .join(judged, on=list(ONE), how="inner")
        .with_columns(
            both(nw.col("app_id"), nw.col("data_type")).alias("subject_key"),
            month_end(nw.col("period_start")).alias("period_end"),
            *((nw.col(c) == 1).alias(c) for c in ("identified", "declared", "observed")),
        )
    )


_NOT_FILED = (nw.col("filed") == 0, Reason.MISSING_INPUT)


@feature(
    name="uc_undeclared", typology=_TYPOLOGY, base="app_types", inputs=_INPUTS, unit="yes/no",
    direction="high", min_n=0, n="flows", source=_SOURCE, kind="bool",
    title={"en": "collected but not declared", "zh": "收集但未声明"},
)  # fmt: skip
def uc_undeclared() -> Measure:
    """1 when the type was seen in traffic and the app's declaration does not name it, else 0.

    An app without any declaration has not filed: `missing_input`, never "declared nothing". A
    type that is declared and not seen proves nothing and is 0. Without any traffic the app was
    not tested: `missing_input`.
    """
    untested = (nw.col("tested") == 0, Reason.MISSING_INPUT)
    hidden = nw.col("observed") & ~nw.col("declared")
    return measure(hidden.cast(nw.Float64), _NOT_FILED, untested)


@feature(
    name="uc_undeclared_types", typology=_TYPOLOGY, base="app_collection", inputs=_INPUTS,
    unit="types", direction="high", n="flows", source=_SOURCE,
    title={"en": "types collected but not declared", "zh": "未声明而收集的信息类型数"},
)  # fmt: skip
def uc_undeclared_types() -> Measure:
    """Number of types seen in traffic and not declared, both in the words of `data_type_map`."""
    untested = (nw.col("flows") == 0, Reason.MISSING_INPUT)
    return measure(nw.col("undeclared"), _NOT_FILED, untested)


@feature(
    name="uc_undeclared_bytes_share", typology=_TYPOLOGY, base="app_collection",
    inputs=(*_INPUTS, "observed_flows.bytes"), unit="0-1", direction="high", n="sized",
    source=_SOURCE,
    title={"en": "share of traffic not declared", "zh": "未声明信息的流量占比"},
)  # fmt: skip
def uc_undeclared_bytes_share() -> Measure:
    """Bytes sent of types not declared, over the bytes of all types seen.

    Types in the words of `data_type_map`; flows without a size are left out.
    """
    return measure(
        nw.col("hidden_bytes") / nw.col("bytes"),
        _NOT_FILED,
        (nw.col("flows") == 0, Reason.MISSING_INPUT),
        (nw.col("sized") == 0, Reason.MISSING_INPUT),
        (nw.col("bytes") <= 0, Reason.ZERO_DENOMINATOR),
    )


@feature(
    name="uc_first_seen_version", typology=_TYPOLOGY, base="app_collection",
    inputs=(*_INPUTS, "observed_flows.version", "apps.released_at"), unit="version",
    direction="none", n="flows", source="catalogue 5", kind="class",
    title={"en": "since which version it is collected", "zh": "自哪个版本起收集"},
)  # fmt: skip
def uc_first_seen_version() -> Measure:
    """The earliest version in which a type was seen that the judged version does not declare.

    Versions stand in the order of their days (release, else first flow). Nothing undeclared:
    `not_applicable`; versions that nobody names: `missing_input`.
    """
    return measure(
        nw.col("first_seen"),
        _NOT_FILED,
        (nw.col("flows") == 0, Reason.MISSING_INPUT),
        (nw.col("undeclared") == 0, Reason.NOT_APPLICABLE),
        (nw.col("first_seen") == "", Reason.MISSING_INPUT),
    )


@feature(
    name="uc_observed_types", typology=_TYPOLOGY, base="app_collection", inputs=_INPUTS,
    unit="types", direction="none", n="flows", source=_SOURCE,
    title={"en": "types seen in traffic", "zh": "流量中观察到的信息类型数"},
)  # fmt: skip
def uc_observed_types() -> Measure:
    """Number of types seen in traffic; null where there is no traffic at all."""
    return measure(nw.col("observed"), (nw.col("flows") == 0, Reason.MISSING_INPUT))


@feature(
    name="uc_observed_words", typology=_TYPOLOGY, base="app_collection", inputs=_INPUTS,
    unit="words", direction="none", min_n=0, n="flows", source=_SOURCE,
    title={"en": "words seen in traffic", "zh": "流量中观察到的数据词数"},
)  # fmt: skip
def uc_observed_words() -> Measure:
    """Distinct words of the analyser in the app's traffic, those `data_type_map` lacks too.

    0 where no traffic was seen. Less the types declared it is the plainest ranking of apps.
    """
    return measure(nw.col("words"))


@feature(
    name="uc_declared_types", typology=_TYPOLOGY, base="app_collection", inputs=_INPUTS,
    unit="types", direction="none", n="filed", source=_SOURCE,
    title={"en": "types declared", "zh": "已声明的信息类型数"},
)  # fmt: skip
def uc_declared_types() -> Measure:
    """Number of types declared; 0 where the app filed that it collects nothing."""
    return measure(nw.col("declared"), _NOT_FILED)


@membership(child="app_data_type", parent="app_v", tables=TABLES)
def types_of_app(t: Tables) -> Lazy:
    """A type belongs to its app in the same month."""
    judged = t.view("judged_apps").filter(nw.col("judged")).select(*ONE, "period_start")
    start = nw.col("period_start")
    return (
        t.view("collected_types")
        .join(judged, on=list(ONE), how="inner")
        .select(
            both(nw.col("app_id"), nw.col("data_type")).alias("child_key"),
            start.alias("child_period_start"),
            nw.col("app_id").alias("parent_key"),
            start.alias("parent_period_start"),
            month_end(start).alias("parent_period_end"),
        )
    )
