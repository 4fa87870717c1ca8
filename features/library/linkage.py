"""Data combined across services of one operator (PRIV-COMBINE)."""

from __future__ import annotations

import narwhals as nw

from features.catalogue import Measure, base, feature, measure
from features.operators import Lazy
from features.periods import with_period
from features.tables import Tables
from features.vocabulary import Reason

_TYPOLOGY, _BASE = "PRIV-COMBINE", "service_links"
_SOURCE = "DMA art. 5(2); GDPR arts 5, 6"
_PAIR = ("operator_id", "first", "second")


@base(
    name=_BASE,
    grain="service_pair_m",
    tables=("linkage_metrics",),
    attributes=("operator_id", "is_gatekeeper"),
    under="operator_id",
)
def service_links(t: Tables) -> Lazy:
    """One row per operator, unordered pair of services and month."""
    a, b = nw.col("service_a"), nw.col("service_b")
    rows = with_period(t["linkage_metrics"].filter(~nw.col("month").is_null()), "month")
    rows = rows.with_columns(
        nw.when(a <= b).then(a).otherwise(b).alias("first"),
        nw.when(a <= b).then(b).otherwise(a).alias("second"),
        (nw.col("linked_users").is_null() | nw.col("linked_without_specific_consent").is_null())
        .cast(nw.Int64)
        .alias("gap"),
    )
    cells = rows.group_by(*_PAIR, "period_start").agg(
        nw.col("period_end").max(), nw.col("linked_users").sum().alias("linked"),
        nw.col("linked_without_specific_consent").sum().alias("without"),
        nw.col("reprompts").max(), nw.col("shared_id_flows").max(), nw.col("gap").max(),
        nw.len().alias("filings"),
    )  # fmt: skip
    key = [nw.col("operator_id"), nw.lit("/"), nw.col("first"), nw.lit("/"), nw.col("second")]
    return _with_designation(t, cells.with_columns(nw.concat_str(key).alias("subject_key")))


def _with_designation(t: Tables, rows: Lazy) -> Lazy:
    """Add `is_gatekeeper`: whether the register of firms names the operator as one, if filed."""
    firms = t.get("firms")
    if firms is None:
        return rows.with_columns(nw.lit(None, dtype=nw.Boolean).alias("is_gatekeeper"))
    named = firms.group_by("firm_id").agg(nw.col("is_gatekeeper").cast(nw.Int64).max().alias("_g"))
    joined = rows.join(named, left_on="operator_id", right_on="firm_id", how="left")
    return joined.with_columns((nw.col("_g") == 1).alias("is_gatekeeper"))


@feature(
    name="cmb_no_consent_share", typology=_TYPOLOGY, base=_BASE,
    inputs=("linkage_metrics.linked_users", "linkage_metrics.linked_without_specific_consent"),
    unit="share", direction="high", n="linked", source=_SOURCE,
    title={"en": "users linked without specific consent", "zh": "未经单独同意而被关联的用户占比"},
)  # fmt: skip
def cmb_no_consent_share() -> Measure:
    """Users whose data of both services is combined without specific consent, by users linked."""
    linked = nw.col("linked")
    ratio = nw.col("without") / nw.when(linked > 0).then(linked)
    return measure(
        ratio, (nw.col("gap") == 1, Reason.MISSING_INPUT), (linked == 0, Reason.ZERO_DENOMINATOR)
    )


@feature(
    name="cmb_reprompt_12m", typology=_TYPOLOGY, base=_BASE,
    inputs=("linkage_metrics.reprompts",), unit="prompts", direction="high", n="filings",
    source="DMA art. 5(2), last subparagraph",
    title={"en": "prompts again within twelve months", "zh": "十二个月内再次征求同意次数"},
)  # fmt: skip
def cmb_reprompt_12m() -> Measure:
    """Most prompts one user got within twelve months after refusing."""
    return measure(nw.col("reprompts"))


@feature(
    name="cmb_shared_id_flows", typology=_TYPOLOGY, base=_BASE,
    inputs=("linkage_metrics.shared_id_flows",), unit="flows", direction="high", n="filings",
    source=_SOURCE,
    title={"en": "flows with one identifier at both services", "zh": "两项服务共用标识符的流量"},
)  # fmt: skip
def cmb_shared_id_flows() -> Measure:
    """Flows in which the same identifier was seen at both services."""
    return measure(nw.col("shared_id_flows"))
