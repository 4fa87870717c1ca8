"""Words for why data is used, brought to seven purposes. Compiled by us: unverified."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Purpose:
    """One purpose and the words filings and traffic analysers use for it."""

    name: str
    words: tuple[str, ...]
    verified: bool = False
    source: str = "PIPL art. 6; purposes of the store labels, 2022"
    valid_from: date = date(2021, 11, 1)


PURPOSES: tuple[Purpose, ...] = (
    Purpose("service", ("app functionality", "app_functionality", "functionality",
                        "account management", "account_management", "core")),
    Purpose("security", ("fraud prevention", "fraud_prevention", "fraud prevention, security, "
                         "and compliance", "fraud", "compliance", "authentication")),
    Purpose("analytics", ("measurement", "statistics", "product improvement")),
    Purpose("ads", ("advertising", "marketing", "advertising or marketing",
                    "advertising_or_marketing", "third-party advertising",
                    "third_party_advertising", "developer's advertising or marketing")),
    Purpose("profiling", ("personalization", "personalisation", "product personalization",
                          "product_personalization")),
    Purpose("communications", ("developer communications", "developer_communications")),
    Purpose("research", ()),
)  # fmt: skip
"""Purposes that are compared; every other word is unknown, reported and left out."""

ADVERTISING: tuple[str, ...] = ("ads", "profiling")
"""Purposes that follow a person to sell to them."""


def known_purposes() -> dict[str, str]:
    """Every known word, in lower case, with the purpose it stands for."""
    return {w: p.name for p in PURPOSES for w in (p.name, *p.words)}
