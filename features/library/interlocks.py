"""Shared directors and owners among rivals (MON-INTERLOCK)."""

from __future__ import annotations

from datetime import date

import narwhals as nw

from features.catalogue import base, feature, measure, view
from features.library.groups import with_group
from features.operators import Lazy, pair_key, year_end, year_start
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
    attributes=("firm_a", "firm_b", "n_markets"),
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
    return _keyed(shared.join(markets, on=list(_PAIR), how="inner"))


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
