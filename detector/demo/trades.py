"""The trades in which public buyers of the simulated market call for tenders."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Trade:
    """How one trade tenders: CPV code, log10 of a typical estimate, number of bidders.

    `spread` is the typical standard deviation of honest bids, as a share of the price.
    """

    sector: str
    cpv: str
    size: float
    bidders: float
    spread: float


TRADES: tuple[Trade, ...] = (
    Trade("road_works", "45233140", 6.2, 5.5, 0.075),
    Trade("building_works", "45210000", 6.5, 6.0, 0.085),
    Trade("cement", "44111200", 5.5, 5.0, 0.022),
    Trade("heating_fuel", "09134000", 5.7, 5.5, 0.014),
    Trade("school_meals", "55524000", 5.6, 4.5, 0.060),
    Trade("cleaning", "90910000", 5.3, 7.0, 0.120),
    Trade("office_supplies", "30192000", 4.9, 5.0, 0.050),
    Trade("medical_supplies", "33140000", 5.5, 4.0, 0.090),
    Trade("it_services", "72000000", 5.9, 4.0, 0.170),
    Trade("cables", "31320000", 5.8, 5.5, 0.032),
    Trade("guarding", "79710000", 5.4, 6.0, 0.055),
    Trade("landscaping", "77310000", 5.0, 5.0, 0.110),
)

POSTED_PRICE_SPREAD = 0.04
"""Below it a trade follows public input prices: honest bids agree without an agreement."""
