"""Vendors of a consent framework that widen what they do (PRIV-VENDOR-DRIFT)."""

from __future__ import annotations

import narwhals as nw
import polars as pl

from features.catalogue import Measure, base, feature, measure
from features.library.restatements import vintage_order
from features.operators import Lazy, civil_day, month_end
from features.parameters.vendor_rules import BARRED_INTERESTS, COOKIE_LIMIT_DAYS
from features.tables import Tables, collect
from features.vocabulary import Reason

_TYPOLOGY, _BASE = "PRIV-VENDOR-DRIFT", "vendors"
_LISTS = ("purposes", "legitimate_interests", "features", "special_features")
_INPUTS = tuple(f"vendor_declarations.{c}" for c in (*_LISTS, "cookie_max_age_s", "deleted_on"))
_SOURCE = "IAB TCF policies; interface: further typologies"
_DAY = 86_400.0


def _declared(t: Tables) -> pl.DataFrame:
    """One row per framework, vendor and version of the list, with the version before beside it."""
    name = nw.coalesce(nw.col("vintage"), nw.col("filed_on").cast(nw.String), nw.lit(""))
    day = civil_day("filed_on", "recorded_at", fallback=t.context.as_of)
    filed = t["vendor_declarations"].with_columns(name.alias("vintage"), day.alias("day"))
    rows = collect(filed).with_columns(pl.col(c).str.json_decode(pl.List(pl.Int64)) for c in _LISTS)
    order = vintage_order(rows["vintage"].to_list())
    places = pl.DataFrame(
        {"vintage": list(order), "at": list(order.values())},
        schema={"vintage": pl.String, "at": pl.Int64},
    )
    cell = ["framework", "vendor_id"]
    rows = rows.join(places, on="vintage", how="left").sort(*cell, "at", "day")
    rows = rows.unique([*cell, "at"], keep="last", maintain_order=True)
    before = [pl.col(c).shift().over(cell).alias(f"_{c}") for c in (*_LISTS, "cookie_max_age_s")]
    gone = pl.col("deleted_on").is_not_null() & (pl.col("deleted_on") <= pl.col("day"))
    dated = pl.col("filed_on").is_not_null() | pl.col("recorded_at").is_not_null()
    return rows.with_columns(
        *before, active=~gone, dated=dated, first=pl.int_range(pl.len()).over(cell) == 0
    )


def _added(column: str) -> pl.Expr:
    """Numbers in the list that the version before does not have; null where either is not filed."""
    return pl.col(column).list.set_difference(pl.col(f"_{column}")).list.len().cast(pl.Int64)


def _counts(rows: pl.DataFrame) -> pl.DataFrame:
    """What is widened, turned and barred, by framework, vendor and version."""
    barred: pl.Expr = pl.lit(0, dtype=pl.Int64)
    for rule in BARRED_INTERESTS:
        held = pl.col("legitimate_interests").list.set_intersection(list(rule.purposes)).list.len()
        applies = (pl.col("framework") == rule.framework) | pl.lit(rule.framework == "")
        ended = pl.col("day") >= rule.ended_on
        barred = barred + pl.when(applies & ended).then(held.cast(pl.Int64)).otherwise(0)
    turned = (
        pl.col("_purposes")
        .list.set_intersection(pl.col("legitimate_interests"))
        .list.set_difference(pl.col("_legitimate_interests"))
        .list.set_difference(pl.col("purposes"))
        .list.len()
        .cast(pl.Int64)
    )
    held = pl.col("legitimate_interests").list.set_intersection([3, 4, 5, 6]).list.len()
    return rows.with_columns(
        new_purposes=_added("purposes").fill_null(0)
        + _added("legitimate_interests").fill_null(0)
        - turned.fill_null(0),
        new_special=_added("special_features"),
        turned=turned,
        barred=barred,
        profiling=held.cast(pl.Int64),
        cookie_days=pl.col("cookie_max_age_s") / _DAY,
        cookie_jump=pl.when(pl.col("_cookie_max_age_s") > 0).then(
            pl.col("cookie_max_age_s") / pl.col("_cookie_max_age_s")
        ),
    )


@base(
    name=_BASE,
    grain="vendor",
    tables=("vendor_declarations",),
    attributes=("framework", "vintage", "vendor_name", "active"),
    peers=("framework",),
)
def vendors(t: Tables) -> Lazy:
    """One row per vendor and month of a list's publication: the last version of that month.

    A list without a day is judged in the month in which it was learned. Of several frameworks in
    one month the last by name counts.
    """
    rows = _counts(_declared(t)).with_columns(
        period_start=pl.col("day").dt.truncate("1mo"),
        n=pl.lit(1),
        compared=pl.when(pl.col("first")).then(0).otherwise(1),
        subject_key=pl.col("vendor_id"),
    )
    rows = rows.sort("subject_key", "period_start", "framework", "at").unique(
        ["subject_key", "period_start"], keep="last", maintain_order=True
    )
    rows = rows.rename({"name": "vendor_name"})
    return nw.from_native(rows.lazy()).with_columns(
        month_end(nw.col("period_start")).alias("period_end")
    )


_GONE = (~nw.col("active"), Reason.NOT_APPLICABLE)
_FIRST = (nw.col("first"), Reason.TOO_FEW)


@feature(
    name="vendor_active", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="yes/no",
    direction="none", n="n", source=_SOURCE, kind="bool",
    title={"en": "on the list", "zh": "在册"},
)  # fmt: skip
def vendor_active() -> Measure:
    """Whether the vendor was not deleted by the day of the list; deleted ones are not judged."""
    return measure(nw.when(nw.col("active")).then(nw.lit(1.0)).otherwise(nw.lit(0.0)))


@feature(
    name="vendor_new_purposes", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="purposes",
    direction="high", n="compared", source=_SOURCE,
    title={"en": "purposes added", "zh": "新增用途数"},
)  # fmt: skip
def vendor_new_purposes() -> Measure:
    """Purposes, on either legal basis, that the version before did not declare on it.

    A purpose that only changes from consent to legitimate interest is counted apart.
    """
    return measure(nw.col("new_purposes"), _GONE, _FIRST)


@feature(
    name="vendor_new_special_features", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS,
    unit="features", direction="high", n="compared", source=_SOURCE,
    title={"en": "special features added", "zh": "新增特殊功能数"},
)  # fmt: skip
def vendor_new_special_features() -> Measure:
    """Special features (precise location, scanning the device) the version before lacked."""
    return measure(nw.col("new_special"), _GONE, _FIRST)


@feature(
    name="vendor_consent_to_interest", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS,
    unit="purposes", direction="high", n="compared", source=_SOURCE,
    title={"en": "consent turned into legitimate interest", "zh": "由同意改为正当利益的用途数"},
)  # fmt: skip
def vendor_consent_to_interest() -> Measure:
    """Purposes on consent in the version before, on legitimate interest and no consent now."""
    return measure(nw.col("turned"), _GONE, _FIRST)


@feature(
    name="vendor_cookie_jump", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="ratio",
    direction="high", n="compared", source=_SOURCE,
    title={"en": "growth of cookie life", "zh": "Cookie有效期增长倍数"},
)  # fmt: skip
def vendor_cookie_jump() -> Measure:
    """Longest life of a cookie over that in the version before."""
    return measure(
        nw.col("cookie_jump"),
        _GONE,
        _FIRST,
        (nw.col("cookie_max_age_s").is_null(), Reason.MISSING_INPUT),
        (nw.col("_cookie_max_age_s").is_null(), Reason.MISSING_INPUT),
        (nw.col("_cookie_max_age_s") <= 0, Reason.ZERO_DENOMINATOR),
    )


@feature(
    name="vendor_cookie_days", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="days",
    direction="high", n="n", source=_SOURCE, peer_adjusted=True,
    title={"en": "longest life of a cookie", "zh": "Cookie最长有效期"},
)  # fmt: skip
def vendor_cookie_days() -> Measure:
    """Longest life of a cookie, in days of 86,400 seconds."""
    return measure(nw.col("cookie_days"), _GONE)


@feature(
    name="vendor_cookie_overlong", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="yes/no",
    direction="high", n="n", source="CNIL guidelines of 2020: 13 months (G)", kind="bool",
    title={"en": "cookie life above 13 months", "zh": "Cookie有效期超过13个月"},
)  # fmt: skip
def vendor_cookie_overlong() -> Measure:
    """Whether a cookie lives longer than 395 days (13 months)."""
    over = nw.col("cookie_days") > COOKIE_LIMIT_DAYS
    value = nw.when(over).then(nw.lit(1.0)).otherwise(nw.lit(0.0))
    return measure(value, _GONE, (nw.col("cookie_days").is_null(), Reason.MISSING_INPUT))


@feature(
    name="vendor_profiling_interest", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS,
    unit="purposes", direction="high", n="n", source="IAB TCF v2.2 policies (2023) (G)",
    title={"en": "profiling on legitimate interest", "zh": "以正当利益为依据的画像用途数"},
)  # fmt: skip
def vendor_profiling_interest() -> Measure:
    """Purposes 3 to 6 (profiles and personalised advertising or content) on legitimate interest.

    Allowed until the framework ended it; see `vendor_barred_interest` for the time after.
    """
    return measure(
        nw.col("profiling"), _GONE, (nw.col("legitimate_interests").is_null(), Reason.MISSING_INPUT)
    )


@feature(
    name="vendor_barred_interest", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS,
    unit="purposes", direction="high", n="n", source="IAB TCF v2.2 policies (2023) (G)",
    title={"en": "legal basis no longer allowed", "zh": "仍使用已禁止法律依据的用途数"},
)  # fmt: skip
def vendor_barred_interest() -> Measure:
    """Purposes on legitimate interest after the day on which the framework ended that basis.

    The day is that of the list; where it is not filed, the day the list was learned.
    """
    unknown = nw.col("legitimate_interests").is_null() | ~nw.col("dated")
    return measure(nw.col("barred"), _GONE, (unknown, Reason.MISSING_INPUT))
