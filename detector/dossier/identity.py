"""Who a firm is: names, economic group, owners and what it owns, markets with shares over time."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import TYPE_CHECKING, Any

import narwhals as nw
import polars as pl

from features.contracts import RECORDED_AT
from features.periods import with_period

if TYPE_CHECKING:
    from detector.dossier.subject import Subject
    from detector.lake import Lake

Row = dict[str, Any]
MOST = 50
"""Relatives of one kind that are listed; more are only counted."""
CONTROL = 50.0
"""Percentage of the capital from which an owner is followed upwards."""


def identity(lake: Lake, subject: Subject, today: date) -> Row:
    """The firm as last filed, with everything it was called before.

    Returns:
        `firm_id`; `name`, `name_zh` and `filed` (the other columns of the register), null and
        empty where no register of firms names it; `aliases` (earlier names, shops); `group`,
        `judged_as` (the group, where judgements are about it as a whole), `owners`, `owned`,
        `ultimate_owner`, `apps`, `shops`.
    """
    named = lake.versions(subject.snapshot, "firms").filter(pl.col("firm_id") == subject.firm_id)
    versions = named.collect().sort(RECORDED_AT, "_seq")
    last: Row = versions.row(-1, named=True) if versions.height else {}
    shops = sorted(subject.own - {subject.firm_id})
    apps = sorted(subject.ids.get("app", ()))
    return {
        "firm_id": subject.firm_id,
        "name": last.get("name"),
        "name_zh": last.get("name_zh"),
        "filed": {
            n: v
            for n, v in last.items()
            if v is not None and n[0] != "_" and n not in ("firm_id", "name", "name_zh")
        },
        "aliases": _aliases(versions, last, shops),
        "group": group(lake, subject, last.get("group_id") or subject.group),
        "judged_as": sorted(subject.judged_as - subject.own),
        **ownership(lake, subject, today),
        "shops": {"n": len(shops), "ids": shops[:MOST]},
        "apps": {"n": len(apps), "ids": apps[:MOST]},
    }


def _aliases(versions: pl.DataFrame, last: Row, shops: list[str]) -> list[Row]:
    now = {last.get("name"), last.get("name_zh")}
    names = versions.unpivot(
        ["name", "name_zh"], index=RECORDED_AT, variable_name="column", value_name="said"
    ).drop_nulls()
    earlier = names.filter(~pl.col("said").is_in([n for n in now if n])).group_by(name="said").agg(
        learned=pl.col(RECORDED_AT).min()
    )  # fmt: skip
    told: list[Row] = [row | {"kind": "earlier_name"} for row in earlier.sort("name").to_dicts()]
    return told + [{"name": s, "learned": None, "kind": "shop"} for s in shops[:MOST]]


def group(lake: Lake, subject: Subject, group_id: str | None) -> Row | None:
    """The economic group as filed, with its other firms; None where none is filed."""
    if group_id is None:
        return None
    rows = lake.scan(subject.snapshot, "firms").filter(
        pl.col("group_id") == group_id, pl.col("firm_id") != subject.firm_id
    )
    members = rows.select("firm_id", "name", "name_zh", "country").sort("firm_id").collect()
    return {
        "group_id": group_id,
        "n": members.height + (subject.firm_id != group_id),
        "others": members.head(MOST).to_dicts(),
    }


def ownership(lake: Lake, subject: Subject, today: date) -> Row:
    """Owners, what is owned, and the last owner of a chain of majorities, as of a day."""
    stakes = lake.scan(subject.snapshot, "ownership").select(
        "owner_id", "owned_id", "pct", "from", "to"
    )
    holds = pl.col("to").is_null() | (pl.col("to") >= today)
    mine = stakes.filter(
        (pl.col("owner_id") == subject.firm_id) | (pl.col("owned_id") == subject.firm_id)
    ).with_columns(current=holds)
    down = [True, True, False, False, False]
    order = ("current", "pct", "owner_id", "owned_id", "from")
    rows = mine.sort(*order, descending=down, nulls_last=True).collect()
    owners = rows.filter(pl.col("owned_id") == subject.firm_id)
    owned = rows.filter(pl.col("owner_id") == subject.firm_id)
    major = stakes.filter(holds, pl.col("pct") >= CONTROL)
    return {
        "owners": {"n": owners.height, "stakes": owners.head(MOST).to_dicts()},
        "owned": {"n": owned.height, "stakes": owned.head(MOST).to_dicts()},
        "ultimate_owner": _ultimate(major, subject.firm_id),
    }


def _ultimate(major: pl.LazyFrame, firm_id: str) -> Row | None:
    """The end of the chain of majority owners; None without one, or where it runs in a circle."""
    import rustworkx as rx

    pairs = major.select("owned_id", "owner_id", "pct").collect()
    pairs = pairs.sort("pct", "owner_id", descending=[True, False])
    pairs = pairs.unique("owned_id", keep="first", maintain_order=True)
    ids = pl.concat([pairs["owned_id"], pairs["owner_id"]]).unique()
    places = dict(zip(ids, range(ids.len()), strict=True))
    if firm_id not in places:
        return None
    graph = rx.PyDiGraph()
    graph.add_nodes_from(ids.to_list())
    at = pairs.select(pl.col("owned_id", "owner_id").replace_strict(places))
    graph.add_edges_from_no_data(list(at.iter_rows()))
    above = sorted(rx.descendants(graph, places[firm_id]))
    tops = [n for n in above if graph.out_degree(n) == 0]
    if not tops:
        return None
    return {"firm_id": graph[tops[0]], "steps": len(above)}


def names_of(lake: Lake, subject: Subject, ids: Collection[str]) -> dict[str, Row]:
    """Names and country by id, of firms in the register."""
    rows = lake.scan(subject.snapshot, "firms").filter(pl.col("firm_id").is_in(list(ids)))
    found = rows.select("firm_id", "name", "name_zh", "country").collect()
    return {row["firm_id"]: row for row in found.iter_rows(named=True)}


def markets(lake: Lake, subject: Subject) -> list[Row]:
    """The firm's markets, each with its sizes and shares over time, the largest share first.

    A share not filed is computed from the sizes filed for the same market, period and metric
    (`basis` is then `sizes`), where all of them are in one currency; else it stays null.
    """
    rows = lake.scan(subject.snapshot, "market_positions")
    mine = rows.filter(pl.col("firm_id").is_in(sorted(subject.own)))
    place = ["market_id", "period", "metric"]
    everyone = rows.join(mine.select(place).unique(), on=place, how="semi", nulls_equal=True)
    whole = everyone.group_by(place).agg(
        total=pl.col("value").sum(),
        firms=pl.col("firm_id").n_unique(),
        whole=pl.col("value").is_not_null().all() & (pl.col("currency").n_unique() == 1),
    )
    computed = pl.when(pl.col("whole") & (pl.col("total") > 0)).then(
        pl.col("value") / pl.col("total")
    )
    shares = mine.join(whole, on=place, how="left", nulls_equal=True).select(
        *place, "firm_id", "value", "currency", "firms", "filed_on",
        basis=pl.when(pl.col("share").is_not_null()).then(pl.lit("filed"))
        .when(computed.is_not_null()).then(pl.lit("sizes")),
        share=pl.coalesce("share", computed),
    )  # fmt: skip
    dated = with_period(nw.from_native(shares)).to_native().sort("period_start", "metric")
    return _by_market(lake, subject, dated.collect())


def _by_market(lake: Lake, subject: Subject, shares: pl.DataFrame) -> list[Row]:
    known = lake.scan(subject.snapshot, "markets").select("market_id", "product", "geography")
    words = {row["market_id"]: row for row in known.collect().iter_rows(named=True)}
    told: list[Row] = []
    for (market,), rows in shares.group_by("market_id", maintain_order=True):
        about = words.get(str(market), {})
        named = {"product": about.get("product"), "geography": about.get("geography")}
        points = rows.drop("market_id").to_dicts()
        told.append({"market_id": market, **named, "latest": points[-1], "points": points})
    return sorted(told, key=lambda m: (-(m["latest"]["share"] or 0.0), m["market_id"]))
