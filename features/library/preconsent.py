"""Trackers before the choice and after a refusal (PRIV-PRECONSENT)."""

from __future__ import annotations

import narwhals as nw

from features.catalogue import Measure, base, feature, measure
from features.library.apps import ONE, most_suspicious, of_versions
from features.operators import Lazy
from features.parameters.necessary_information import PERSONAL_DATA
from features.parameters.recipients import TRACKING
from features.tables import Tables
from features.vocabulary import Reason

_TYPOLOGY, _BASE = "PRIV-PRECONSENT", "app_preconsent"
_INPUTS = ("observed_flows.phase", "observed_flows.session", "observed_flows.domain",
           "observed_flows.recipient", "observed_flows.data_type")  # fmt: skip
_SOURCE = "Matte et al. 2020; ePrivacy Directive art. 5(3)"
MIN_SESSIONS = 50
REFUSED = ("refused", "legitimate_interest_only")
WITHOUT_CONSENT = ("pre_choice", *REFUSED, "withdrawn", "optout")
_AD_ID = "advertising_id"
_FOLLOWING = ("ads", "analytics", "profiling")
_EMPTY = ("sessions", "before", "refused_sessions", "after_refusal", "no_consent_flows", "ad_id")


def _tracking() -> nw.Expr:
    """A flow to a tracking host, for a tracking purpose, or with the advertising id."""
    host = nw.col("use").is_in(TRACKING).fill_null(value=False)
    aim = nw.col("purpose").is_in(_FOLLOWING).fill_null(value=False)
    return host | aim | _ad_id()


def _ad_id() -> nw.Expr:
    """A flow of the advertising id, whatever coarser word the map has for it."""
    names = (_AD_ID, *PERSONAL_DATA[_AD_ID])
    own = nw.col("source_type").str.to_lowercase().is_in(names)
    return (own | (nw.col("word") == _AD_ID)).fill_null(value=False)


def _sessions(facts: Lazy) -> Lazy:
    """One row per version and session: trackers before the choice, whether any after refusal."""
    name = nw.coalesce(nw.col("organisation"), nw.col("host"), nw.lit("?"))
    rows = facts.filter(~nw.col("session").is_null()).with_columns(
        _tracking().alias("tracking"), name.alias("tracker")
    )
    own = (*ONE, "session")
    before = rows.filter(nw.col("tracking") & (nw.col("phase") == "pre_choice"))
    counted = before.group_by(*own).agg(nw.col("tracker").n_unique().alias("trackers"))
    refused = nw.col("phase").is_in(REFUSED).fill_null(value=False)
    ends = rows.group_by(*own).agg(
        refused.cast(nw.Int64).max().alias("refusing"),
        (refused & nw.col("tracking")).cast(nw.Int64).max().alias("refused_tracked"),
    )
    trackers = nw.col("trackers").fill_null(0).cast(nw.Int64)
    return ends.join(counted, on=list(own), how="left").with_columns(trackers.alias("trackers"))


@base(
    name=_BASE,
    grain="app_v",
    tables=("observed_flows",),
    attributes=("app_type", "operator_id", "preconsent_version"),
    under="operator_id",
    peers=("app_type",),
)
def app_preconsent(t: Tables) -> Lazy:
    """One row per tested app and month: the version with most trackers without consent."""
    facts = of_versions(t, t.view("flow_facts"))
    of_sessions = _sessions(facts).group_by(*ONE).agg(
        nw.len().alias("sessions"),
        (nw.col("trackers") > 0).cast(nw.Int64).sum().alias("before"),
        nw.col("trackers").median().alias("median"),
        nw.col("refusing").sum().alias("refused_sessions"),
        nw.col("refused_tracked").sum().alias("after_refusal"),
    )  # fmt: skip
    bare = facts.filter(nw.col("phase").is_in(WITHOUT_CONSENT).fill_null(value=False))
    of_flows = bare.group_by(*ONE).agg(
        nw.col("requests").sum().alias("no_consent_flows"),
        nw.when(_ad_id()).then(nw.col("requests")).otherwise(0).sum().alias("ad_id"),
    )
    rows = t.view("app_versions").join(facts.select(*ONE).unique(), on=list(ONE), how="inner")
    rows = rows.join(of_sessions, on=list(ONE), how="left").join(of_flows, on=list(ONE), how="left")
    rows = rows.with_columns(nw.col(c).fill_null(0).cast(nw.Int64) for c in _EMPTY)
    weight = nw.col("before") + nw.col("after_refusal") + nw.col("ad_id")
    return most_suspicious(rows, weight).with_columns(nw.col("version").alias("preconsent_version"))


def _few(sessions: str) -> tuple[nw.Expr, Reason]:
    return nw.col(sessions) < MIN_SESSIONS, Reason.TOO_FEW


@feature(
    name="pre_tracker_session_share", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS,
    unit="share", direction="high", n="sessions", min_n=MIN_SESSIONS, source=_SOURCE,
    title={"en": "share of sessions tracked before the choice", "zh": "选择前即被追踪的会话占比"},
)  # fmt: skip
def pre_tracker_session_share() -> Measure:
    """Test sessions with a tracker before the choice, by all test sessions (at least 50).

    Every session starts before the choice. A tracker is a host of the dated table whose use
    follows a person, a flow for advertising, analytics or profiling, or the advertising id.
    """
    return measure(nw.col("before") / nw.col("sessions"), _few("sessions"))


@feature(
    name="pre_tracker_count_median", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS,
    unit="trackers", direction="high", n="sessions", min_n=MIN_SESSIONS, source=_SOURCE,
    title={"en": "usual number of trackers before the choice", "zh": "选择前追踪方数中位数"},
)  # fmt: skip
def pre_tracker_count_median() -> Measure:
    """Median over all test sessions of the number of distinct trackers before the choice."""
    return measure(nw.col("median"), _few("sessions"))


@feature(
    name="refused_tracker_share", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS,
    unit="share", direction="high", n="refused_sessions", min_n=MIN_SESSIONS, source=_SOURCE,
    title={"en": "share of sessions tracked after refusal", "zh": "拒绝后仍被追踪的会话占比"},
)  # fmt: skip
def refused_tracker_share() -> Measure:
    """Test sessions with a tracker after refusal, by sessions in which consent was refused or
    left to legitimate interest (at least 50)."""
    return measure(nw.col("after_refusal") / nw.col("refused_sessions"), _few("refused_sessions"))


@feature(
    name="pre_ad_id_without_consent", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS,
    unit="yes/no", direction="high", n="no_consent_flows", kind="bool",
    source="ePrivacy Directive art. 5(3); PIPL arts 13, 14",
    title={"en": "advertising id sent without consent", "zh": "未经同意发送广告标识符"},
)  # fmt: skip
def pre_ad_id_without_consent() -> Measure:
    """1 when the advertising id was sent before the choice or after refusal, withdrawal or
    opting out, else 0. One transmission is enough; without a test in such a state null."""
    sent = (nw.col("ad_id") > 0).cast(nw.Float64)
    return measure(sent, (nw.col("no_consent_flows") == 0, Reason.MISSING_INPUT))
