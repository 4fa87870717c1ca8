"""How much personal data may leave a country before a mechanism is needed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Tier:
    """Persons since 1 January (inclusive: the Chinese word for "above" includes the number).

    Attributes:
        ordinary: persons without sensitive data from which the tier applies; 0: never by them.
        sensitive: persons with sensitive data from which the tier applies.
        mechanisms: any of these, valid on the day, satisfies the tier.
    """

    name: str
    ordinary: int
    sensitive: int
    mechanisms: tuple[str, ...]
    valid_from: date = date(2024, 3, 22)
    verified: bool = True
    source: str = "CAC Provisions on Cross-Border Data Flows, 2024, arts 5, 7, 8"


EXEMPT = "exempt"
TIERS: tuple[Tier, ...] = (
    Tier("security_assessment", 1_000_000, 10_000, ("security_assessment",)),
    Tier("standard_contract_or_certification", 100_000, 1,
         ("security_assessment", "standard_contract", "certification")),
)  # fmt: skip
"""Tiers, strictest first; operators of critical infrastructure and important data: the first."""


@dataclass(frozen=True, slots=True)
class BulkLimit:
    """Units in twelve months above which (strictly) the US rule applies."""

    category: str
    units: int
    data_types: tuple[str, ...]
    valid_from: date = date(2025, 4, 8)
    verified: bool = True
    source: str = "28 CFR 202.205"


BULK_LIMITS: tuple[BulkLimit, ...] = (
    BulkLimit("human_genomic", 100, ("genomic", "human_genomic", "dna")),
    BulkLimit("other_omic", 1_000, ("omic", "other_omic", "proteomic", "epigenomic")),
    BulkLimit("biometric", 1_000, ("biometric", "face", "fingerprint", "voiceprint", "iris")),
    BulkLimit("precise_geolocation", 1_000, ("precise_geolocation", "precise_location",
                                             "location", "trajectory", "gps")),
    BulkLimit("personal_health", 10_000, ("personal_health", "health", "health_condition",
                                          "medical_visit")),
    BulkLimit("personal_financial", 10_000, ("personal_financial", "financial", "bank_account",
                                             "bank_card", "financial_account", "payment_info")),
    BulkLimit("covered_identifiers", 100_000, ("covered_identifiers", "identifiers", "device_id",
                                               "advertising_id", "phone", "imei", "ip_address")),
)  # fmt: skip
"""Limits by kind; which words of a filing mean a kind is our reading."""


@dataclass(frozen=True, slots=True)
class CountryOfConcern:
    """A country to which bulk transfers from the United States are restricted."""

    code: str
    valid_from: date = date(2025, 4, 8)
    verified: bool = False
    source: str = "28 CFR 202.601 (G)"


CONCERN_ROWS: tuple[CountryOfConcern, ...] = tuple(
    CountryOfConcern(code) for code in ("CN", "HK", "MO", "CU", "IR", "KP", "RU", "VE")
)
COUNTRIES_OF_CONCERN: tuple[str, ...] = tuple(row.code for row in CONCERN_ROWS)
"""Codes of the countries of concern, Hong Kong and Macau among them."""
