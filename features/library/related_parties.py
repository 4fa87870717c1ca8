"""Trade among related firms away from the market price (TRX-RELATED)."""

from __future__ import annotations

import narwhals as nw
import polars as pl
import rustworkx as rx

from features.catalogue import Measure, base, feature, measure, view
from features.operators import Lazy, pair_key, year_end, year_start
from features.tables import Tables, collect
from features.vocabulary import Reason

_TYPOLOGY, _BASE = "TRX-RELATED", "related_pairs"
_INPUTS = ("invoices.unit_price", "invoices.item_code", "invoices.qty", "invoices.amount",
           "ownership.pct", "officers.person_hash", "firms.group_id",
           "firms.address_hash")  # fmt: skip
_SOURCE = "OECD Transfer Pricing Guidelines; catalogue 4"
CONTROL_PCT, MANY_SEATS, MANY_TENANTS = 20.0, 30, 10
"""A holding that relates two firms; persons and addresses of more firms than these relate none."""
LEAST = 3
_GOODS = ["item_code", "currency", "period_start"]


@view("invoice_lines")
def invoice_lines(t: Tables) -> Lazy:
    """One row per invoice line between two firms with its pair, year, price and value."""
    day = nw.coalesce(nw.col("issued"), nw.col("delivered"), nw.col("recorded_at").cast(nw.Date))
    seller, buyer = nw.col("seller_id"), nw.col("buyer_id")
    known = ~seller.is_null() & ~buyer.is_null()
    value = nw.coalesce(nw.col("amount"), nw.col("qty") * nw.col("unit_price"))
    price = nw.coalesce(nw.col("unit_price"), nw.col("amount") / nw.col("qty"))
    return (
        t["invoices"]
        .filter(known & (seller != buyer))
        .select(
            "invoice_id", "line_id", "seller_id", "buyer_id", "item_code", "related_disclosed",
            nw.coalesce(nw.col("currency"), nw.lit("")).alias("currency"),
            year_start(day).alias("period_start"),
            price.alias("price"), value.alias("value"), pair_key(seller, buyer).alias("pair"),
        )
        .sort("seller_id", "buyer_id", "period_start", "invoice_id", "line_id", "value")
    )  # fmt: skip


def _pairs(left: str, right: str, kind: str) -> list[pl.Expr]:
    a, b = pl.col(left), pl.col(right)
    return [
        pl.min_horizontal(a, b).alias("a"), pl.max_horizontal(a, b).alias("b"),
        pl.lit(kind).alias("kind"),
    ]  # fmt: skip


def _alike(rows: pl.DataFrame, mark: str, kind: str, most: int) -> pl.DataFrame:
    """Pairs of firms that share a mark (person, address, group) few firms have."""
    sized = rows.filter(pl.len().over(mark).is_between(2, most)) if rows.height else rows
    twins = sized.join(sized, on=mark, how="inner", suffix="_b")
    twins = twins.filter(pl.col("firm_id") < pl.col("firm_id_b"))
    start = pl.max_horizontal("since", "since_b")
    end = pl.min_horizontal("until", "until_b")
    return twins.select(
        *_pairs("firm_id", "firm_id_b", kind), start.alias("since"), end.alias("until")
    )


def _links(t: Tables) -> pl.DataFrame:
    """Known relations of two firms: `a` < `b`, `kind`, `since`, `until` (null: open)."""
    found: list[pl.DataFrame] = []
    ever = [pl.lit(None, dtype=pl.Date).alias(c) for c in ("since", "until")]
    spans = [nw.col("from").alias("since"), nw.col("to").alias("until")]
    if (held := t.get("ownership")) is not None:
        rows = collect(held.select("owner_id", "owned_id", "pct", *spans))
        control = rows.filter(pl.col("pct").fill_null(100.0) >= CONTROL_PCT)
        found.append(control.select(*_pairs("owner_id", "owned_id", "ownership"), "since", "until"))
    if (seats := t.get("officers")) is not None:
        rows = collect(seats.select("firm_id", "person_hash", *spans).unique())
        rows = rows.filter(pl.col("person_hash").is_not_null())
        found.append(_alike(rows, "person_hash", "officer", MANY_SEATS))
    if (firms := t.get("firms")) is not None:
        rows = collect(firms.select("firm_id", "group_id", "address_hash")).with_columns(*ever)
        grouped = rows.filter(pl.col("group_id").is_not_null())
        found.append(_alike(grouped, "group_id", "group", 10_000))
        housed = rows.filter(pl.col("address_hash").is_not_null())
        found.append(_alike(housed, "address_hash", "address", MANY_TENANTS))
    schema = {"a": pl.String, "b": pl.String, "kind": pl.String, "since": pl.Date, "until": pl.Date}
    if not found:
        return pl.DataFrame(schema=schema)
    return pl.concat(found).filter(pl.col("a") != pl.col("b"))


def _linked_years(lines: pl.DataFrame, links: pl.DataFrame) -> pl.DataFrame:
    """Pairs that trade while related: `pair`, `period_start`, `links`, `same_group`."""
    named = links.with_columns(pair=pl.format("{}|{}", "a", "b"))
    years = lines.select("pair", "period_start").unique()
    last = pl.col("period_start").dt.offset_by("1y").dt.offset_by("-1d")
    alive = (pl.col("since") <= last).fill_null(value=True) & (
        pl.col("until") >= pl.col("period_start")
    ).fill_null(value=True)
    return (
        years.join(named, on="pair", how="inner")
        .filter(alive)
        .group_by("pair", "period_start")
        .agg(
            links=pl.col("kind").unique().sort().str.join(" "),
            same_group=(pl.col("kind") == "group").any(),
        )
    )


def _market(free: pl.DataFrame) -> pl.DataFrame:
    """Prices between unrelated firms of each item, currency and year."""
    price = pl.col("price")
    return (
        free.filter(price.is_not_null() & (price > 0) & pl.col("item_code").is_not_null())
        .group_by(_GOODS)
        .agg(middle=price.median(), low=price.min(), high=price.max(), free=pl.len())
    )


def _premium(related: pl.DataFrame, market: pl.DataFrame) -> pl.DataFrame:
    """Paid over what the same pieces cost at market prices, per pair, year and currency."""
    priced = related.join(market, on=_GOODS, how="inner").filter(
        (pl.col("price") > 0) & (pl.col("value") > 0)
    )
    pieces = pl.col("value") / pl.col("price")
    sure = pl.col("free") >= LEAST
    paid = pl.when(sure).then(pl.col("value"))
    fair = pl.when(sure).then(pieces * pl.col("middle"))
    return priced.group_by("pair", "period_start", "currency").agg(
        comparable_lines=sure.sum().cast(pl.Int64),
        premium=paid.sum() / fair.sum() - 1,
        above_high=pl.col("value").sum() / (pieces * pl.col("high")).sum() - 1,
        below_low=1 - pl.col("value").sum() / (pieces * pl.col("low")).sum(),
        interval_lines=pl.len().cast(pl.Int64),
    )


def _purchases(lines: pl.DataFrame, related: pl.DataFrame) -> pl.DataFrame:
    """Larger of the two shares of a buyer's purchases that come from the other of the pair."""
    cell = ["buyer_id", "period_start", "currency"]
    total = lines.group_by(cell).agg(_all=pl.col("value").sum())
    mine = related.group_by("pair", *cell).agg(_mine=pl.col("value").sum(), _lines=pl.len())
    return (
        mine.join(total, on=cell, how="left")
        .with_columns(_share=pl.when(pl.col("_all") > 0).then(pl.col("_mine") / pl.col("_all")))
        .group_by("pair", "period_start", "currency")
        .agg(
            purchase_share=pl.col("_share").max(),
            value=pl.col("_mine").sum(),
            lines=pl.col("_lines").sum().cast(pl.Int64),
        )
    )


def _circular(lines: pl.DataFrame, related: pl.DataFrame) -> pl.DataFrame:
    """Pairs and years in which goods sold one way can come back: one strongly connected part."""
    edges = lines.select("period_start", "seller_id", "buyer_id").unique()
    ends = [edges.select("period_start", firm=c) for c in ("seller_id", "buyer_id")]
    nodes = pl.concat(ends).unique().sort("period_start", "firm").with_row_index("code")
    for end in ("seller_id", "buyer_id"):
        named = nodes.rename({"firm": end, "code": f"{end}_code"})
        edges = edges.join(named, on=["period_start", end], how="left")
    graph: rx.PyDiGraph[None, None] = rx.PyDiGraph(multigraph=False)
    graph.add_nodes_from([None] * nodes.height)
    graph.add_edges_from_no_data(edges.select("seller_id_code", "buyer_id_code").rows())
    parts = rx.strongly_connected_components(graph)
    where = pl.DataFrame(
        {
            "code": [i for c in parts for i in c],
            "part": [k for k, c in enumerate(parts) for _ in c],
        },
        schema={"code": pl.UInt32, "part": pl.Int64},
    )
    placed = nodes.join(where, on="code", how="left").drop("code")
    rows = related.select("pair", "period_start", "seller_id", "buyer_id").unique()
    for end in ("seller_id", "buyer_id"):
        part = placed.rename({"firm": end, "part": f"{end}_part"})
        rows = rows.join(part, on=["period_start", end], how="left")
    same = pl.col("seller_id_part") == pl.col("buyer_id_part")
    return rows.group_by("pair", "period_start").agg(cycle=same.any())


@base(
    name=_BASE,
    grain="pair_y",
    tables=("invoices",),
    attributes=("links", "currency"),
)
def related_pairs(t: Tables) -> Lazy:
    """One row per pair of related firms and year in which they trade; the currency with most value.

    Related: a holding of 20 % or more, an officer, an address or a group in common that year.
    """
    lines = collect(t.view("invoice_lines"))
    years = _linked_years(lines, _links(t))
    related = lines.join(years.select("pair", "period_start"), on=["pair", "period_start"])
    free = lines.join(years, on=["pair", "period_start"], how="anti")
    cell = ["pair", "period_start"]
    told = related.group_by(cell).agg(
        told=pl.col("related_disclosed").any(),
        asked=pl.col("related_disclosed").is_not_null().any(),
    )
    money = _purchases(lines, related).sort(
        [*cell, "value", "currency"], descending=[False, False, True, False]
    )
    rows = (
        money.unique(cell, keep="first", maintain_order=True)
        .join(_premium(related, _market(free)), on=[*cell, "currency"], how="left")
        .join(years, on=cell, how="left")
        .join(told, on=cell, how="left")
        .join(_circular(lines, related), on=cell, how="left")
        .with_columns(pl.col("comparable_lines", "interval_lines").fill_null(0))
    )
    return nw.from_native(rows.lazy()).with_columns(
        nw.col("pair").alias("subject_key"),
        year_end(nw.col("period_start")).alias("period_end"),
    )


_COMPARED = (nw.col("comparable_lines") < 1, Reason.TOO_FEW)


@feature(
    name="rel_purchase_share", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="0-1",
    direction="high", n="lines", source=_SOURCE,
    title={"en": "purchases from a related firm", "zh": "关联采购占比"},
)  # fmt: skip
def rel_purchase_share() -> Measure:
    """Share of a buyer's purchases of the year made from the related firm; the higher of two."""
    return measure(
        nw.col("purchase_share"), (nw.col("purchase_share").is_null(), Reason.ZERO_DENOMINATOR)
    )


@feature(
    name="rel_price_premium", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="ratio - 1",
    direction="none", n="comparable_lines", source=_SOURCE,
    title={"en": "price against unrelated trade", "zh": "关联交易溢价"},
)  # fmt: skip
def rel_price_premium() -> Measure:
    """Paid over the same pieces at the median price between unrelated firms, less 1.

    Comparable: the same item, currency and year, three prices or more.
    """
    return measure(nw.col("premium"), _COMPARED)


@feature(
    name="rel_price_gap", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="ratio - 1",
    direction="high", n="comparable_lines", source=_SOURCE,
    title={"en": "distance from the market price", "zh": "偏离市场价幅度"},
)  # fmt: skip
def rel_price_gap() -> Measure:
    """Size of the premium or discount, whichever side gains: |rel_price_premium|."""
    return measure(nw.col("premium").abs(), _COMPARED)


@feature(
    name="rel_outside_interval", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="ratio - 1",
    direction="high", n="interval_lines", source=_SOURCE,
    title={"en": "distance outside market prices", "zh": "超出市场价区间幅度"},
)  # fmt: skip
def rel_outside_interval() -> Measure:
    """How far paid lies above the highest or below the lowest unrelated price; 0 inside.

    From one comparable price on, for items with too few to take a median of.
    """
    out = nw.max_horizontal(nw.col("above_high"), nw.col("below_low"), nw.lit(0.0))
    return measure(out, (nw.col("interval_lines") < 1, Reason.TOO_FEW))


@feature(
    name="rel_undisclosed", typology=_TYPOLOGY, base=_BASE,
    inputs=("invoices.related_disclosed", "ownership.pct", "officers.person_hash",
            "firms.group_id"),
    unit="yes/no", direction="high", n="lines", kind="bool",
    source="CN Company Law art. 22; Dir. 2017/828 art. 9c (G)",
    title={"en": "relation not disclosed", "zh": "关联关系未披露"},
)  # fmt: skip
def rel_undisclosed() -> Measure:
    """Whether no filing of the pair says that they are related: no invoice, no common group."""
    open_ = nw.col("told").fill_null(value=False) | nw.col("same_group")
    return measure(
        nw.when(open_).then(nw.lit(0.0)).otherwise(nw.lit(1.0)),
        (~open_ & ~nw.col("asked"), Reason.MISSING_INPUT),
    )


@feature(
    name="rel_cycle", typology=_TYPOLOGY, base=_BASE,
    inputs=("invoices.seller_id", "invoices.buyer_id"), unit="yes/no", direction="high",
    n="lines", kind="bool", source="catalogue 4; Tarjan 1972",
    title={"en": "goods can come back to the seller", "zh": "存在循环交易"},
)  # fmt: skip
def rel_cycle() -> Measure:
    """Whether a chain of the year's invoices leads from the buyer back to the seller."""
    return measure(nw.col("cycle").cast(nw.Float64))
