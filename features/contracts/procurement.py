"""Public purchasing: tenders and the bids for them."""

from __future__ import annotations

import dataframely as dy
import polars as pl

from features.contracts import columns as c
from features.contracts.table import Caution, RowCheck, TableContract, earlier

AWARD_RULES = ("lowest", "average", "best_value")
BID_STATUS = ("valid", "disqualified", "withdrawn")


class Tenders(dy.Schema):
    """One row per tender, or per lot of a tender."""

    tender_id = c.ident("Tender (open contracting id where there is one)", required=True)
    lot_id = c.ident("Lot")
    buyer_id = c.ident("Buying authority")
    category = c.text("Category of the purchase (CPV or local); the market unless given")
    market_id = c.ident("Market, where it is not the category")
    region = c.text("Region")
    jurisdiction = c.text("Jurisdiction whose limits apply", unit="code")
    kind = c.text("Kind of contract: goods, works, services")
    method = c.text("Procurement method")
    award_rule = c.word("How the winner is chosen", AWARD_RULES)
    award_criteria = c.text("Award criteria as filed")
    reserve_price = c.money("Ceiling the buyer set", above_zero=True)
    estimate = c.money("Value the buyer expected", above_zero=True)
    currency = c.currency()
    published_at = c.instant("Publication of the call")
    deadline_at = c.instant("Deadline for bids")
    awarded_at = c.instant("Award")
    winner_id = c.ident("Winning bidder")
    award_value = c.money("Value of the award", above_zero=True)
    n_tenderers = c.whole("Bidders as the buyer stated them, where bids are not published", "firms")
    item_classes = c.listing("Classifications of everything bought, `category` among them")
    released_at = c.instant("When the publisher released this version of the tender")
    source = c.source()

    @dy.rule()
    def awarded_before_published(cls) -> pl.Expr:  # noqa: N805
        """No award before the call."""
        return pl.col("awarded_at") >= pl.col("published_at").dt.truncate("1d")

    @dy.rule()
    def deadline_before_published(cls) -> pl.Expr:  # noqa: N805
        """No deadline before the call."""
        return pl.col("deadline_at") >= pl.col("published_at").dt.truncate("1d")


class Bids(dy.Schema):
    """One row per bid; published data often hides the bidder."""

    tender_id = c.ident("Tender", required=True)
    lot_id = c.ident("Lot")
    bid_id = c.ident("Bid; the whole key by itself where it is filled")
    bidder_id = c.ident("Bidder; empty where not published")
    amount = c.money("Price bid; empty where it is not published", above_zero=True)
    currency = c.currency("Currency; the tender's where empty, ISO 4217")
    submitted_at = c.instant("Submission")
    status = c.word("What became of the bid", BID_STATUS, default="valid")
    won = c.flag("Whether the bid won")
    consortium_id = c.ident("Marks the bids of one consortium: they count once")
    ip_hash = c.person("Network address the bid came from")
    deposit_account_hash = c.person("Account that paid the deposit")
    doc_author_hash = c.person("Author in the document's properties")
    contact_hash = c.person("Contact person")
    project_manager_hash = c.person("Project manager named in the bid")
    doc_simhash = c.text("Similarity hash of the document", unit="hex")
    source = c.source()


class Subcontracts(dy.Schema):
    """One row per winner and subcontractor of a contract."""

    tender_id = c.ident("Tender", required=True)
    lot_id = c.ident("Lot")
    winner_id = c.ident("Winning bidder", required=True)
    sub_id = c.ident("Subcontractor", required=True)
    value = c.money("Value subcontracted")
    currency = c.currency()
    signed_on = c.day("Day of the subcontract")
    declared = c.flag("Declared in the bid")
    source = c.source()


class Limits(dy.Schema):
    """Approval and tender limits in money, from when to when."""

    jurisdiction = c.text("Whose limit", unit="code", required=True)
    kind = c.text("Kind of contract or approval: goods, works, services", required=True)
    buyer_id = c.ident("Buyer, where the limit is that buyer's own")
    value = c.money("Limit; values at or above it need the stricter procedure", above_zero=True)
    currency = c.currency()
    from_ = c.day("First day", alias="from")
    to = c.day("Last day, empty while it lasts")
    source = c.source()

    to_before_from = c.at_most("from", "to")


TENDERS = TableContract(
    "tenders",
    "Tenders",
    Tenders,
    ("tender_id", "lot_id"),
    ("awarded_at", "deadline_at", "published_at"),
    checks={
        "awarded_before_published": RowCheck(
            ("awarded_at", "published_at"),
            "`awarded_at` is before `published_at`; a tender cannot be awarded before it is called",
        ),
        "deadline_before_published": RowCheck(
            ("deadline_at", "published_at"),
            "`deadline_at` is before `published_at`; bids cannot be due before the call",
        ),
    },
)
BIDS = TableContract(
    "bids",
    "Bids",
    Bids,
    ("tender_id", "lot_id", "bidder_id", "submitted_at"),
    ("submitted_at",),
    own_key="bid_id",
    anonymous_without="bidder_id",
    cautions=(
        Caution(
            "unpriced_bid",
            pl.col("amount").is_null() & (pl.col("status") == "valid"),
            "a valid bid has no `amount`; it counts as a bid, and no screen of prices reads it",
        ),
    ),
)
SUBCONTRACTS = TableContract(
    "subcontracts",
    "Subcontracts",
    Subcontracts,
    ("tender_id", "lot_id", "winner_id", "sub_id"),
    ("signed_on",),
)
LIMITS = TableContract(
    "limits",
    "Approval and tender limits",
    Limits,
    ("jurisdiction", "kind", "buyer_id", "from"),
    ("from",),
    checks={"to_before_from": earlier("to", "from", "a limit cannot end before it began")},
)
