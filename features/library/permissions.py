"""New powers after an update (PRIV-PERMISSION-CREEP)."""

from __future__ import annotations

from datetime import timedelta

import narwhals as nw

from features.catalogue import Measure, base, feature, measure
from features.library.apps import ONE, blank_version, most_suspicious
from features.operators import Lazy
from features.tables import Tables
from features.vocabulary import Reason

_TYPOLOGY, _BASE = "PRIV-PERMISSION-CREEP", "app_permissions"
_INPUTS = ("permission_scans.permission", "permission_scans.protection_level",
           "permission_scans.os_level", "apps.released_at")  # fmt: skip
_SOURCE = "PIPL arts 6, 14(2); Android permission studies"
_YEAR = timedelta(days=365)
_COUNTS = ("dangerous", "new", "unannounced", "unused", "untested", "unlisted", "year")


def _asked(t: Tables) -> Lazy:
    """One row per version, level of the system and permission, with the version's order."""
    versions = t.view("app_versions").select(*ONE, "judged_on")
    level = nw.coalesce(nw.col("os_level"), nw.lit("")).alias("os_level")
    danger = (nw.col("protection_level").str.to_lowercase() == "dangerous").fill_null(value=False)
    rows = t["permission_scans"].with_columns(
        blank_version(), level, danger.cast(nw.Int64).alias("dangerous")
    )
    scans = rows.group_by(*ONE, "os_level", "permission").agg(
        nw.col("dangerous").max(),
        nw.col("in_changelog").cast(nw.Int64).max(),
        nw.col("used_at_runtime").cast(nw.Int64).max(),
    )
    return scans.join(versions, on=list(ONE), how="inner")


def _previous(asked: Lazy) -> Lazy:
    """The version scanned before, on the same level of the system, of every version scanned."""
    line = ("app_id", "os_level")
    order = ("judged_on", "version")
    scanned = asked.select(*line, *order).unique()
    before = nw.col("version").shift(1).over(*line, order_by=order)
    return scanned.with_columns(before.alias("before")).select(*ONE, "os_level", "before")


@base(
    name=_BASE,
    grain="app_v",
    tables=("permission_scans",),
    attributes=("app_type", "operator_id", "permission_version", "permission_compared"),
    under="operator_id",
    peers=("app_type",),
)
def app_permissions(t: Tables) -> Lazy:
    """One row per scanned app and month: the version with most new dangerous permissions.

    A version is compared with the one scanned before it on the same level of the system, so that
    a permission the system itself splits is not taken for a new one.
    """
    asked = _asked(t)
    previous = _previous(asked)
    rows = asked.join(previous, on=[*ONE, "os_level"], how="left")
    old = asked.select(
        "app_id", nw.col("version").alias("before"), "os_level", "permission",
        nw.lit(1).alias("had"),
    )  # fmt: skip
    rows = rows.join(old, on=["app_id", "before", "os_level", "permission"], how="left")
    danger = nw.col("dangerous") == 1
    compared = ~nw.col("before").is_null()
    new = danger & compared & nw.col("had").is_null()
    flags = {
        "dangerous": danger,
        "new": new,
        "unannounced": new & (nw.col("in_changelog") == 0),
        "unlisted": new & nw.col("in_changelog").is_null(),
        "unused": nw.col("used_at_runtime") == 0,
        "untested": nw.col("used_at_runtime").is_null(),
    }
    marked = rows.with_columns(
        *(f.fill_null(value=False).cast(nw.Int64).alias(c) for c, f in flags.items()),
        compared.cast(nw.Int64).alias("compared"),
    )
    per_level = marked.group_by(*ONE, "os_level").agg(
        *(nw.col(c).sum() for c in flags), nw.col("compared").max(), nw.len().alias("asked")
    )
    names = (*flags, "compared", "asked")
    counted = per_level.group_by(*ONE).agg(nw.col(c).max() for c in names)
    counted = t.view("app_versions").join(counted, on=list(ONE), how="inner")
    counted = counted.join(_of_a_year(counted), on=list(ONE), how="left")
    weight = nw.col("new") * 1000 + nw.col("dangerous") + nw.col("compared") * 500
    return most_suspicious(counted, weight).with_columns(
        nw.col("version").alias("permission_version"),
        (nw.col("compared") == 1).alias("permission_compared"),
    )


def _of_a_year(counted: Lazy) -> Lazy:
    """New dangerous permissions of all versions of the twelve months up to each version."""
    own = counted.select(*ONE, "judged_on")
    other = counted.select("app_id", nw.col("judged_on").alias("_day"), nw.col("new").alias("_new"))
    both = own.join(other, on="app_id", how="inner")
    recent = (nw.col("_day") <= nw.col("judged_on")) & (
        nw.col("_day") > nw.col("judged_on") - nw.lit(_YEAR)
    )
    return both.filter(recent).group_by(*ONE).agg(nw.col("_new").sum().alias("year"))


_FIRST = (nw.col("compared") == 0, Reason.NOT_APPLICABLE)


@feature(
    name="pc_new_dangerous", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="permissions",
    direction="high", n="asked", source=_SOURCE,
    title={"en": "new dangerous permissions", "zh": "更新后新增危险权限数"},
)  # fmt: skip
def pc_new_dangerous() -> Measure:
    """Dangerous permissions the version scanned before did not ask for; the first version scanned
    has nothing to be compared with: `not_applicable`."""
    return measure(nw.col("new"), _FIRST)


@feature(
    name="pc_unannounced", typology=_TYPOLOGY, base=_BASE,
    inputs=(*_INPUTS, "permission_scans.in_changelog"), unit="permissions", direction="high",
    n="asked", source=_SOURCE,
    title={"en": "new dangerous permissions not announced", "zh": "未告知的新增危险权限数"},
)  # fmt: skip
def pc_unannounced() -> Measure:
    """New dangerous permissions the change log does not mention; `missing_input` where it is not
    known of some of them and no other is unannounced."""
    unknown = (nw.col("unannounced") == 0) & (nw.col("unlisted") > 0)
    return measure(nw.col("unannounced"), _FIRST, (unknown, Reason.MISSING_INPUT))


@feature(
    name="pc_unused", typology=_TYPOLOGY, base=_BASE,
    inputs=("permission_scans.permission", "permission_scans.used_at_runtime"),
    unit="permissions", direction="high", n="asked", source=_SOURCE,
    title={"en": "permissions asked and never used", "zh": "申请但从未使用的权限数"},
)  # fmt: skip
def pc_unused() -> Measure:
    """Permissions asked for and not exercised in the test; null where nothing was tested."""
    untested = nw.col("untested") == nw.col("asked")
    return measure(nw.col("unused"), (untested, Reason.MISSING_INPUT))


@feature(
    name="pc_rate_12m", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="permissions",
    direction="high", n="asked", source=_SOURCE,
    title={"en": "new dangerous permissions in twelve months", "zh": "十二个月内新增危险权限数"},
)  # fmt: skip
def pc_rate_12m() -> Measure:
    """New dangerous permissions over all versions of the twelve months up to this one."""
    return measure(nw.col("year"), _FIRST)
