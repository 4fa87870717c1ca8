"""Which column names a row of which other table; used for warnings, never to refuse a row.

Filings come in any order and from different offices, so a name that is not known yet is a remark
for the clerk. A reference is looked at only when one of its targets holds rows.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reference:
    """A column (or several) that names something another table describes.

    Attributes:
        columns: columns of the referring table; a row with an empty one refers to nothing.
        targets: tables and their columns, any of which may know the name.
        noun: what is named, in the plural.
        wildcard: a value of the last column that names nothing.
    """

    columns: tuple[str, ...]
    targets: tuple[tuple[str, tuple[str, ...]], ...]
    noun: str
    wildcard: str | None = None

    @property
    def says(self) -> str:
        """Which column is looked for where, in words."""
        names = " or ".join(dict.fromkeys(name for name, _ in self.targets))
        return f"`{'/'.join(self.columns)}` in {names}"


def _to(
    noun: str, *targets: tuple[str, str]
) -> tuple[str, tuple[tuple[str, tuple[str, ...]], ...]]:
    return noun, tuple((table, (column,)) for table, column in targets)


_FIRM = _to("firms", ("firms", "firm_id"))
_MARKET = _to("markets", ("markets", "market_id"))
_TENDER = _to("tenders", ("tenders", "tender_id"))
_DEAL = _to("deals", ("merger_notifications", "deal_id"))
_APP = _to("apps", ("apps", "app_id"))
_OPERATOR = _to("operators", ("firms", "firm_id"), ("apps", "operator_id"))
_SELLER = _to("sellers", ("merchants", "merchant_id"), ("firms", "firm_id"))
_MERCHANT = _to(
    "merchants",
    ("merchants", "merchant_id"),
    ("merchants", "merchant_gid"),
)
_PRODUCT = _to("products", ("products", "sku_id"), ("products", "product_id"))
_INCIDENT = _to("incidents", ("breach_notifications", "incident_id"))


def _refer(column: str, to: tuple[str, tuple[tuple[str, tuple[str, ...]], ...]]) -> Reference:
    return Reference((column,), to[1], to[0])


_WORDS = Reference(
    ("taxonomy", "data_type"),
    (("data_type_map", ("taxonomy", "source_type")),),
    "types of data",
    wildcard="*",
)

REFERENCES: dict[str, tuple[Reference, ...]] = {
    "firm_years": (_refer("firm_id", _FIRM),),
    "ownership": (_refer("owner_id", _FIRM), _refer("owned_id", _FIRM)),
    "officers": (_refer("firm_id", _FIRM),),
    "market_positions": (_refer("firm_id", _FIRM), _refer("market_id", _MARKET)),
    "merger_notifications": (_refer("acquirer_id", _FIRM), _refer("target_id", _FIRM)),
    "deal_parties": (_refer("deal_id", _DEAL), _refer("party_id", _FIRM)),
    "tenders": (_refer("winner_id", _FIRM),),
    "bids": (_refer("tender_id", _TENDER), _refer("bidder_id", _FIRM)),
    "subcontracts": (
        _refer("tender_id", _TENDER),
        _refer("winner_id", _FIRM),
        _refer("sub_id", _FIRM),
    ),
    "transactions": (_refer("seller_id", _SELLER), _refer("sku_id", _PRODUCT)),
    "listing_prices": (_refer("seller_id", _SELLER), _refer("sku_id", _PRODUCT)),
    "products": (_refer("supplier_id", _FIRM), _refer("market_id", _MARKET)),
    "price_probes": (_refer("seller_id", _SELLER), _refer("sku_id", _PRODUCT)),
    "costs": (_refer("firm_id", _FIRM), _refer("product_id", _PRODUCT)),
    "price_benchmarks": (_refer("product_id", _PRODUCT),),
    "cost_indexes": (_refer("market_id", _MARKET), _refer("sku_id", _PRODUCT)),
    "contract_terms": (_refer("market_id", _MARKET), _refer("product_id", _PRODUCT)),
    "pricing_vendors": (_refer("firm_id", _FIRM), _refer("market_id", _MARKET)),
    "market_events": (_refer("market_id", _MARKET), _refer("firm_id", _FIRM)),
    "merchants": (_refer("firm_id", _FIRM),),
    "merchant_presence": (_refer("merchant_gid", _MERCHANT),),
    "merchant_events": (_refer("merchant_id", _MERCHANT),),
    "fees": (_refer("merchant_id", _MERCHANT),),
    "visibility": (_refer("merchant_id", _MERCHANT),),
    "statements_of_reasons": (_refer("merchant_gid", _MERCHANT),),
    "ranking_samples": (_refer("seller_id", _SELLER),),
    "reviews": (_refer("seller_id", _SELLER),),
    "invoices": (_refer("seller_id", _FIRM), _refer("buyer_id", _FIRM)),
    "apps": (_refer("operator_id", _to("operators", ("firms", "firm_id"))),),
    "data_declarations": (_refer("app_id", _APP), _WORDS),
    "observed_flows": (_refer("app_id", _APP), _WORDS),
    "permission_scans": (_refer("app_id", _APP),),
    "sdk_inventory": (_refer("app_id", _APP),),
    "consent_metrics": (_refer("app_id", _APP),),
    "breach_notifications": (_refer("operator_id", _OPERATOR),),
    "external_leaks": (_refer("operator_id", _OPERATOR), _refer("incident_id", _INCIDENT)),
    "dsar_requests": (_refer("operator_id", _OPERATOR),),
    "crossborder_transfers": (_refer("operator_id", _OPERATOR),),
    "retention_samples": (_refer("operator_id", _OPERATOR),),
    "minor_metrics": (_refer("operator_id", _OPERATOR),),
    "linkage_metrics": (_refer("operator_id", _OPERATOR),),
    "complaints": (_refer("operator_id", _OPERATOR),),
    "compliance_events": (_refer("operator_id", _OPERATOR),),
    "expected_filings": (_refer("operator_id", _OPERATOR),),
}
"""References by the table that makes them."""
