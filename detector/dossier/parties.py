"""Which columns of the canonical tables name an organisation, and which parts of a subject key.

An organisation may stand in a filing as itself, as a shop it owns, or through an app or a deal of
its own; kinds of ids keep these apart, because equal text may mean different things.
"""

from __future__ import annotations

from collections.abc import Mapping

from features.contracts import CONTRACTS
from features.vocabulary import GRAINS

FIRM, APP, DEAL, TENDER = "firm", "app", "deal", "tender"

ORGANISATIONS = frozenset(
    (
        "firm_id", "owner_id", "owned_id", "bidder_id", "winner_id", "sub_id", "buyer_id",
        "operator_id", "platform_id", "seller_id", "supplier_id", "merchant_id", "merchant_gid",
        "acquirer_id", "target_id", "party_id", "counterparty_id", "vendor", "vendor_id",
        "requester_id", "reporter_id", "from_id", "to_id",
    )
)  # fmt: skip
"""Columns that hold the id of a firm, shop, operator, platform or authority."""
THINGS = frozenset(
    (
        "group_id", "service_id", "market_id", "tender_id", "lot_id", "bid_id", "consortium_id",
        "tx_id", "sku_id", "order_id", "promo_id", "app_id", "incident_id", "deal_id",
        "product_id", "copies_sku_id", "control_for_sku_id", "probe_id", "index_id",
        "contract_id", "event_id", "item_id", "sor_uuid", "call_id", "plan_id", "review_id",
        "invoice_id", "line_id", "item_code", "flow_id", "sdk_id", "service_a", "service_b",
        "test_id", "item", "request_id", "leak_id", "filing_id", "sample_id", "dataset_id",
        "complaint_id",
    )
)  # fmt: skip
"""Columns that hold the id of something else."""
THROUGH: Mapping[str, str] = {"app_id": APP, "deal_id": DEAL}
"""Columns by which a row is about whoever the app or the deal belongs to."""

_PARTS: Mapping[str, str] = {
    **dict.fromkeys(
        ("firm_id", "firm_a", "firm_b", "buyer_id", "seller_id", "seller_a", "seller_b",
         "platform_id", "merchant_id", "operator_id", "vendor_id", "members"),
        FIRM,
    ),
    "app_id": APP,
    "deal_id": DEAL,
    "tender_id": TENDER,
    "incident_id": "incident",
    "request_id": "request",
    "dataset_id": "dataset",
}  # fmt: skip
JOINED = frozenset(("pair", "group", "cluster", "path", "pair_tender"))
"""Kinds of subjects whose key begins with ids joined by `|`."""


def roles(table: str) -> tuple[str, ...]:
    """Columns of a table that name an organisation, in the order of the table."""
    return tuple(c.name for c in CONTRACTS[table].columns if c.name in ORGANISATIONS)


def columns_about(table: str) -> dict[str, str]:
    """Columns by which a row of a table is about an organisation, with the kind of their ids."""
    names = [c.name for c in CONTRACTS[table].columns]
    return {n: FIRM for n in names if n in ORGANISATIONS} | {
        n: THROUGH[n] for n in names if n in THROUGH
    }


def key_kinds(grain: str) -> tuple[str | None, ...]:
    """For each part of a grain's subject key the kind of its id; None for other things.

    A lot belongs to its tender's key, so tenders have one part.
    """
    if grain == TENDER:
        return (TENDER,)
    return tuple(_PARTS.get(part) for part in GRAINS[grain].parts)


_BY_KIND = {grain.subject_kind: grain for grain in reversed(GRAINS.values())}


def parts_of(kind: str, key: str) -> list[tuple[str, str]]:
    """The ids a subject key holds, each with its kind: `FIRM`, `APP`, ..., `sku`, `market`.

    Empty for a subject that is none of filings, such as a rule. A tender is told with and without
    its lot, since its id may hold the same stroke.
    """
    grain = _BY_KIND.get(kind)
    if grain is None:
        return []
    if kind == TENDER:
        return _lots(key)
    if kind in JOINED:
        members, _, tender = key.partition("/")
        return [(FIRM, one) for one in members.split("|")] + (_lots(tender) if tender else [])
    segments = key.split("/", len(grain.parts) - 1)
    named = zip(grain.parts, segments, strict=False)
    kinds = {**_PARTS, **_OTHERS}
    return [(kinds[name], value) for name, value in named if name in kinds]


def _lots(key: str) -> list[tuple[str, str]]:
    return [(TENDER, one) for one in dict.fromkeys((key, key.rsplit("/", 1)[0]))]


_OTHERS: Mapping[str, str] = {
    "sku_id": "sku", "sku_a": "sku", "sku_b": "sku", "product_id": "product",
    "market_id": "market", "category": "category",
}  # fmt: skip
"""Parts of keys that name what firms sell, and where."""
