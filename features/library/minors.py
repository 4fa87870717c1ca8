"""Children's data without safeguards (PRIV-MINORS)."""

from __future__ import annotations

import narwhals as nw
import polars as pl

from features.catalogue import Measure, base, feature, measure
from features.operators import Lazy, days_between
from features.parameters.governance_duties import ADULT, AGE_LINES, DEFAULT_LINE
from features.periods import with_period
from features.tables import Tables, collect
from features.vocabulary import Reason

_TYPOLOGY, _BASE = "PRIV-MINORS", "operator_minors"
_TABLE = "minor_metrics"
_CELL = ("operator_id", "period_start")
AUDIT = ("minors_audit", "minor_audit", "audit_minors")


def _oldest(t: Tables) -> Lazy:
    """The oldest age of every filed band: `age_band`, `oldest` (null where it cannot be read).

    Read are ``0-13``, ``<14``, ``under_14``, ``u14``, ``13`` and, as open to the top, ``18+``.
    """
    bands = collect(t[_TABLE].select("age_band").unique())
    text = pl.col("age_band").str.to_lowercase().str.replace_all(" ", "")
    numbers = text.str.extract_all(r"\d+").cast(pl.List(pl.Int64))
    below = text.str.contains(r"^(<|u\d|under|below|lt)")
    above = text.str.contains(r"(\+|^>|over|above|plus|older)")
    oldest = (
        pl.when(above).then(999)
        .when(numbers.list.len() == 0).then(None)
        .when(below & ~text.str.contains("=")).then(numbers.list.last() - 1)
        .otherwise(numbers.list.last())
    )  # fmt: skip
    return t.lifted(bands.with_columns(oldest.alias("oldest")))


@base(
    name=_BASE,
    grain="operator_m",
    tables=(_TABLE,),
    attributes=("operator_id", "minor_bands_unread"),
    under="operator_id",
)
def operator_minors(t: Tables) -> Lazy:
    """One row per operator and month over its bands of age."""
    rows = with_period(t[_TABLE].filter(~nw.col("month").is_null()), "month")
    rows = rows.join(_oldest(t), on="age_band", how="left")
    line = nw.col("jurisdiction").replace_strict(
        list(AGE_LINES), list(AGE_LINES.values()), default=DEFAULT_LINE, return_dtype=nw.Int64
    )
    child = (nw.col("oldest") < line).fill_null(value=False)
    minor = (nw.col("oldest") < ADULT).fill_null(value=False)

    def of(who: nw.Expr, column: str, *known: str) -> nw.Expr:
        filed = who
        for name in (column, *known):
            filed = filed & ~nw.col(name).is_null()
        return nw.when(filed).then(nw.col(column))

    rows = rows.with_columns(
        of(child, "accounts", "guardian_consented").alias("children"),
        of(child, "guardian_consented", "accounts").alias("consented"),
        of(minor, "accounts", "profiled_ads").alias("minors"),
        of(minor, "profiled_ads", "accounts").alias("profiled"),
        of(minor, "night_push").alias("pushed"),
        of(minor, "age_gate_tests", "age_gate_bypassed").alias("tests"),
        of(minor, "age_gate_bypassed", "age_gate_tests").alias("passed"),
        nw.col("oldest").is_null().cast(nw.Int64).alias("unread"),
    )
    sums = ("children", "consented", "minors", "profiled", "pushed", "tests", "passed", "unread")
    cells = rows.group_by(*_CELL).agg(
        nw.col("period_end").max(), *(nw.col(c).sum() for c in sums),
        nw.col("pushed").count().cast(nw.Int64).alias("push_filed"),
        nw.col("jurisdiction").min().alias("_first"), nw.col("jurisdiction").max().alias("_last"),
    )  # fmt: skip
    # Where bands are filed under several places, none of them is the place of the operator.
    one = nw.when(nw.col("_first") == nw.col("_last")).then(nw.col("_first"))
    cells = cells.with_columns(one.alias("jurisdiction")).drop("_first", "_last")
    return _with_audit(t, cells).with_columns(
        nw.col("operator_id").alias("subject_key"), nw.col("unread").alias("minor_bands_unread")
    )


def _with_audit(t: Tables, cells: Lazy) -> Lazy:
    """Add `audit_age`: days since the last minors' audit at the end of the period, or today."""
    events = t.get("compliance_events")
    if events is None:
        return cells.with_columns(nw.lit(None, dtype=nw.Int64).alias("audit_age"))
    today = nw.lit(t.context.as_of)
    end = nw.when(nw.col("period_end") < today).then(nw.col("period_end")).otherwise(today)
    kind = nw.col("event_type").str.to_lowercase().is_in(AUDIT)
    audits = events.filter(kind).select("operator_id", nw.col("date").alias("_audited"))
    cells = cells.with_columns(end.alias("_end"))
    known = cells.select(*_CELL, "_end").join(audits, on="operator_id", how="inner")
    last = known.filter(nw.col("_audited") <= nw.col("_end")).group_by(*_CELL).agg(
        nw.col("_audited").max()
    )  # fmt: skip
    age = days_between(nw.col("_audited"), nw.col("_end"))
    return cells.join(last, on=list(_CELL), how="left").with_columns(age.alias("audit_age"))


def _share(part: str, whole: str) -> Measure:
    total = nw.col(whole)
    return measure(
        nw.col(part) / nw.when(total > 0).then(total), (total == 0, Reason.MISSING_INPUT)
    )


@feature(
    name="min_no_guardian_share", typology=_TYPOLOGY, base=_BASE,
    inputs=("minor_metrics.accounts", "minor_metrics.guardian_consented"), unit="share",
    direction="high", n="children", source="PIPL art. 31; COPPA; GDPR art. 8",
    title={"en": "children without a guardian's consent", "zh": "无监护人同意的儿童账户占比"},
)  # fmt: skip
def min_no_guardian_share() -> Measure:
    """Accounts below the age line (CN 14, US 13, EU 16) without a guardian's consent, by accounts
    below it; bands that reach over the line do not count."""
    total = nw.col("children")
    return measure(
        (total - nw.col("consented")) / nw.when(total > 0).then(total),
        (total == 0, Reason.MISSING_INPUT),
    )


@feature(
    name="min_profiled_ads_share", typology=_TYPOLOGY, base=_BASE,
    inputs=("minor_metrics.accounts", "minor_metrics.profiled_ads"), unit="share",
    direction="high", n="minors", source="DSA art. 28(2)",
    title={"en": "minors shown advertising by profile", "zh": "被投放画像广告的未成年账户占比"},
)  # fmt: skip
def min_profiled_ads_share() -> Measure:
    """Minors' accounts (below 18) shown advertising by profile, by minors' accounts."""
    return _share("profiled", "minors")


@feature(
    name="min_night_push", typology=_TYPOLOGY, base=_BASE, inputs=("minor_metrics.night_push",),
    unit="messages", direction="high", n="push_filed",
    source="Regulations on the Protection of Minors in Cyberspace",
    title={"en": "messages to minors at night", "zh": "夜间向未成年人推送数"},
)  # fmt: skip
def min_night_push() -> Measure:
    """Messages pushed at night to minors' accounts."""
    return measure(nw.col("pushed"), (nw.col("push_filed") == 0, Reason.MISSING_INPUT))


@feature(
    name="min_age_gate_bypass", typology=_TYPOLOGY, base=_BASE,
    inputs=("minor_metrics.age_gate_tests", "minor_metrics.age_gate_bypassed"), unit="share",
    direction="high", n="tests", source="catalogue 5",
    title={"en": "test accounts passing the age gate", "zh": "绕过年龄验证的测试账户占比"},
)  # fmt: skip
def min_age_gate_bypass() -> Measure:
    """Test accounts that passed the age gate by editing the year of birth, by those that tried."""
    return _share("passed", "tests")


@feature(
    name="min_audit_age_d", typology=_TYPOLOGY, base=_BASE,
    inputs=("compliance_events.event_type", "compliance_events.date"), unit="d",
    direction="high", n="audit_age", uses_as_of=True,
    source="Regulations on the Protection of Minors in Cyberspace art. 37",
    title={"en": "age of the last minors' audit", "zh": "距上次未成年人合规审计天数"},
)  # fmt: skip
def min_audit_age_d() -> Measure:
    """Days from the last minors' audit to the end of the period, or to the judgement if earlier;
    null where none was filed."""
    return measure(nw.col("audit_age"))
