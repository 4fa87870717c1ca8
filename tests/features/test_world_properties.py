"""Properties of every registered feature over one small world: order, batches, money, strangers.

Floats are compared as a run of the detector keeps them, with twelve significant digits.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import polars as pl

from features.catalogue import Feature, catalogue
from features.compute import Computed
from features.contracts import CONTRACTS
from tests.features.world import world
from tests.features.world.compare import as_it_is, computed, differing, frames, lacking, parts_of

MONEY: Mapping[str, str] = {
    "sqz_margin": "a margin in money",
    "price_sd_26w": "a spread of prices",
    "price_gap_constancy": "a spread of price gaps",
    "algo_margin_did": "a margin in money",
    "loy_effective_price": "a price",
    "interlock_sales": "sales in dollars",
    "cn_threshold_ratio": "turnover against a fixed amount of law",
    "us_hsr_threshold_ratio": "a value against a fixed amount of law",
}
"""Features that are amounts, or amounts over a fixed one: they scale with the money."""

STATUTORY: Mapping[str, str] = {
    "dma_headroom": "the least of ratios, of money and of users, to fixed limits of the DMA",
    "last_digit_chi2": "reads the last digit of an amount, which a factor of ten makes zero",
}
"""Features that read absolute amounts in another way than by scaling, and how."""

PEERS: Mapping[str, str] = {
    "oc_peer_z": "other apps of the kind in the month",
    "sdk_peer_percentile": "other apps of the kind in the month",
    "bu_rate_z": "all other operators of the year",
    "dr_binom_p": "all other operators of the year",
    "dr_rate_vs_peers": "all other operators of the year",
    "missing_peer_share": "all others with the same filing due",
    "supply_variety_wide": "all winners of the year",
}
"""Features that compare with others wherever they are, and with whom."""

DICTIONARIES = ("limits", "data_type_map")
"""Tables of law and of words, which hold for the stranger too."""


@cache
def settled() -> dict[str, pl.DataFrame]:
    """Its frames."""
    return frames(as_it_is())


def _same(other: Computed) -> None:
    """Every cell, note and membership is the same."""
    assert {g: f.columns for g, f in frames(other).items()} == {
        g: f.columns for g, f in settled().items()
    }
    moved = {
        (grain, column): row
        for grain, frame in frames(other).items()
        for column, row in differing(settled()[grain], frame, frame.columns[2:]).items()
    }
    assert moved == {}
    for grain, frame in frames(other).items():
        assert frame["subject_key"].equals(settled()[grain]["subject_key"]), grain
    assert {n: m.rows() for n, m in other.notes.items()} == {
        n: m.rows() for n, m in as_it_is().notes.items()
    }
    assert all(m.equals(other.memberships[pair]) for pair, m in as_it_is().memberships.items())


def test_the_order_of_rows_changes_nothing() -> None:
    _same(computed({n: f.sample(fraction=1.0, shuffle=True, seed=1) for n, f in world().items()}))


def test_splitting_tables_into_batches_changes_nothing() -> None:
    def batches(frame: pl.DataFrame) -> pl.LazyFrame:
        mixed = frame.sample(fraction=1.0, shuffle=True, seed=2).with_row_index("_row")
        parts = [mixed.filter(pl.col("_row") % 4 == k).drop("_row").lazy() for k in range(4)]
        return pl.concat(parts, rechunk=False)

    _same(computed({name: batches(frame) for name, frame in world().items()}))


def _scaled(name: str, frame: pl.DataFrame, factor: float) -> pl.DataFrame:
    """All money in another unit."""
    units = ("money", "units or money")
    columns = [c.name for c in CONTRACTS[name].columns if c.unit in units]
    frame = frame.with_columns(pl.col(c) * factor for c in columns)
    if name != "market_positions":
        return frame
    turnover = pl.col("metric") == "turnover"
    return frame.with_columns(pl.when(turnover).then(pl.col("value") * factor).otherwise("value"))


def _fits(f: Feature, both: pl.DataFrame, factor: float) -> bool:
    """Whether the second value is the first times the factor everywhere, and the reasons alike."""
    one, two = pl.col(f.name), pl.col(f"{f.name}__two")
    alike = pl.col(f"{f.name}__reason").eq_missing(pl.col(f"{f.name}__reason__two"))
    if f.kind == "class":
        return both.select((one.eq_missing(two) & alike).all()).item()
    near = (two - one * factor).abs() <= 1e-9 * (one * factor).abs() + 1e-12
    return both.select((near.fill_null(value=True) & alike).all()).item()


def _reads_amounts(factor: float) -> tuple[set[str], set[str]]:
    """Features that scale with the money, and those that change in another way."""
    scaled = frames(computed({n: _scaled(n, f, factor) for n, f in world().items()}))
    scales, changes = set(), set()
    for f in catalogue().features.values():
        both = settled()[f.grain].join(
            scaled[f.grain], on=["subject_key", "period_start"], how="full", suffix="__two"
        )
        if not _fits(f, both, 1.0):
            (scales if _fits(f, both, factor) else changes).add(f.name)
    return scales, changes


def test_ten_times_the_money_scales_amounts_as_it_is() -> None:
    assert _reads_amounts(10.0) == (set(MONEY), set(STATUTORY))


def test_a_thousand_times_the_money_scales_amounts_as_it_is() -> None:
    assert _reads_amounts(1000.0) == (set(MONEY), set(STATUTORY))


def _stranger(name: str, frame: pl.DataFrame) -> pl.DataFrame:
    """The same filings by others, about others, in other markets and places."""
    if name in DICTIONARIES:
        return frame.clear()
    places = ("category", "region") if name in _PLACED else ()
    columns = [
        c.name
        for c in CONTRACTS[name].columns
        if c.unit in ("id", "keyed hash") or c.name in places
    ]
    frame = frame.with_columns(("z-" + pl.col(c)).alias(c) for c in columns)
    inside = {"merger_notifications": "overlap_market_ids", "contract_terms": "parameters"}
    if name not in inside:
        return frame
    return frame.with_columns(pl.col(inside[name]).str.replace_all(r'"([A-Z]\d)"', '"z-$1"'))


_PLACED = ("tenders", "products", "merchants", "invoices")


def test_a_stranger_changes_only_comparisons_with_everybody() -> None:
    """A table of filings that is a subject itself counts the stranger's filings, rightly."""
    both = {n: pl.concat([_stranger(n, f), f]) for n, f in world().items()}
    beside = frames(computed(both))
    moved = set()
    for grain, frame in settled().items():
        mine = frame.filter(~pl.col("subject_key").str.starts_with("breach_notifications"))
        assert lacking(mine, beside[grain]) == [], grain
        ours = beside[grain].filter(~pl.col("subject_key").str.contains("z-", literal=True))
        assert lacking(ours, frame) == [], grain
        names = [f.name for f in catalogue().of_grain(grain)]
        moved |= {c.split("__")[0] for c in differing(mine, beside[grain], parts_of(names))}
    assert moved == set(PEERS)
