"""Refusing and withdrawing made hard (PRIV-FORCED-CONSENT, -DARK-PATTERN, -WITHDRAWAL)."""

from __future__ import annotations

import narwhals as nw

from features.catalogue import Measure, base, feature, measure
from features.library.apps import ONE
from features.library.necessity import necessary_types
from features.operators import Lazy, seconds_between
from features.tables import Tables
from features.vocabulary import Reason

_FORCED, _DARK, _LEAVE = "PRIV-FORCED-CONSENT", "PRIV-DARK-PATTERN", "PRIV-WITHDRAWAL"
_BASE = "app_consent"
MIN_REFUSALS = MIN_WITHDRAWALS = 50
GRACE_H = 24
"""Hours in which flows may run out after a withdrawal (ENG)."""


@base(
    name=_BASE,
    grain="app_m",
    tables=("consent_metrics",),
    attributes=("app_id", "app_type", "no_choice"),
    under="operator_id",
    peers=("app_type",),
)
def app_consent(t: Tables) -> Lazy:
    """One row per app and period: refusals, the design of the dialogue, withdrawals."""
    rows = t.view("app_dialogues")
    rows = _with_optional_required(t, rows)
    rows = _with_late_flows(t, rows)
    late = nw.coalesce(nw.col("flows_after_withdrawal"), nw.col("late_sessions"))
    return rows.with_columns(
        nw.col("app_id").alias("subject_key"),
        (nw.col("no_choice") == 1).alias("no_choice"),
        nw.coalesce(nw.col("refused"), nw.col("refusing_users")).alias("refusals"),
        late.alias("late"),
    )


def _with_optional_required(t: Tables, rows: Lazy) -> Lazy:
    """Add `optional_required`: unnecessary types the version of the time flags as required."""
    if t.get("apps") is None or t.get("data_declarations") is None:
        return rows.with_columns(nw.lit(None, dtype=nw.Int64).alias("optional_required"))
    versions = t.view("app_versions")
    allowed, known = necessary_types(t, versions)
    demanded = t.view("conditional_types").filter(nw.col("required") == 1)
    demanded = demanded.filter(~nw.col("word").is_null())
    beyond = demanded.join(allowed, on=[*ONE, "word"], how="anti")
    counts = beyond.group_by(*ONE).agg(nw.len().cast(nw.Int64).alias("optional_required"))
    versions = versions.join(known, on=list(ONE), how="inner").join(
        counts, on=list(ONE), how="left"
    )
    versions = versions.with_columns(nw.col("optional_required").fill_null(0))
    cells = rows.select("app_id", "period_start", "period_end")
    in_force = cells.join(
        versions.select(*ONE, "judged_on", "optional_required"), on="app_id", how="inner"
    ).filter(nw.col("judged_on") <= nw.col("period_end"))
    cell = ("app_id", "period_start")
    latest = in_force.filter(nw.col("judged_on") == nw.col("judged_on").max().over(*cell))
    chosen = latest.group_by(*cell).agg(nw.col("optional_required").max())
    return rows.join(chosen, on=list(cell), how="left")


def _with_late_flows(t: Tables, rows: Lazy) -> Lazy:
    """Add `late_sessions`: tested sessions that still sent after withdrawal and grace.

    The withdrawal is taken to follow the session's last flow of another phase; where there is
    none, or no time was filed, the filed phase alone says that the flow came after.
    """
    flows = t.get("observed_flows")
    if flows is None:
        return rows.with_columns(nw.lit(None, dtype=nw.Int64).alias("late_sessions"))
    flows = flows.filter(~nw.col("session").is_null() & ~nw.col("phase").is_null())
    own = ["app_id", "session"]
    earlier = flows.filter(nw.col("phase") != "withdrawn").group_by(*own).agg(
        nw.col("ts").max().alias("withdrawn_at")
    )  # fmt: skip
    after = flows.filter(nw.col("phase") == "withdrawn").join(earlier, on=own, how="left")
    hours = seconds_between(nw.col("withdrawn_at"), nw.col("ts")) / 3600
    after = after.filter(hours.is_null() | (hours > GRACE_H))
    tested = after.select(*own, nw.col("ts").cast(nw.Date).alias("_day")).unique()
    cells = rows.select("app_id", "period_start", "period_end")
    inside = (nw.col("period_start") <= nw.col("_day")) & (nw.col("_day") <= nw.col("period_end"))
    counted = cells.join(tested, on="app_id", how="inner").filter(nw.col("_day").is_null() | inside)
    counts = counted.group_by("app_id", "period_start").agg(
        nw.col("session").n_unique().cast(nw.Int64).alias("late_sessions")
    )
    return rows.join(counts, on=["app_id", "period_start"], how="left")


@feature(
    name="fc_denial_rate", typology=_FORCED, base=_BASE,
    inputs=("consent_metrics.refused", "consent_metrics.denied_after_refusal"), unit="share",
    direction="high", n="refusals", min_n=MIN_REFUSALS, source="PIPL art. 16; GDPR art. 7(4)",
    title={"en": "service denied after refusal", "zh": "拒绝后被停止服务的比例"},
)  # fmt: skip
def fc_denial_rate() -> Measure:
    """Refusals of optional processing after which service was denied, by refusals (50 or more).

    Filed as more denials than refusals, the two counts contradict each other: `missing_input`.
    """
    refusals, denied = nw.col("refusals"), nw.col("denied_after_refusal")
    return measure(
        denied / nw.when(refusals > 0).then(refusals),
        (refusals.is_null() | denied.is_null(), Reason.MISSING_INPUT),
        (refusals < MIN_REFUSALS, Reason.TOO_FEW),
        (denied > refusals, Reason.MISSING_INPUT),
    )


@feature(
    name="fc_optional_required_count", typology=_FORCED, base=_BASE,
    inputs=("data_declarations.required", "data_declarations.data_type", "apps.app_type"),
    unit="types", direction="high", n="dialogues",
    source="Provisions on the Scope of Necessary Personal Information, 2021",
    title={"en": "optional types demanded", "zh": "被标为必需的可选信息类型数"},
)  # fmt: skip
def fc_optional_required_count() -> Measure:
    """Types flagged as required, by the version in force, that the kind of app does not need;
    `missing_input` where kind or declarations are not known."""
    return measure(nw.col("optional_required"))


@feature(
    name="pay_or_ok_price_ratio", typology=_FORCED, base=_BASE,
    inputs=("consent_metrics.refuse_price", "consent_metrics.arpu"), unit="ratio",
    direction="high", n="dialogues", source="EDPB Opinion 08/2024",
    title={"en": "price of refusing by revenue per user", "zh": "拒绝价格与每用户收入之比"},
)  # fmt: skip
def pay_or_ok_price_ratio() -> Measure:
    """Monthly price of refusing by monthly revenue from an accepting user, of the worst language;
    both in the currency filed."""
    ratio = nw.col("price_ratio")
    free = ratio.is_null() & (nw.col("no_revenue") == 1)
    return measure(ratio, (free, Reason.ZERO_DENOMINATOR))


@feature(
    name="dp_click_ratio", typology=_DARK, base=_BASE,
    inputs=("consent_metrics.clicks_accept", "consent_metrics.clicks_reject"), unit="ratio",
    direction="high", n="dialogues", source="EDPB Guidelines 03/2022; Nouwens et al. 2020",
    title={"en": "clicks to reject by clicks to accept", "zh": "拒绝与同意所需点击次数之比"},
)  # fmt: skip
def dp_click_ratio() -> Measure:
    """Clicks to reject by clicks to accept, of the worst language. Accepting without a click is
    no choice at all: null, with the attribute `no_choice`."""
    ratio = nw.col("click_ratio")
    return measure(ratio, (ratio.is_null() & nw.col("no_choice"), Reason.NOT_APPLICABLE))


@feature(
    name="dp_first_layer_reject", typology=_DARK, base=_BASE,
    inputs=("consent_metrics.first_layer_reject", "consent_metrics.clicks_reject"),
    unit="yes/no", direction="low", n="dialogues", kind="bool", source="EDPB Guidelines 03/2022",
    title={"en": "reject on the first layer", "zh": "首层可拒绝"},
)  # fmt: skip
def dp_first_layer_reject() -> Measure:
    """1 when the first layer has a way to reject in every language, else 0; where it was not
    filed, one click to reject means that it has."""
    return measure(nw.col("first_layer"))


@feature(
    name="dp_prechecked_count", typology=_DARK, base=_BASE,
    inputs=("consent_metrics.prechecked",), unit="boxes", direction="high", n="dialogues",
    source="GDPR art. 4(11)",
    title={"en": "boxes ticked beforehand", "zh": "默认勾选项数"},
)  # fmt: skip
def dp_prechecked_count() -> Measure:
    """Boxes that are ticked before the user has chosen, of the worst language."""
    return measure(nw.col("prechecked"))


@feature(
    name="dp_visual_contrast_ratio", typology=_DARK, base=_BASE,
    inputs=("consent_metrics.contrast_accept", "consent_metrics.contrast_reject"), unit="ratio",
    direction="high", n="dialogues", source="WCAG 2.2, contrast ratio",
    title={"en": "contrast of accepting by that of rejecting", "zh": "同意与拒绝按钮对比度之比"},
)  # fmt: skip
def dp_visual_contrast_ratio() -> Measure:
    """WCAG contrast of the way to accept by that of the way to reject, of the worst language."""
    return measure(nw.col("contrast"))


@feature(
    name="dp_reprompt_per_refuser_30d", typology=_DARK, base=_BASE,
    inputs=("consent_metrics.prompts_after_refusal", "consent_metrics.refusing_users"),
    unit="prompts", direction="high", n="refusing_users",
    source="Network Data Security Regulations art. 22(5); DMA art. 5(2)",
    title={"en": "prompts again per refusing user and month", "zh": "每位拒绝者每月被再次征求次数"},
)  # fmt: skip
def dp_reprompt_per_refuser_30d() -> Measure:
    """Prompts after a refusal by refusing users, a month; periods of more than a month are brought
    to one month."""
    users = nw.col("refusing_users")
    rate = nw.col("prompts_after_refusal") / nw.when(users > 0).then(users) / nw.col("months")
    return measure(rate, (users == 0, Reason.ZERO_DENOMINATOR))


@feature(
    name="wd_effort_ratio", typology=_LEAVE, base=_BASE,
    inputs=("consent_metrics.steps_give", "consent_metrics.steps_withdraw"), unit="ratio",
    direction="high", n="dialogues", source="GDPR art. 7(3)",
    title={"en": "steps to withdraw by steps to consent", "zh": "撤回与给予同意的步骤之比"},
)  # fmt: skip
def wd_effort_ratio() -> Measure:
    """Steps to withdraw by steps to give consent, of the worst language."""
    ratio = nw.col("effort")
    nothing = ratio.is_null() & (nw.col("nothing_given") == 1)
    return measure(ratio, (nothing, Reason.ZERO_DENOMINATOR))


@feature(
    name="wd_postflow_rate", typology=_LEAVE, base=_BASE,
    inputs=("consent_metrics.withdrawn", "consent_metrics.flows_after_withdrawal",
            "observed_flows.phase", "observed_flows.session", "observed_flows.ts"),
    unit="share", direction="high", n="withdrawn", min_n=MIN_WITHDRAWALS,
    source="PIPL arts 15, 47; GDPR art. 7(3)",
    title={"en": "users with flows after withdrawal", "zh": "撤回后仍被传输数据的用户占比"},
)  # fmt: skip
def wd_postflow_rate() -> Measure:
    """Users with flows after the grace time (24 h) by users who withdrew (50 or more).

    Where the operator did not file such users, tested sessions that still sent count instead.
    """
    withdrawn, late = nw.col("withdrawn"), nw.col("late")
    return measure(
        late / nw.when(withdrawn > 0).then(withdrawn),
        (withdrawn.is_null(), Reason.MISSING_INPUT),
        (withdrawn < MIN_WITHDRAWALS, Reason.TOO_FEW),
        (late.is_null() | (late > withdrawn), Reason.MISSING_INPUT),
    )


@feature(
    name="wd_latency_p95_h", typology=_LEAVE, base=_BASE,
    inputs=("consent_metrics.withdrawal_latency_h",), unit="h", direction="high", n="withdrawn",
    source="catalogue 5",
    title={"en": "time until a withdrawal takes effect", "zh": "撤回生效用时"},
)  # fmt: skip
def wd_latency_p95_h() -> Measure:
    """Hours within which 95 % of withdrawals took effect, of the worst language."""
    return measure(nw.col("withdrawal_latency_h"))


@feature(
    name="wd_service_cut", typology=_LEAVE, base=_BASE, inputs=("consent_metrics.service_cut",),
    unit="yes/no", direction="high", n="dialogues", kind="bool", source="PIPL art. 16",
    title={"en": "withdrawing ends the service", "zh": "撤回即停止服务"},
)  # fmt: skip
def wd_service_cut() -> Measure:
    """1 when withdrawing consent ends the service in some language, else 0."""
    return measure(nw.col("cut"))
