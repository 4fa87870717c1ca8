"""Offers that cost nothing: filed as such, judged where free means something, else left out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from polars.testing import assert_frame_equal

from detector.planning import steadied
from features.typologies import TYPOLOGIES
from tests.detector.homes import file, opened
from tests.features import conduct
from tests.features.filings import Filing, compute, holds_the_promise, read, row

START = datetime(2026, 1, 5, tzinfo=UTC)
PRICES = [t for t in TYPOLOGIES if t.startswith("MON-PRICE-") and t != "MON-PRICE-PERSONAL"]


def offers(seller: str, asked: list[float], first: int = 0) -> list[Filing]:
    return [
        {"sku_id": "k", "seller_id": seller, "platform_id": "p", "currency": "EUR",
         "ts": START + timedelta(days=first + i), "net_price": price, "list_price": 9.0}
        for i, price in enumerate(asked)
    ]  # fmt: skip


def test_a_free_offer_is_taken_in_and_a_negative_one_is_not(tmp_path: Path) -> None:
    system = opened(tmp_path / "home")
    file(system, tmp_path / "filed", "listing_prices", offers("s", [0.0, 1.5]))
    stored = system.lake.scan(system.lake.pin(None), "listing_prices").collect()
    assert sorted(stored["net_price"]) == [0.0, 1.5]
    with pytest.raises(AssertionError):
        file(system, tmp_path / "filed", "listing_prices", offers("t", [-0.01]))


def test_free_days_change_no_screen_on_price_paths() -> None:
    paths = [
        row
        for k, seller in enumerate(("a", "b", "c"))
        for row in offers(seller, [10.0 + (i * (k + 3)) % 4 for i in range(80)])
    ]
    free = offers("a", [0.0] * 30, first=80) + offers("d", [0.0] * 30)
    plain, mixed = (compute({"listing_prices": rows}, *PRICES) for rows in (paths, paths + free))
    assert plain.frames.keys() == mixed.frames.keys() >= {"sku_seller_q", "sku_q", "pair_q"}
    for grain, made in plain.frames.items():
        # Twelve digits, as a run keeps them: floats may be added in another order.
        alone, beside = (steadied(f) for f in (made.frame, mixed.frames[grain].frame))
        assert_frame_equal(alone, beside, check_exact=True)


def test_every_feature_over_free_offers_is_a_number_or_says_why_not() -> None:
    filed = offers("a", [0.0] * 40) + offers("b", [5.0] * 20 + [0.0] * 20)
    for k, entry in enumerate(filed):
        entry["promo_id"] = "gift" if k % 40 >= 20 else None
    holds_the_promise(compute({"listing_prices": filed, "costs": [conduct.cost("2026-01")]}))


def test_a_free_side_lies_wholly_below_its_cost() -> None:
    tables = {"listing_prices": [conduct.offer(0.0)], "costs": [conduct.cost(avc=9.0)]}
    done = compute(tables, "MON-PREDATION")
    assert read(done, "sku_w", "pred_avc_margin") == -1
    assert done.frames["sku_w"].frame["pred_free_side"].to_list() == [True]


def test_discounts_to_nothing_and_from_nothing() -> None:
    def promotion(asked: float, sale: float) -> list[Filing]:
        before = offers("s", [asked, asked])
        return [*before, *({**o, "promo_id": "p"} for o in offers("s", [sale], first=9))]

    gift = row(compute({"listing_prices": promotion(9.0, 0.0)}, "TRX-FAKE-DISCOUNT"), "sku_event")
    assert (gift["disc_real"], gift["disc_advertised"], gift["disc_pre_raise"]) == (1, 1, 0)
    back = row(compute({"listing_prices": promotion(0.0, 4.5)}, "TRX-FAKE-DISCOUNT"), "sku_event")
    for name in ("disc_real", "disc_ref_inflation"):
        assert (back[name], back[f"{name}__reason"]) == (None, "zero_denominator")
    assert back["disc_advertised"] == 0.5
    nothing = [o | {"list_price": 0.0} for o in promotion(0.0, 0.0)]
    none = row(compute({"listing_prices": nothing}, "TRX-FAKE-DISCOUNT"), "sku_event")
    assert none["disc_advertised__reason"] == "zero_denominator"
    assert none["disc_pre_raise"] == 0
