"""Rivals that price with one tool (MON-ALGO-COMMON)."""

from __future__ import annotations

from datetime import date

import narwhals as nw

from features.catalogue import base, feature, measure, view
from features.library.groups import with_group
from features.library.price_days import STEP
from features.operators import Lazy, quarter_end, quarter_start, seconds_between
from features.tables import Tables, settled
from features.vocabulary import Direction, Reason

_TYPOLOGY = "MON-ALGO-COMMON"
_TOOLS = ("pricing_vendors.firm_id", "pricing_vendors.vendor", "pricing_vendors.from",
          "pricing_vendors.to", "market_positions.share")  # fmt: skip
_SOURCE = "Assad, Clark, Ershov and Xu 2024; Calvano et al. 2020"
_CELL = ("market_id", "period_start", "period_end")
_EVER, _STILL, _WEEK = date(1800, 1, 1), date(9999, 12, 31), 168.0


@view("tool_quarters")
def tool_quarters(t: Tables) -> Lazy:
    """One row per market, quarter and group with a tool: `vendor`, `pct` (share), `begun`.

    Quarters are those of the filed market positions; a yearly position counts for its four.
    """
    spans = [
        t.view("market_shares")
        .filter(nw.col("known"))
        .with_columns(nw.col("period_start").dt.offset_by(f"{3 * k}mo").alias("_day"))
        .filter(nw.col("_day") <= nw.col("period_end"))
        .select("market_id", "firm", "pct", quarter_start(nw.col("_day")).alias("period_start"),
                nw.col("period_end").alias("_filed"))
        for k in range(4)
    ]  # fmt: skip
    shares = nw.concat(spans, how="vertical")
    cell = ("market_id", "firm", "period_start")
    shares = shares.filter(nw.col("_filed") == nw.col("_filed").max().over(*cell))
    shares = shares.group_by(*cell).agg(nw.col("pct").max())
    tools = with_group(t, t["pricing_vendors"], "firm_id", "firm").select(
        "market_id", "firm", "vendor", "recommendations", "adopted_unchanged",
        nw.col("from").fill_null(nw.lit(_EVER)).alias("begun"),
        nw.col("to").fill_null(nw.lit(_STILL)).alias("_to"),
        nw.col("uses_rival_data").fill_null(value=False).cast(nw.Int64).alias("rival_data"),
    )  # fmt: skip
    joined = shares.join(tools, on=["market_id", "firm"], how="inner").with_columns(
        quarter_end(nw.col("period_start")).alias("period_end")
    )
    return joined.filter(
        nw.col("begun") <= nw.col("period_end"), nw.col("_to") >= nw.col("period_start")
    )


@base(
    name="pricing_tools", grain="market_q", tables=("pricing_vendors", "market_positions"),
    attributes=("market_id", "vendor", "n_adopters", "uses_rival_data"),
)  # fmt: skip
def pricing_tools(t: Tables) -> Lazy:
    """One row per market and quarter with tools in use: the tool with the largest joint share."""
    rows = t.view("tool_quarters")
    each = rows.group_by(*_CELL, "vendor", "firm").agg(
        nw.col("pct").max(), nw.col("rival_data").max()
    )
    vendors = (
        settled(each, *_CELL, "vendor", "firm")
        .group_by(*_CELL, "vendor")
        .agg(
            nw.col("pct").sum().alias("joint"),
            nw.len().cast(nw.Int64).alias("n_adopters"),
            nw.col("rival_data").max(),
        )
    )
    top = vendors.filter(nw.col("joint") == nw.col("joint").max().over(*_CELL))
    top = top.filter(nw.col("vendor") == nw.col("vendor").min().over(*_CELL))
    told = (~nw.col("recommendations").is_null()) & (~nw.col("adopted_unchanged").is_null())
    advice = rows.filter(told).group_by(*_CELL).agg(
        nw.col("recommendations").sum(), nw.col("adopted_unchanged").sum()
    )  # fmt: skip
    return top.join(advice, on=list(_CELL), how="left").with_columns(
        nw.col("market_id").alias("subject_key"),
        (nw.col("rival_data") > 0).alias("uses_rival_data"),
    )


@base(
    name="pricing_tool_margins", grain="market_q", tables=("pricing_vendors", "costs"),
    attributes=("market_id", "n_adopters", "n_controls", "pre_months", "first_adoption"),
)  # fmt: skip
def pricing_tool_margins(t: Tables) -> Lazy:
    """One row per market and quarter after a tool's first use: margins before and after.

    Margin: own retail price minus the unit cost, by firm and month, the mean over products. A
    group adopts on its first use of any tool; groups of the market without any are controls.
    """
    margins = _margins(t)
    tools = with_group(t, t["pricing_vendors"], "firm_id", "firm").filter(~nw.col("from").is_null())
    adopters = tools.group_by("market_id", "firm").agg(nw.col("from").min().alias("begun"))
    firsts = adopters.group_by("market_id").agg(nw.col("begun").min().alias("first_adoption"))
    rows = margins.join(firsts, on="market_id", how="inner").join(
        adopters, on=["market_id", "firm"], how="left"
    )
    quarters = rows.select("market_id", "first_adoption", "period_start").unique()
    quarters = quarters.with_columns(quarter_end(nw.col("period_start")).alias("period_end"))
    quarters = quarters.filter(nw.col("period_end") >= nw.col("first_adoption"))
    known = quarters.select(*_CELL).join(
        rows.drop("period_start"), on="market_id", how="inner"
    ).filter(nw.col("month") <= nw.col("period_end"))  # fmt: skip
    after = nw.col("month") >= nw.col("first_adoption")
    sides = known.with_columns(
        nw.when(after).then(nw.col("margin")).alias("_post"),
        nw.when(~after).then(nw.col("margin")).alias("_pre"),
        (nw.col("begun") <= nw.col("period_end")).fill_null(value=False).alias("adopter"),
    )
    sides = settled(sides, *_CELL, "firm", "month")
    firms = sides.group_by(*_CELL, "firm", "first_adoption").agg(
        nw.col("_post").mean(), nw.col("_pre").mean(),
        nw.col("_pre").count().cast(nw.Int64).alias("_months"),
        nw.col("adopter").cast(nw.Int64).max(),
    ).filter(~nw.col("_post").is_null(), ~nw.col("_pre").is_null())  # fmt: skip
    return _did(firms.with_columns((nw.col("_post") - nw.col("_pre")).alias("change")))


def _margins(t: Tables) -> Lazy:
    """Mean margin by market, group and month, with its quarter as `period_start`."""
    month = nw.concat_str([nw.col("month").str.slice(0, 7), nw.lit("-01")])
    margin = nw.col("retail_price") - nw.coalesce("unit_cost", "avc", "wholesale_price")
    filed = t["costs"].filter(
        nw.col("month").str.len_chars() >= 7, ~nw.col("month").str.contains("Q"),
        ~nw.col("market_id").is_null(),
    )  # fmt: skip
    filed = filed.with_columns(
        margin.alias("margin"), month.str.to_date("%Y-%m-%d").alias("month")
    ).filter(~nw.col("margin").is_null())
    grouped = with_group(t, filed, "firm_id", "firm")
    grouped = settled(grouped, "market_id", "firm", "month", "margin")
    rows = grouped.group_by("market_id", "firm", "month").agg(nw.col("margin").mean())
    return rows.with_columns(quarter_start(nw.col("month")).alias("period_start"))


def _did(firms: Lazy) -> Lazy:
    """Mean change of adopters minus that of controls, and its t with errors clustered by group."""
    adopter = nw.col("adopter") == 1
    sides = firms.with_columns(
        nw.when(adopter).then(nw.col("change")).alias("_treated"),
        nw.when(~adopter).then(nw.col("change")).alias("_control"),
    )
    found = settled(sides, *_CELL, "firm").group_by(*_CELL, "first_adoption").agg(
        nw.col("_treated").mean().alias("treated"), nw.col("_control").mean().alias("control"),
        nw.col("_treated").var(ddof=1).alias("_var_treated"),
        nw.col("_control").var(ddof=1).alias("_var_control"),
        nw.col("_treated").count().cast(nw.Int64).alias("n_adopters"),
        nw.col("_control").count().cast(nw.Int64).alias("n_controls"),
        nw.col("_months").min().alias("pre_months"),
    )  # fmt: skip
    variance = nw.col("_var_treated") / nw.col("n_adopters")
    variance = variance + nw.col("_var_control") / nw.col("n_controls")
    did = nw.col("treated") - nw.col("control")
    return found.with_columns(
        did.alias("did"),
        variance.alias("variance"),
        (nw.col("n_adopters") + nw.col("n_controls")).alias("n_firms"),
        nw.col("market_id").alias("subject_key"),
    )


@base(
    name="pricing_tool_reactions", grain="market_q",
    tables=("pricing_vendors", "listing_prices", "products"),
    attributes=("market_id", "n_reactions"),
)  # fmt: skip
def pricing_tool_reactions(t: Tables) -> Lazy:
    """One row per market and quarter: how soon users of a tool answered a rival's price change.

    An answer is a price change of a user whose last change before it, of the same product by
    anyone, was a rival's and at most a week earlier.
    """
    sold = t["products"].filter(~nw.col("market_id").is_null()).select("sku_id", "market_id")
    filed = with_group(t, t["listing_prices"], "seller_id", "firm").filter(
        nw.col("in_stock").fill_null(value=True)
    )
    price = nw.coalesce("net_price", "list_price") + nw.col("shipping").fill_null(0.0)
    seen = (
        filed.with_columns(price.alias("price"))
        .filter(nw.col("price") > 0)
        .join(sold.unique(), on="sku_id", how="inner")
        .group_by("market_id", "sku_id", "firm", "ts")
        .agg(nw.col("price").min())
    )
    before = nw.col("price").shift(1).over("market_id", "sku_id", "firm", order_by="ts")
    moved = (nw.col("price") - nw.col("_before")).abs() > STEP * nw.col("_before")
    moves = seen.with_columns(before.alias("_before")).filter(moved)
    cell = ("market_id", "sku_id")
    moves = moves.with_columns(
        nw.col("firm").shift(1).over(*cell, order_by=("ts", "firm")).alias("_rival"),
        nw.col("ts").shift(1).over(*cell, order_by=("ts", "firm")).alias("_then"),
    )
    hours = seconds_between(nw.col("_then"), nw.col("ts")) / 3600
    answers = moves.with_columns(
        hours.alias("hours"), quarter_start(nw.col("ts").cast(nw.Date)).alias("period_start")
    ).filter(nw.col("firm") != nw.col("_rival"), nw.col("hours") > 0, nw.col("hours") <= _WEEK)
    users = with_group(t, t["pricing_vendors"], "firm_id", "firm").select(
        "market_id", "firm", nw.col("from").fill_null(nw.lit(_EVER)).alias("_from"),
        nw.col("to").fill_null(nw.lit(_STILL)).alias("_to"),
    )  # fmt: skip
    day = nw.col("ts").cast(nw.Date)
    used = answers.join(users, on=["market_id", "firm"], how="inner").filter(
        day >= nw.col("_from"), day <= nw.col("_to")
    )
    found = used.group_by("market_id", "sku_id", "firm", "ts", "period_start").agg(
        nw.col("hours").min()
    )  # fmt: skip
    return found.group_by("market_id", "period_start").agg(
        nw.col("hours").median(), nw.len().cast(nw.Int64).alias("n_reactions")
    ).with_columns(
        nw.col("market_id").alias("subject_key"),
        quarter_end(nw.col("period_start")).alias("period_end"),
    )  # fmt: skip


def _add(
    name: str, base_name: str, value: nw.Expr, direction: Direction, unit: str,
    title: tuple[str, str], doc: str, *checks: tuple[nw.Expr, Reason], n: str, min_n: int,
    inputs: tuple[str, ...],
) -> None:  # fmt: skip
    feature(
        name=name, typology=_TYPOLOGY, base=base_name, inputs=inputs, unit=unit,
        direction=direction, min_n=min_n, n=n, source=_SOURCE,
        title={"en": title[0], "zh": title[1]}, doc=doc,
    )(lambda: measure(value, *checks))  # fmt: skip


_MARGIN = ("pricing_vendors.from", "costs.retail_price", "costs.unit_cost", "costs.market_id",
           "costs.month")  # fmt: skip
_UNFIT = (
    ((nw.col("n_adopters") < 1) | (nw.col("n_controls") < 1), Reason.TOO_FEW),
    (nw.col("pre_months") < 4, Reason.TOO_FEW),
)
_add(
    "algo_vendor_share", "pricing_tools", nw.col("joint") / 100, "high", "share",
    ("market share priced with one tool", "使用同一定价工具的市场份额"),
    """Joint share of the groups that use the same pricing tool, the largest of all tools.

    The attribute `uses_rival_data` says whether a user declared that it reads rivals' data.""",
    n="n_adopters", min_n=2, inputs=_TOOLS,
)  # fmt: skip
_add(
    "algo_acceptance", "pricing_tools",
    nw.col("adopted_unchanged") / nw.col("recommendations"), "high", "share",
    ("recommended prices taken over unchanged", "原样采纳推荐价格的比例"),
    """Prices taken over unchanged over prices the tools recommended, all users of the market.""",
    (nw.col("recommendations").is_null(), Reason.MISSING_INPUT),
    (nw.col("recommendations") <= 0, Reason.ZERO_DENOMINATOR), n="n_adopters", min_n=1,
    inputs=("pricing_vendors.recommendations", "pricing_vendors.adopted_unchanged"),
)  # fmt: skip
_add(
    "algo_margin_did", "pricing_tool_margins", nw.col("did"), "high", "money per unit",
    ("rise of users' margins over others'", "使用者毛利相对变化"),
    """Change of users' mean margin since the market's first use of a tool, minus others' change.

    Needs a user, a control and four months before; the trends before are not compared here.""",
    *_UNFIT, n="n_firms", min_n=4, inputs=_MARGIN,
)  # fmt: skip
_add(
    "algo_margin_t", "pricing_tool_margins", nw.col("did") / nw.col("variance").sqrt(), "high",
    "t", ("strength of the rise of users' margins", "毛利相对变化的显著性"),
    """`algo_margin_did` over its standard error, every group one observation (Welch).

    Needs two users and two controls.""",
    *_UNFIT, ((nw.col("n_adopters") < 2) | (nw.col("n_controls") < 2), Reason.TOO_FEW),
    (nw.col("variance") <= 1e-18, Reason.CONSTANT), n="n_firms", min_n=4, inputs=_MARGIN,
)  # fmt: skip
_add(
    "algo_reaction_h", "pricing_tool_reactions", nw.col("hours"), "low", "hours",
    ("time users take to answer a rival's price", "对竞争者调价的反应时间"),
    """Median hours between a rival's price change and the user's own next change.""",
    n="n_reactions", min_n=20,
    inputs=("listing_prices.ts", "listing_prices.net_price", "products.market_id",
            "pricing_vendors.firm_id"),
)  # fmt: skip
