"""Platforms and what they charge, refuse, rebate, copy and make hard to leave."""

from __future__ import annotations

from functools import partial

import polars as pl

from benchmarks.detection.schemes.planting import Planted, Random, Scheme, Tables
from benchmarks.detection.schemes.platforms import picked, single

RAISED = 0.09
"""Points of the take rate added at full strength (catalogue: 0.23 where peers pay 0.14)."""
DENIED = 0.3
"""Share of rivals' calls denied at full strength (catalogue: 120 of 400)."""
REBATE, CONTESTABLE, COVERED = 0.10, 0.25, 0.4
"""A tenth back over a quarter of demand (catalogue); two fifths of the market bound by it."""
COPIED, LEAD = 0.18, 50
"""Hits copied, and days until then (catalogue: 18 of 100 after 50 days)."""
TRAPPED = 3.0
"""Steps to leave over steps to enter at full strength (catalogue: six against two)."""


def overcharged(tables: Tables, strength: float, rng: Random, *, count: int) -> Planted:
    """Adds a fee that no tariff has to what `count` merchants pay, for three months."""
    rows = tables["fees"]
    chosen = picked(rng, rows["merchant_id"], count)
    last = rows["month"].unique().sort()[-3:]
    mine = rows.filter(
        pl.col("merchant_id").is_in(chosen), pl.col("month").is_in(last.implode()),
        pl.col("fee_type") == "commission",
    )  # fmt: skip
    extra = mine.with_columns(
        fee_type=pl.lit("service guarantee"), in_tariff=pl.lit(value=False),
        amount=(pl.col("gmv") * RAISED * strength).round(2),
    ).filter(pl.col("amount") > 0)  # fmt: skip
    return Planted({**tables, "fees": pl.concat([rows, extra])}, single(chosen))


def hurried(tables: Tables, strength: float, rng: Random, *, count: int) -> Planted:
    """Shortens the notice `count` platforms give of a new tariff; none is left at 1."""
    rows = tables["fees"]
    chosen = picked(rng, rows["platform_id"], count)
    notice = (pl.col("effective_on") - pl.col("announced_on")).dt.total_days()
    later = pl.col("effective_on") - pl.duration(days=((1 - strength) * notice).round())
    mine = pl.col("platform_id").is_in(chosen)
    told = pl.when(mine).then(later.cast(pl.Date)).otherwise("announced_on")
    return Planted({**tables, "fees": rows.with_columns(announced_on=told)}, single(chosen))


def refused(tables: Tables, strength: float, rng: Random, *, count: int) -> Planted:
    """Denies rivals' calls without a reason of theirs, on `count` platforms for two months."""
    rows = tables["api_access"]
    chosen = picked(rng, rows["platform_id"], count)
    luck = pl.Series(rng.random(rows.height))
    late = pl.col("ts").dt.month() >= pl.col("ts").dt.month().max() - 1
    mine = pl.col("platform_id").is_in(chosen) & pl.col("is_rival") & late
    hit = mine & (luck < DENIED * strength) & (pl.col("outcome") == "ok")
    changed = rows.with_columns(
        outcome=pl.when(hit).then(pl.lit("denied")).otherwise("outcome"),
        reason=pl.when(hit).then(pl.lit("access not granted")).otherwise("reason"),
    )
    return Planted({**tables, "api_access": changed}, single(chosen))


def loyal(tables: Tables, strength: float, rng: Random, *, count: int) -> Planted:
    """Moves the rebates of `count` customers to a tenth over a quarter of their demand."""
    rows = tables["contract_terms"]
    chosen = picked(rng, rows["counterparty_id"], count)
    mine = pl.col("counterparty_id").is_in(chosen)
    ends = {"rebate_rate": REBATE, "coverage_share": COVERED}
    moved = [
        pl.when(mine)
        .then(pl.col(name) + strength * (pl.max_horizontal(pl.lit(end), name) - pl.col(name)))
        .otherwise(name)
        .alias(name)
        for name, end in ends.items()
    ]
    share = pl.col("contestable_share")
    fewer = share + strength * (pl.min_horizontal(pl.lit(CONTESTABLE), share) - share)
    terms = rows.with_columns(*moved, contestable_share=pl.when(mine).then(fewer).otherwise(share))
    return Planted({**tables, "contract_terms": terms}, single(chosen))


def copied(tables: Tables, strength: float, rng: Random, *, count: int) -> Planted:
    """Launches own brands after more of the hits of `count` categories, about 50 days later."""
    rows = tables["products"]
    chosen = picked(rng, rows["category"], count)
    hits = rows.filter(pl.col("hit_on").is_not_null(), pl.col("category").is_in(chosen))
    done = rows["copies_sku_id"].drop_nulls().implode()
    luck = pl.Series(rng.random(hits.height))
    lead = pl.Series(rng.gamma(10, LEAD / 10, hits.height)).round().cast(pl.Int64)
    like = pl.Series(rng.uniform(0.8, 0.97, hits.height)).round(3)
    new = hits.with_columns(_lead=lead, copy_similarity=like).filter(
        (luck < strength * COPIED) & ~pl.col("sku_id").is_in(done)
    )
    own = new.select(
        pl.format("copy-of-{}", "sku_id").alias("sku_id"), "category", "copy_similarity",
        copies_sku_id="sku_id", launched_on=pl.col("hit_on") + pl.duration(days="_lead"),
        is_own=pl.lit(value=True),
    )  # fmt: skip
    return Planted({**tables, "products": pl.concat([rows, own], how="diagonal")}, single(chosen))


def trapped(tables: Tables, strength: float, rng: Random, *, count: int) -> Planted:
    """Adds steps to leave a plan of `count` platforms, up to three times those to enter it."""
    rows = tables["subscriptions"]
    chosen = picked(rng, rows["platform_id"], count)
    leave, most = pl.col("steps_cancel"), TRAPPED * pl.col("steps_subscribe")
    longer = (leave + strength * (pl.max_horizontal(most, leave) - leave)).round().cast(pl.Int64)
    mine = pl.col("platform_id").is_in(chosen)
    steps = pl.when(mine).then(longer).otherwise(leave)
    return Planted({**tables, "subscriptions": rows.with_columns(steps_cancel=steps)},
                   single(chosen))  # fmt: skip


def silent(tables: Tables, strength: float, rng: Random, *, count: int) -> Planted:
    """Leaves renewals of `count` platforms without a notice: none is sent at 1."""
    rows = tables["subscriptions"]
    chosen = picked(rng, rows["platform_id"], count)
    told = (pl.col("renewal_notices") * (1 - strength)).round().cast(pl.Int64)
    mine = pl.col("platform_id").is_in(chosen)
    fewer = pl.when(mine).then(told).otherwise("renewal_notices")
    return Planted({**tables, "subscriptions": rows.with_columns(renewal_notices=fewer)},
                   single(chosen))  # fmt: skip


def charges(count: int) -> tuple[Scheme, ...]:
    """Fees far above those of like merchants."""
    return (
        Scheme("fee beside the tariff", ("MON-FEES",),
               "points of the take rate added for three months, nine at 1",
               ("fees", ("merchant_id",)), partial(overcharged, count=count)),
    )  # fmt: skip


def notices(count: int) -> tuple[Scheme, ...]:
    """Tariffs announced too late."""
    return (
        Scheme("tariff announced late", ("MON-FEES",),
               "share of the notice that is withheld; at 1 told on the day it takes effect",
               ("fees", ("platform_id",)), partial(hurried, count=count)),
    )  # fmt: skip


def denials(count: int) -> tuple[Scheme, ...]:
    """Rivals kept out of an interface."""
    return (
        Scheme("rivals denied", ("MON-REFUSAL",),
               "share of rivals' calls denied without a reason, 0.3 at 1",
               ("api_access", ("platform_id",)), partial(refused, count=count)),
    )  # fmt: skip


def rebates(count: int) -> tuple[Scheme, ...]:
    """Rebates that no rival can match."""
    words = "from the customer's own terms to a tenth back, a quarter contestable, 0.4 covered"
    return (
        Scheme("loyalty rebate", ("MON-LOYALTY",), words,
               ("contract_terms", ("counterparty_id",)), partial(loyal, count=count)),
    )  # fmt: skip


def copies(count: int) -> tuple[Scheme, ...]:
    """Own brands after merchants' hits."""
    return (
        Scheme("hits copied", ("MON-DATA-USE",),
               "share of hits an own brand follows in about 50 days beside the usual, 0.18 at 1",
               ("products", ("category",)), partial(copied, count=count)),
    )  # fmt: skip


def traps(count: int) -> tuple[Scheme, ...]:
    """Plans that are hard to leave; renewals nobody is told of."""
    subjects = ("subscriptions", ("platform_id",))
    return (
        Scheme("hard to leave", ("TRX-AUTORENEW",),
               "steps to leave, from the platform's own to three times those to enter", subjects,
               partial(trapped, count=count)),
        Scheme("renewed in silence", ("TRX-AUTORENEW",), "share of renewals without a notice",
               subjects, partial(silent, count=count)),
    )  # fmt: skip
