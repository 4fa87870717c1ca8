"""Honest deals, platforms and boards: deals notified where the law asks, few in any one market.

Turnovers are drawn over several orders of magnitude, so that some parties stand far above the
limits of the law and most far below. What has to be notified is, waits, and closes after
clearance. A few firms are honest and odd: a deal inside one holding that needed no notice, an
operator that rebutted its presumption, a product that failed after its firm was bought.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta

import numpy as np
import polars as pl

from benchmarks.detection.filings import widened
from benchmarks.detection.schemes import deals, deals_markets
from benchmarks.detection.schemes.planting import Scheme, World

ORDER = (
    "firms", "firm_years", "market_positions", "officers", "merger_notifications", "deal_parties",
)  # fmt: skip
LAST = date(2026, 9, 30)
Random = np.random.Generator
Filings = Mapping[str, pl.DataFrame]


def platforms(seed: int) -> Filings:
    """Four years of 150 operators with one service each; those that meet the DMA are designated."""
    rng = np.random.default_rng([20263, seed])
    ids = [f"operator-{k:03d}" for k in range(150)]
    size = rng.normal(0, 1, len(ids))
    first = {
        "turnover_eu": np.exp(20.5 + 1.2 * size + rng.normal(0, 0.6, len(ids))),
        "active_users": np.exp(15.5 + 1.2 * size + rng.normal(0, 0.8, len(ids))),
        "business_users": np.exp(8.0 + 0.9 * size + rng.normal(0, 0.9, len(ids))),
    }
    states = rng.integers(1, 28, len(ids))
    growth = rng.normal(1.06, 0.06, (4, len(ids))).cumprod(axis=0)
    years = []
    for k, year in enumerate(range(2022, 2026)):
        figures = {name: np.round(one * growth[k]) for name, one in first.items()}
        years.append(
            pl.DataFrame(
                {
                    "firm_id": ids,
                    "year": year,
                    "service_id": [f"{one}-service" for one in ids],
                    "currency": "EUR",
                    "market_cap": np.round(figures["turnover_eu"] * 2.5),
                    "member_states": states,
                    **figures,
                }
            ).with_columns(pl.col("active_users", "business_users").cast(pl.Int64))
        )
    filed = pl.concat(years)
    meets = (
        deals.meets_dma(filed)
        .group_by("firm_id")
        .agg(pl.col("meets").all())
        .sort("firm_id")["meets"]
    )
    rebutted = pl.Series(np.cumsum(meets.to_numpy()) == 1) & meets
    firms = pl.DataFrame(
        {"firm_id": ids, "name": ids, "jurisdiction": "EU", "is_gatekeeper": meets & ~rebutted}
    )
    return {"firms": widened("firms", firms), "firm_years": widened("firm_years", filed)}


def _day(start: date, days: float | np.integer) -> date:
    return start + timedelta(days=int(days))


def notices(seed: int) -> Filings:
    """Four hundred deals in China and the United States, notified where they must be.

    One in five below the limits is notified all the same; one in a hundred above them is exempt and
    not notified.
    """
    rng = np.random.default_rng([20264, seed])
    rows, parties = [], []
    for k in range(400):
        deal, place = f"deal-{k:03d}", "CN" if k % 2 else "US"
        # American limits are known for closings since February 2026.
        signed = _day(date(2024, 6, 1), rng.integers(0, 700)) if place == "CN" else _day(
            date(2026, 2, 20), rng.integers(0, 60)
        )  # fmt: skip
        made = _parties(rng, deal, place, signed.year - 1)
        value = round(float(np.exp(rng.normal(17.6, 1.2))), -3)
        must = deals.must_notify(place, value, made)
        told = (must and rng.random() > 0.01) or rng.random() < 0.2
        notified = _day(signed, rng.uniform(3, 20)) if told else None
        cleared = _day(notified, rng.uniform(25, 75)) if notified else None
        closed = _day(cleared or signed, rng.uniform(5, 40))
        rows.append((deal, signed, closed, notified, cleared, place,
                     "CNY" if place == "CN" else "USD", value, *made["party_id"]))  # fmt: skip
        parties.append(made)
    columns = ["deal_id", "signed_on", "implemented_on", "notified_on", "cleared_on",
               "jurisdiction", "currency", "deal_value", "acquirer_id", "target_id"]  # fmt: skip
    filed = pl.DataFrame(rows, schema=columns, orient="row", infer_schema_length=None)
    return _with_firms(filed, pl.concat(parties))


def _parties(rng: Random, deal: str, place: str, year: int) -> pl.DataFrame:
    """A buyer and a smaller target of their own; a third of the money is made at home."""
    world = np.exp([rng.normal(21.5, 1.5), rng.normal(19.0, 1.3)])
    if place == "US":
        world /= 7
    return pl.DataFrame(
        {
            "deal_id": [deal] * 2,
            "party_id": [f"{deal}-buyer", f"{deal}-target"],
            "role": ["acquirer", "target"],
            "turnover_world": np.round(world, -3),
            "turnover_domestic": np.round(world * rng.uniform(0.2, 1.0, 2), -3),
            "assets": np.round(world * rng.uniform(0.4, 1.5, 2), -3),
            "currency": ["CNY" if place == "CN" else "USD"] * 2,
            "fy": [year] * 2,
        }
    )


def _with_firms(filed: pl.DataFrame, parties: pl.DataFrame) -> Filings:
    names = parties["party_id"].unique().sort()
    firms = pl.DataFrame({"firm_id": names, "name": names})
    return {
        "firms": widened("firms", firms),
        "merger_notifications": widened("merger_notifications", filed),
        "deal_parties": widened("deal_parties", parties),
    }


def nascent(seed: int) -> Filings:
    """Four hundred purchases of small firms in China, below the limits of notification.

    Prices are one to five times turnover, products seldom alike; one product in eight ends in the
    five years after the purchase, whatever the reason.
    """
    rng = np.random.default_rng([20265, seed])
    rows, parties = [], []
    for k in range(400):
        deal = f"deal-{k:03d}"
        signed = _day(date(2024, 2, 1), rng.integers(0, 760))
        closed = _day(signed, rng.uniform(10, 60))
        made = _parties(rng, deal, "CN", signed.year - 1)
        small = np.minimum(made["turnover_world"].to_numpy() / [1, 6], [6e9, 5e8])
        made = made.with_columns(
            turnover_world=pl.Series(small),
            turnover_domestic=pl.Series(np.minimum(made["turnover_domestic"], small)),
        )
        ends = _day(closed, rng.uniform(30, 1800)) if rng.random() < 1 / 8 else None
        value = round(float(small[1] * np.exp(rng.normal(0.8, 0.6))), -3)
        rows.append((deal, signed, closed, "CN", "CNY", value, *made["party_id"],
                     float(rng.beta(2, 5)), ends if ends and ends <= LAST else None))  # fmt: skip
        parties.append(made)
    columns = ["deal_id", "signed_on", "implemented_on", "jurisdiction", "currency", "deal_value",
               "acquirer_id", "target_id", "overlap_similarity", "discontinued_on"]  # fmt: skip
    filed = pl.DataFrame(rows, schema=columns, orient="row", infer_schema_length=None)
    return _with_firms(filed, pl.concat(parties))


def open_markets(seed: int) -> Filings:
    """A hundred and eighty markets of sixteen firms over five years; in each some change hands.

    Two to five small firms of a market are bought in the three years, mostly by different rivals.
    """
    rng = np.random.default_rng([20266, seed])
    held, rows, parties = [], [], []
    for m in range(180):
        market = f"market-{m:03d}"
        names = [f"{market}-{k:02d}" for k in range(16)]
        weight = np.exp(rng.normal(0, 0.5, 16))
        for year in range(2021, 2026):
            weight = weight * np.exp(rng.normal(0, 0.05, 16))
            held.append(
                pl.DataFrame(
                    {
                        "market_id": [market] * 16,
                        "firm_id": names,
                        "period": [str(year)] * 16,
                        "value": np.round(weight * 1e7),
                        "share": np.round(weight / weight.sum(), 6),
                    }
                )
            )
        sold = np.argsort(weight)[: int(rng.integers(2, 6))]
        for n, target in enumerate(sold):
            buyer = int(rng.choice(np.setdiff1d(np.arange(16), sold)))
            signed = _day(date(2023, 3, 1), rng.integers(0, 1200))
            made = deals_markets.purchase(
                f"{market}-deal-{n}", market, names[buyer], names[int(target)], signed
            )
            rows.append(made[0])
            parties.append(made[1])
    terms = {"metric": pl.lit("turnover"), "currency": pl.lit("CNY")}
    positions = widened("market_positions", pl.concat(held).with_columns(**terms))
    every = positions["firm_id"].unique().sort()
    return {
        "firms": widened("firms", pl.DataFrame({"firm_id": every, "name": every})),
        "market_positions": positions,
        "merger_notifications": widened("merger_notifications", pl.concat(rows)),
        "deal_parties": widened("deal_parties", pl.concat(parties)),
    }


def boards(seed: int) -> Filings:
    """American firms in 25 markets of eight, with boards of six.

    One director in six sits on a second board: of a rival, where the sales of one of the two are
    below what the law asks for, or else in another market.
    """
    rng = np.random.default_rng([20267, seed])
    market = np.repeat(np.arange(25), 8)
    ids = [f"firm-{k:03d}" for k in range(market.size)]
    sales = np.round(np.exp(rng.normal(17.0, 1.3, market.size)), -3)
    whole = np.bincount(market, weights=sales)
    positions = pl.DataFrame(
        {
            "market_id": [f"market-{m:02d}" for m in market],
            "firm_id": ids,
            "period": "2026",
            "metric": "turnover",
            "value": sales,
            "share": np.round(sales / whole[market], 6),
            "currency": "USD",
        }
    )
    figures = pl.DataFrame(
        {
            "firm_id": ids,
            "year": 2026,
            "currency": "USD",
            "capital": np.round(sales * rng.uniform(1.5, 6, market.size), -3),
        }
    )
    seats = []
    for k, firm in enumerate(ids):
        for seat in range(6):
            person = f"person-{k:03d}-{seat}"
            begun = _day(date(2018, 1, 1), rng.integers(0, 2000))
            seats.append((firm, person, "director", begun, None))
            if rng.random() < 1 / 6:
                rival = (market == market[k]) & (np.arange(len(ids)) != k)
                small = rival & (np.minimum(sales, sales[k]) < 5e6)
                far = small if small.any() and rng.random() < 0.5 else market != market[k]
                other = int(rng.choice(np.flatnonzero(far)))
                seats.append((ids[other], person, "director", begun, None))
    columns = ["firm_id", "person_hash", "role", "from", "to"]
    kinds = {"from": pl.Date, "to": pl.Date}
    officers = pl.DataFrame(seats, schema=columns, schema_overrides=kinds, orient="row")
    firms = pl.DataFrame({"firm_id": ids, "name": ids, "jurisdiction": "US"})
    return {
        "firms": widened("firms", firms),
        "firm_years": widened("firm_years", figures),
        "market_positions": widened("market_positions", positions),
        "officers": widened("officers", officers.unique(columns[:4], maintain_order=True)),
    }


def _world(name: str, tables: Callable[[int], Filings], *schemes: Scheme) -> World:
    return World(name, tables, schemes, drawn=True, order=ORDER)


WORLDS: tuple[World, ...] = (
    _world("platforms", platforms, deals.undesignated(10)),
    _world("notified deals", notices, deals.unnotified(14), deals.too_early(12)),
    _world("small purchases dear", nascent, deals.dear(8)),
    _world("small purchases ended", nascent, deals.ended(12)),
    _world("open markets", open_markets, deals_markets.roll_ups(8)),
    _world("boards", boards, deals_markets.interlocks(10)),
)
