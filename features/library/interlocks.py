"""Shared directors and owners among rivals (MON-INTERLOCK)."""

from __future__ import annotations

from datetime import date

import narwhals as nw

from features.catalogue import Measure, base, feature, measure, view
from features.jurisdictions import union_wide
from features.library.deal_figures import in_currency
from features.library.groups import with_group
from features.operators import Lazy, pair_key, year_end, year_start
from features.parameters.competition import limit_on
from features.tables import Tables, settled
from features.vocabulary import Direction, Reason

_TYPOLOGY = "MON-INTERLOCK"
_PAIR = ("firm_a", "firm_b", "period_start")
_EVER, _STILL = date(1800, 1, 1), date(9999, 12, 31)


@view("yearly_shares")
def yearly_shares(t: Tables) -> Lazy:
    """Groups' last filed share of a market in each calendar year: `year`, `firm`, `pct`."""
    rows = t.view("market_shares").with_columns(year_start(nw.col("period_start")).alias("year"))
    last = nw.col("period_end") == nw.col("period_end").max().over("market_id", "year")
    rows = rows.filter(last)
    first = nw.col("period_start") == nw.col("period_start").min().over("market_id", "year")
    return rows.filter(first).select("market_id", "year", "firm", "pct")


def _in_year(rows: Lazy, years: Lazy) -> Lazy:
    """Repeat dated rows for every year they touch, as `period_start`."""
    begun = nw.col("from").fill_null(nw.lit(_EVER))
    ended = nw.col("to").fill_null(nw.lit(_STILL))
    return (
        rows.with_columns(begun.alias("_from"), ended.alias("_to"))
        .join(years, how="cross")
        .filter(
            (nw.col("_from") <= year_end(nw.col("period_start")))
            & (nw.col("_to") >= nw.col("period_start"))
        )
    )


def _years(t: Tables) -> Lazy:
    return t.view("yearly_shares").select(nw.col("year").alias("period_start")).unique()


def _rival_markets(t: Tables, pairs: Lazy) -> Lazy:
    """Markets in which both groups of a pair are active in the year, with both shares."""
    held = t.view("yearly_shares").rename({"year": "period_start"})
    one = held.rename({"firm": "firm_a", "pct": "pct_a"})
    two = held.rename({"firm": "firm_b", "pct": "pct_b"})
    joined = pairs.join(one, on=["firm_a", "period_start"], how="inner")
    return joined.join(two, on=["firm_b", "period_start", "market_id"], how="inner")


def _keyed(rows: Lazy) -> Lazy:
    return rows.with_columns(
        pair_key(nw.col("firm_a"), nw.col("firm_b")).alias("subject_key"),
        year_end(nw.col("period_start")).alias("period_end"),
    )


@base(
    name="shared_officers",
    grain="pair_y",
    tables=("officers", "market_positions"),
    attributes=("firm_a", "firm_b", "n_markets", "jurisdiction"),
)
def shared_officers(t: Tables) -> Lazy:
    """One row per pair of rival groups and year with a person in the organs of both at once."""
    served = with_group(t, t["officers"], "firm_id", "firm").select(
        "person_hash", "firm", "from", "to"
    )  # fmt: skip
    terms = _in_year(served, _years(t)).select(
        "person_hash", "firm", "period_start", "_from", "_to"
    )
    one = terms.rename({"firm": "firm_a", "_from": "_from_a", "_to": "_to_a"})
    two = terms.rename({"firm": "firm_b", "_from": "_from_b", "_to": "_to_b"})
    together = (
        one.join(two, on=["person_hash", "period_start"], how="inner")
        .filter(nw.col("firm_a") < nw.col("firm_b"))
        .filter(nw.col("_from_a") <= nw.col("_to_b"), nw.col("_from_b") <= nw.col("_to_a"))
    )
    shared = together.group_by(*_PAIR).agg(
        nw.col("person_hash").n_unique().cast(nw.Int64).alias("n_persons")
    )
    markets = _rival_markets(t, shared.select(*_PAIR)).group_by(*_PAIR).agg(
        nw.col("market_id").n_unique().cast(nw.Int64).alias("n_markets")
    )  # fmt: skip
    rows = _with_figures(t, shared.join(markets, on=list(_PAIR), how="inner"))
    return _keyed(_with_place(t, rows))


def _with_place(t: Tables, pairs: Lazy) -> Lazy:
    """Add `jurisdiction`: where all filed seats of both groups are one place, that place."""
    firms = t.get("firms")
    if firms is None:
        return pairs.with_columns(nw.lit(None, dtype=nw.String).alias("jurisdiction"))
    seated = with_group(t, firms.filter(~nw.col("jurisdiction").is_null()), "firm_id", "firm")
    place = union_wide(nw.col("jurisdiction"))
    known = seated.with_columns(place.alias("_seat")).group_by("firm").agg(
        nw.col("_seat").min().alias("_low"), nw.col("_seat").max().alias("_high")
    )  # fmt: skip
    for side in ("a", "b"):
        mine = known.select(
            nw.col("firm").alias(f"firm_{side}"),
            nw.when(nw.col("_low") == nw.col("_high")).then(nw.col("_low")).alias(f"_seat_{side}"),
        )
        pairs = pairs.join(mine, on=f"firm_{side}", how="left")
    same = nw.col("_seat_a") == nw.col("_seat_b")
    return pairs.with_columns(nw.when(same).then(nw.col("_seat_a")).alias("jurisdiction"))


def _with_figures(t: Tables, pairs: Lazy) -> Lazy:
    """Add what the US test compares: `sales` and `capital`, of each pair the smaller side's.

    Sales are turnover in a market both are active in, the largest of their markets; only yearly
    figures in dollars (or without a currency) count.
    """
    sold = t["market_positions"].filter(
        nw.col("metric") == "turnover", nw.col("period").str.len_chars() == 4,
        ~nw.col("value").is_null(), in_currency("USD", "currency"),
    )  # fmt: skip
    sold = settled(with_group(t, sold, "firm_id", "firm"), "market_id", "period", "firm", "value")
    sales = sold.group_by("market_id", "period", "firm").agg(nw.col("value").sum().alias("sales"))
    years = pairs.with_columns(nw.col("period_start").dt.year().alias("year"))
    years = years.with_columns(nw.col("year").cast(nw.String).alias("period"))
    joined = years.select(*_PAIR, "period")
    for side, on in (("a", ["period"]), ("b", ["period", "market_id"])):
        mine = sales.rename({"firm": f"firm_{side}", "sales": f"sales_{side}"})
        joined = joined.join(mine, on=[f"firm_{side}", *on], how="inner")
    least = joined.with_columns(nw.min_horizontal("sales_a", "sales_b").alias("sales"))
    rows = years.join(least.group_by(*_PAIR).agg(nw.col("sales").max()), on=list(_PAIR), how="left")
    filed = t.get("firm_years")
    if filed is None:
        return rows.with_columns(nw.lit(None, dtype=nw.Float64).alias("capital"))
    worth = with_group(t, filed.filter(in_currency("USD", "currency")), "firm_id", "firm")
    worth = worth.group_by("firm", "year").agg(nw.col("capital").max())
    for side in ("a", "b"):
        mine = worth.select(
            nw.col("firm").alias(f"firm_{side}"),
            nw.col("year").cast(nw.String).alias("period"),
            nw.col("capital").alias(f"capital_{side}"),
        )
        rows = rows.join(mine, on=[f"firm_{side}", "period"], how="left")
    gap = nw.col("capital_a").is_null() | nw.col("capital_b").is_null()
    smaller = nw.min_horizontal("capital_a", "capital_b")
    return rows.with_columns(nw.when(~gap).then(smaller).alias("capital"))


@base(
    name="shared_owners",
    grain="pair_y",
    tables=("ownership", "market_positions"),
    attributes=("firm_a", "firm_b", "n_markets"),
)
def shared_owners(t: Tables) -> Lazy:
    """One row per pair of rival groups and year with an owner of both outside either group."""
    stakes = with_group(t, t["ownership"].filter(nw.col("pct") > 0), "owned_id", "firm")
    stakes = with_group(t, stakes, "owner_id", "owner").filter(nw.col("owner") != nw.col("firm"))
    held = (
        _in_year(stakes.select("owner", "firm", "pct", "from", "to"), _years(t))
        .group_by("owner", "firm", "period_start")
        .agg(nw.col("pct").max())
    )
    held = settled(held, "firm", "period_start", "owner")
    own = (
        held.with_columns((nw.col("pct") * nw.col("pct")).alias("_square"))
        .group_by("firm", "period_start")
        .agg(nw.col("_square").sum())
    )
    one = held.rename({"firm": "firm_a", "pct": "own_a"})
    two = held.rename({"firm": "firm_b", "pct": "own_b"})
    common = (
        one.join(two, on=["owner", "period_start"], how="inner")
        .filter(nw.col("firm_a") < nw.col("firm_b"))
        .with_columns(
            nw.min_horizontal("own_a", "own_b").alias("_least"),
            (nw.col("own_a") * nw.col("own_b")).alias("_product"),
        )
    )
    common = (
        settled(common, *_PAIR, "owner")
        .group_by(*_PAIR)
        .agg(
            nw.col("_least").sum().alias("overlap"),
            nw.col("_product").sum().alias("product"),
            nw.len().cast(nw.Int64).alias("n_owners"),
        )
    )
    for side in ("a", "b"):
        mine = own.rename({"firm": f"firm_{side}", "_square": f"square_{side}"})
        common = common.join(mine, on=[f"firm_{side}", "period_start"], how="left")
    weight = nw.col("product") / nw.col("square_a") + nw.col("product") / nw.col("square_b")
    delta = nw.col("pct_a") * nw.col("pct_b") * weight
    rows = _rival_markets(t, common).with_columns(delta.alias("_delta")).group_by(*_PAIR).agg(
        nw.col("overlap").max(),
        nw.col("_delta").max().alias("delta"),
        nw.col("n_owners").max(),
        nw.col("market_id").n_unique().cast(nw.Int64).alias("n_markets"),
    )  # fmt: skip
    return _keyed(rows)


def _add(
    name: str, base_name: str, value: str, unit: str, title: tuple[str, str], source: str,
    doc: str, *checks: tuple[nw.Expr, Reason], inputs: tuple[str, ...], n: str,
    direction: Direction = "high",
) -> None:  # fmt: skip
    feature(
        name=name, typology=_TYPOLOGY, base=base_name, inputs=inputs, unit=unit,
        direction=direction, n=n, source=source,
        title={"en": title[0], "zh": title[1]}, doc=doc,
    )(lambda: measure(nw.col(value), *checks))  # fmt: skip


_OFFICERS = ("officers.firm_id", "officers.person_hash", "officers.from", "officers.to",
             "market_positions.market_id")  # fmt: skip
_SALES = ("officers.firm_id", "officers.person_hash", "market_positions.value",
          "market_positions.currency", "market_positions.period")  # fmt: skip
_OWNERS = ("ownership.owner_id", "ownership.owned_id", "ownership.pct", "market_positions.share")

_add(
    "interlock_count", "shared_officers", "n_persons", "persons",
    ("persons serving both rivals", "共同任职人数"), "Clayton Act s. 8, 15 USC 19",
    """Persons who served in organs of both groups at the same time in the year.

    Only groups active in one market are compared; persons are matched by keyed hash, not name.""",
    inputs=_OFFICERS, n="n_persons",
)  # fmt: skip
_add(
    "common_owner_overlap", "shared_owners", "overlap", "percentage points",
    ("ownership common to both rivals", "共同持股重合度"), "O'Brien and Salop 2000; catalogue 3.A",
    """Sum over owners outside both groups of the smaller of their two stakes, in per cent.""",
    inputs=_OWNERS, n="n_owners",
)  # fmt: skip
_add(
    "mhhi_delta", "shared_owners", "delta", "points",
    ("concentration added by common owners", "共同持股增加的集中度"), "O'Brien and Salop 2000",
    """The pair's part of the modified HHI: s_a s_b (P / Q_a + P / Q_b), the largest of its markets.

    P sums the products of common owners' stakes in both, Q_i the squares of all known owners'
    stakes in i: control is taken to be in proportion to capital.""",
    (nw.col("delta").is_null(), Reason.MISSING_INPUT), inputs=_OWNERS, n="n_owners",
)  # fmt: skip
_add(
    "interlock_sales", "shared_officers", "sales", "USD",
    ("rivals' smaller sales in a common market", "共同市场中较小一方的销售额"),
    "Clayton Act s. 8, 15 USC 19",
    """Turnover of the year in a market both are active in, of the smaller one; the largest market.

    Yearly positions by turnover, in dollars or without a filed currency.""",
    (nw.col("sales").is_null(), Reason.MISSING_INPUT), inputs=_SALES, n="n_markets",
    direction="none",
)  # fmt: skip


@feature(
    name="interlock_above_limits", typology=_TYPOLOGY, base="shared_officers", kind="bool",
    inputs=(*_SALES, "firm_years.capital", "firm_years.currency"), unit="yes/no",
    direction="high", n="n_persons", source="Clayton Act s. 8, 15 USC 19; notice for 2026",
    title={"en": "interlock above the US limits", "zh": "交叉任职达到美国法定门槛"},
)  # fmt: skip
def interlock_above_limits() -> Measure:
    """1 when both rivals' capital and competitive sales exceed the limits of the year, else 0.

    2026: capital, surplus and undivided profits above USD 54 402 000, `interlock_sales` above
    5 440 200. Years without a verified limit: `not_applicable`. A figure not filed decides
    nothing unless the other is too small already.
    """
    end = year_end(nw.col("period_start"))
    rich = nw.col("capital") > limit_on("US", "interlock", "capital", end)
    sells = nw.col("sales") > limit_on("US", "interlock", "sales", end)
    small = (~rich).fill_null(value=False) | (~sells).fill_null(value=False)
    gap = nw.col("capital").is_null() | nw.col("sales").is_null()
    return measure(
        nw.when(small).then(nw.lit(0.0)).otherwise(nw.lit(1.0)),
        (limit_on("US", "interlock", "sales", end).is_null(), Reason.NOT_APPLICABLE),
        (gap & ~small, Reason.MISSING_INPUT),
    )
