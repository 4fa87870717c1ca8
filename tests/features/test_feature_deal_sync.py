"""Parties to a deal that move together between signing and clearance (MON-GUN-JUMPING)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

import numpy as np
import pytest

from tests.features.filings import Filing, compute, row
from tests.features.tendering import lot, market

SIGNED = date(2025, 6, 1)
DEAL: dict[str, list[Filing]] = {
    "merger_notifications": [
        {"deal_id": "D", "signed_on": SIGNED, "cleared_on": date(2025, 9, 1), "target_id": "b"}
    ],
    "deal_parties": [{"deal_id": "D", "party_id": p} for p in ("a", "b")],
}


def path(seller: str, start: date, steps: Sequence[float], sku: str = "k") -> list[Filing]:
    """Prices whose logarithm moves by these steps from day to day."""
    level = np.exp(np.cumsum([0.0, *steps])) * 100
    return [
        {
            "sku_id": sku, "seller_id": seller, "net_price": float(p),
            "ts": datetime.combine(start + timedelta(days=k), datetime.min.time(), UTC),
        }
        for k, p in enumerate(level)
    ]  # fmt: skip


def noise(seed: int, n: int) -> list[float]:
    draw = Random(seed)
    return [draw.gauss(0, 0.02) for _ in range(n)]


def sides(before: int = 25, during: int = 25) -> tuple[list[Filing], float, float]:
    """Independent prices before signing, the same steps after it; and the two correlations."""
    a1, b1, c = noise(1, before), noise(2, before), noise(3, during)
    d = [s + e for s, e in zip(c, noise(4, during), strict=True)]
    rows = path("a", SIGNED - timedelta(days=before), a1)
    rows += path("b", SIGNED - timedelta(days=before), b1)
    rows += path("a", SIGNED + timedelta(days=1), c) + path("b", SIGNED + timedelta(days=1), d)
    return rows, float(np.corrcoef(a1, b1)[0, 1]), float(np.corrcoef(c, d)[0, 1])


def sync(tables: dict[str, list[Filing]], name: str = "pre_close_sync") -> tuple[Any, Any, Any]:
    found = row(compute(tables, "MON-GUN-JUMPING"), "deal", "D")
    return found[name], found[f"{name}__reason"], found[f"{name}__n"]


def test_prices_that_begin_to_move_together() -> None:
    rows, before, during = sides()
    value, why, n = sync(DEAL | {"listing_prices": rows})
    assert (value, why, n) == (pytest.approx(during - before), None, 25)


def test_a_step_across_the_signing_is_on_neither_side() -> None:
    """The level may jump on that day without moving either correlation."""
    rows, before, during = sides()
    for filed in rows:
        if filed["ts"].date() > SIGNED and filed["seller_id"] == "a":
            filed["net_price"] *= 3
    assert sync(DEAL | {"listing_prices": rows})[0] == pytest.approx(during - before)


def test_twenty_steps_are_needed_on_each_side() -> None:
    assert sync(DEAL | {"listing_prices": sides(19, 40)[0]})[1:] == ("too_few", 19)
    assert sync(DEAL | {"listing_prices": sides(20, 20)[0]})[2] == 20
    assert sync(DEAL | {"listing_prices": path("a", SIGNED, noise(1, 60))})[1:] == ("too_few", 0)


def test_prices_that_never_move_say_nothing() -> None:
    rows, _, _ = sides()
    still = [r | {"net_price": 5.0} if r["seller_id"] == "b" else r for r in rows]
    assert sync(DEAL | {"listing_prices": still})[:2] == (None, "constant")


def test_days_after_clearance_and_long_before_signing_do_not_count() -> None:
    rows, before, during = sides()
    outside = path("a", date(2025, 9, 2), noise(7, 30)) + path("b", date(2025, 9, 2), noise(7, 30))
    outside += path("a", date(2024, 4, 1), noise(8, 30)) + path("b", date(2024, 4, 1), noise(8, 30))
    value, _, n = sync(DEAL | {"listing_prices": rows + outside})
    assert (value, n) == (pytest.approx(during - before), 25)


def test_parties_stay_two_firms_although_the_register_already_shows_one_group() -> None:
    rows, before, during = sides()
    firms = [{"firm_id": f, "group_id": "G"} for f in ("a", "b")]
    value, _, _ = sync(DEAL | {"listing_prices": rows, "firms": firms})
    assert value == pytest.approx(during - before)


def test_bids_beside_the_other_bidders() -> None:
    before, during = (noise(11, 22), noise(12, 22)), (noise(13, 22), noise(13, 22))
    lots = []
    for k, (start, moves) in enumerate(((date(2025, 1, 1), before), (date(2025, 6, 2), during))):
        for i, (x, y) in enumerate(zip(*moves, strict=True)):
            size = 1000.0 * (1 + i)
            bids = {"a": size * np.exp(x), "b": size * np.exp(y), "z": size}
            lots.append(lot(100 * k + i, bids, "z", day=start + timedelta(days=i)))
    value, why, n = sync(DEAL | market(*lots), "pre_close_bid_sync")
    expected = 1 - float(np.corrcoef(*before)[0, 1])
    assert (value, why, n) == (pytest.approx(expected), None, 22)
