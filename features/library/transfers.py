"""Personal data sent abroad above a limit without a mechanism (PRIV-XBORDER)."""

from __future__ import annotations

from datetime import timedelta

import narwhals as nw

from features.catalogue import Measure, base, feature, measure
from features.operators import Lazy, days_between, year_start
from features.parameters.transfer_tiers import BULK_LIMITS, COUNTRIES_OF_CONCERN, EXEMPT, TIERS
from features.tables import Tables
from features.vocabulary import Reason

_TYPOLOGY, _BASE = "PRIV-XBORDER", "operator_transfers"
_T = "crossborder_transfers"
_INPUTS = (f"{_T}.persons_new", f"{_T}.sensitive", f"{_T}.important_data",
           f"{_T}.exemption_ground", f"{_T}.jurisdiction")  # fmt: skip
_SOURCE = "CAC Provisions on Cross-Border Data Flows, 2024"
_CELL = ("operator_id", "date")
_YEAR, _TREND_DAYS = timedelta(days=365), 90
_NEAR = 0.9


def _rows(t: Tables) -> Lazy:
    """Transfers known by the day of the judgement; exempt ones, and by whose rules they go."""
    law = nw.col("jurisdiction")
    return t[_T].filter(nw.col("date") <= t.context.as_of).with_columns(
        (law.is_null() | (law == "CN")).alias("cn"),
        (law.str.starts_with("US")
         & (nw.col("country").is_null() | nw.col("country").is_in(COUNTRIES_OF_CONCERN)))
        .fill_null(value=False).alias("us"),
        (~nw.col("exemption_ground").is_null() & (nw.col("exemption_ground") != ""))
        .alias("exempted"),
        nw.col("sensitive").fill_null(value=False).alias("special"),
        year_start(nw.col("date")).alias("year"),
    )  # fmt: skip


def _running(rows: Lazy) -> Lazy:
    """One row per operator and day: persons since 1 January by kind, what was filed that day."""
    counted = nw.col("cn") & ~nw.col("exempted")
    persons = nw.col("persons_new")
    rows = rows.with_columns(
        nw.when(counted & ~nw.col("special")).then(persons).alias("ordinary"),
        nw.when(counted & nw.col("special")).then(persons).alias("special_persons"),
        nw.when(nw.col("cn") & nw.col("exempted")).then(persons).alias("exempt"),
        (counted & nw.col("important_data").fill_null(value=False)).cast(nw.Int64)
        .alias("important"),
        (counted & persons.is_null()).cast(nw.Int64).alias("gap"),
        counted.cast(nw.Int64).alias("counted"),
        *_mechanisms(counted),
    )  # fmt: skip
    days = rows.group_by(*_CELL, "year").agg(
        *(nw.col(c).sum() for c in ("ordinary", "special_persons", "exempt", "gap", "counted")),
        nw.col("important").max(), *(nw.col(t.name).sum() for t in TIERS),
        nw.col("jurisdiction").max().alias("_law"),
        (nw.col("jurisdiction") == "CN").cast(nw.Int64).max().alias("_china"),
    )  # fmt: skip
    law = nw.when(nw.col("_china") == 1).then(nw.lit("CN")).otherwise(nw.col("_law"))
    days = days.with_columns(law.alias("jurisdiction"))
    line = ("operator_id", "year")
    sums = {"ordinary": "ordinary_ytd", "special_persons": "sensitive_ytd", "exempt": "exempt_ytd",
            "gap": "gaps"}  # fmt: skip
    return days.with_columns(
        *(nw.col(c).cum_sum().over(*line, order_by="date").alias(to) for c, to in sums.items()),
        nw.col("important").cum_max().over(*line, order_by="date").alias("important_ytd"),
    )


def _mechanisms(counted: nw.Expr) -> list[nw.Expr]:
    """By tier, 1 where a counted transfer has no mechanism that satisfies it on its day."""
    valid = nw.col("valid_until").is_null() | (nw.col("valid_until") >= nw.col("date"))
    word = nw.col("mechanism").str.to_lowercase()
    return [
        (counted & ~(valid & word.is_in(t.mechanisms)).fill_null(value=False))
        .cast(nw.Int64)
        .alias(t.name)
        for t in TIERS
    ]


def _tier() -> nw.Expr:
    """The strictest tier reached; the limits include their number."""
    level: nw.Expr = nw.lit(EXEMPT)
    for tier in reversed(TIERS):
        reached = nw.col("ordinary_ytd") >= tier.ordinary
        reached = reached | (nw.col("sensitive_ytd") >= tier.sensitive)
        if tier is TIERS[0]:
            reached = reached | nw.col("ciio") | (nw.col("important_ytd") == 1)
        level = nw.when(reached).then(nw.lit(tier.name)).otherwise(level)
    return nw.when(nw.col("date") >= TIERS[0].valid_from).then(level)


def _to_cross(days: Lazy) -> Lazy:
    """Add days until the next tier at the pace of the last 90 days of the year."""
    own = days.select(*_CELL, "year")
    past = days.select(
        "operator_id", nw.col("date").alias("_day"), "ordinary", "special_persons"
    )  # fmt: skip
    window = nw.lit(timedelta(days=_TREND_DAYS))
    both = own.join(past, on="operator_id", how="inner").filter(
        (nw.col("_day") <= nw.col("date"))
        & (nw.col("_day") > nw.col("date") - window)
        & (nw.col("_day") >= nw.col("year"))
    )
    pace = both.group_by(*_CELL).agg(
        nw.col("ordinary").sum().alias("_o"), nw.col("special_persons").sum().alias("_s")
    )
    elapsed = days_between(nw.col("year"), nw.col("date")).cast(nw.Float64) + 1
    rows = days.join(pace, on=list(_CELL), how="left").with_columns(
        elapsed.clip(upper_bound=float(_TREND_DAYS)).alias("_span")
    )
    top, low = TIERS
    cases = (("ordinary_ytd", "_o", (low.ordinary, top.ordinary)),
             ("sensitive_ytd", "_s", (low.sensitive, top.sensitive)))  # fmt: skip
    waits = []
    for total, recent, lines in cases:
        have, slope = nw.col(total), nw.col(recent) / nw.col("_span")
        goal = nw.when(have < lines[0]).then(lines[0]).when(have < lines[1]).then(lines[1])
        waits.append(((goal - have) / nw.when(slope > 0).then(slope)).alias(f"{total}_wait"))
    rows = rows.with_columns(*waits)
    return rows.with_columns(
        nw.min_horizontal("ordinary_ytd_wait", "sensitive_ytd_wait").alias("wait")
    )


def _split(rows: Lazy) -> Lazy:
    """By operator and day: recipients so far in the year, and those just below a tier."""
    counted = rows.filter(nw.col("cn") & ~nw.col("exempted") & ~nw.col("recipient").is_null())
    days = counted.select(*_CELL, "year").unique()
    past = counted.select(
        "operator_id", "year", "recipient", nw.col("date").alias("_day"), "special", "persons_new"
    )
    both = days.join(past, on=["operator_id", "year"], how="inner").filter(
        nw.col("_day") <= nw.col("date")
    )
    sums = both.group_by(*_CELL, "recipient", "special").agg(nw.col("persons_new").sum())
    persons = nw.col("persons_new")
    top, low = TIERS

    def below(limit: int) -> nw.Expr:
        return (persons >= _NEAR * limit) & (persons < limit)

    ordinary = below(low.ordinary) | below(top.ordinary)
    near = (nw.col("special") & below(top.sensitive)) | (~nw.col("special") & ordinary)
    each = sums.with_columns(near.cast(nw.Int64).alias("near"))
    each = each.group_by(*_CELL, "recipient").agg(nw.col("near").max())
    return each.group_by(*_CELL).agg(nw.len().alias("recipients"), nw.col("near").sum())


def _bulk(rows: Lazy) -> Lazy:
    """By operator and day, whether a US limit was exceeded in the twelve months before."""
    words = {w: x.category for x in BULK_LIMITS for w in (x.category, *x.data_types)}
    kind = (
        nw.col("data_type")
        .str.to_lowercase()
        .replace_strict(list(words), list(words.values()), default=None, return_dtype=nw.String)
    )
    ours = rows.filter(nw.col("us")).with_columns(kind.alias("kind"))
    ours = ours.filter(nw.col("date") >= BULK_LIMITS[0].valid_from)
    days = ours.select(*_CELL).unique()
    past = rows.filter(nw.col("us")).with_columns(kind.alias("kind")).select(
        "operator_id", nw.col("date").alias("_day"), "kind", "persons_new"
    )  # fmt: skip
    both = days.join(past, on="operator_id", how="inner").filter(
        (nw.col("_day") <= nw.col("date")) & (nw.col("_day") > nw.col("date") - nw.lit(_YEAR))
    )
    sums = both.group_by(*_CELL, "kind").agg(nw.col("persons_new").sum())
    limit = nw.col("kind").replace_strict(
        [x.category for x in BULK_LIMITS], [x.units for x in BULK_LIMITS],
        default=None, return_dtype=nw.Int64,
    )  # fmt: skip
    sums = sums.with_columns((nw.col("persons_new") > limit).cast(nw.Int64).alias("beyond"))
    return sums.group_by(*_CELL).agg(
        nw.col("beyond").max().alias("bulk"), nw.len().alias("bulk_kinds")
    )


@base(
    name=_BASE,
    grain="operator_d",
    tables=(_T,),
    attributes=("operator_id", "exempt_persons_ytd", "is_ciio"),
    under="operator_id",
)
def operator_transfers(t: Tables) -> Lazy:
    """One row per operator and day with transfers, counted since 1 January."""
    rows = _rows(t)
    days = _to_cross(_running(rows))
    firms = t.get("firms")
    if firms is None:
        days = days.with_columns(nw.lit(value=False).alias("ciio"))
    else:
        flags = firms.group_by("firm_id").agg(nw.col("is_ciio").cast(nw.Int64).max().alias("_c"))
        days = days.join(flags, left_on="operator_id", right_on="firm_id", how="left")
        days = days.with_columns((nw.col("_c") == 1).fill_null(value=False).alias("ciio"))
    days = days.join(_split(rows), on=list(_CELL), how="left")
    days = days.join(_bulk(rows), on=list(_CELL), how="left")
    days = days.with_columns(_tier().alias("tier"))
    missing: nw.Expr = nw.lit(0)
    for tier in reversed(TIERS):
        bare = (nw.col(tier.name) > 0).cast(nw.Int64)
        missing = nw.when(nw.col("tier") == tier.name).then(bare).otherwise(missing)
    return days.with_columns(
        nw.col("operator_id").alias("subject_key"),
        nw.col("date").alias("period_start"),
        nw.col("date").alias("period_end"),
        missing.alias("bare"),
        nw.col("exempt_ytd").alias("exempt_persons_ytd"),
        nw.col("ciio").alias("is_ciio"),
    )


_GAP = (nw.col("gaps") > 0, Reason.MISSING_INPUT)
_BEFORE = (nw.col("date") < TIERS[0].valid_from, Reason.NOT_APPLICABLE)


@feature(
    name="xb_persons_ytd", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="persons",
    direction="high", min_n=0, n="counted", source=_SOURCE,
    title={"en": "persons sent abroad since 1 January", "zh": "当年累计出境人数（非敏感）"},
)  # fmt: skip
def xb_persons_ytd() -> Measure:
    """Persons without sensitive data since 1 January: the sum of persons not counted before in
    the year; exempt grounds are left out and kept in the attribute `exempt_persons_ytd`."""
    return measure(nw.col("ordinary_ytd"), _GAP)


@feature(
    name="xb_sensitive_ytd", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="persons",
    direction="high", min_n=0, n="counted", source=_SOURCE,
    title={"en": "persons with sensitive data sent abroad", "zh": "当年累计敏感信息出境人数"},
)  # fmt: skip
def xb_sensitive_ytd() -> Measure:
    """Persons with sensitive data since 1 January, exempt grounds left out."""
    return measure(nw.col("sensitive_ytd"), _GAP)


@feature(
    name="cn_xborder_tier", typology=_TYPOLOGY, base=_BASE, inputs=(*_INPUTS, "firms.is_ciio"),
    unit="class", direction="none", min_n=0, n="counted", kind="class",
    source=f"{_SOURCE}, arts 5, 7, 8",
    title={"en": "transfer tier (CAC)", "zh": "数据出境监管档次"},
)  # fmt: skip
def cn_xborder_tier() -> Measure:
    """security_assessment for critical infrastructure, important data, 1 000 000 persons or
    10 000 with sensitive data; standard_contract_or_certification from 100 000 persons or one
    with sensitive data; else exempt. The limits include their number."""
    return measure(nw.col("tier"), _BEFORE, _GAP)


@feature(
    name="xb_mechanism_missing", typology=_TYPOLOGY, base=_BASE,
    inputs=(*_INPUTS, f"{_T}.mechanism", f"{_T}.valid_until"), unit="yes/no", direction="high",
    min_n=0, n="counted", kind="bool", source="PIPL arts 38, 40",
    title={"en": "transfer without the mechanism needed", "zh": "缺少所需出境机制"},
)  # fmt: skip
def xb_mechanism_missing() -> Measure:
    """1 when the tier reached needs a mechanism and a transfer of the day has none that is valid
    and sufficient, else 0."""
    return measure(nw.col("bare").cast(nw.Float64), _BEFORE, _GAP)


@feature(
    name="us_bulk_exceeded", typology=_TYPOLOGY, base=_BASE,
    inputs=(f"{_T}.persons_new", f"{_T}.data_type", f"{_T}.country", f"{_T}.jurisdiction"),
    unit="yes/no", direction="high", n="bulk_kinds", kind="bool", source="28 CFR 202.205",
    title={"en": "US bulk limit exceeded", "zh": "超过美国批量敏感数据限额"},
)  # fmt: skip
def us_bulk_exceeded() -> Measure:
    """1 when in twelve months strictly more units of some kind of data went to a country of
    concern than its limit, else 0. Persons counted in two calendar years count twice."""
    none = nw.col("bulk_kinds").is_null()
    return measure(
        nw.col("bulk"),
        (none, Reason.NOT_APPLICABLE),
        (nw.col("bulk").is_null(), Reason.MISSING_INPUT),
    )


@feature(
    name="xb_split_score", typology=_TYPOLOGY, base=_BASE, inputs=(*_INPUTS, f"{_T}.recipient"),
    unit="share", direction="high", n="recipients", min_n=2,
    source="CAC Certification Measures, 2026",
    title={"en": "recipients just below a limit", "zh": "略低于档次线的接收方占比"},
)  # fmt: skip
def xb_split_score() -> Measure:
    """Recipients with 90 to 100 % of a tier since 1 January by recipients; two at least."""
    many = nw.col("recipients")
    few = (many.is_null() | (many < 2), Reason.TOO_FEW)
    return measure(nw.col("near") / nw.when(many > 0).then(many), few, _GAP)


@feature(
    name="xb_growth_to_cross_d", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="d",
    direction="low", min_n=0, n="counted", source="catalogue 5",
    title={"en": "days until the next tier", "zh": "按当前增速到达下一档的天数"},
)  # fmt: skip
def xb_growth_to_cross_d() -> Measure:
    """Days until the next limit at the pace of the last 90 days of the year, the sooner of the two
    kinds of data; null in the top tier and where nothing grows."""
    top = (nw.col("tier") == TIERS[0].name, Reason.NOT_APPLICABLE)
    return measure(
        nw.col("wait"), _BEFORE, _GAP, top, (nw.col("wait").is_null(), Reason.ZERO_DENOMINATOR)
    )
