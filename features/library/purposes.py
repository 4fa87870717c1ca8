"""Data used for other purposes than declared (PRIV-PURPOSE-MISMATCH)."""

from __future__ import annotations

import narwhals as nw

from features.catalogue import Measure, base, feature, measure
from features.library.apps import ONE, most_suspicious, of_versions
from features.library.hosts import purpose
from features.library.words import TABLES, translated
from features.operators import Lazy
from features.parameters.purposes import ADVERTISING
from features.tables import Tables
from features.vocabulary import Reason

_TYPOLOGY, _BASE = "PRIV-PURPOSE-MISMATCH", "app_purposes"
_INPUTS = ("data_declarations.purpose", "data_declarations.data_type",
           "observed_flows.purpose_observed", "observed_flows.data_type",
           "data_type_map.data_type")  # fmt: skip
_SOURCE = "Bui et al. 2021; PIPL art. 6"
_TYPE = (*ONE, "data_type")


def _declared(t: Tables) -> Lazy:
    """One row per version, type and known declared purpose."""
    rows = t["data_declarations"].filter(nw.col("declared").fill_null(value=True)).select(
        "app_id", "version", "taxonomy", nw.col("data_type").alias("source_type"),
        purpose("purpose").alias("purpose"),
    )  # fmt: skip
    known = ~nw.col("purpose").is_null() & ~nw.col("data_type").is_null()
    return of_versions(t, translated(t, rows).filter(known)).select(*_TYPE, "purpose").unique()


@base(
    name=_BASE,
    grain="app_v",
    tables=TABLES,
    attributes=("app_type", "operator_id", "purpose_version", "purpose_unknown_requests"),
    under="operator_id",
    peers=("app_type",),
)
def app_purposes(t: Tables) -> Lazy:
    """One row per app and month: the version with most requests for an undeclared purpose."""
    declared = _declared(t)
    only = declared.with_columns((nw.col("purpose") != "security").cast(nw.Int64).alias("_other"))
    types = only.group_by(*_TYPE).agg(nw.col("_other").max().alias("other"))
    facts = t.view("flow_facts").filter(~nw.col("data_type").is_null())
    flows = of_versions(t, facts.select("app_id", "version", "data_type", "purpose", "requests"))
    flows = flows.join(types, on=list(_TYPE), how="inner").join(
        declared.with_columns(nw.lit(1).alias("same")), on=[*_TYPE, "purpose"], how="left"
    )
    known = ~nw.col("purpose").is_null()
    from_security = (nw.col("other") == 0) & nw.col("purpose").is_in(ADVERTISING)
    count = nw.col("requests")
    marked = flows.with_columns(
        nw.when(known).then(count).otherwise(0).alias("known"),
        nw.when(~known).then(count).otherwise(0).alias("unknown"),
        nw.when(known & nw.col("same").is_null()).then(count).otherwise(0).alias("mismatched"),
        nw.when(known & from_security).then(count).otherwise(0).alias("ads_from_security"),
    )
    names = ("known", "unknown", "mismatched", "ads_from_security")
    counted = marked.group_by(*ONE).agg(nw.col(c).sum() for c in names)
    rows = t.view("app_versions").join(counted, on=list(ONE), how="inner")
    weight = nw.col("mismatched") * 1000 + nw.col("known") + 1
    return most_suspicious(rows, weight).with_columns(
        nw.col("version").alias("purpose_version"),
        nw.col("unknown").alias("purpose_unknown_requests"),
    )


_EMPTY = (nw.col("known") == 0, Reason.MISSING_INPUT)


@feature(
    name="pm_mismatch_share", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="share",
    direction="high", n="known", min_n=100, source=_SOURCE,
    title={"en": "share of requests for an undeclared purpose", "zh": "用途与声明不符的请求占比"},
)  # fmt: skip
def pm_mismatch_share() -> Measure:
    """Requests whose observed purpose is none of those declared for the type, by requests.

    Only types that are declared with a known purpose are compared; requests whose purpose is
    unknown are left out and counted in the attribute `purpose_unknown_requests`.
    """
    return measure(nw.col("mismatched") / nw.col("known"), _EMPTY)


@feature(
    name="pm_ads_from_security", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="share",
    direction="high", n="known", min_n=100, source="PIPL art. 6; GDPR art. 6(4)",
    title={"en": "share of requests using security data for advertising",
           "zh": "安全用途数据用于广告的请求占比"},
)  # fmt: skip
def pm_ads_from_security() -> Measure:
    """Requests that use data declared for security alone for advertising or profiling, by
    requests."""
    return measure(nw.col("ads_from_security") / nw.col("known"), _EMPTY)
