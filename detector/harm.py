"""How much a suspicion touches: the persons or the turnover of its subject, where filings tell.

Persons of a breach, the value of the tenders a firm or a ring bid in, the turnover of a market or
of a firm in it, the value of a deal. Other subjects have no size here; their harm is severity.
Money counts as filed, whatever its currency: harm is a logarithm, and only sorts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import polars as pl

from alerts.identity import fingerprint
from alerts.priority import PERSONS, SENSITIVITY, TURNOVER
from alerts.ranking import OF_FIRMS

if TYPE_CHECKING:
    from alerts.model import Signal
    from detector.planning import Plan
    from detector.system import System

Sizes = dict[str, dict[str, Any]]
"""By fingerprint of an alert, its ``size`` and what it is a size ``of``."""

DIGITS = 9
"""Significant digits of a size."""
ABOUT = {
    "mark": pl.String(),
    "kind": pl.String(),
    "key": pl.String(),
    "start": pl.Date(),
    "end": pl.Date(),
    "bids": pl.Boolean(),
}


def affected(system: System, plan: Plan, signals: Sequence[Signal]) -> Sizes:
    """Sizes of the subjects of these signals, of those filings speak about."""
    tables = {name: system.lake.scan(plan.snapshot, name) for name in plan.snapshot.filled}
    return sizes_of(tables, about(signals))


def about(signals: Iterable[Signal]) -> pl.DataFrame:
    """What decides whose size is asked for (schema `ABOUT`)."""
    rows = [
        (
            fingerprint(s.typology, s.subject_kind, s.subject_key, s.period_start),
            s.subject_kind,
            s.subject_key,
            s.period_start,
            s.period_end,
            s.typology.startswith("MON-BID"),
        )
        for s in signals
    ]
    return pl.DataFrame(rows, schema=ABOUT, orient="row")


def sizes_of(tables: Mapping[str, pl.LazyFrame], asked: pl.DataFrame) -> Sizes:
    """Sizes by fingerprint from the filings in force."""
    parts = [
        (PERSONS, ("breach_notifications",), of_incidents),
        (TURNOVER, ("tenders", "bids"), of_tenders),
        (TURNOVER, ("tenders", "bids"), of_bidders),
        (TURNOVER, ("market_positions",), of_markets),
        (TURNOVER, ("merger_notifications",), of_deals),
    ]
    found: Sizes = {}
    for unit, needed, measure in parts:
        if not set(needed) <= set(tables):
            continue
        for mark, size in measure(tables, asked).iter_rows():
            if size is not None and size > 0:
                # sums of floats differ in the last digits with the order of rows
                found[mark] = {"size": float(f"{size:.{DIGITS}g}"), "of": unit}
    return found


def of_incidents(tables: Mapping[str, pl.LazyFrame], asked: pl.DataFrame) -> pl.DataFrame:
    """Persons of a breach, those with sensitive data `SENSITIVITY` times."""
    size = pl.col("persons") + (SENSITIVITY - 1) * pl.col("sensitive_persons").fill_null(0)
    rows = tables["breach_notifications"].select("incident_id", size=size)
    return _joined(asked.filter(pl.col("kind") == "incident"), rows, "incident_id")


def of_deals(tables: Mapping[str, pl.LazyFrame], asked: pl.DataFrame) -> pl.DataFrame:
    """The value of a deal."""
    rows = tables["merger_notifications"].select("deal_id", size="deal_value")
    return _joined(asked.filter(pl.col("kind") == "deal"), rows, "deal_id")


def of_tenders(tables: Mapping[str, pl.LazyFrame], asked: pl.DataFrame) -> pl.DataFrame:
    """The value of a tender."""
    return _joined(asked.filter(pl.col("kind") == "tender"), values(tables), "tender")


def of_bidders(tables: Mapping[str, pl.LazyFrame], asked: pl.DataFrame) -> pl.DataFrame:
    """The value of the period's tenders a firm bid in; of several firms, two of them together."""
    firms = asked.filter("bids", pl.col("kind").is_in(OF_FIRMS)).with_columns(
        firm=pl.col("key").map_elements(
            lambda key: re.split(r"[|/]", key), return_dtype=pl.List(pl.String())
        ),
        least=pl.when(pl.col("kind") == "firm").then(1).otherwise(2),
    )
    if firms.is_empty():
        return _none()
    met = (
        tables["bids"]
        .select(tender=_tender(), firm="bidder_id")
        .unique()
        .join(firms.lazy().explode("firm"), on="firm")
        .join(values(tables), on="tender")
        .filter(pl.col("day").is_between("start", "end"))
        .group_by("mark", "tender")
        .agg(pl.len(), pl.col("least").first(), pl.col("size").first())
        .filter(pl.col("len") >= pl.col("least"))
    )
    return met.group_by("mark").agg(pl.col("size").sum()).collect()


def of_markets(tables: Mapping[str, pl.LazyFrame], asked: pl.DataFrame) -> pl.DataFrame:
    """The turnover of a market, or of a firm in it: the largest filed for the alert's year."""
    turnover = tables["market_positions"].filter(pl.col("metric") == "turnover")
    year = pl.col("period").str.slice(0, 4)
    filed = turnover.select("market_id", "firm_id", "period", "value", year=year)
    whole = filed.group_by("market_id", "period", "year").agg(pl.col("value").sum())
    own = filed.with_columns(key=pl.concat_str("market_id", "firm_id", separator="/"))
    parts = [
        ("market", whole.select("year", "value", key="market_id")),
        ("market_firm", own.select("year", "value", "key")),
    ]
    found = [_none()]
    if asked.filter(pl.col("kind").is_in(["market", "market_firm"])).is_empty():
        return found[0]
    for kind, rows in parts:
        mine = asked.filter(pl.col("kind") == kind).with_columns(
            year=pl.col("start").dt.year().cast(pl.String)
        )
        largest = rows.group_by("key", "year").agg(size=pl.col("value").max())
        joined = mine.lazy().join(largest, on=["key", "year"]).select("mark", "size")
        found.append(joined.cast({"size": pl.Float64}).collect())
    return pl.concat(found)


def values(tables: Mapping[str, pl.LazyFrame]) -> pl.LazyFrame:
    """``tender``, ``day`` and ``size``: what was awarded, else the winning, else the lowest bid."""
    amounts = (
        tables["bids"]
        .group_by(tender=_tender())
        .agg(
            won=pl.col("amount").filter(pl.col("won").fill_null(value=False)).max(),
            lowest=pl.col("amount").min(),
        )
    )
    day = pl.coalesce("awarded_at", "deadline_at", "published_at").cast(pl.Date)
    return (
        tables["tenders"]
        .select("award_value", tender=_tender(), day=day)
        .join(amounts, on="tender", how="left")
        .select("tender", "day", size=pl.coalesce("award_value", "won", "lowest"))
        .unique("tender")
    )


def _tender() -> pl.Expr:
    """The key of a tender or lot, as alerts write it."""
    lot = pl.concat_str("tender_id", "lot_id", separator="/")
    return pl.when(pl.col("lot_id").is_null()).then("tender_id").otherwise(lot)


def _joined(asked: pl.DataFrame, rows: pl.LazyFrame, key: str) -> pl.DataFrame:
    if asked.is_empty():
        return _none()
    sizes = rows.select(key, pl.col("size").cast(pl.Float64)).group_by(key).agg(pl.max("size"))
    return asked.lazy().join(sizes, left_on="key", right_on=key).select("mark", "size").collect()


def _none() -> pl.DataFrame:
    return pl.DataFrame(schema={"mark": pl.String(), "size": pl.Float64()})
