"""What is said to clear really clears, by the judgement itself, and a bit less does not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest

from detector.bands import bands
from detector.clearing import Change, Probe, model_changes, smallest_changes
from detector.excess import TAIL
from detector.models.fit import fit_in_memory
from detector.models.fitted import FittedSet
from detector.models.score import score_models, with_peers
from detector.owners import Groups, with_owners
from detector.peers import apply_peers, fit_reference
from features.compute import FeatureFrame
from tests.detector.homes import NOW

BITS = 1e-7


def steps(**clear: Callable[[float], bool]) -> Callable[[Any], Any]:
    """A judge by one predicate an input."""
    return lambda given: np.array([clear[name](value) for name, value in given], dtype=np.bool_)


# --- the search -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "clears", "limit", "reached"),
    [
        (95.0, lambda v: v < 72, 72.0, False),
        (95.0, lambda v: v <= 72, 72.0, True),
        (0.012, lambda v: v > 0.02, 0.02, False),
        (0.012, lambda v: v >= 1 / 3, 1 / 3, True),
        (72.0, lambda v: v < 72, 72.0, False),
        (5.0, lambda v: v < 1e-7, 1e-7, False),
        (50.0, lambda v: v < 40 or v > 55, 55.0, False),
        (50.0, lambda v: v <= 46 or v > 55, 46.0, True),
    ],
)
def test_the_limit_is_found_and_told_by_its_shortest_number(
    value: float, clears: Callable[[float], bool], limit: float, reached: bool
) -> None:
    [found] = smallest_changes([Probe("x", value, 0.0, 1000.0)], steps(x=clears)).values()
    assert found.limit == pytest.approx(limit, rel=1e-10)
    assert found.limit == limit or limit == 1 / 3
    assert found.reached is reached
    assert clears(limit) is reached


def test_whole_numbers_are_changed_by_whole_numbers() -> None:
    judge = steps(x=lambda v: v < 2.5, y=lambda v: v < 4)
    probes = [Probe("x", 7, 0, 7, whole=True), Probe("y", 4, 0, 4, whole=True)]
    found = smallest_changes(probes, judge)
    assert [(c.limit, c.reached, c.by) for c in found.values()] == [(2, True, -5), (3, True, -1)]


def test_what_no_change_clears_is_said_and_nothing_beyond_the_bounds_is_tried() -> None:
    tried: list[float] = []

    def judge(given: Any) -> Any:
        tried.extend(v for _, v in given)
        return np.zeros(len(given), dtype=np.bool_)

    assert smallest_changes([Probe("x", 0.4, 0.0, 1.0)], judge)["x"] == Change("x", 0.4, None)
    assert min(tried) == 0.0
    assert max(tried) == 1.0


# --- models -----------------------------------------------------------------------------------

LOW = ("bid_cv", "bid_spread")


@pytest.fixture(scope="module")
def tenders() -> FeatureFrame:
    from tests.models.conftest import make_frame

    rng = np.random.default_rng(4)
    common = rng.lognormal(size=300)
    columns: dict[str, Any] = {n: common * rng.lognormal(sigma=0.5, size=300) for n in LOW}
    columns["bid_ks_uniform"] = 1 / columns["bid_cv"] * rng.lognormal(sigma=0.5, size=300)
    columns["bid_cv_min3"] = columns["bid_cv"] * rng.uniform(0.2, 1, size=300)
    directions: Any = dict.fromkeys((*LOW, "bid_cv_min3"), "low") | {"bid_ks_uniform": "high"}
    attributes = {"market": [f"m{i % 3}" for i in range(300)]}
    return make_frame(columns, directions, attributes=attributes, peers=("market",))


@pytest.fixture(scope="module")
def fitted(tenders: FeatureFrame) -> FittedSet:
    only = {"bid-family", "bid-cv", "bid-ks", "bid-subgroup"}
    return fit_in_memory({"tender": tenders}, "s", NOW, only)


def p_of(frame: FeatureFrame, fitted: FittedSet, model: str, key: str) -> float:
    """p of one row, judged in the whole table as a run judges it."""
    rows = score_models({"tender": frame}, fitted, challengers=True)
    one = rows.filter(pl.col("model_id") == model, pl.col("subject_key") == key)
    return float(one["p_value"].item())


def with_value(frame: FeatureFrame, key: str, name: str, value: float) -> FeatureFrame:
    here = pl.when(pl.col("subject_key") == key).then(pl.lit(value))
    return replace(frame, frame=frame.frame.with_columns(here.otherwise(name).alias(name)))


@pytest.mark.parametrize("model", ["bid-cv", "bid-subgroup", "bid-ks"])
def test_a_change_takes_a_row_out_of_the_tail_and_a_bit_less_does_not(
    tenders: FeatureFrame, fitted: FittedSet, model: str
) -> None:
    rows = score_models({"tender": tenders}, fitted).filter(pl.col("model_id") == model)
    seen: set[tuple[str, bool]] = set()
    for key in rows.filter(pl.col("p_value") <= TAIL)["subject_key"].to_list()[:3]:
        row = replace(tenders, frame=tenders.frame.filter(pl.col("subject_key") == key))
        p, changes = model_changes(row, fitted, fitted.models[model])
        assert p == p_of(tenders, fitted, model, key) <= TAIL
        for name, change in changes.items():
            seen.add((name, change.limit is None))
            if change.limit is None:
                held = tenders.frame[name].drop_nulls()
                least = held.max() if name != "bid_ks_uniform" else held.min()
                stays = with_value(tenders, key, name, float(least))  # type: ignore[arg-type]
                assert p_of(stays, fitted, model, key) <= TAIL, (key, name)
                continue
            towards = BITS * abs(change.limit) * (1 if change.limit > change.value else -1)
            enough = change.limit if change.reached else change.limit + towards
            cleared = with_value(tenders, key, name, enough)
            assert p_of(cleared, fitted, model, key) > TAIL, (key, name, change)
            short = with_value(tenders, key, name, change.limit - towards)
            assert p_of(short, fitted, model, key) <= TAIL, (key, name, change)
    assert {name for name, none in seen if not none}, "some change clears"


def test_a_row_outside_the_tail_has_nothing_to_change(
    tenders: FeatureFrame, fitted: FittedSet
) -> None:
    rows = score_models({"tender": tenders}, fitted).filter(pl.col("model_id") == "bid-cv")
    key = rows.sort("p_value")["subject_key"][-1]
    row = replace(tenders, frame=tenders.frame.filter(pl.col("subject_key") == key))
    p, changes = model_changes(row, fitted, fitted.models["bid-cv"])
    assert p is not None
    assert p > TAIL
    assert changes == {}


def test_a_band_is_of_the_peers_the_row_was_judged_beside(
    tenders: FeatureFrame, fitted: FittedSet
) -> None:
    key = tenders.frame["subject_key"][5]
    row = replace(tenders, frame=tenders.frame.filter(pl.col("subject_key") == key))
    beside = with_peers(row, fitted)
    band = bands(beside, fitted.reference, LOW)["bid_cv"]
    market = row.frame["market"][0]
    others = tenders.frame.filter(pl.col("market") == market, pl.col("subject_key") != key)
    expected = np.quantile(others["bid_cv"].to_numpy(), [0.05, 0.25, 0.5, 0.75, 0.95])
    assert [band.p05, band.q25, band.median, band.q75, band.p95] == pytest.approx(expected)
    assert (band.n, band.level) == (others.height, f"market={market}")
    assert band.median == pytest.approx(beside.frame["bid_cv__median"][0])
    assert band.n == beside.frame["bid_cv__peers"][0]


def test_a_band_leaves_the_whole_economic_group_out() -> None:
    from tests.models.conftest import make_frame

    keys = [f"F{i:02}" for i in range(40)]
    values = np.arange(40, dtype=np.float64)
    made = make_frame({"hhi": values}, {"hhi": "high"}, keys=keys, grain="firm_y")
    frame = with_owners(made)
    register = pl.LazyFrame(
        {"firm_id": keys, "group_id": ["G" if i < 10 else None for i in range(40)]}
    )
    reference = fit_reference({"firm_y": frame}, Groups.of({"firms": register}))
    row = replace(frame, frame=frame.frame.filter(pl.col("subject_key") == "F03"))
    band = bands(apply_peers(row, reference), reference, ["hhi"])["hhi"]
    assert band.n == 30
    assert band.p05 == pytest.approx(np.quantile(values[10:], 0.05))
