"""Whose authorities an alert concerns, as filed.

A place is told by a filing, never guessed. What the subject itself was filed under speaks first (a
tender, an incident, a deal, a request); else the seats of the firms it is about; for a firm whose
seat nobody filed, the places of the filings that name it. Nothing filed, nothing said.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from alerts.jurisdictions import About, unplaced
from detector.database import reading
from detector.dossier.parties import APP, DEAL, FIRM, TENDER, parts_of, roles
from features.contracts import CONTRACTS
from features.jurisdictions import JURISDICTION

if TYPE_CHECKING:
    from alerts.model import Signal
    from detector.lake import Lake, Snapshot
    from detector.system import System

Ids = Mapping[str, set[str]]
Places = dict[str, set[str]]


class Filed(NamedTuple):
    """Where a kind of thing is filed, and which columns name the firms behind it."""

    table: str
    key: str
    firms: tuple[str, ...]


THINGS: Mapping[str, tuple[Filed, ...]] = {
    TENDER: (Filed("tenders", "tender_id", ("buyer_id",)),),
    APP: (Filed("apps", "app_id", ("operator_id",)),),
    DEAL: (
        Filed("merger_notifications", "deal_id", ("acquirer_id", "target_id")),
        Filed("deal_parties", "deal_id", ("party_id",)),
    ),
    "incident": (Filed("breach_notifications", "incident_id", ("operator_id",)),),
    "request": (Filed("dsar_requests", "request_id", ("operator_id",)),),
    "dataset": (Filed("released_datasets", "dataset_id", ("operator_id",)),),
    "market": (Filed("market_positions", "market_id", ("firm_id",)),),
    "category": (Filed("tenders", "category", ("buyer_id",)),),
    "sku": (Filed("products", "sku_id", ("seller_id", "platform_id")),),
    "product": (Filed("products", "product_id", ("seller_id", "platform_id")),),
}
"""Kinds of ids in subject keys that are no firm; all others stand under no filing that says."""
OWNED = (("merchants", "merchant_id", "firm_id"), ("merchants", "merchant_gid", "firm_id"))
"""Shops, with the firm whose seat is theirs."""


@dataclass
class _Found:
    """What the filings say of some things: their own places, and the firms behind them."""

    places: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    behind: dict[tuple[str, str], set[str]] = field(default_factory=dict)


def places_of(
    system: System, snapshot: Snapshot, signals: Iterable[Signal] = ()
) -> dict[str, set[str]]:
    """By fingerprint, places of alerts: of these signals, and of what nobody has looked up yet."""
    from alerts.identity import fingerprint

    with reading(system.engine) as connection:
        asked = {one.fingerprint: one for one in unplaced(connection)}
    for s in signals:
        mark = fingerprint(s.typology, s.subject_kind, s.subject_key, s.period_start)
        asked[mark] = About(mark, s.subject_kind, s.subject_key)
    return concerned(system.lake, snapshot, asked.values()) if asked else {}


def concerned(lake: Lake, snapshot: Snapshot, subjects: Iterable[About]) -> dict[str, set[str]]:
    """By fingerprint the places as filed; an empty set where no filing says any."""
    parts = {one.fingerprint: parts_of(one.kind, one.key) for one in subjects}
    ids: dict[str, set[str]] = {}
    for named in parts.values():
        for kind, value in named:
            ids.setdefault(kind, set()).add(value)
    found = _things(lake, snapshot, ids)
    firms = ids.get(FIRM, set()).union(*found.behind.values())
    seats = seats_of(lake, snapshot, firms)
    return {mark: _told(named, found, seats) for mark, named in parts.items()}


def _told(named: Collection[tuple[str, str]], found: _Found, seats: Places) -> set[str]:
    """Places of one subject: its own filings, else the firms it names, else those behind it."""
    own: set[str] = set().union(*(found.places.get(part, ()) for part in named))
    if own:
        return own
    firms = {value for kind, value in named if kind == FIRM}
    if not firms:
        firms = set().union(*(found.behind.get(part, ()) for part in named))
    return set().union(*(seats.get(firm, ()) for firm in firms))


def _things(lake: Lake, snapshot: Snapshot, ids: Ids) -> _Found:
    found = _Found()
    for kind, wanted in ids.items():
        for filed in THINGS.get(kind, ()):
            if filed.table not in snapshot.filled:
                continue
            own = [JURISDICTION] if _files_place(filed.table) else []
            rows = _rows(lake, snapshot, filed.table, filed.key, wanted, (*filed.firms, *own))
            for value, *others in rows.iter_rows():
                place = others.pop() if own else None
                if place:
                    found.places.setdefault((kind, value), set()).add(place)
                firms = found.behind.setdefault((kind, value), set())
                firms.update(firm for firm in others if firm)
    return found


def seats_of(lake: Lake, snapshot: Snapshot, firms: Collection[str]) -> Places:
    """Places of firms, groups and shops; of a firm without a seat, those of what names it."""
    seats: Places = {}
    if "firms" in snapshot.filled:
        for key in ("firm_id", "group_id"):
            _add(seats, _rows(lake, snapshot, "firms", key, firms, (JURISDICTION,)))
        owners: Places = {}
        for table, shop, firm in OWNED if "merchants" in snapshot.filled else ():
            _add(owners, _rows(lake, snapshot, table, shop, set(firms) - set(seats), (firm,)))
        theirs: Places = {}
        every: set[str] = set().union(*owners.values())
        _add(theirs, _rows(lake, snapshot, "firms", "firm_id", every, (JURISDICTION,)))
        for shop, behind in owners.items():
            seats.setdefault(shop, set()).update(*(theirs.get(firm, ()) for firm in behind))
    homeless = {firm for firm in firms if not seats.get(firm)}
    return seats | _named_in(lake, snapshot, homeless)


def _named_in(lake: Lake, snapshot: Snapshot, firms: Collection[str]) -> Places:
    """Places of the filings that name firms: their own column, or that of the tender bid for."""
    found: Places = {}
    for table in sorted(snapshot.filled) if firms else ():
        if table == "firms" or not _files_place(table):
            continue
        for column in roles(table):
            _add(found, _rows(lake, snapshot, table, column, firms, (JURISDICTION,)))
    if firms and {"bids", "tenders"} <= set(snapshot.filled):
        bids = lake.scan(snapshot, "bids").filter(pl.col("bidder_id").is_in(sorted(firms)))
        places = lake.scan(snapshot, "tenders").select("tender_id", JURISDICTION).drop_nulls()
        joined = bids.select("bidder_id", "tender_id").join(places, on="tender_id")
        _add(found, joined.select("bidder_id", JURISDICTION).unique().collect())
    return found


def _rows(
    lake: Lake,
    snapshot: Snapshot,
    table: str,
    key: str,
    wanted: Collection[str],
    columns: tuple[str, ...],
) -> pl.DataFrame:
    """Distinct rows of a table about some ids: the id, then the columns."""
    rows = lake.scan(snapshot, table).filter(pl.col(key).is_in(sorted(wanted)))
    return rows.select(key, *columns).unique().collect()


def _add(found: Places, rows: pl.DataFrame) -> None:
    for value, other in rows.iter_rows():
        if other:
            found.setdefault(value, set()).add(other)


def _files_place(table: str) -> bool:
    return any(column.name == JURISDICTION for column in CONTRACTS[table].columns)
