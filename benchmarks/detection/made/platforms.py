"""Honest life on platforms: rankings, visibility, reasons given, merchants' homes, campaigns.

Some honest subjects are a little odd: stock that ran out, a rival's outage, merchants who agreed
to be enrolled, own brands that buyers look for.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl

from benchmarks.detection.schemes import platforms
from benchmarks.detection.schemes.planting import World

START = date(2026, 3, 2)


def numbered(prefix: str, count: int) -> np.ndarray:
    """Ids of one kind: `prefix` and a number."""
    return np.array([f"{prefix}-{i + 1:04d}" for i in range(count)])


def months(first: date, count: int) -> list[str]:
    """Months as they are filed, from the first on."""
    numbers = [first.year * 12 + first.month - 1 + i for i in range(count)]
    return [f"{n // 12}-{n % 12 + 1:02d}" for n in numbers]


def after(start: date, days: np.ndarray) -> pl.Series:
    """Days so many days after a date."""
    return pl.Series([start + timedelta(days=int(d)) for d in days], dtype=pl.Date)


def rankings(seed: int) -> dict[str, pl.DataFrame]:
    """Result lists of twenty places, in the order of merit as buyers would have it.

    Own offers reach buyers a day earlier. What is not filed (returns, wish for the brand) moves
    the own offers of every platform a little, of one in twenty more.
    """
    rng = np.random.default_rng(seed)
    shape = (60, 5, 20, 20)
    taste = rng.normal(0, 0.05, shape[0]) + 0.3 * (rng.random(shape[0]) < 0.05)
    share = rng.uniform(0.1, 0.3, shape[0])
    own = rng.random(shape) < share[:, None, None, None]
    relevance, price = rng.normal(0, 1, shape), np.exp(rng.normal(4, 0.5, shape))
    rating = np.clip(rng.normal(4.2, 0.4, shape), 1, 5)
    reviews = np.exp(rng.normal(4, 1.2, shape)).astype(np.int64)
    delivery = np.clip(rng.poisson(3.5, shape) - own, 1, None)
    merit = (
        relevance + 0.4 * (rating - 4.2) / 0.4 + 0.3 * (np.log1p(reviews) - 4) / 1.2
        - 0.3 * (np.log(price) - 4) / 0.5 - 0.2 * (delivery - 3)
        + taste[:, None, None, None] * own + rng.normal(0, 0.6, shape)
    )  # fmt: skip
    rank = (-merit).argsort(axis=3).argsort(axis=3) + 1
    place = [i.ravel() for i in np.indices(shape)]
    days = [datetime(2026, 3 + m, 1 + q, tzinfo=UTC) for m in range(5) for q in range(20)]
    when = pl.Series(days, dtype=pl.Datetime("us", "UTC"))
    return {
        "ranking_samples": pl.DataFrame({
            "platform_id": numbered("RP", shape[0])[place[0]],
            "query": numbered("query", shape[2])[place[2]],
            "rank": rank.ravel(), "is_own": own.ravel(), "is_ad": np.zeros(own.size, dtype=bool),
            "item_id": numbered("item", own.size),
            "relevance": relevance.ravel().round(4), "price": price.ravel().round(2),
            "rating": rating.ravel().round(1), "n_reviews": reviews.ravel(),
            "delivery_days": delivery.ravel().astype(np.float64),
            "ts": when.gather(20 * place[1] + place[2]),
        }).with_columns(currency=pl.lit("CNY"))
    }  # fmt: skip


def seen(rng: np.random.Generator, platform: np.ndarray, merchant: np.ndarray, start: date,
         days: int) -> pl.DataFrame:  # fmt: skip
    """Impressions a day: levels far apart, drift from week to week, some stock that ran out."""
    count = merchant.size
    level = np.exp(rng.normal(6.0, 0.9, count))
    drift, weeks = np.zeros((count, days // 7 + 1)), days // 7 + 1
    for week in range(1, weeks):
        drift[:, week] = 0.9 * drift[:, week - 1] + rng.normal(0, 0.08, count)
    day = np.arange(days)
    mean = level[:, None] * np.exp(drift)[:, day // 7] * rng.gamma(20, 1 / 20, (count, days))
    out = rng.random(count) < 0.04
    gone = rng.integers(0, days, count)[:, None]
    mean = np.where(out[:, None] & (day >= gone) & (day < gone + 21), 0.3 * mean, mean)
    number, at = (i.ravel() for i in np.indices((count, days)))
    return pl.DataFrame({
        "platform_id": platform[number], "merchant_id": merchant[number],
        "date": after(start, at), "impressions": rng.poisson(mean).ravel(),
    })  # fmt: skip


def shops(seed: int) -> dict[str, pl.DataFrame]:
    """Two platforms with 400 merchants: visibility, conflicts, promotions joined by hand.

    One merchant in twelve agreed beforehand to be enrolled automatically.
    """
    rng = np.random.default_rng(seed)
    count, days, span = 800, 140, 5
    merchant = numbered("VM", count)
    platform = np.repeat(["VP-1", "VP-2"], count // 2)
    struck = np.flatnonzero(rng.random(count) < 0.6)
    words = np.array(["joined_rival", "complaint", "refused_promo"])
    conflicts = pl.DataFrame({
        "merchant_id": merchant[struck], "platform_id": platform[struck],
        "event": words[rng.integers(0, 3, struck.size)],
        "date": after(START, rng.integers(32, days - 32, struck.size)),
    })  # fmt: skip
    habit = np.where(rng.random(count) < 1 / 12, rng.beta(8, 2, count), rng.beta(1, 6, count))
    who = np.repeat(np.arange(count), rng.poisson(9 * span, count))
    joined = pl.DataFrame({
        "merchant_id": merchant[who], "platform_id": platform[who],
        "event": np.full(who.size, "promo_enrolled"),
        "date": after(START, rng.integers(0, days, who.size)),
        "promo_id": numbered("promo", who.size), "automatic": rng.random(who.size) < habit[who],
    })  # fmt: skip
    return {
        "merchants": pl.DataFrame({"merchant_id": merchant, "platform_id": platform}),
        "merchant_events": pl.concat([conflicts, joined], how="diagonal"),
        "visibility": seen(rng, platform, merchant, START, days),
    }


def statements(seed: int) -> dict[str, pl.DataFrame]:
    """Statements of reasons about merchants, one in twenty of which demotes content."""
    rng = np.random.default_rng(seed)
    count, span, many, places = 60, 6, 400, 60
    platform, month, _ = (i.ravel() for i in np.indices((count, span, many)))
    merchant = platform * places + rng.integers(0, places, platform.size)
    rate = rng.beta(10, 190, count)[platform]
    demoted = rng.random(platform.size) < rate
    words = np.where(demoted, "DECISION_VISIBILITY_CONTENT_DEMOTED",
                     "DECISION_VISIBILITY_CONTENT_REMOVED")  # fmt: skip
    day = [
        date(2026, 3 + m, d) for m, d in zip(month, rng.integers(1, 29, month.size), strict=True)
    ]
    every = numbered("SM", count * places)
    return {
        "merchants": pl.DataFrame({
            "merchant_id": every, "platform_id": np.repeat(numbered("SP", count), places),
            "is_rival": rng.random(every.size) < 0.25,
        }),
        "statements_of_reasons": pl.DataFrame({
            "sor_uuid": numbered("sor", platform.size),
            "platform_id": numbered("SP", count)[platform], "merchant_gid": every[merchant],
            "decision_visibility": pl.Series([f'["{w}"]' for w in words]),
            "application_date": pl.Series(day),
        }),
    }  # fmt: skip


def homes(seed: int) -> dict[str, pl.DataFrame]:
    """Markets of three platforms and 200 to 700 merchants, some of which sell on two of them.

    A second home is given up or taken now and then. In two markets a rival's outage costs it one
    merchant in ten within a month. Few merchants are exclusive, by their own choice.
    """
    rng = np.random.default_rng(seed)
    span, parts = 14, []
    for market in range(24):
        count = int(np.clip(np.exp(rng.normal(5.8, 0.35)), 200, 700))
        first = rng.choice(3, count, p=[0.5, 0.3, 0.2])
        second = (first + rng.integers(1, 3, count)) % 3
        both = rng.random(count) < rng.uniform(0.35, 0.5)
        begins = np.where(rng.random(count) < 0.2, rng.integers(0, span, count), 0)
        ends = np.where(rng.random(count) < 0.2, rng.integers(1, span + 1, count), span)
        if market % 12 == 5:
            ends = np.where(rng.random(count) < 0.1, np.minimum(ends, 9), ends)
        sales = np.exp(rng.normal(9, 1, count))
        alone = ~both & (rng.random(count) < 0.04)
        who = np.arange(count)
        for home, until, since in ((first, np.full(count, span), np.zeros(count)),
                                   (second, ends, np.where(both, begins, span))):  # fmt: skip
            merchant, month = (i.ravel() for i in np.indices((count, span)))
            stays = (month >= since[merchant]) & (month < until[merchant])
            merchant, month = merchant[stays], month[stays]
            names = numbered(f"HM-{market:02d}", count)[who[merchant]]
            parts.append(pl.DataFrame({
                "merchant_gid": names,
                "platform_id": np.array([f"HP-{market:02d}-{k}" for k in range(3)])[home[merchant]],
                "month": np.array(months(date(2025, 8, 1), span))[month],
                "gmv": (sales[merchant] * np.exp(rng.normal(0, 0.2, month.size))).round(2),
                "exclusive": alone[merchant],
            }))  # fmt: skip
    rows = pl.concat(parts).with_columns(active=pl.lit(value=True), currency=pl.lit("CNY"))
    return {"merchant_presence": rows}


def campaigns(seed: int) -> dict[str, pl.DataFrame]:
    """Two platforms with a campaign; a third of those who also sold at a rival left it then."""
    rng = np.random.default_rng(seed)
    count, day = 1200, date(2026, 5, 11)
    merchant, platform = numbered("CM", count), np.repeat(["CP-1", "CP-2"], count // 2)
    left = rng.random(count) < 0.35
    filed = []
    for month in ("2026-04", "2026-05", "2026-06"):
        there = pl.Series(~left if month == "2026-06" else np.ones(count, dtype=bool))
        own = pl.DataFrame({"merchant_gid": merchant, "platform_id": platform})
        rival = own.filter(there).with_columns(platform_id=pl.lit("CP-3"))
        filed.append(pl.concat([own, rival]).with_columns(month=pl.lit(month)))
    days = pl.DataFrame({
        "event_id": ["CE-1", "CE-2"], "kind": ["campaign", "rule_change"],
        "date": [day, day], "platform_id": ["CP-1", "CP-2"],
    })  # fmt: skip
    return {
        "merchants": pl.DataFrame({"merchant_id": merchant, "platform_id": platform}),
        "merchant_presence": pl.concat(filed).with_columns(active=pl.lit(value=True)),
        "market_events": days,
        "visibility": seen(rng, platform, merchant, day - timedelta(days=31), 62),
    }


WORLDS: tuple[World, ...] = (
    World("platform rankings", rankings, platforms.favours(8), True, ("ranking_samples",)),
    *(World("platform shops", shops, (one,), True, ("merchants", "merchant_events", "visibility"))
      for one in platforms.conflicts(12)),
    World("platform statements", statements, platforms.demotions(8), True,
          ("merchants", "statements_of_reasons")),
    *(World("platform homes", homes, (one,), True, ("merchant_presence",))
      for one in platforms.exclusivity(8)),
    World("platform campaigns", campaigns, platforms.penalties(16), True,
          ("merchants", "merchant_presence", "market_events", "visibility")),
)  # fmt: skip
