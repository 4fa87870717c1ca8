"""What a subject is compared with does not move with the subject's own filings.

Each case changes one subject of the small world, twice, and reads its comparison back from how the
feature answers: a value over a fixed one stays in proportion, a z stays on one line, a share of
others stays where it is. Were the subject among its own peers, none of these would hold.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from math import log

import polars as pl
import pytest
from scipy.stats import binom

from features.catalogue import catalogue
from features.compute import compute_features
from tests.features.filings import Filing, table
from tests.features.world import CONTEXT, world

Tables = dict[str, pl.DataFrame]
Change = Callable[[Tables, int], None]
JANUARY, MAY, JULY, AUGUST = (date(2024, m, 1) for m in (1, 5, 7, 8))


def where(tables: Tables, name: str, rows: pl.Expr, **values: pl.Expr) -> None:
    """Change some rows of a table."""
    changed = (pl.when(rows).then(v).otherwise(pl.col(c)).alias(c) for c, v in values.items())
    tables[name] = tables[name].with_columns(changed)


def more(tables: Tables, name: str, rows: list[Filing]) -> None:
    """Add rows to a table."""
    if rows:
        tables[name] = pl.concat([tables[name], table(name, rows).collect()])


def told(change: Change, subject: str, period: date, *names: str) -> list[tuple[float, ...]]:
    """Features of a subject as filed, and after one and two steps of a change of its own."""
    features = catalogue().features
    asked = {features[name].typology for name in names}
    found = []
    for step in (0, 1, 2):
        tables = world()
        change(tables, step)
        done = compute_features({n: f.lazy() for n, f in tables.items()}, asked, CONTEXT)
        frame = done.frames[features[names[0]].grain].frame
        rows = frame.filter(subject_key=subject, period_start=period)
        found.append(rows.select(*names, *_CONTEXT.get(names[0], ())).row(0))
    assert len({f[0] for f in found}) == 3 or names[0] in _STILL
    return found


_CONTEXT = {"exc_benchmark_ratio": ("exc_price",), "exc_margin_excess": ("exc_price",)}
_STILL = (
    "single_bid_peer_rate",
    "missing_peer_share",
    "sdk_peer_percentile",
)


def on_one_line(points: list[tuple[float, float]]) -> None:
    """The feature moves with the subject's own number at one slope."""
    (y0, x0), (y1, x1), (y2, x2) = points
    assert (y1 - y0) / (x1 - x0) == pytest.approx((y2 - y1) / (x2 - x1), rel=1e-9)


def dearer(tables: Tables, step: int) -> None:
    mine = (pl.col("merchant_id") == "m03") & (pl.col("month") == "2024-05")
    where(tables, "fees", mine, amount=pl.col("amount") * (1 + step))


def test_fees_are_compared_with_those_of_other_merchants() -> None:
    on_one_line(told(dearer, "m03", MAY, "fee_robust_z", "fee_take_rate"))


def agreeable(tables: Tables, step: int) -> None:
    mine = (pl.col("app_id") == "a06") & (pl.col("period") == "2024-07")
    where(tables, "consent_metrics", mine, accepted=pl.col("accepted") + 100 * step)


def test_consent_is_compared_with_that_of_other_dialogues() -> None:
    def logit(rate: float) -> float:
        accepted = round(900 * rate)
        return log((accepted + 0.5) / (900 - accepted + 0.5))

    found = told(agreeable, "a06/zh", JULY, "consent_robust_logit_z", "consent_rate")
    on_one_line([(z, logit(rate)) for z, rate in found])


def reluctant(tables: Tables, step: int) -> None:
    mine = (pl.col("app_id") == "a01") & (pl.col("period") == "2024-05")
    mine &= pl.col("locale") == "en"
    where(tables, "consent_metrics", mine, accepted=pl.col("accepted") - 200 * step)


def test_a_language_is_compared_with_the_others() -> None:
    found = told(reluctant, "a01/en", MAY, "consent_locale_gap", "consent_rate")
    assert [rate - gap for gap, rate in found] == pytest.approx([found[0][1] - found[0][0]] * 3)


def notifying(tables: Tables, step: int) -> None:
    rows = [
        {"incident_id": f"more {k}", "operator_id": "O5", "notified_at": "2025-03-03"}
        for k in range(9 * step)
    ]
    more(tables, "breach_notifications", rows)


def test_notifications_are_compared_at_the_rate_of_other_operators() -> None:
    found = told(notifying, "O5", date(2025, 1, 1), "bu_rate_z")
    on_one_line([(z, step) for step, (z,) in enumerate(found)])


def granting(tables: Tables, step: int) -> None:
    mine = (pl.col("operator_id") == "O2") & (pl.col("outcome") == "refused")
    first = (mine.cum_sum() <= 2 * step) & mine
    where(tables, "dsar_requests", first, outcome=pl.lit("granted"))


def test_refusals_are_compared_with_the_rate_of_other_operators() -> None:
    names = ("dr_rate_vs_peers", "dr_refusal_rate", "dr_binom_p", "dr_refusal_rate__n")
    features = catalogue().features
    found = []
    for step in (0, 1, 2):
        tables = world()
        granting(tables, step)
        lazy = {"dsar_requests": tables["dsar_requests"].lazy()}
        frame = compute_features(lazy, [features[names[0]].typology], CONTEXT).frames["operator_y"]
        mine = frame.frame.filter(subject_key="O2", period_start=JANUARY)
        found.append(mine.select(names).row(0))
    rates = [rate / ratio for ratio, rate, _, _ in found]
    assert rates == pytest.approx([rates[0]] * 3, rel=1e-12)
    for (_, rate, p, n), others in zip(found, rates, strict=True):
        assert p == pytest.approx(binom.sf(round(rate * n) - 1, n, others), rel=1e-9)
    assert len({rate for _, rate, _, _ in found}) == 3


def raised(seller: str) -> Change:
    def change(tables: Tables, step: int) -> None:
        mine = (pl.col("sku_id") == "K1") & (pl.col("seller_id") == seller)
        mine &= pl.col("ts").dt.month_start().dt.date() == AUGUST
        price = pl.col("net_price") * (2 + step)
        where(tables, "listing_prices", mine, net_price=price)
        costs = [
            {"firm_id": f, "product_id": "K1", "month": "2024-08", "unit_cost": 60.0 + k}
            for k, f in enumerate(("S3", "S4", "S6"))
        ]  # fmt: skip
        more(tables, "costs", costs)

    return change


def test_a_price_is_compared_with_other_offers() -> None:
    found = told(raised("S2"), "K1", AUGUST, "exc_benchmark_ratio")
    middles = [price / ratio for ratio, price in found]
    assert middles == pytest.approx([middles[0]] * 3, rel=1e-12)


def test_a_margin_is_compared_with_those_of_other_firms() -> None:
    found = told(raised("S2"), "K1", AUGUST, "exc_margin_excess")
    on_one_line([(excess, 1 / price) for excess, price in found])


def shown_more(merchant: str, since: date) -> Change:
    def change(tables: Tables, step: int) -> None:
        mine = (pl.col("merchant_id") == merchant) & (pl.col("date") >= since)
        where(tables, "visibility", mine, impressions=pl.col("impressions") * 2**step)

    return change


@pytest.mark.parametrize(
    ("feature", "merchant", "since", "period"),
    [
        ("dem_visibility_did", "m01", date(2025, 6, 10), date(2025, 7, 7)),
        ("promo_optout_penalty_did", "m03", date(2025, 6, 20), date(2025, 7, 1)),
        ("mh_penalty_did", "m07", date(2025, 6, 10), date(2025, 7, 7)),
        ("mfn_penalty_did", "S6", date(2025, 5, 20), date(2025, 6, 1)),
    ],
)
def test_visibility_is_compared_with_that_of_others(
    feature: str, merchant: str, since: date, period: date
) -> None:
    found = [did for (did,) in told(shown_more(merchant, since), merchant, period, feature)]
    assert [did - found[0] for did in found] == pytest.approx([0, log(2), 2 * log(2)], abs=1e-12)


def left_alone(tables: Tables, step: int) -> None:
    mine = tables["tenders"].filter(pl.col("buyer_id") == "B1")["tender_id"].implode()
    extra = pl.col("tender_id").is_in(mine) & (pl.int_range(pl.len()).over("tender_id") > 2 - step)
    tables["bids"] = tables["bids"].filter(~extra)


def test_single_bids_are_compared_with_other_buyers() -> None:
    names = ("single_bid_peer_rate", "single_bid_rate_lcb")
    found = told(left_alone, "B1", JANUARY, *names)
    assert len({others for others, _ in found}) == 1
    assert found[0][1] < found[2][1]


def covering(tables: Tables, step: int) -> None:
    lots = tables["tenders"].filter(
        (pl.col("market_id") == "PM1") & pl.col("winner_id").is_in(["F1", "F2", "F3"])
        & (pl.col("awarded_at").dt.year() == 2024)
    )  # fmt: skip
    rows = [
        {"tender_id": t, "bidder_id": "never", "amount": 9e6, "currency": "CNY"}
        for t in lots["tender_id"].head(10 * (step + 1))
    ]
    more(tables, "bids", rows)


def test_a_firm_that_never_wins_is_compared_with_the_others() -> None:
    """Bids without a win leave (1 - others' rate) to their number."""
    found = [log(p) for (p,) in told(covering, "never", JANUARY, "cover_never_win_p")]
    assert [p / found[0] for p in found] == pytest.approx([1, 2, 3], rel=1e-9)


def silent(tables: Tables, step: int) -> None:
    mine = pl.col("operator_id") == "O1"
    if step:
        tables["metric_filings"] = tables["metric_filings"].filter(~mine)


def test_a_missing_filing_is_compared_with_those_of_others() -> None:
    found = told(silent, "O1/orders_received", JANUARY, "missing_peer_share", "missing_filing")
    assert len({others for others, _ in found}) == 1
    assert [missing for _, missing in found] == [0, 1, 1]


def stuffed(tables: Tables, step: int) -> None:
    rows = [{"app_id": "a05", "version": "1", "sdk_id": f"new {k}"} for k in range(50 * step)]
    more(tables, "sdk_inventory", rows)


def test_an_app_with_most_kits_is_above_all_others() -> None:
    found = told(stuffed, "a05", date(2024, 3, 1), "sdk_peer_percentile")
    assert found[0][0] < 1 and [share for (share,) in found[1:]] == [1, 1]


def curious(tables: Tables, step: int) -> None:
    rows = [
        {"app_id": "a06", "version": "1", "taxonomy": "store", "data_type": word, "required": True}
        for word in ("contacts_list", "biometric")[:step]
    ]
    more(tables, "data_declarations", rows)


def test_an_app_is_compared_with_other_apps_of_the_kind() -> None:
    found = told(curious, "a06", date(2024, 3, 1), "oc_peer_z", "oc_excess_count")
    on_one_line(found)


def related(tables: Tables, step: int) -> None:
    pair = ("S5", "S6")
    mine = pl.col("seller_id").is_in(pair) & pl.col("buyer_id").is_in(pair)
    where(tables, "invoices", mine, unit_price=pl.col("unit_price") * (1 + step))


@pytest.mark.parametrize("feature", ["rel_price_gap", "rel_price_premium"])
def test_prices_inside_a_group_are_compared_with_those_outside(feature: str) -> None:
    found = [1 + gap for (gap,) in told(related, "S5|S6", JANUARY, feature)]
    assert [gap / found[0] for gap in found] == pytest.approx([1, 2, 3], rel=1e-9)
