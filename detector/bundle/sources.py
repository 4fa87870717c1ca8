"""The filed rows behind an alert, as the run that raised it knew them.

Columns that name natural persons hold keyed hashes, as everywhere in the lake; rows keep the batch
and line they came from.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

import polars as pl

from detector.dossier.parties import FIRM, JOINED, ORGANISATIONS, key_kinds
from features.catalogue import catalogue
from features.contracts import CONTRACTS, RECORDED_AT
from features.vocabulary import GRAINS

if TYPE_CHECKING:
    from detector.lake import Lake, Snapshot

MOST = 2_000
"""Rows of one table in a bundle; the rest is counted."""
ALSO: Mapping[str, tuple[str, ...]] = {
    "app": ("apps",),
    "app_data_type": ("apps",),
    "deal": ("deal_parties", "merger_notifications"),
    "deal_market": ("deal_parties", "merger_notifications"),
    "incident": ("breach_notifications",),
    "tender": ("tenders", "bids"),
}
"""Tables that say whom a subject belongs to, whatever its features read."""
OWNERS = ("operator_id", "party_id", "acquirer_id", "target_id")
"""Columns that name whoever an app, incident or deal belongs to."""


@dataclass(frozen=True)
class Subject:
    """What a subject key names.

    Attributes:
        firms: ids of organisations that are the subject or part of it.
        things: ids of other things by column.
    """

    kind: str
    firms: tuple[str, ...]
    things: Mapping[str, str]


@dataclass(frozen=True)
class Source:
    """Rows of one table; `left_out` counts those above the limit."""

    columns: tuple[str, ...]
    rows: list[dict[str, Any]]
    left_out: int = 0


@dataclass
class Sources:
    """All of them by table, with the firms concerned and the names of every firm in them."""

    tables: dict[str, Source] = field(default_factory=dict)
    concerned: tuple[str, ...] = ()
    names: dict[str, dict[str, str]] = field(default_factory=dict)

    def organisations(self) -> set[str]:
        """Ids of every organisation named in some row."""
        return {
            str(row[name])
            for one in self.tables.values()
            for name in set(one.columns) & ORGANISATIONS
            for row in one.rows
            if row[name] is not None
        }


def subject_of(kind: str, key: str) -> Subject:
    """What the key of a subject names; nothing for kinds that are no subject of filings."""
    grain = next((g for g in GRAINS.values() if g.subject_kind == kind), None)
    if grain is None:
        return Subject(kind, (), {})
    parts, names, kinds = key.split("/"), grain.parts, key_kinds(grain.code)
    if kind == "tender":
        return Subject(kind, (), dict(zip(names, parts, strict=False)))
    firms: list[str] = []
    if kind in JOINED:
        firms = parts[0].split("|")
        parts, names, kinds = parts[1:], names[len(names) - len(parts) + 1 :], kinds[-1:]
    told = list(zip(names, parts, kinds, strict=False))
    firms += [value for _, value, what in told if what == FIRM]
    return Subject(kind, tuple(firms), {n: v for n, v, what in told if what != FIRM})


def sources(lake: Lake, snapshot: Snapshot, alert: Mapping[str, Any]) -> Sources:
    """The rows behind one alert object."""
    subject = subject_of(str(alert["subject"]["kind"]), str(alert["subject"]["key"]))
    period = tuple(date.fromisoformat(alert["period"][k]) for k in ("start", "end"))
    found, wanted = Sources(), _tables(alert, subject.kind)
    for table in (t for t in wanted if t in snapshot.filled):
        condition = _directly(table, subject, (period[0], period[1]))
        if condition is not None:
            _take(found, lake, snapshot, table, condition)
    _take_linked(found, lake, snapshot, wanted, subject)
    owners = {
        str(row[c]) for one in found.tables.values() for c in set(OWNERS) & set(one.columns)
        for row in one.rows if row[c] is not None
    }  # fmt: skip
    found.concerned = tuple(sorted(subject.firms or owners))
    found.names = _names(lake, snapshot, {*found.concerned, *found.organisations()})
    return found


def _tables(alert: Mapping[str, Any], kind: str) -> list[str]:
    """Tables the features of the alert's typology and facts are computed from."""
    told = {str(fact.get("feature")) for fact in alert["facts"]}
    features = [
        f for f in catalogue().features.values()
        if f.typology == alert["typology"] or f.name in told
    ]  # fmt: skip
    read = {one.split(".")[0] for f in features for one in f.inputs}
    return sorted({*read, *ALSO.get(kind, ())} & set(CONTRACTS))


def _directly(table: str, subject: Subject, period: tuple[date, date]) -> pl.Expr | None:
    """Rows that hold the ids of the subject; where that is a firm, those of the period."""
    columns = {c.name for c in CONTRACTS[table].columns}
    mine = {name: value for name, value in subject.things.items() if name in columns}
    if mine:
        return pl.all_horizontal(pl.col(name) == value for name, value in mine.items())
    named = sorted(columns & ORGANISATIONS)
    if not subject.firms or not named:
        return None
    about = pl.any_horizontal(pl.col(name).is_in(list(subject.firms)) for name in named)
    times = [c for c in CONTRACTS[table].columns if c.name in CONTRACTS[table].event_time]
    days = [pl.col(c.name).cast(pl.Date) for c in times if c.dtype.is_temporal()]
    if not days:
        return about
    return about & pl.coalesce(days).is_between(*period).fill_null(value=True)


def _take_linked(
    found: Sources, lake: Lake, snapshot: Snapshot, wanted: Iterable[str], subject: Subject
) -> None:
    """Tables that name neither subject nor firm: through the tenders or the parties found."""
    links = {"tender_id": set[str](), "party_id": set[str]()}
    for one in found.tables.values():
        for name in links.keys() & set(one.columns):
            links[name] |= {str(row[name]) for row in one.rows if row[name] is not None}
    for table in (t for t in wanted if t in snapshot.filled and t not in found.tables):
        columns = {c.name for c in CONTRACTS[table].columns}
        if links["tender_id"] and "tender_id" in columns:
            condition = pl.col("tender_id").is_in(sorted(links["tender_id"]))
        elif links["party_id"] and columns & ORGANISATIONS and not subject.firms:
            parties = sorted(links["party_id"])
            named = sorted(columns & ORGANISATIONS)
            condition = pl.any_horizontal(pl.col(n).is_in(parties) for n in named)
        else:
            continue
        _take(found, lake, snapshot, table, condition)


def _take(found: Sources, lake: Lake, snapshot: Snapshot, table: str, condition: pl.Expr) -> None:
    columns = [c.name for c in CONTRACTS[table].columns]
    kept = [*columns, RECORDED_AT, "_batch_id", "_line"]
    rows = lake.scan(snapshot, table).filter(condition).sort("_key").select(kept).collect()
    if rows.is_empty():
        return
    full = [c for c in kept if rows[c].null_count() < rows.height]
    told = [
        {n: _cell(v) for n, v in row.items()} for row in rows.head(MOST).select(full).to_dicts()
    ]
    found.tables[table] = Source(tuple(full), told, max(0, rows.height - MOST))


def _cell(value: object) -> object:
    """A value as JSON and CSV hold it."""
    if isinstance(value, list):
        return json.dumps(value, ensure_ascii=False, default=str)
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def _names(lake: Lake, snapshot: Snapshot, firms: set[str]) -> dict[str, dict[str, str]]:
    rows = lake.scan(snapshot, "firms").filter(
        pl.col("firm_id").is_in(sorted(firms)), pl.col("name").is_not_null()
    )
    found = rows.select("firm_id", "name", "name_zh").unique("firm_id").collect()
    return {key: {"en": name, "zh": zh or name} for key, name, zh in found.iter_rows()}
