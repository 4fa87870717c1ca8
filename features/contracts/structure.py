"""Who is in a market: firms, ownership, markets, market positions."""

from __future__ import annotations

import dataframely as dy
import polars as pl

from features.contracts import columns as c
from features.contracts.table import RowCheck, TableContract, earlier

METRICS = ("turnover", "units", "active_users", "business_users", "time_spent", "visits")


class Firms(dy.Schema):
    """One row per firm; a later filing of the same firm is a correction."""

    firm_id = c.ident("Firm", required=True)
    name = c.text("Name as filed")
    name_zh = c.text("Name in Chinese as filed")
    group_id = c.ident("Economic group; firm-level screens aggregate to it")
    country = c.text("Country of seat", unit="ISO 3166 code")
    sector = c.text("Sector")
    size_class = c.text("Size class as filed")
    turnover_world = c.money("World turnover of `year`")
    turnover_domestic = c.money("Domestic turnover of `year`")
    currency = c.currency("Currency of the turnovers, ISO 4217")
    year = c.whole("Year of the turnovers", "year", minimum=1800)
    is_ciio = c.flag("Operator of critical information infrastructure")
    is_gatekeeper = c.flag("Designated as a gatekeeper or very large platform")
    jurisdiction = c.text("Jurisdiction whose rules apply first", unit="code")
    market_cap = c.money("Average market capitalisation of `year`")
    member_states = c.whole("Member States in which the service is offered", "states")
    active_users = c.whole("Monthly active users", "persons")
    registered_users = c.whole("Registered users", "persons")
    address_hash = c.person("Registered address, to find firms that share one")
    source = c.source()


class FirmYears(dy.Schema):
    """Yearly figures of a firm, for tests that look at several years."""

    firm_id = c.ident("Firm", required=True)
    year = c.whole("Financial year", "year", minimum=1800, required=True)
    service_id = c.ident("Service the user figures are about, where a firm has several")
    turnover_world = c.money("World turnover")
    turnover_domestic = c.money("Domestic turnover")
    turnover_eu = c.money("Turnover in the European Union")
    market_cap = c.money("Average market capitalisation")
    assets = c.money("Total assets")
    capital = c.money("Capital, surplus and undivided profits")
    currency = c.currency()
    member_states = c.whole("Member States in which the service is offered", "states")
    active_users = c.whole("Monthly active users", "persons")
    business_users = c.whole("Yearly active business users", "firms")
    source = c.source()


class Ownership(dy.Schema):
    """Who owns how much of whom, from when to when."""

    owner_id = c.ident("Owning firm", required=True)
    owned_id = c.ident("Owned firm", required=True)
    pct = c.percent("Share of the capital")
    from_ = c.day("First day", alias="from")
    to = c.day("Last day, empty while it lasts")
    source = c.source()

    @dy.rule()
    def from_after_to(cls) -> pl.Expr:  # noqa: N805
        """Ownership cannot end before it began."""
        return pl.col("from") <= pl.col("to")


class Officers(dy.Schema):
    """Who serves in which organ of a firm, from when to when."""

    firm_id = c.ident("Firm", required=True)
    person_hash = c.person("Officer", required=True)
    role = c.text("Role, for example director, supervisor, legal representative")
    from_ = c.day("First day", alias="from")
    to = c.day("Last day, empty while it lasts")
    source = c.source()

    to_before_from = c.at_most("from", "to")


class Markets(dy.Schema):
    """Delineated relevant markets."""

    market_id = c.ident("Market", required=True)
    version = c.text("Version of the delineation")
    product = c.text("Product dimension")
    geography = c.text("Geographic dimension")
    method = c.text("How the market was delineated")
    valid_from = c.day("First day")
    valid_to = c.day("Last day, empty while it holds")
    source = c.source()

    @dy.rule()
    def valid_from_after_to(cls) -> pl.Expr:  # noqa: N805
        """A delineation cannot end before it began."""
        return pl.col("valid_from") <= pl.col("valid_to")


class MarketPositions(dy.Schema):
    """Size of a firm in a market by one metric."""

    market_id = c.ident("Market", required=True)
    firm_id = c.ident("Firm", required=True)
    period = c.period()
    metric = c.word("What was measured", METRICS)
    value = c.quantity("Size in the metric's own unit", "metric's unit")
    share = c.share("Share of the market")
    currency = c.currency("Currency where the metric is turnover, ISO 4217")
    filed_on = c.day("Day of the filing")
    source = c.source()

    @dy.rule()
    def value_or_share(cls) -> pl.Expr:  # noqa: N805
        """A position says at least how much or which share."""
        return pl.col("value").is_not_null() | pl.col("share").is_not_null()


FIRMS = TableContract("firms", "Firms", Firms, ("firm_id",))
FIRM_YEARS = TableContract(
    "firm_years", "Yearly figures of firms", FirmYears, ("firm_id", "year", "service_id")
)
OWNERSHIP = TableContract(
    "ownership",
    "Ownership",
    Ownership,
    ("owner_id", "owned_id", "from"),
    ("from",),
    checks={
        "from_after_to": RowCheck(
            ("to", "from"), "`to` is earlier than `from`; ownership cannot end before it began"
        )
    },
)
OFFICERS = TableContract(
    "officers",
    "Officers",
    Officers,
    ("firm_id", "person_hash", "role", "from"),
    ("from",),
    checks={"to_before_from": earlier("to", "from", "an office cannot end before it began")},
)
MARKETS = TableContract(
    "markets",
    "Relevant markets",
    Markets,
    ("market_id", "version"),
    ("valid_from",),
    checks={
        "valid_from_after_to": RowCheck(
            ("valid_to", "valid_from"),
            "`valid_to` is earlier than `valid_from`; a delineation cannot end before it began",
        )
    },
)
MARKET_POSITIONS = TableContract(
    "market_positions",
    "Market positions",
    MarketPositions,
    ("market_id", "firm_id", "period", "metric"),
    ("period",),
    checks={
        "value_or_share": RowCheck(
            ("value", "share"), "`value` and `share` are both empty; at least one is needed"
        )
    },
)
