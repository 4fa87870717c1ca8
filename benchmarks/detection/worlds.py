"""Every world of the injection study: the simulated market, filings of our own, and real sets."""

from __future__ import annotations

from benchmarks.detection.filings import clean, filed, price_wars
from benchmarks.detection.made import made_worlds
from benchmarks.detection.real import present
from benchmarks.detection.schemes import bids, prices, privacy, shares, trade
from benchmarks.detection.schemes.planting import World


def worlds() -> tuple[World, ...]:
    """The simulated market, and the real sets that are there."""
    kinds = bids.schemes(4), bids.schemes(3)
    tendering = ("firms", "tenders", "bids")
    # One kind of ring at a time: rings of several kinds in one market hide each other.
    market = (
        World(
            "simulated",
            clean,
            (*prices.schemes(4), *trade.schemes(6), *privacy.schemes(15), *shares.schemes(3)),
            drawn=True,
        ),
        *(World("simulated bids", clean, (kind,), drawn=True, order=tendering)
          for kind in kinds[0]),
    )  # fmt: skip
    real = (
        *(
            World(
                "bids-japan",
                lambda _: filed("bids-japan", "tenders", "bids", honest="tender"),
                (kind,),
                drawn=True,
                order=tendering,
            )
            for kind in kinds[1]
        ),
        World("prices-jec", lambda _: price_wars(), prices.schemes(6), drawn=True),
        World(
            "app-labels-android-2022",
            lambda _: filed(
                "app-labels-android-2022", "data_type_map", "apps", "data_declarations",
                "observed_flows", honest="app",
            ),
            privacy.schemes(40)[:1],
        ),
        World(
            "breaches-wa",
            lambda _: filed("breaches-wa", "breach_notifications", honest="incident"),
            privacy.schemes(40)[1:],
        ),
    )  # fmt: skip
    made = made_worlds()
    return (*market, *made, *(world for world in real if present(world.name)))
