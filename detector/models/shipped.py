"""The models shipped with the product: one setting, taken from the literature.

Bid rigging. The family is the three dispersion screens: low coefficient of variation, low spread
and bids unlike uniform ones. They respond to any agreement on prices, while distance and shape
screens presuppose one pattern (an isolated winner before a tight pack of covers) and point the
wrong way in markets that rig differently. Practice uses the latter jointly with low variance
(Imhof, Karagök & Rutz 2018: RD above 1 and low CV together), so a typology of the family is
suspicious only where both its own screens and the family are: p = max(p own, p family), the
intersection-union test, valid under any dependence. Inside an incomplete ring outsiders hide the
low variance of the whole tender (Wallimann, Imhof & Huber 2022), so there agreement is asked for
instead: the dependence-aware Stouffer sum.

A ladder of even steps is left to its rule: only near-zero unevenness is a sign, and a rank among
ordinary steps is none (on both real sets it even points the other way).

Isolation forests are registered as challengers: on real cartels they rank below the signed rank,
on the same evidence. Several settings were compared on those two sets before this one was kept, so
its figures there show that it works on both, not how well it will do on a third.
"""

from __future__ import annotations

from detector.models.base import ModelSpec, register

_BIDS = "Imhof 2019; Huber & Imhof 2019; Wallimann, Imhof & Huber 2022"
FAMILY = register(
    ModelSpec(
        "bid-family",
        "MON-BID-*",
        "tender",
        ("bid_cv", "bid_spread", "bid_ks_uniform"),
        source=f"dispersion screens: {_BIDS}",
    )
)
register(
    ModelSpec(
        "bid-family-forest",
        "MON-BID-*",
        "tender",
        FAMILY.features,
        scorer="isolation_forest",
        active=False,
        source=f"challenger on the same screens: {_BIDS}",
    )
)
for _id, _typology, _features, _scorer, _joint in (
    ("bid-cv", "MON-BID-CV", ("bid_cv", "bid_spread"), "signed_rank", "both"),
    (
        "bid-distance",
        "MON-BID-DISTANCE",
        ("bid_rd", "bid_diffp", "bid_rdnor", "bid_rdalt"),
        "signed_rank",
        "both",
    ),
    ("bid-shape", "MON-BID-SHAPE", ("bid_skew", "bid_kurt"), "signed_rank", "both"),
    ("bid-ks", "MON-BID-KS", ("bid_ks_uniform",), "signed_rank", "both"),
    ("bid-subgroup", "MON-BID-SUBGROUP", ("bid_cv_min3",), "signed_rank", "sum"),
    (
        "bid-identical",
        "MON-BID-IDENTICAL",
        ("bid_tie_share",),
        "signed_rank",
        "both",
    ),
):
    register(
        ModelSpec(
            _id,
            _typology,
            "tender",
            _features,
            scorer=_scorer,
            family=FAMILY.id,
            joint="sum" if _joint == "sum" else "both",
            source=_BIDS,
        )
    )

register(
    ModelSpec(
        "market-concentration",
        "MON-STR-HHI",
        "market_y",
        ("hhi",),
        source="US Merger Guidelines 2023",
    )
)
register(
    ModelSpec(
        "merger-concentration",
        "MON-HHI-MERGER",
        "deal_market",
        ("hhi_delta", "hhi_post"),
        source="US Merger Guidelines 2023; EU Horizontal Merger Guidelines 2004",
    )
)
register(
    ModelSpec(
        "price-stability",
        "MON-PRICE-VARIANCE",
        "sku_seller_q",
        ("price_cv", "price_sd_ratio"),
        source="variance screen of section 3.C (V39)",
    )
)
register(
    ModelSpec(
        "circular-trade",
        "TRX-WASH-SCC",
        "cluster_m",
        ("wash_net_gross", "wash_rounds", "wash_reciprocity"),
        source="Victor & Weintraud 2021",
    )
)
register(
    ModelSpec(
        "undeclared-collection",
        "PRIV-UNDECLARED-COLLECTION",
        "app_v",
        ("uc_undeclared_types",),
        source="observed minus declared types: the gap score no detector was seen to beat",
    )
)
