"""Consent dialogues as filed, and implausible consent rates (PRIV-CONSENT-RATE)."""

from __future__ import annotations

import narwhals as nw
import polars as pl

from features.catalogue import Measure, base, feature, measure, view
from features.operators import Lazy, both, days_between
from features.periods import with_period
from features.robust import add_peer_z
from features.tables import Tables, collect
from features.vocabulary import Reason

_RATE, _LOCALE = "PRIV-CONSENT-RATE", "app_locale_consent"
MIN_SHOWN, MIN_PEERS = 200, 5
_COUNTED = ("shown", "accepted", "refused", "prompts_after_refusal", "refusing_users",
            "denied_after_refusal", "withdrawn", "flows_after_withdrawal")  # fmt: skip


@view("consent_dialogues")
def consent_dialogues(t: Tables) -> Lazy:
    """Filed consent metrics with their period; of several starting on a day the longest.

    Adds `app_type` from the register where the metrics do not say it, and `operator_id`.
    """
    rows = with_period(t["consent_metrics"])
    longest = nw.col("period_end") == nw.col("period_end").max().over("app_id", "period_start")
    rows = rows.filter(longest)
    apps = t.get("apps")
    if apps is None:
        return rows.with_columns(nw.lit(None, dtype=nw.String).alias("operator_id"))
    kinds = apps.group_by("app_id").agg(
        nw.col("app_type").max().alias("_type"), nw.col("operator_id").max()
    )
    return rows.join(kinds, on="app_id", how="left").with_columns(
        nw.coalesce(nw.col("app_type"), nw.col("_type")).alias("app_type")
    )


@base(
    name=_LOCALE,
    grain="app_locale_m",
    tables=("consent_metrics",),
    attributes=("app_id", "locale", "app_type", "banner_class", "shown"),
    under="operator_id",
    peers=("app_type", "banner_class", "size_decile"),
    size="shown",
)
def app_locale_consent(t: Tables) -> Lazy:
    """One row per app, language and period, with its place among like dialogues."""
    own = ("app_id", "locale", "period_start", "period_end")
    shown, accepted = nw.col("shown"), nw.col("accepted")
    cells = t.view("consent_dialogues").group_by(*own).agg(
        nw.col("shown").sum(), nw.col("accepted").sum(),
        nw.col("accepted").is_null().cast(nw.Int64).sum().alias("gaps"),
        nw.col("app_type").max(), nw.col("banner_class").max(), nw.col("operator_id").max(),
    )  # fmt: skip
    app = ("app_id", "period_start")
    rows = cells.with_columns(
        both(nw.col("app_id"), nw.col("locale")).alias("subject_key"),
        (shown.sum().over(*app) - shown).alias("shown_elsewhere"),
        (accepted.sum().over(*app) - accepted).alias("accepted_elsewhere"),
        nw.col("gaps").sum().over(*app).alias("app_gaps"),
    )
    return nw.from_native(_with_logits(collect(rows)).lazy())


def _with_logits(frame: pl.DataFrame) -> pl.DataFrame:
    """Add the robust z of the smoothed logit among the raw logits of the peers.

    Peers are dialogues of the same kind, class, language and period with at least `MIN_SHOWN`;
    rates of exactly 0 and 1 have no logit and are no peers.
    """
    accepted, shown = pl.col("accepted"), pl.col("shown")
    known = (pl.col("gaps") == 0) & (shown > 0)
    own = ((accepted + 0.5) / (shown - accepted + 0.5)).log()
    inner = known & (shown >= MIN_SHOWN) & (accepted > 0) & (accepted < shown)
    raw = (accepted / (shown - accepted)).log()
    frame = frame.with_columns(
        pl.when(known & (accepted <= shown)).then(own).alias("_own"),
        pl.when(inner).then(raw).alias("_raw"),
    )
    groups = ("app_type", "banner_class", "locale", "period_start")
    return add_peer_z(frame, "_own", groups, "logit_z", peer="_raw")


_SHOWN = ("consent_metrics.shown", "consent_metrics.accepted")
_GATE = (
    ((nw.col("gaps") > 0) | (nw.col("shown") == 0), Reason.MISSING_INPUT),
    (nw.col("shown") < MIN_SHOWN, Reason.TOO_FEW),
)


@feature(
    name="consent_rate", typology=_RATE, base=_LOCALE, inputs=_SHOWN, unit="share",
    direction="high", n="shown", min_n=MIN_SHOWN, source="Nouwens et al. 2020",
    title={"en": "consent rate", "zh": "同意率"},
)  # fmt: skip
def consent_rate() -> Measure:
    """Dialogues accepted by dialogues shown; at least 200 shown."""
    return measure(nw.col("accepted") / nw.col("shown"), *_GATE)


@feature(
    name="consent_robust_logit_z", typology=_RATE, base=_LOCALE, inputs=_SHOWN, unit="z",
    direction="high", n="shown", min_n=MIN_SHOWN, source="catalogue 1.2 and 5",
    title={"en": "consent rate against like dialogues", "zh": "与同类弹窗相比的同意率"},
    peer_adjusted=True,
)  # fmt: skip
def consent_robust_logit_z() -> Measure:
    """(logit of (accepted + 0.5) / (shown + 1) - median of the peers' logits) / (1.4826 MAD).

    Only the scored dialogue is smoothed; peers of the same kind of app, class of dialogue,
    language and period are taken as filed, those of rate 0 or 1 left out; at least 5 of them.
    """
    return measure(
        nw.col("logit_z"),
        *_GATE,
        (nw.col("logit_z_peers") < MIN_PEERS, Reason.TOO_FEW),
        (nw.col("logit_z").is_null(), Reason.CONSTANT_PEERS),
    )


@feature(
    name="consent_locale_gap", typology=_RATE, base=_LOCALE, inputs=_SHOWN, unit="share",
    direction="high", n="shown", min_n=MIN_SHOWN, source="catalogue 5",
    title={"en": "consent rate above other languages", "zh": "同意率高于其他语言版本的幅度"},
)  # fmt: skip
def consent_locale_gap() -> Measure:
    """Consent rate in this language minus the app's rate in all others together (200 shown in
    each); `not_applicable` where the app has one language only."""
    elsewhere = nw.col("accepted_elsewhere") / nw.when(nw.col("shown_elsewhere") > 0).then(
        nw.col("shown_elsewhere")
    )
    return measure(
        nw.col("accepted") / nw.col("shown") - elsewhere,
        *_GATE,
        (nw.col("app_gaps") > 0, Reason.MISSING_INPUT),
        (nw.col("shown_elsewhere") == 0, Reason.NOT_APPLICABLE),
        (nw.col("shown_elsewhere") < MIN_SHOWN, Reason.TOO_FEW),
    )


@view("app_dialogues")
def app_dialogues(t: Tables) -> Lazy:
    """One row per app and period over its languages: counts added, designs by the worst.

    A count nobody filed stays null; `months` is the length of the period.
    """
    rows = t.view("consent_dialogues")
    click, step = nw.col("clicks_reject"), nw.col("steps_withdraw")
    free, begin = nw.col("clicks_accept"), nw.col("steps_give")
    contrast = nw.col("contrast_accept") / _positive("contrast_reject")
    first = nw.coalesce(nw.col("first_layer_reject"), click <= 1)
    rows = rows.with_columns(
        (click / _positive("clicks_accept")).alias("click_ratio"),
        (free == 0).fill_null(value=False).cast(nw.Int64).alias("no_choice"),
        (begin == 0).fill_null(value=False).cast(nw.Int64).alias("nothing_given"),
        (step / _positive("steps_give")).alias("effort"),
        contrast.alias("contrast"),
        first.cast(nw.Int64).alias("first_layer"),
        nw.col("service_cut").cast(nw.Int64).alias("cut"),
        (nw.col("refuse_price") / _positive("arpu")).alias("price_ratio"),
        (nw.col("arpu") == 0).fill_null(value=False).cast(nw.Int64).alias("no_revenue"),
    )
    worst = ("app_type", "operator_id", "click_ratio", "no_choice", "nothing_given", "effort",
             "contrast", "prechecked", "cut", "price_ratio", "no_revenue",
             "withdrawal_latency_h")  # fmt: skip
    days = days_between(nw.col("period_start"), nw.col("period_end")).cast(nw.Float64) + 1
    return (
        rows.group_by("app_id", "period_start", "period_end")
        .agg(*(nw.col(c).max() for c in worst), nw.col("first_layer").min(),
             nw.len().alias("dialogues"), *(nw.col(c).sum() for c in _COUNTED),
             *(nw.col(c).count().alias(f"{c}_filed") for c in _COUNTED))
        .with_columns(*(
            nw.when(nw.col(f"{c}_filed") > 0).then(nw.col(c)).alias(c) for c in _COUNTED
        ), nw.when(days > 31).then(days * 12 / 365).otherwise(1.0).alias("months"))
    )  # fmt: skip


def _positive(column: str) -> nw.Expr:
    """The column, null where it is not above zero: a denominator."""
    return nw.when(nw.col(column) > 0).then(nw.col(column))
