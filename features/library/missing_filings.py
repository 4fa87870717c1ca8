"""Filings that were expected and did not come, or say nothing (DATA-MISSING)."""

from __future__ import annotations

import narwhals as nw
import polars as pl

from features.catalogue import Measure, base, feature, measure
from features.contracts import contract
from features.contracts.table import RECORDED_AT
from features.operators import Lazy, both, civil_day, month_start
from features.tables import Tables, collect
from features.vocabulary import Reason

_TYPOLOGY, _BASE = "DATA-MISSING", "expected_filings"
_INPUTS = ("expected_filings.filing", "expected_filings.due_on", "metric_filings.metric",
           "apps.app_id", "data_declarations.declared")  # fmt: skip
_SOURCE = "interface: further typologies"
_COLUMNS = ["operator_id", "filing", "period_start", "period_end", "due_on", "kind", "came",
            "empty", "tracks", "peers", "peers_speak"]  # fmt: skip
_FILERS = ("operator_id", "platform_id", "firm_id", "vendor_id")
_DAYS = ("period_start", "date", "month", "period")
"""What a filing is about; a table without any of these is about the days of its events."""
NOTHING = "*"


def _filed(t: Tables) -> pl.DataFrame:
    """What came: `operator_id`, `filing` (table, report or metric), `_at`, `said`."""
    found: list[pl.DataFrame] = []
    wanted = collect(t["expected_filings"].select("filing").unique())["filing"].to_list()
    for name in sorted(set(wanted)):
        table = t.get(name)
        if table is None:
            continue
        columns = table.collect_schema().names()
        filer = next((c for c in _FILERS if c in columns), None)
        at = next((nw.col(c) for c in _DAYS if c in columns), _event_day(name))
        if filer and at is not None:
            value = nw.col("value") if "value" in columns else nw.lit(1.0)
            rows = collect(table.select(
                nw.col(filer).alias("operator_id"), nw.lit(name).alias("filing"),
                at.cast(nw.String).alias("_at"), value.cast(nw.Float64).alias("value"),
            ))  # fmt: skip
            found.append(rows)
    if (events := t.get("compliance_events")) is not None:
        found.append(collect(events.select(
            "operator_id", nw.col("event_type").alias("filing"),
            nw.col("date").cast(nw.String).alias("_at"), nw.lit(1.0).alias("value"),
        )))  # fmt: skip
    if (figures := t.get("metric_filings")) is not None:
        found.append(collect(figures.select(
            "operator_id", nw.col("metric").alias("filing"),
            nw.col("period_start").cast(nw.String).alias("_at"), "value",
        )))  # fmt: skip
    schema = {"operator_id": pl.String, "filing": pl.String, "_at": pl.String, "value": pl.Float64}
    rows = pl.concat([pl.DataFrame(schema=schema), *found])
    return rows.group_by("operator_id", "filing", "_at").agg(said=pl.col("value").count())


def _event_day(name: str) -> nw.Expr | None:
    """The day of what a row of a table is about, the first that is filed."""
    days = [nw.col(c).cast(nw.Date) for c in contract(name).event_time]
    return nw.coalesce(*days, nw.col(RECORDED_AT).cast(nw.Date)) if days else None


def of_calendar(t: Tables) -> pl.DataFrame:
    """Filings named in `expected_filings`, whether they came and whether they say anything.

    A filing came when a row of that table or metric, or an event of that kind among the
    compliance events, is about a day within the expected period.
    """
    due = collect(
        t["expected_filings"].select("operator_id", "filing", "period_start", "period_end",
                                     "due_on")
    ).with_columns(pl.coalesce("period_end", pl.col("period_start").dt.month_end()))  # fmt: skip
    filed = _filed(t).with_columns(
        _day=pl.col("_at")
        .str.replace(r"^(\d{4})$", "${1}-01-01")
        .str.replace("-Q1", "-01-01").str.replace("-Q2", "-04-01")
        .str.replace("-Q3", "-07-01").str.replace("-Q4", "-10-01")
        .str.replace(r"^(\d{4}-\d{2})$", "${1}-01")
        .str.to_date("%Y-%m-%d", strict=False)
    )  # fmt: skip
    keys = ["operator_id", "filing", "period_start"]
    inside = (
        due.join(filed, on=["operator_id", "filing"], how="inner")
        .filter(pl.col("_day").is_between(pl.col("period_start"), pl.col("period_end")))
        .group_by(keys)
        .agg(came=pl.lit(value=True), said=pl.col("said").sum())
    )
    rows = due.join(inside, on=keys, how="left").with_columns(
        kind=pl.lit("calendar"), came=pl.col("came").fill_null(value=False)
    )
    rows = rows.with_columns(
        empty=pl.when(pl.col("came")).then(pl.col("said") == 0),
        tracks=pl.lit(None, dtype=pl.Boolean),
    )
    return _beside_peers(rows, ["filing", "period_start"])


def _beside_peers(rows: pl.DataFrame, peers: list[str]) -> pl.DataFrame:
    """Add how many others were expected to file the same, and how many of them said something."""
    speaks = (pl.col("came") & ~pl.col("empty").fill_null(value=True)).cast(pl.Int64)
    known = pl.all_horizontal(pl.col(c).is_not_null() for c in peers)
    return rows.with_columns(_speaks=speaks).with_columns(
        peers=pl.when(known).then(pl.len().over(peers).cast(pl.Int64) - 1).otherwise(0),
        peers_speak=pl.when(known)
        .then(pl.col("_speaks").sum().over(peers) - pl.col("_speaks"))
        .otherwise(0),
    )


def _of_apps(t: Tables) -> pl.DataFrame:
    """Every app owes a declaration of the data it collects."""
    day = civil_day("released_at", "recorded_at", fallback=t.context.as_of)
    apps = collect(
        t["apps"].select("app_id", "operator_id", "app_type", month_start(day).alias("at"))
    ).sort("app_id", "at")
    apps = apps.group_by("app_id", maintain_order=True).agg(
        pl.col("operator_id", "app_type").drop_nulls().last(), period_start=pl.col("at").first()
    )
    nothing = (nw.col("data_type") == NOTHING) & ~nw.col("declared").fill_null(value=True)
    told = collect(
        t["data_declarations"]
        .with_columns(
            (~nothing).cast(nw.Int64).alias("said"), _tracking().cast(nw.Int64).alias("tracked")
        )
        .group_by("app_id")
        .agg(nw.col("said").max(), nw.col("tracked").max())
    )
    rows = apps.join(told, on="app_id", how="left").with_columns(
        filing=pl.format("data_declarations:{}", "app_id"),
        kind=pl.lit("declaration"),
        period_end=pl.col("period_start").dt.month_end(),
        due_on=pl.lit(None, dtype=pl.Date),
        came=pl.col("said").is_not_null(),
        empty=pl.col("said") == 0,
        tracks=pl.col("tracked") == 1,
    )
    return _beside_peers(rows, ["app_type"])


def _tracking() -> nw.Expr:
    """Whether a declaration says that data are used to track: by purpose or by linkage."""
    purpose = (nw.col("purpose") == "tracking").fill_null(value=False)
    linked = (nw.col("linkage") == "used_to_track").fill_null(value=False)
    return (purpose | linked) & nw.col("declared").fill_null(value=True)


@base(
    name=_BASE,
    grain="filing",
    tables=(),
    attributes=("operator_id", "filing", "kind"),
    peers=("kind",),
)
def expected(t: Tables) -> Lazy:
    """One row per operator and expected filing, in the period it is about.

    Expected are the rows of `expected_filings`, and of every app a declaration (only when any
    declaration was filed at all), in the month of its release.
    """
    schema = {
        "operator_id": pl.String, "filing": pl.String, "period_start": pl.Date,
        "period_end": pl.Date, "due_on": pl.Date, "kind": pl.String, "came": pl.Boolean,
        "empty": pl.Boolean, "tracks": pl.Boolean, "peers": pl.Int64, "peers_speak": pl.Int64,
    }  # fmt: skip
    parts = [pl.DataFrame(schema=schema)]
    if t.missing(("expected_filings",)) is None:
        parts.append(of_calendar(t).select(_COLUMNS))
    if t.missing(("apps", "data_declarations")) is None:
        parts.append(_of_apps(t).select(_COLUMNS))
    as_of = pl.lit(t.context.as_of)
    rows = pl.concat(parts).with_columns(
        n=pl.lit(1),
        open=pl.coalesce("due_on", pl.lit(None, dtype=pl.Date)) >= as_of,
        overdue=(as_of - pl.col("due_on")).dt.total_days(),
    )
    operator, filing = nw.col("operator_id"), nw.col("filing")
    key = nw.when(operator.is_null()).then(filing).otherwise(both(operator, filing))
    return nw.from_native(rows.lazy()).with_columns(key.alias("subject_key"))


_NOT_YET = ((~nw.col("came")) & nw.col("open").fill_null(value=False), Reason.CENSORED)


def _yes(condition: nw.Expr) -> nw.Expr:
    return nw.when(condition).then(nw.lit(1.0)).otherwise(nw.lit(0.0))


@feature(
    name="missing_filing", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="yes/no",
    direction="high", n="n", source=_SOURCE, retrospective=True, kind="bool", uses_as_of=True,
    title={"en": "expected filing absent", "zh": "应报未报"},
)  # fmt: skip
def missing_filing() -> Measure:
    """Whether the filing did not come; until the day it is due that is not known."""
    return measure(_yes(~nw.col("came")), _NOT_YET)


@feature(
    name="missing_days_overdue", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="days",
    direction="high", n="n", source=_SOURCE, retrospective=True, uses_as_of=True,
    title={"en": "days overdue", "zh": "逾期天数"},
)  # fmt: skip
def missing_days_overdue() -> Measure:
    """Days from the day it was due to the day of the judgement, while it has not come."""
    return measure(
        nw.col("overdue"),
        (nw.col("came"), Reason.NOT_APPLICABLE),
        _NOT_YET,
        (nw.col("due_on").is_null(), Reason.MISSING_INPUT),
    )


@feature(
    name="missing_says_nothing", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="yes/no",
    direction="high", n="n", source=_SOURCE, retrospective=True, kind="bool",
    title={"en": "filing that says nothing", "zh": "申报内容为空"},
)  # fmt: skip
def missing_says_nothing() -> Measure:
    """Whether a filing that came holds no figure, or declares that nothing is collected."""
    return measure(_yes(nw.col("empty")), (~nw.col("came"), Reason.NOT_APPLICABLE))


@feature(
    name="filing_tracks", typology=_TYPOLOGY, base=_BASE,
    inputs=("data_declarations.purpose", "data_declarations.linkage"), unit="yes/no",
    direction="none", n="n", source=_SOURCE, retrospective=True, kind="bool",
    title={"en": "declares tracking", "zh": "声明用于跟踪"},
)  # fmt: skip
def filing_tracks() -> Measure:
    """Whether an app's declaration says that data are used to track people.

    By the purpose `tracking` or the linkage `used_to_track`. Context: apps of one kind differ
    little, and the honest ones declare it.
    """
    other = (nw.col("kind") != "declaration", Reason.NOT_APPLICABLE)
    return measure(_yes(nw.col("tracks")), other, (~nw.col("came"), Reason.NOT_APPLICABLE))


@feature(
    name="missing_peer_share", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="0-1",
    direction="none", min_n=20, n="peers", source=_SOURCE, retrospective=True,
    title={"en": "peers that file something", "zh": "同类有内容申报占比"},
)  # fmt: skip
def missing_peer_share() -> Measure:
    """Share of others with the same filing due (or the same app type) that say something."""
    return measure(nw.col("peers_speak") / nw.col("peers"), (nw.col("peers") < 1, Reason.TOO_FEW))
