"""A small version of the study of honest markets (`python -m benchmarks nulls`)."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.detection.null_worlds import World, draw
from benchmarks.detection.nulls import GRAINS, LEVELS, Finding, Run, guilt, judged, study, summed

AWKWARD = World(
    "awkward", firms=30, tenders=120, markets=3, likeness=0.4, skewed=True, ties=True, missing=0.1
)
RING = World("ring", firms=30, tenders=160, markets=3, ring=5, strength=2.5)
RUNS = 20


@pytest.fixture(scope="module")
def honest() -> Finding:
    return study(AWKWARD, range(RUNS))


def test_stated_rates_hold_where_nobody_colludes(honest: Finding) -> None:
    assert honest.broken() == []


def test_p_values_are_no_smaller_than_chance_makes_them(honest: Finding) -> None:
    for grain in GRAINS:
        shares = [mean for mean, _ in honest.below[grain]]
        assert shares == sorted(shares)
        assert all(mean <= level * 1.1 for mean, level in zip(shares, LEVELS, strict=True)), grain


def test_a_ring_is_found_and_hardly_anybody_else() -> None:
    found = study(RING, range(5))
    assert found.power["firm_y"] >= 0.8
    assert found.fdr["firm_y"][0] <= 0.1


def test_the_study_would_notice_what_it_is_for() -> None:
    """A promise that is broken is reported: half of the draws false, p-values twice too small."""
    below = dict.fromkeys(GRAINS, tuple(min(1.0, 2 * level) for level in LEVELS))
    one = dict.fromkeys(GRAINS, 1)
    none = dict.fromkeys(GRAINS, 0)
    blank = dict.fromkeys(GRAINS, float("nan"))
    bad, good = Run(one, one, one, blank, below), Run(none, none, none, blank, below)
    broken = summed(AWKWARD, [bad, good] * 20).broken()
    assert any("realised rate 0.500" in line for line in broken)
    assert sum("of the p-values at most" in line for line in broken) == len(GRAINS) * len(LEVELS)


def test_a_market_is_drawn_again_from_its_seed() -> None:
    one, two = draw(RING, 3), draw(RING, 3)
    assert one.judged.frame.equals(two.judged.frame)
    assert not one.judged.frame.equals(draw(RING, 4).judged.frame)
    peers = one.reference.frame.group_by("market", "n_band").len()["len"]
    assert peers.min() >= 1  # type: ignore[operator]
    assert np.median(peers) <= 30
    rows = judged(one)
    assert guilt(rows, one.guilty).sum() > 0
