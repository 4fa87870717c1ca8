"""Apps and their versions: which exist, when each is judged, which of a month is judged."""

from __future__ import annotations

import narwhals as nw

from features.catalogue import view
from features.operators import Lazy, civil_day, month_end, month_start
from features.tables import Tables

ONE = ("app_id", "version")
_ABOUT = ("observed_flows", "data_declarations", "permission_scans", "sdk_inventory")


def blank_version() -> nw.Expr:
    """The version, empty where nobody names one."""
    return nw.coalesce(nw.col("version"), nw.lit("")).alias("version")


@view("app_versions")
def app_versions(t: Tables) -> Lazy:
    """Every app and version filed anywhere, with the month it is judged in.

    Columns: `app_id`, `version`, `app_type`, `operator_id`, `directed_to_children`, `judged_on`,
    `period_start`. An app whose version nobody names has the empty version. The day is that of
    the release, else of the first flow, else of when we learned of it.
    """
    seen = []
    for name in _ABOUT:
        filed = t.get(name)
        if filed is None:
            continue
        moment = nw.col("ts") if name == "observed_flows" else nw.lit(None)
        seen.append(
            filed.select(
                "app_id",
                blank_version(),
                moment.cast(nw.Date).alias("first_seen"),
                nw.col("recorded_at").cast(nw.Date).alias("learned"),
            )
        )
    apps = t.get("apps")
    if apps is not None:
        apps = apps.with_columns(blank_version())
        nothing = nw.lit(None).cast(nw.Date)
        seen.append(apps.select(*ONE, nothing.alias("first_seen"), nothing.alias("learned")))
    rows = nw.concat(seen).group_by(*ONE).agg(nw.col("first_seen").min(), nw.col("learned").min())
    named = (nw.col("version") != "").cast(nw.Int64).max().over("app_id")
    rows = rows.with_columns(named.alias("_named")).filter(
        (nw.col("version") != "") | (nw.col("_named") == 0)
    )
    rows = _described(rows, apps)
    day = civil_day("released_at", "first_seen", "recorded_at", "learned", fallback=t.context.as_of)
    return rows.select(
        *ONE, "app_type", "operator_id", "directed_to_children",
        day.alias("judged_on"), month_start(day).alias("period_start"),
    )  # fmt: skip


def _described(rows: Lazy, apps: Lazy | None) -> Lazy:
    """Add what the app register says; a version it does not list takes the app's description."""
    if apps is None:
        texts = [nw.lit(None, dtype=nw.String).alias(c) for c in ("app_type", "operator_id")]
        days = [nw.lit(None, dtype=nw.Date).alias(c) for c in ("released_at", "recorded_at")]
        child = nw.lit(None, dtype=nw.Boolean).alias("directed_to_children")
        return rows.with_columns(*texts, *days, child)
    any_version = apps.group_by("app_id").agg(
        nw.col("app_type").max().alias("_type"),
        nw.col("operator_id").max().alias("_operator"),
        nw.col("directed_to_children").cast(nw.Int64).max().alias("_children"),
    )
    own = apps.select(
        *ONE, "app_type", "operator_id", "released_at", "recorded_at", "directed_to_children"
    )
    joined = rows.join(own, on=list(ONE), how="left").join(any_version, on="app_id", how="left")
    return joined.with_columns(
        nw.coalesce(nw.col("app_type"), nw.col("_type")).alias("app_type"),
        nw.coalesce(nw.col("operator_id"), nw.col("_operator")).alias("operator_id"),
        nw.coalesce(nw.col("directed_to_children"), nw.col("_children") == 1).alias(
            "directed_to_children"
        ),
    )


def of_versions(t: Tables, rows: Lazy) -> Lazy:
    """Rows by app and version; a row that names no version holds for each of the app's."""
    known = t.view("app_versions").select(*ONE)
    exact = rows.filter(~nw.col("version").is_null()).join(known, on=list(ONE), how="inner")
    general = rows.filter(nw.col("version").is_null()).drop("version")
    spread = known.join(general, on="app_id", how="inner")
    return nw.concat([exact.select(*sorted(exact.collect_schema().names())),
                      spread.select(*sorted(spread.collect_schema().names()))])  # fmt: skip


def most_suspicious(rows: Lazy, weight: nw.Expr) -> Lazy:
    """Of an app's versions in one month the heaviest, then the last by name.

    Adds `subject_key` (the app) and `period_end`.
    """
    cell = ("app_id", "period_start")
    rows = rows.with_columns(weight.fill_null(0).alias("_weight"))
    rows = rows.filter(nw.col("_weight") == nw.col("_weight").max().over(*cell))
    rows = rows.filter(nw.col("version") == nw.col("version").max().over(*cell)).drop("_weight")
    return rows.with_columns(
        nw.col("app_id").alias("subject_key"),
        month_end(nw.col("period_start")).alias("period_end"),
    )
