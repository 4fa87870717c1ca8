"""Links between organisations, by kind: each function finds every link of some of them at once.

A frame of links has `a`, `b`, `kind`, `directed` (from `a` to `b`), `weight`, `unit` of the
weight, `since` and `until` (days; null where the filings do not say) and `detail` (a few words).
"""

from __future__ import annotations

from collections.abc import Callable, Collection

import polars as pl

from detector.lake import Lake, Snapshot
from detector.planning import SIGNIFICANT

Found = pl.LazyFrame
_LOT = ["tender_id", "lot_id"]
SCHEMA = {
    "a": pl.String(),
    "b": pl.String(),
    "kind": pl.String(),
    "directed": pl.Boolean(),
    "weight": pl.Float64(),
    "unit": pl.String(),
    "since": pl.Date(),
    "until": pl.Date(),
    "detail": pl.String(),
}


class Filed:
    """The filings as known, and the organisations whose links are asked for."""

    def __init__(self, lake: Lake, snapshot: Snapshot, ids: Collection[str]) -> None:
        self._lake, self._snapshot = lake, snapshot
        self._ids = sorted(ids)

    def table(self, name: str) -> pl.LazyFrame:
        """Rows in force."""
        return self._lake.scan(self._snapshot, name)

    def ours(self, *columns: str) -> pl.Expr:
        """Rows that name one of the organisations in any of the columns."""
        return pl.any_horizontal(pl.col(column).is_in(self._ids) for column in columns)

    def has(self, name: str) -> bool:
        """Whether anything of a table was filed."""
        return name in self._snapshot.filled


def ownership(filed: Filed) -> Found:
    """Stakes, the owner first."""
    rows = filed.table("ownership").filter(filed.ours("owner_id", "owned_id"))
    return _links(
        rows, "owner_id", "owned_id", "owns", pl.col("pct"), "% of the capital",
        since="from", until="to",
    )  # fmt: skip


def groups(filed: Filed) -> Found:
    """Firms of one economic group as filed."""
    firms = filed.table("firms").filter(pl.col("group_id").is_not_null())
    mine = firms.filter(filed.ours("firm_id")).select("group_id", a="firm_id")
    pairs = mine.join(firms.select("group_id", b="firm_id"), on="group_id")
    return _links(
        pairs.filter(pl.col("a") != pl.col("b")), "a", "b", "same_group", pl.lit(1.0), "group",
        directed=False, detail="group_id",
    )  # fmt: skip


def co_bids(filed: Filed) -> Found:
    """Bidders that met in tenders, by the number of tenders (lots) both bid for."""
    bids = filed.table("bids").filter(pl.col("bidder_id").is_not_null())
    said = pl.coalesce("awarded_at", "deadline_at", "published_at").dt.date()
    dated = filed.table("tenders").select(*_LOT, _day=said)
    days = pl.coalesce("_day", pl.col("submitted_at").dt.date())
    mine = (
        bids.filter(filed.ours("bidder_id"))
        .join(dated, on=_LOT, how="left", nulls_equal=True)
        .group_by(*_LOT, a="bidder_id")
        .agg(day=days.min())
    )
    others = bids.select(*_LOT, b="bidder_id").unique()
    pairs = mine.join(others, on=_LOT, nulls_equal=True).filter(pl.col("a") != pl.col("b"))
    counted = pairs.group_by("a", "b").agg(
        n=pl.len(), since=pl.col("day").min(), until=pl.col("day").max()
    )
    return _links(counted, "a", "b", "co_bids", pl.col("n"), "tenders", directed=False,
                  since="since", until="until")  # fmt: skip


def subcontracts(filed: Filed) -> Found:
    """Work handed on, the winner first, by value where filed."""
    rows = filed.table("subcontracts").filter(filed.ours("winner_id", "sub_id"))
    summed = rows.group_by("winner_id", "sub_id", "currency").agg(
        value=_total("value"), since=pl.col("signed_on").min(), until=pl.col("signed_on").max()
    )
    return _links(summed, "winner_id", "sub_id", "subcontracts", pl.col("value"), "currency",
                  since="since", until="until")  # fmt: skip


def invoices(filed: Filed) -> Found:
    """Sales between firms, the seller first, by amount."""
    rows = filed.table("invoices").filter(filed.ours("seller_id", "buyer_id"))
    amount = pl.coalesce("amount", pl.col("qty") * pl.col("unit_price"))
    day = pl.coalesce("issued", "delivered")
    dated = rows.with_columns(_amount=amount, _day=day)
    summed = dated.group_by("seller_id", "buyer_id", "currency").agg(
        value=_total("_amount"), since=pl.col("_day").min(), until=pl.col("_day").max()
    )
    return _links(summed, "seller_id", "buyer_id", "sells_to", pl.col("value"), "currency",
                  since="since", until="until")  # fmt: skip


def funds(filed: Filed) -> Found:
    """Transfers of funds, the payer first, by amount."""
    rows = filed.table("fund_flows").filter(filed.ours("from_id", "to_id"))
    day = pl.col("ts").dt.date()
    summed = rows.group_by("from_id", "to_id", "currency").agg(
        value=_total("amount"), since=day.min(), until=day.max()
    )
    return _links(summed, "from_id", "to_id", "pays", pl.col("value"), "currency",
                  since="since", until="until")  # fmt: skip


def sales_on_platforms(filed: Filed) -> Found:
    """Orders on a platform, the firm behind the shop first, by the value of the orders."""
    shops = filed.table("merchants").filter(pl.col("firm_id").is_not_null())
    behind = shops.select(seller_id="merchant_id", _firm="firm_id").unique("seller_id")
    rows = filed.table("transactions").filter(
        pl.col("platform_id").is_not_null(), pl.col("seller_id").is_not_null()
    )
    own_shops = behind.filter(filed.ours("_firm")).collect()["seller_id"].to_list()
    near = rows.filter(
        filed.ours("platform_id", "seller_id") | pl.col("seller_id").is_in(own_shops)
    )
    day = pl.col("ts").dt.date()
    named = near.join(behind, on="seller_id", how="left").with_columns(
        _seller=pl.coalesce("_firm", "seller_id")
    )
    summed = named.group_by("_seller", "platform_id", "currency").agg(
        value=_total("net"), since=day.min(), until=day.max()
    )
    return _links(
        summed.filter(pl.col("_seller") != pl.col("platform_id")), "_seller", "platform_id",
        "sells_on", pl.col("value"), "currency", since="since", until="until",
    )  # fmt: skip


def terms(filed: Filed) -> Found:
    """Restrictive clauses, whoever imposes them first, by their number."""
    rows = filed.table("contract_terms").filter(filed.ours("firm_id", "counterparty_id"))
    counted = rows.drop_nulls(["firm_id", "counterparty_id"]).group_by(
        "firm_id", "counterparty_id"
    ).agg(
        n=pl.len(), since=pl.col("from").min(), until=pl.col("to").max(),
        words=pl.col("type").unique().sort().str.join(", "),
    )  # fmt: skip
    return _links(counted, "firm_id", "counterparty_id", "binds", pl.col("n"), "clauses",
                  since="since", until="until", detail="words")  # fmt: skip


def deals(filed: Filed) -> Found:
    """Purchases of firms, the acquirer first."""
    rows = filed.table("merger_notifications").drop_nulls(["acquirer_id", "target_id"])
    mine = rows.filter(filed.ours("acquirer_id", "target_id"))
    return _links(
        mine, "acquirer_id", "target_id", "acquires", pl.lit(1.0), "deals",
        since=pl.coalesce("implemented_on", "signed_on", "notified_on"), detail="deal_id",
    )  # fmt: skip


def shared_officers(filed: Filed) -> Found:
    """Firms with a person in both their organs, by the number of persons (as keyed hashes)."""
    rows = filed.table("officers")
    mine = rows.filter(filed.ours("firm_id")).select("person_hash", a="firm_id").unique()
    others = rows.select("person_hash", b="firm_id").unique()
    return _shared(mine, others, "person_hash", "shared_officers", "persons")


def shared_recipients(filed: Filed) -> Found:
    """Operators whose apps hand data to the same recipients, by the number of recipients."""
    apps = filed.table("apps").drop_nulls("operator_id").select("app_id", "operator_id").unique()
    declared = filed.table("data_declarations").filter(pl.col("declared").fill_null(True))
    given = [t.select("app_id", "recipient") for t in (declared, filed.table("observed_flows"))]
    pairs = pl.concat(given).drop_nulls().unique().join(apps, on="app_id")
    held = pairs.select("recipient", "operator_id").unique()
    mine = held.filter(filed.ours("operator_id")).rename({"operator_id": "a"})
    others = held.rename({"operator_id": "b"})
    return _shared(mine, others, "recipient", "shared_recipients", "recipients", named=True)


KINDS: dict[str, tuple[tuple[str, ...], Callable[[Filed], Found]]] = {
    "owns": (("ownership",), ownership),
    "same_group": (("firms",), groups),
    "acquires": (("merger_notifications",), deals),
    "shared_officers": (("officers",), shared_officers),
    "co_bids": (("bids",), co_bids),
    "subcontracts": (("subcontracts",), subcontracts),
    "sells_to": (("invoices",), invoices),
    "pays": (("fund_flows",), funds),
    "sells_on": (("transactions",), sales_on_platforms),
    "binds": (("contract_terms",), terms),
    "shared_recipients": (("apps",), shared_recipients),
}
"""By kind of link: tables without which there is none, and the function that finds it."""


def links_of(filed: Filed) -> pl.DataFrame:
    """Every link of the organisations, each once (schema `SCHEMA`)."""
    plans = [
        find(filed) for needs, find in KINDS.values() if all(filed.has(table) for table in needs)
    ]
    if not plans:
        return pl.DataFrame(schema=SCHEMA)
    found = pl.concat(pl.collect_all(plans))
    turned = ~pl.col("directed") & (pl.col("a") > pl.col("b"))
    ordered = found.with_columns(
        a=pl.when(turned).then("b").otherwise("a"), b=pl.when(turned).then("a").otherwise("b")
    )
    return ordered.unique().sort("kind", "a", "b", "unit", "since", nulls_last=True)


def _total(column: str) -> pl.Expr:
    """A sum that is null where nothing was filed, to digits that no order of adding moves."""
    value = pl.col(column).cast(pl.Float64)
    return pl.when(value.count() > 0).then(value.sum().round_sig_figs(SIGNIFICANT))


def _shared(
    mine: pl.LazyFrame,
    others: pl.LazyFrame,
    on: str,
    kind: str,
    unit: str,
    *,
    named: bool = False,
) -> Found:
    """Links of those that have something in common; `named` tells the three rarest things."""
    often = others.group_by(on).agg(_often=pl.len())
    pairs = mine.join(others, on=on).filter(pl.col("a") != pl.col("b")).join(often, on=on)
    rarest = pl.col(on).sort_by("_often", on).head(3).str.join(", ")
    words = rarest if named else pl.lit(None, pl.String)
    counted = pairs.group_by("a", "b").agg(n=pl.len(), words=words)
    return _links(counted, "a", "b", kind, pl.col("n"), unit, directed=False, detail="words")


def _links(
    rows: pl.LazyFrame,
    a: str,
    b: str,
    kind: str,
    weight: pl.Expr,
    unit: str,
    *,
    directed: bool = True,
    since: str | pl.Expr | None = None,
    until: str | None = None,
    detail: str | None = None,
) -> Found:
    """Rows in the shape of links; the unit `currency` is that of the row."""
    day = pl.col(since) if isinstance(since, str) else pl.lit(None) if since is None else since
    return rows.select(
        a=pl.col(a),
        b=pl.col(b),
        kind=pl.lit(kind),
        directed=pl.lit(directed),
        weight=weight.cast(pl.Float64),
        unit=pl.col("currency") if unit == "currency" else pl.lit(unit),
        since=day.cast(pl.Date),
        until=(pl.col(until) if until else pl.lit(None)).cast(pl.Date),
        detail=(pl.col(detail) if detail else pl.lit(None)).cast(pl.String),
    )
