"""Who a dossier is about: an id that stands in some filing, and the ids that belong to it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from alerts.limits import NONE, Limits
from detector.dossier.parties import APP, DEAL, FIRM, JOINED, TENDER, key_kinds, roles
from features.errors import WardenError
from features.vocabulary import GRAINS

if TYPE_CHECKING:
    from detector.lake import Lake, Snapshot
    from detector.system import System

_TENDER_KEY = pl.concat_str(["tender_id", "lot_id"], separator="/", ignore_nulls=True)
_BELONGING: tuple[tuple[str, str, str | pl.Expr, str], ...] = (
    ("merchants", "firm_id", "merchant_id", FIRM),
    ("merchants", "firm_id", "merchant_gid", FIRM),
    ("apps", "operator_id", "app_id", APP),
    ("deal_parties", "party_id", "deal_id", DEAL),
    ("merger_notifications", "acquirer_id", "deal_id", DEAL),
    ("merger_notifications", "target_id", "deal_id", DEAL),
    ("bids", "bidder_id", _TENDER_KEY, TENDER),
    ("tenders", "winner_id", _TENDER_KEY, TENDER),
    ("breach_notifications", "operator_id", "incident_id", "incident"),
    ("dsar_requests", "operator_id", "request_id", "request"),
    ("released_datasets", "operator_id", "dataset_id", "dataset"),
)
"""Table, column that names the firm, column (or key) of what belongs to it, kind of that id."""


@dataclass(frozen=True)
class Subject:
    """A firm, operator, platform, shop or buyer, or an economic group as a whole.

    Attributes:
        ids: ids by kind; of kind `firm` its own and those of its shops; of a group its firms.
        snapshot: the filings looked at, as known when the dossier was opened.
        group: id of its economic group where that has several firms: they are judged as one, so
            judgements about the group are about each of them.
        within: what whoever opened the dossier may see of alerts and judgements.
    """

    firm_id: str
    ids: Mapping[str, frozenset[str]]
    snapshot: Snapshot
    group: str | None = None
    within: Limits = NONE

    @property
    def own(self) -> frozenset[str]:
        """Its own id and those of its shops."""
        return self.ids[FIRM]

    @property
    def judged_as(self) -> frozenset[str]:
        """Ids under which judgements are about it."""
        return self.own | ({self.group} if self.group else set())

    def concerns(self, grain: str) -> bool:
        """Whether subjects of a grain can be about it at all."""
        return any(kind is not None and self.ids.get(kind) for kind in key_kinds(grain))

    def about(self, grain: str) -> pl.Expr:
        """True for the subject keys of a grain that are it, belong to it, or name it."""
        key, kinds = pl.col("subject_key"), key_kinds(grain)
        if GRAINS[grain].subject_kind in JOINED:
            members = key.str.split("/").list.first().str.split("|")
            own = pl.element().is_in(sorted(self.judged_as))
            return members.list.eval(own).list.any()
        if len(kinds) == 1:
            return key.is_in(self._sorted(kinds[0]))
        parts = key.str.split("/")
        return pl.any_horizontal(
            parts.list.get(place, null_on_oob=True).is_in(self._sorted(kind))
            for place, kind in enumerate(kinds)
            if kind is not None
        )

    def _sorted(self, kind: str | None) -> list[str]:
        return sorted(self.judged_as if kind == FIRM else self.ids.get(kind or "", ()))


def find_subject(system: System, firm_id: str) -> Subject:
    """The subject of an id that stands in any filing, or names a group of several firms.

    Raises:
        WardenError: `firm_not_found` for an id the installation never heard of.
    """
    lake, snapshot = system.lake, system.lake.pin()
    if firm_id and (_registered(lake, snapshot, firm_id) or named_in(lake, snapshot, firm_id)):
        found = _belonging(lake, snapshot, {firm_id})
        return Subject(firm_id, found, snapshot, _group_of(lake, snapshot, firm_id))
    members = _members(lake, snapshot, pl.lit(firm_id)) if firm_id else set()
    if not members:
        raise firm_not_found(firm_id)
    return Subject(firm_id, _belonging(lake, snapshot, members), snapshot, firm_id)


def _registered(lake: Lake, snapshot: Snapshot, firm_id: str) -> bool:
    """Whether the register of firms holds it: most are found there, without reading every table."""
    rows = lake.scan(snapshot, "firms").filter(pl.col("firm_id") == firm_id)
    return not rows.select("firm_id").head(1).collect().is_empty()


def _belonging(lake: Lake, snapshot: Snapshot, firms: Collection[str]) -> dict[str, frozenset[str]]:
    """Ids by kind of what belongs to some firms, themselves among them."""
    plans = [
        lake.scan(snapshot, table)
        .filter(pl.col(names).is_in(sorted(firms)))
        .select(_column(belongs).alias("id"), pl.lit(kind).alias("kind"))
        .drop_nulls()
        .unique()
        for table, names, belongs, kind in _BELONGING
        if table in snapshot.filled
    ]
    found: dict[str, set[str]] = {FIRM: set(firms)}
    for part in pl.collect_all(plans) if plans else ():
        for (kind,), rows in part.group_by("kind"):
            found.setdefault(str(kind), set()).update(rows["id"])
    return {kind: frozenset(ids) for kind, ids in found.items()}


def _group_of(lake: Lake, snapshot: Snapshot, firm_id: str) -> str | None:
    """The group of a firm where it has several firms (`features.library.groups`)."""
    rows = lake.scan(snapshot, "firms").filter(pl.col("firm_id") == firm_id)
    group = rows.select(pl.col("group_id").max()).collect().item()
    members = _members(lake, snapshot, pl.lit(group)) if group else set()
    return group if len(members) > 1 else None


def _members(lake: Lake, snapshot: Snapshot, group: pl.Expr) -> set[str]:
    rows = lake.scan(snapshot, "firms").filter(pl.col("group_id") == group)
    return set(rows.select("firm_id").collect()["firm_id"])


def _column(belongs: str | pl.Expr) -> pl.Expr:
    return pl.col(belongs) if isinstance(belongs, str) else belongs


def named_in(lake: Lake, snapshot: Snapshot, firm_id: str) -> dict[str, dict[str, int]]:
    """By table and column, how many rows in force name the id; tables that do not are left out."""
    tables = [t for t in sorted(snapshot.filled) if roles(t)]
    plans = [
        lake.scan(snapshot, table).select(
            (pl.col(column) == firm_id).sum().alias(column) for column in roles(table)
        )
        for table in tables
    ]
    found = dict(zip(tables, pl.collect_all(plans), strict=True)) if plans else {}
    counted = {
        table: {name: int(n) for name, n in frame.row(0, named=True).items() if n}
        for table, frame in found.items()
    }
    return {table: columns for table, columns in counted.items() if columns}


def firm_not_found(firm_id: str) -> WardenError:
    """The error for an id that stands in no filing."""
    return WardenError(
        "firm_not_found",
        f"No filing names a firm {firm_id}.",
        "Look it up by a part of its name: warden firms search NAME",
        kind="not_found",
    )
