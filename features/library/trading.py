"""Goods or money moving in circles between sellers (TRX-WASH-SCC)."""

from __future__ import annotations

import narwhals as nw
import polars as pl
import rustworkx as rx

from features.catalogue import Measure, base, feature, measure, note, view
from features.operators import (
    Lazy,
    month_end,
    month_start,
    nearest_whole,
    with_code,
    with_code_among,
)
from features.tables import Tables, collect
from features.vocabulary import Reason

_TYPOLOGY, _BASE = "TRX-WASH-SCC", "wash_clusters"
_INPUTS = ("transactions.buyer_hash", "transactions.seller_id", "transactions.seller_hash",
           "transactions.net", "transactions.gross", "transactions.ts")  # fmt: skip
_SOURCE = "Victor and Weintraud 2021; Tarjan 1972"
HUB = 50
"""Traders with more counterparties among sellers than this are hubs (clearing, marketplaces)."""

_CELL = ("platform_id", "currency", "period_start")


_TARGET = nw.coalesce(nw.col("seller_hash"), nw.col("seller_id"))
"""A seller as buyers are known: by the keyed hash both roles share, where it is filed."""


@view("trader_codes")
def trader_codes(t: Tables) -> Lazy:
    """Codes of all who ever sell.

    A view of its own: inside one plan, all orders would wait in memory until the codes are known.
    """
    return with_code(t["transactions"].select(target=_TARGET), "target", "_code").select(
        "_code"
    ).unique()  # fmt: skip


@view("trades_of_sellers")
def trades_of_sellers(t: Tables) -> Lazy:
    """Monthly value and number of orders of buyers that sell at any time, per platform.

    Columns: `platform_id`, `currency`, `period_start`, `source` (buys, pays), `target` (sells),
    `cents`, `orders`, `seller_id` (of the target). Few buyers sell: the orders of all others are
    left out before anything is made of their columns.
    """
    value = nw.coalesce(nw.col("net"), nw.col("gross"), nw.lit(0.0))
    return (
        with_code_among(t["transactions"], "buyer_hash", t.view("trader_codes"))
        .select(
            nw.coalesce(nw.col("platform_id"), nw.lit("")).alias("platform_id"),
            nw.coalesce(nw.col("currency"), nw.lit("")).alias("currency"),
            month_start(nw.col("ts").cast(nw.Date)).alias("period_start"),
            nw.col("buyer_hash").alias("source"),
            _TARGET.alias("target"),
            "seller_id",
            nearest_whole(value * 100).alias("cents"),
        )
        .group_by(*_CELL, "source", "target")
        .agg(nw.col("cents").sum(), nw.len().alias("orders"), nw.col("seller_id").min())
    )


@view("sale_codes")
def sale_codes(t: Tables) -> Lazy:
    """Codes of the sellers of every month."""
    sold = t["transactions"].select(target=_TARGET, day=nw.col("ts").cast(nw.Date))
    return with_code(sold, "target", "_code", day="day").select("_code").unique()


@view("seller_trades")
def seller_trades(t: Tables) -> Lazy:
    """The `trades_of_sellers` of buyers that sell in the same month, on whatever platform.

    Others can close no circle, and are no seller's counterparties among the sellers of the month.
    Rows with `source` = `target` are what sellers bought from themselves.
    """
    trades = t.view("trades_of_sellers")
    return (
        with_code(trades, "source", "_code", day="period_start")
        .join(t.view("sale_codes"), on="_code", how="semi")
        .drop("_code")
    )


@view("seller_names")
def seller_names(t: Tables) -> Lazy:
    """The seller id behind every node that sold to a seller in a month.

    Columns: `node`, `period_start`, `seller_id`.
    """
    sold = t.view("seller_trades").select(
        nw.col("target").alias("node"), "period_start", "seller_id"
    )
    return sold.group_by("node", "period_start").agg(nw.col("seller_id").min())


@view("seller_owners")
def seller_owners(t: Tables) -> Lazy:
    """Who owns the seller behind a node, where filed: `node`, `period_start`, `owner`.

    The group of the seller's firm, else of its merchant account, else the firm behind the account.
    """
    rows = t.view("seller_names").with_columns(
        *(nw.lit(None, dtype=nw.String).alias(c) for c in ("account_group", "firm", "group"))
    )
    merchants, firms = t.get("merchants"), t.get("firms")
    if merchants is not None:
        accounts = merchants.group_by("merchant_id").agg(
            nw.col("group_id").max().alias("account_group"), nw.col("firm_id").max().alias("firm")
        )
        rows = rows.drop("account_group", "firm").join(
            accounts, left_on="seller_id", right_on="merchant_id", how="left"
        )
    if firms is not None:
        groups = firms.group_by("firm_id").agg(nw.col("group_id").max().alias("group"))
        rows = rows.drop("group").with_columns(nw.coalesce("firm", "seller_id").alias("_firm"))
        rows = rows.join(groups, left_on="_firm", right_on="firm_id", how="left")
    owned = rows.select(
        "node", "period_start", nw.coalesce("group", "account_group", "firm").alias("owner")
    )
    return owned.filter(~nw.col("owner").is_null())


def _hubs(trades: Lazy) -> Lazy:
    """Traders with more than `HUB` counterparties among sellers in a month."""
    trades = trades.filter(nw.col("source") != nw.col("target"))
    forth = trades.select(*_CELL, nw.col("source").alias("node"), nw.col("target").alias("other"))
    back = trades.select(*_CELL, nw.col("target").alias("node"), nw.col("source").alias("other"))
    degree = nw.concat([forth, back]).unique().group_by(*_CELL, "node").agg(nw.len().alias("_d"))
    return degree.filter(nw.col("_d") > HUB).drop("_d")


def _without_hubs(trades: Lazy) -> Lazy:
    """Drop traders with very many counterparties in a month."""
    hubs = _hubs(trades)
    return trades.join(
        hubs, left_on=[*_CELL, "source"], right_on=[*_CELL, "node"], how="anti"
    ).join(hubs, left_on=[*_CELL, "target"], right_on=[*_CELL, "node"], how="anti")


@note(name="trade_hubs", typology=_TYPOLOGY, tables=("transactions",))
def trade_hubs(t: Tables) -> Lazy:
    """How many traders were left out as hubs, per platform and month."""
    hubs = _hubs(t.view("seller_trades"))
    return hubs.group_by("platform_id", "period_start").agg(
        nw.col("node").n_unique().alias("traders")
    )


def _members(trades: pl.DataFrame) -> pl.DataFrame:
    """Strongly connected components of at least two: `node` and `scc` beside its cell.

    Edges never cross platform, currency or month, so one graph holds all of them.
    """
    cell = list(_CELL)
    ends = [trades.select(*cell, pl.col(c).alias("node")) for c in ("source", "target")]
    nodes = pl.concat(ends).unique().sort(*cell, "node").with_row_index("index")
    codes = trades.select(*cell, "source", "target")
    for end in ("source", "target"):
        named = nodes.rename({"node": end, "index": f"{end}_index"})
        codes = codes.join(named, on=[*cell, end], how="left")
    graph: rx.PyDiGraph[None, None] = rx.PyDiGraph(multigraph=False)
    graph.add_nodes_from([None] * nodes.height)
    graph.add_edges_from_no_data(codes.select("source_index", "target_index").rows())
    found = [c for c in rx.strongly_connected_components(graph) if len(c) > 1]
    where = pl.DataFrame(
        {
            "index": [i for c in found for i in c],
            "scc": [k for k, c in enumerate(found) for _ in c],
        },
        schema={"index": pl.UInt32, "scc": pl.Int64},
    )
    return nodes.join(where, on="index", how="inner").drop("index")


@base(
    name=_BASE,
    grain="cluster_m",
    tables=("transactions",),
    attributes=("platform_id", "n_members", "gross", "orders"),
    peers=("platform_id", "size_decile"),
    size="orders",
)
def wash_clusters(t: Tables) -> Lazy:
    """One row per circle of sellers and month; on several platforms, that with most value.

    A circle is a strongly connected component: money can pass from each member to every other.
    """
    trades = collect(_without_hubs(t.view("seller_trades")))
    edges = trades.filter(pl.col("source") != pl.col("target"))
    members = _members(edges)
    cell = list(_CELL)
    mine = members.rename({"node": "source", "scc": "from_scc"})
    other = members.rename({"node": "target", "scc": "to_scc"})
    placed = edges.join(mine, on=[*cell, "source"], how="left").join(
        other, on=[*cell, "target"], how="left"
    )
    inside = placed.filter(pl.col("from_scc") == pl.col("to_scc")).with_columns(scc="from_scc")
    named = (
        members.join(collect(t.view("seller_names")), on=["node", "period_start"], how="left")
        .group_by(*cell, "scc")
        .agg(
            pl.col("seller_id").sort().str.join("|").alias("subject_key"),
            pl.len().alias("n_members"),
        )
    )
    rows = (
        named.join(_inner_totals(inside), on="scc", how="left")
        .join(_touching(placed), on="scc", how="left")
        .join(_rounds(inside), on="scc", how="left")
        .join(_owned(t, trades, members, inside), on="scc", how="left")
        .with_columns(gross=pl.col("inside_cents") / 100)
        .sort(
            "subject_key",
            "period_start",
            "inside_cents",
            "platform_id",
            descending=[False, False, True, False],
        )
        .unique(["subject_key", "period_start"], keep="first", maintain_order=True)
    )
    return nw.from_native(rows.lazy()).with_columns(
        month_end(nw.col("period_start")).alias("period_end")
    )


def _inner_totals(inside: pl.DataFrame) -> pl.DataFrame:
    """Value, orders and two-way value of the trades inside each circle."""
    cell = list(_CELL)
    back = inside.select(*cell, source="target", target="source", _back="cents")
    matched = inside.join(back, on=[*cell, "source", "target"], how="left").with_columns(
        pl.min_horizontal("cents", pl.col("_back").fill_null(0)).alias("_both")
    )
    return matched.group_by("scc").agg(
        pl.col("cents").sum().alias("inside_cents"),
        pl.col("orders").sum(),
        pl.col("_both").sum().alias("mutual_cents"),
    )


def _touching(placed: pl.DataFrame) -> pl.DataFrame:
    """Value of all trades among sellers in which a member takes part, counted once."""
    out = placed.filter(pl.col("from_scc").is_not_null())
    into = placed.filter(
        pl.col("to_scc").is_not_null() & pl.col("from_scc").ne_missing(pl.col("to_scc"))
    )
    sides = [out.select("cents", scc="from_scc"), into.select("cents", scc="to_scc")]
    return pl.concat(sides).group_by("scc").agg(pl.col("cents").sum().alias("touching_cents"))


def _owned(
    t: Tables, trades: pl.DataFrame, members: pl.DataFrame, inside: pl.DataFrame
) -> pl.DataFrame:
    """Per circle: members whose owner is filed, and value sold to oneself or inside one owner."""
    owners = collect(t.view("seller_owners"))
    month = "period_start"
    known = members.join(owners, on=["node", month], how="inner")
    known = known.group_by("scc").agg(owned=pl.len())
    own = trades.filter(pl.col("source") == pl.col("target")).rename({"source": "node"})
    own = own.join(members, on=[*_CELL, "node"], how="inner").group_by("scc").agg(
        pl.col("cents").sum().alias("own_cents")
    )  # fmt: skip
    sold = inside.join(
        owners.rename({"node": "source", "owner": "payer"}), on=["source", month]
    ).join(owners.rename({"node": "target", "owner": "payee"}), on=["target", month])
    house = sold.filter(pl.col("payer") == pl.col("payee")).group_by("scc").agg(
        pl.col("cents").sum().alias("house_cents")
    )  # fmt: skip
    cells = members.select("scc").unique()
    for part in (known, own, house):
        cells = cells.join(part, on="scc", how="left")
    return cells.with_columns(pl.all().fill_null(0))


def _rounds(inside: pl.DataFrame) -> pl.DataFrame:
    """Per circle: imbalance of its members, and how often even the least active took part."""
    sold = inside.group_by("scc", node="target").agg(
        pl.col("cents").sum().alias("in_cents"), pl.col("orders").sum().alias("in_orders")
    )
    bought = inside.group_by("scc", node="source").agg(
        pl.col("cents").sum().alias("out_cents"), pl.col("orders").sum().alias("out_orders")
    )
    members = sold.join(bought, on=["scc", "node"], how="inner")
    return members.group_by("scc").agg(
        (pl.col("in_cents") - pl.col("out_cents")).abs().sum().alias("net_cents"),
        (pl.col("in_cents") + pl.col("out_cents")).sum().alias("flow_cents"),
        pl.min_horizontal("in_orders", "out_orders").min().alias("rounds"),
    )


@feature(
    name="wash_scc_max_size", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="sellers",
    direction="none", min_n=2, n="orders", source=_SOURCE,
    title={"en": "sellers in the circle", "zh": "循环交易参与方数"},
)  # fmt: skip
def wash_scc_max_size() -> Measure:
    """Members of the strongly connected component of the monthly value graph of a platform."""
    return measure(nw.col("n_members"))


@feature(
    name="wash_net_gross", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="0-1",
    direction="low", min_n=2, n="orders", source=_SOURCE,
    title={"en": "what stays, over what moves", "zh": "净额占总额比"},
)  # fmt: skip
def wash_net_gross() -> Measure:
    """Sum of |in - out| over sum of (in + out) of the members, inside the circle.

    Near 0, everybody ends where they began.
    """
    flow = nw.col("flow_cents")
    return measure(nw.col("net_cents") / flow, (flow <= 0, Reason.ZERO_DENOMINATOR))


@feature(
    name="wash_reciprocity", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="0-1",
    direction="high", min_n=2, n="orders", source=_SOURCE,
    title={"en": "share of trade that flows back", "zh": "互惠交易占比"},
)  # fmt: skip
def wash_reciprocity() -> Measure:
    """Sum of 2 min(w_ij, w_ji) over pairs of members, over all their trade with sellers.

    The denominator includes trade with sellers outside the circle.
    """
    touching = nw.col("touching_cents")
    return measure(nw.col("mutual_cents") / touching, (touching <= 0, Reason.ZERO_DENOMINATOR))


@feature(
    name="wash_rounds", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="rounds",
    direction="high", min_n=2, n="orders", source="catalogue 4",
    title={"en": "rounds of the circle", "zh": "循环轮次"},
)  # fmt: skip
def wash_rounds() -> Measure:
    """How often every member both bought and sold inside the circle: the smallest such count."""
    return measure(nw.col("rounds"))


@feature(
    name="wash_self_share", typology=_TYPOLOGY, base=_BASE,
    inputs=(*_INPUTS, "firms.group_id", "merchants.group_id", "merchants.firm_id"), unit="0-1",
    direction="high", min_n=2, n="orders", source=_SOURCE,
    title={"en": "share of trade with oneself", "zh": "自我交易占比"},
)  # fmt: skip
def wash_self_share() -> Measure:
    """Value members sold to themselves or to members of the same owner, over all their value.

    One owner: the same buyer and seller, or sellers of one economic group or firm. All value:
    trade inside the circle and sales to oneself. Where fewer than two members have an owner on
    file and nobody bought from himself, nothing is known.
    """
    whole = nw.col("inside_cents") + nw.col("own_cents")
    unknown = (nw.col("owned") < 2) & (nw.col("own_cents") == 0)
    return measure(
        (nw.col("own_cents") + nw.col("house_cents")) / whole,
        (unknown, Reason.MISSING_INPUT),
        (whole <= 0, Reason.ZERO_DENOMINATOR),
    )
