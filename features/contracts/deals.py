"""Mergers: notifications and the parties to a deal."""

from __future__ import annotations

import dataframely as dy
import polars as pl

from features.contracts import columns as c
from features.contracts.table import Caution, RowCheck, TableContract


class MergerNotifications(dy.Schema):
    """One row per deal."""

    deal_id = c.ident("Deal", required=True)
    signed_on = c.day("Signing")
    implemented_on = c.day("Implementation")
    notified_on = c.day("Notification to the authority")
    cleared_on = c.day("Clearance")
    jurisdiction = c.text("Jurisdiction", unit="code")
    deal_value = c.money("Value of the deal")
    currency = c.currency("Currency of the deal value, ISO 4217")
    acquirer_id = c.ident("Acquiring firm, where the parties do not say it")
    target_id = c.ident("Target firm")
    control_pct = c.percent("Share of the target that is acquired")
    overlap_similarity = c.share("Similarity of the parties' products, cosine of word vectors")
    discontinued_on = c.day("Day the target's product went inactive")
    overlap_market_ids = c.listing("Markets where the parties overlap")
    source = c.source()

    @dy.rule()
    def cleared_before_notified(cls) -> pl.Expr:  # noqa: N805
        """No clearance before the notification."""
        return pl.col("cleared_on") >= pl.col("notified_on")

    @dy.rule()
    def implemented_before_signed(cls) -> pl.Expr:  # noqa: N805
        """No implementation before signing."""
        return pl.col("implemented_on") >= pl.col("signed_on")


class DealParties(dy.Schema):
    """One row per party to a deal."""

    deal_id = c.ident("Deal", required=True)
    party_id = c.ident("Party (firm)", required=True)
    role = c.text("Role of the party")
    turnover_world = c.money("World turnover of the year `fy`")
    turnover_domestic = c.money("Domestic turnover of the year `fy`")
    turnover_eu = c.money("Turnover in the European Union of the year `fy`")
    active_users = c.whole("Users of the party's product at signing", "persons")
    users_year_before = c.whole("The same a year before", "persons")
    assets = c.money("Assets")
    currency = c.currency()
    fy = c.whole("Financial year of the figures", "year", minimum=1800)
    source = c.source()


MERGER_NOTIFICATIONS = TableContract(
    "merger_notifications",
    "Merger notifications",
    MergerNotifications,
    ("deal_id",),
    ("signed_on", "notified_on", "implemented_on", "cleared_on"),
    checks={
        "cleared_before_notified": RowCheck(
            ("cleared_on", "notified_on"),
            "`cleared_on` is before `notified_on`; a deal cannot be cleared before it is notified",
        ),
        "implemented_before_signed": RowCheck(
            ("implemented_on", "signed_on"),
            "`implemented_on` is before `signed_on`; a deal cannot be done before it is signed",
        ),
    },
    cautions=(
        Caution(
            "notified_before_signed",
            pl.col("notified_on") < pl.col("signed_on"),
            "notified before signing; possible on a letter of intent, kept as filed",
        ),
    ),
)
DEAL_PARTIES = TableContract(
    "deal_parties", "Parties to deals", DealParties, ("deal_id", "party_id")
)
