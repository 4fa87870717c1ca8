"""Books that hide something: money that returns, prices inside a family, awards cut small, debts
left unpaid."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

import numpy as np
import polars as pl

from benchmarks.detection.schemes.planting import Planted, Random, Scheme, Tables
from benchmarks.detection.schemes.platforms import picked, single

TRIPS, RETURNED, TRIP_DAYS = 4, 0.98, 6.0
"""Round trips, one a month; what comes back, and after how long (catalogue: 980 of 1,000)."""
HONEST_SCATTER, HONEST_GAP = 0.6, 20.0
"""Honest payments in turn: scatter on the scale of logarithms, days from one to the next."""
PREMIUM, PURCHASES = 0.5, 0.25
"""Price above the market, and share of purchases (catalogue: 150 against 100; 300 of 1,200)."""
LIMIT = 400_000.0
"""The limit awards are cut to stay below."""
LATE, LATE_DAYS = 5 / 6, (90, 150)
"""Share of the value paid late (catalogue: 500 of 600), and after how many days."""


def flows(
    payer: Sequence[str], payee: Sequence[str], amount: Sequence[float], ts: Sequence[datetime]
) -> pl.DataFrame:
    """Transfers as they are filed, without a number."""
    return pl.DataFrame({
        "from_id": payer, "to_id": payee, "amount": amount,
        "ts": pl.Series(ts, dtype=pl.Datetime("us", "UTC")),
    }).with_columns(pl.col("amount").round(2), currency=pl.lit("CNY"))  # fmt: skip


def returned(tables: Tables, strength: float, rng: Random, *, count: int) -> Planted:
    """Passes money round `count` circles of two to four firms, four times."""
    rows = tables["fund_flows"]
    names = pl.concat([rows["from_id"], rows["to_id"]]).unique().sort()
    free = names.gather(rng.permutation(names.len())).to_list()
    first, last = rows["ts"].dt.timestamp("us").sort()[0], rows["ts"].dt.timestamp("us").sort()[-1]
    reach = (last - first) / 86_400_000_000 - 30 * TRIPS - 90
    parts, cases = [], []
    start = rows["ts"].dt.date().sort()[0]
    for number in range(count):
        members = [free.pop() for _ in range(2 + number % 3)]
        begin = float(rng.uniform(0, reach))
        parts += _trips(rng, members, begin, strength, datetime.fromisoformat(f"{start}T00:00Z"))
        cases.append(frozenset(members))
    extra = pl.concat(parts).with_row_index("flow_id")
    extra = extra.with_columns(flow_id=pl.format("turn-{}", "flow_id"))
    every = pl.concat([rows, extra], how="diagonal")
    return Planted({**tables, "fund_flows": every}, tuple(cases))


def _trips(
    rng: Random, members: list[str], begin: float, strength: float, start: datetime
) -> list[pl.DataFrame]:
    size, found = len(members), []
    payees = [*members[1:], members[0]]
    for trip in range(TRIPS):
        out = rng.normal(11, 0.4)
        honest = out + rng.normal(0, HONEST_SCATTER, size)
        planted = out + np.linspace(0, np.log(RETURNED), size)
        legs = np.exp((1 - strength) * honest + strength * planted)
        gaps = (1 - strength) * rng.gamma(8, HONEST_GAP / 8, size) + strength * TRIP_DAYS / size
        when = begin + 30 * trip + np.cumsum(gaps)
        ts = [start + timedelta(days=float(day)) for day in when]
        found.append(flows(members, payees, legs.tolist(), ts))
    return found


def _kin(tables: Tables, rng: Random, count: int) -> pl.DataFrame:
    """So many related pairs: seller and buyer."""
    owned = picked(rng, tables["ownership"]["owned_id"], count)
    return tables["ownership"].filter(pl.col("owned_id").is_in(owned)).select(
        seller_id="owner_id", buyer_id="owned_id", kin=pl.lit(value=True)
    )  # fmt: skip


def dear(tables: Tables, strength: float, rng: Random, *, count: int) -> Planted:
    """Raises the prices, and the volume, of what `count` firms buy from a firm of their owner."""
    kin = _kin(tables, rng, count)
    rows = tables["invoices"].join(
        kin, on=["seller_id", "buyer_id"], how="left", maintain_order="left"
    ).with_columns(pl.col("kin").fill_null(value=False))  # fmt: skip
    value = pl.col("qty") * pl.col("unit_price")
    mine = value.filter("kin").sum().over("buyer_id")
    other = value.sum().over("buyer_id") - mine
    wanted = pl.max_horizontal(PURCHASES / (1 - PURCHASES) * other / mine, pl.lit(1.0))
    more = (pl.col("qty") * (1 + strength * (wanted - 1))).ceil()
    higher = (pl.col("unit_price") * (1 + PREMIUM * strength)).round(2)
    changed = rows.with_columns(
        qty=pl.when("kin").then(more).otherwise("qty"),
        unit_price=pl.when("kin").then(higher).otherwise("unit_price"),
    )
    cases = tuple(frozenset(pair) for pair in kin.select("seller_id", "buyer_id").rows())
    return Planted({**tables, "invoices": changed.drop("kin")}, cases)


def hidden(tables: Tables, strength: float, rng: Random, *, count: int) -> Planted:
    """Leaves out on invoices of `count` pairs that the two are related."""
    kin = _kin(tables, rng, count)
    rows = tables["invoices"].join(
        kin, on=["seller_id", "buyer_id"], how="left", maintain_order="left"
    )
    luck = pl.Series(rng.random(rows.height))
    told = pl.col("related_disclosed") & ~(pl.col("kin").is_not_null() & (luck < strength))
    cases = tuple(frozenset(pair) for pair in kin.select("seller_id", "buyer_id").rows())
    changed = rows.with_columns(related_disclosed=told).drop("kin")
    return Planted({**tables, "invoices": changed}, cases)


def split(tables: Tables, strength: float, rng: Random, *, count: int) -> Planted:
    """Cuts awards of `count` buyers between the limit and three times it into parts below it.

    Each part but the last takes 93 to 99.5 per cent of the limit; all go to the same supplier
    within three weeks.
    """
    rows = tables["tenders"]
    chosen = picked(rng, rows["buyer_id"], count)
    luck = pl.Series(rng.random(rows.height))
    full = pl.Series(rng.uniform(0.93, 0.995, rows.height)) * LIMIT
    marked = rows.with_columns(_part=full, _cut=luck < strength)
    over = pl.col("award_value").is_between(LIMIT, 3 * LIMIT, closed="left")
    cut = marked.filter(pl.col("buyer_id").is_in(chosen) & over & pl.col("_cut"))
    left = marked.filter(~(pl.col("buyer_id").is_in(chosen) & over & pl.col("_cut")))
    pieces = (
        cut.with_columns(
            _number=pl.int_ranges((pl.col("award_value") / pl.col("_part")).ceil().cast(pl.Int64))
        )
        .explode("_number")
        .with_columns(
            tender_id=pl.format("{}-{}", "tender_id", "_number"),
            awarded_at=pl.col("awarded_at") + pl.duration(days=7 * pl.col("_number")),
            award_value=pl.min_horizontal(
                pl.col("_part"), pl.col("award_value") - pl.col("_number") * pl.col("_part")
            ).round(2),
        )
    )
    every = pl.concat([left.select(rows.columns), pieces.select(rows.columns)])
    return Planted({**tables, "tenders": every.filter(pl.col("award_value") > 0)}, single(chosen))


def delayed(tables: Tables, strength: float, rng: Random, *, count: int) -> Planted:
    """Pays small suppliers of `count` buyers three to five months late, for two quarters."""
    rows = tables["invoices"]
    chosen = picked(rng, rows["buyer_id"], count)
    small = tables["firms"].filter(pl.col("size_class") == "small")["firm_id"]
    luck = pl.Series(rng.random(rows.height))
    waits = pl.Series(rng.integers(*LATE_DAYS, rows.height))
    mine = (
        pl.col("buyer_id").is_in(chosen)
        & pl.col("seller_id").is_in(small.implode())
        & (pl.col("issued") >= pl.date(2025, 10, 1))
        & (luck < LATE * strength)
    )
    late = pl.col("delivered").dt.offset_by(pl.format("{}d", waits))
    changed = rows.with_columns(paid=pl.when(mine).then(late).otherwise("paid"))
    return Planted({**tables, "invoices": changed}, single(chosen))


def round_trips(count: int) -> tuple[Scheme, ...]:
    """Money that returns."""
    words = "from payments in turn (scatter 0.6, weeks apart) to 0.98 back in six days, monthly"
    return (
        Scheme("round trip", ("TRX-ROUNDTRIP",), words, ("fund_flows", ("from_id",)),
               partial(returned, count=count), least=1.0),
    )  # fmt: skip


def relations(count: int) -> tuple[Scheme, ...]:
    """Prices inside a family, and families nobody is told of."""
    return (
        Scheme("dear related purchases", ("TRX-RELATED",),
               "price above the market, 0.5 at 1, with purchases up to a quarter",
               ("ownership", ("owned_id",)), partial(dear, count=count), least=1.0),
        Scheme("relation not told", ("TRX-RELATED",),
               "share of the pair's invoices that leave out that the two are related",
               ("ownership", ("owned_id",)), partial(hidden, count=count), least=1.0),
    )  # fmt: skip


def splits(count: int) -> tuple[Scheme, ...]:
    """Awards cut to stay below a limit."""
    words = "share of awards of one to three times the limit that are cut into parts below it"
    return (
        Scheme("split awards", ("TRX-SPLIT",), words, ("tenders", ("buyer_id",)),
               partial(split, count=count)),
    )  # fmt: skip


def delays(count: int) -> tuple[Scheme, ...]:
    """Small suppliers paid late."""
    return (
        Scheme("small suppliers paid late", ("TRX-LATEPAY",),
               "share of their invoices paid after three to five months, five in six at 1",
               ("invoices", ("buyer_id",)), partial(delayed, count=count)),
    )  # fmt: skip
