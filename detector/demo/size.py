"""How big a simulated market is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Size:
    """Numbers of subjects, events and planted schemes.

    Attributes:
        firms: legal entities, platforms among them.
        ring_tenders: tenders a complete bid ring rigs; an incomplete ring rigs three quarters
            of that, a ring that copies or spaces its bids a third.
        rings: rings of each of the three kinds.
        listings: product lines whose prices are followed weekly, about six sellers each.
    """

    firms: int
    platforms: int
    markets: int
    regions: int
    tenders: int
    rings: int
    ring_tenders: int
    transactions: int
    consumers: int
    goods: int
    wash_loops: int
    listings: int
    price_cartels: int
    apps: int
    leaky_apps: int
    breaches: int
    deals: int

    @classmethod
    def full(cls) -> Size:
        """The market of the demonstration."""
        return cls(
            firms=5_000, platforms=40, markets=18, regions=8, tenders=3_000, rings=3,
            ring_tenders=36, transactions=1_000_000, consumers=150_000, goods=6_000,
            wash_loops=12, listings=60, price_cartels=3, apps=2_000, leaky_apps=60,
            breaches=400, deals=40,
        )  # fmt: skip

    @classmethod
    def small(cls) -> Size:
        """About a twentieth of it, with every family of schemes still planted."""
        return cls(
            firms=250, platforms=12, markets=6, regions=2, tenders=150, rings=1,
            ring_tenders=9, transactions=50_000, consumers=7_500, goods=300,
            wash_loops=2, listings=8, price_cartels=1, apps=100, leaky_apps=6,
            breaches=40, deals=12,
        )  # fmt: skip
