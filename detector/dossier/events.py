"""Dated events of a firm, to stand as marks beside its measures over time."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import polars as pl

from detector.dossier.filings import versions_about
from detector.dossier.parties import columns_about
from features.contracts import RECORDED_AT

if TYPE_CHECKING:
    from detector.dossier.subject import Subject
    from detector.lake import Lake

Row = dict[str, Any]
MOST = 200
"""Events told: the last ones."""


def events(lake: Lake, subject: Subject, alerts: list[Row]) -> list[Row]:
    """What happened to the firm, oldest first: alerts, stakes, deals, amendments.

    Returns:
        By event `on` (day), `kind`, and `about`: the alert, the other firm, or the table.
    """
    told = [*_of_alerts(alerts), *_of_stakes(lake, subject), *_of_deals(lake, subject)]
    told += _of_amendments(lake, subject)
    ordered = sorted(told, key=lambda e: (e["on"], e["kind"], e["about"]))
    return ordered[-MOST:]


def _event(on: date, kind: str, about: str, n: int = 1) -> Row:
    return {"on": on, "kind": kind, "about": about, "n": n}


def _of_alerts(alerts: list[Row]) -> list[Row]:
    opened = [
        _event(date.fromisoformat(a["opened_at"][:10]), "alert_opened", a["id"]) for a in alerts
    ]
    closed = [
        _event(a["closed_at"].date(), "alert_closed", a["id"]) for a in alerts if a["closed_at"]
    ]
    return opened + closed


def _of_stakes(lake: Lake, subject: Subject) -> list[Row]:
    mine = pl.col("owned_id") == subject.firm_id
    rows = lake.scan(subject.snapshot, "ownership").filter(
        mine | (pl.col("owner_id") == subject.firm_id)
    )
    who = pl.when(mine).then("owner_id").otherwise("owned_id")
    named = rows.select("from", "to", who=who, owned=mine).collect()
    told = []
    for begun, ended, other, owned in named.iter_rows():
        side = "owner" if owned else "holding"
        told += [_event(begun, f"{side}_from", other)] if begun else []
        told += [_event(ended, f"{side}_to", other)] if ended else []
    return told


def _of_deals(lake: Lake, subject: Subject) -> list[Row]:
    deals = sorted(subject.ids.get("deal", ()))
    if not deals:
        return []
    rows = lake.scan(subject.snapshot, "merger_notifications").filter(
        pl.col("deal_id").is_in(deals)
    )
    days = ("signed_on", "notified_on", "cleared_on", "implemented_on")
    long = rows.unpivot(days, index="deal_id", variable_name="kind", value_name="on").drop_nulls()
    return [
        _event(on, f"deal_{kind.removesuffix('_on')}", deal)
        for deal, kind, on in long.select("deal_id", "kind", "on").collect().iter_rows()
    ]


def _of_amendments(lake: Lake, subject: Subject) -> list[Row]:
    """One event a table and day on which rows about the firm were corrected."""
    told = []
    for table in sorted(subject.snapshot.amended):
        if not columns_about(table):
            continue
        rows = versions_about(lake, subject, table)
        later = rows.filter(pl.col(RECORDED_AT) > pl.col(RECORDED_AT).min().over("_key"))
        counted = later.group_by(on=pl.col(RECORDED_AT).dt.date()).agg(n=pl.col("_key").n_unique())
        told += [_event(on, "amended", table, n) for on, n in counted.collect().iter_rows()]
    return told
