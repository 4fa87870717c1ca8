"""Honest terms of platforms: fees, tariffs, access, rebates, own brands, plans.

Some honest subjects are a little odd: advertising a merchant chose, callers held to a rate,
identity checked before a plan is left.
"""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl

from benchmarks.detection.made.platforms import after, months, numbered
from benchmarks.detection.schemes import platforms_terms
from benchmarks.detection.schemes.planting import World


def charges(seed: int) -> dict[str, pl.DataFrame]:
    """Fees of merchants of three categories: about a seventh of sales, some chose to advertise."""
    rng = np.random.default_rng(seed)
    count, span = 360, 8
    usual = np.array([0.12, 0.14, 0.16])[np.arange(count) % 3]
    rate = usual + rng.normal(0, 0.012, count)
    ads = np.where(rng.random(count) < 0.05, rng.uniform(0.01, 0.05, count), 0)
    merchant, month = (i.ravel() for i in np.indices((count, span)))
    sales = np.exp(rng.normal(10, 1, count))[merchant] * np.exp(rng.normal(0, 0.15, month.size))
    kinds = {"commission": 0.8 * rate, "logistics": 0.2 * rate, "advertising": ads}
    parts = [
        pl.DataFrame({
            "platform_id": np.array(["FP-1", "FP-2"])[merchant % 2],
            "merchant_id": numbered("FM", count)[merchant],
            "month": np.array(months(date(2026, 1, 1), span))[month],
            "fee_type": np.full(month.size, kind),
            "category": np.array(["food", "dress", "tools"])[merchant % 3],
            "amount": (part[merchant] * sales * rng.normal(1, 0.03, month.size)).round(2),
            "gmv": sales.round(2), "in_tariff": np.ones(month.size, dtype=bool),
        })
        for kind, part in kinds.items()
    ]  # fmt: skip
    rows = pl.concat(parts).with_columns(currency=pl.lit("CNY"), tariff_version=pl.lit("v1"))
    return {"fees": rows.filter(pl.col("amount") > 0)}


def tariffs(seed: int) -> dict[str, pl.DataFrame]:
    """Platforms in China and the EU that change their tariff once, announced in good time."""
    rng = np.random.default_rng(seed)
    count, members, span = 120, 5, 6
    country = np.where(np.arange(count) % 2 == 0, "CN", "DE")
    change = rng.integers(1, 5, count)
    notice = np.where(country == "CN", rng.integers(8, 46, count), rng.integers(16, 61, count))
    platform, member, month = (i.ravel() for i in np.indices((count, members, span)))
    starts = [date(2026, 4 + int(c), 1 + int(d))
              for c, d in zip(change, rng.integers(0, 28, count), strict=True)]  # fmt: skip
    told = [day - timedelta(days=int(n)) for day, n in zip(starts, notice, strict=True)]
    later = pl.Series(month >= change[platform])
    sales = np.exp(rng.normal(10, 0.8, platform.size))
    rows = pl.DataFrame({
        "platform_id": numbered("TP", count)[platform],
        "merchant_id": numbered("TM", count * members)[platform * members + member],
        "month": np.array(months(date(2026, 4, 1), span))[month],
        "fee_type": np.full(platform.size, "commission"),
        "amount": (0.14 * sales).round(2), "gmv": sales.round(2),
        "tariff_version": np.where(later.to_numpy(), "v2", "v1"),
        "_told": pl.Series(told).gather(platform), "_starts": pl.Series(starts).gather(platform),
    })  # fmt: skip
    news = [pl.when(later).then(c).alias(n)
            for c, n in (("_told", "announced_on"), ("_starts", "effective_on"))]  # fmt: skip
    rows = rows.with_columns(*news, currency=pl.lit("CNY")).drop("_told", "_starts")
    firms = {"firm_id": numbered("TP", count), "country": country,
             "jurisdiction": np.where(country == "CN", "CN", "EU")}  # fmt: skip
    return {"firms": pl.DataFrame(firms), "fees": rows}


def calls(seed: int) -> dict[str, pl.DataFrame]:
    """Calls of interfaces, one in fifty of which is denied; one platform in thirty holds rivals,
    who call most, to a rate limit."""
    rng = np.random.default_rng(seed)
    count, span, many = 80, 4, 400
    platform, month, _ = (i.ravel() for i in np.indices((count, span, many)))
    rival = rng.random(platform.size) < 0.35
    denied = rng.random(platform.size) < rng.beta(20, 980, count)[platform]
    held = rival & np.isin(platform, [7, 37]) & (rng.random(platform.size) < 0.1)
    seconds = rng.integers(0, 28 * 86_400, platform.size)
    first = pl.Series([date(2026, 4 + m, 1) for m in range(span)]).gather(month)
    reason = np.where(held, "rate limit", np.where(denied, "invalid request", ""))
    outcome = np.where(held, "throttled", np.where(denied, "denied", "ok"))
    return {
        "api_access": pl.DataFrame({
            "call_id": numbered("call", platform.size),
            "platform_id": numbered("AP", count)[platform],
            "requester_id": [f"{'R' if r else 'O'}-{p}-{k}" for r, p, k in zip(
                rival, platform, rng.integers(0, 8, rival.size), strict=True)],
            "ts": first.cast(pl.Datetime("us", "UTC")) + pl.Series(seconds * 1_000_000)
            .cast(pl.Duration("us")),
            "is_rival": rival, "endpoint": np.full(rival.size, "orders"), "outcome": outcome,
            "reason": pl.Series(reason).replace("", None),
            "latency_ms": np.exp(rng.normal(4.5, 0.5, rival.size)).round(1),
        })
    }  # fmt: skip


def rebates(seed: int) -> dict[str, pl.DataFrame]:
    """Retroactive rebates of a few per cent over half of a customer's demand, well above cost."""
    rng = np.random.default_rng(seed)
    firms, each = 40, 8
    firm = np.repeat(np.arange(firms), each)
    cost = rng.uniform(0.55, 0.8, firms) * 100
    clauses = pl.DataFrame(
        {
            "contract_id": numbered("LC", firm.size),
            "firm_id": numbered("LF", firms)[firm],
            "counterparty_id": numbered("LK", firm.size),
            "product_id": numbered("LG", firms)[firm],
            "list_price": np.full(firm.size, 100.0),
            "rebate_rate": rng.uniform(0.01, 0.06, firm.size).round(4),
            "contestable_share": rng.uniform(0.3, 0.8, firm.size).round(3),
            "coverage_share": np.repeat(rng.uniform(0.02, 0.35, firms), each).round(3),
        }
    ).with_columns(type=pl.lit("rebate"), currency=pl.lit("EUR"), **{"from": date(2025, 1, 1)})
    costs = pl.DataFrame({
        "firm_id": np.tile(numbered("LF", firms), 2),
        "product_id": np.tile(numbered("LG", firms), 2),
        "month": np.repeat(["2025-06", "2026-06"], firms),
        "lraic": np.tile(cost, 2).round(2),
    }).with_columns(currency=pl.lit("EUR"))  # fmt: skip
    return {"contract_terms": clauses, "costs": costs}


def products(seed: int) -> dict[str, pl.DataFrame]:
    """Best sellers, a matched product for each, and own brands that follow either now and then.

    Best seller lists are public: hits are followed by four in a hundred, their controls by three.
    """
    rng = np.random.default_rng(seed)
    sizes = np.clip(np.exp(rng.normal(4.9, 0.5, 120)), 40, 400).astype(np.int64)
    kind = numbered("kind", sizes.size)[np.repeat(np.arange(sizes.size), sizes)]
    count = kind.size
    hit = rng.integers(0, 265, count)
    begin = date(2025, 7, 10)
    hits = pl.DataFrame({
        "sku_id": numbered("hit", count), "category": kind, "hit_on": after(begin, hit),
        "launched_on": after(begin, hit - rng.integers(60, 700, count)),
    })  # fmt: skip
    controls = pl.DataFrame({
        "sku_id": numbered("like", count), "category": kind, "control_for_sku_id": hits["sku_id"],
        "launched_on": after(begin, hit - rng.integers(60, 700, count)),
    })  # fmt: skip
    parts = [hits, controls]
    for original, rate, tag in ((hits, 0.04, "a"), (controls, 0.03, "b")):
        mine = np.flatnonzero(rng.random(count) < rate)
        parts.append(pl.DataFrame({
            "sku_id": [f"own-{tag}-{i}" for i in mine], "category": kind[mine],
            "copies_sku_id": original["sku_id"].gather(mine),
            "launched_on": after(begin, hit[mine] + rng.integers(5, 180, mine.size)),
            "copy_similarity": rng.uniform(0.5, 0.9, mine.size).round(3),
        }))  # fmt: skip
    rows = pl.concat(parts, how="diagonal")
    return {"products": rows.with_columns(is_own=pl.col("copies_sku_id").is_not_null())}


def plans(seed: int) -> dict[str, pl.DataFrame]:
    """Subscriptions left in about as many steps as they are taken; nearly all renewals announced.

    One platform in twenty checks identity first, one in twenty files some notices a month late.
    """
    rng = np.random.default_rng(seed)
    count, span = 120, 8
    number = np.arange(count)
    enter = rng.integers(2, 6, count)
    leave = np.clip(enter + rng.integers(-1, 2, count), 1, None) + 2 * (number % 20 == 3)
    platform, month = (i.ravel() for i in np.indices((count, span)))
    renewals = rng.poisson(np.exp(rng.normal(7, 0.8, count))[platform]) + 40
    told = np.where(number % 20 == 11, 0.985, 0.998)[platform]
    return {
        "subscriptions": pl.DataFrame({
            "platform_id": numbered("UP", count)[platform],
            "month": np.array(months(date(2026, 1, 1), span))[month],
            "plan_id": np.full(month.size, "monthly"),
            "renewals": renewals, "renewal_notices": rng.binomial(renewals, told),
            "steps_subscribe": enter[platform], "steps_cancel": leave[platform],
        })
    }  # fmt: skip


WORLDS: tuple[World, ...] = (
    World("platform charges", charges, platforms_terms.charges(12), True, ("fees",)),
    World("platform tariffs", tariffs, platforms_terms.notices(16), True, ("firms", "fees")),
    World("platform calls", calls, platforms_terms.denials(10), True, ("api_access",)),
    World("platform rebates", rebates, platforms_terms.rebates(12), True,
          ("contract_terms", "costs")),
    World("platform products", products, platforms_terms.copies(10), True, ("products",)),
    *(World("platform plans", plans, (one,), True, ("subscriptions",))
      for one in platforms_terms.traps(12)),
)  # fmt: skip
