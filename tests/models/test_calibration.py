"""p-values against a frozen calibration, suspicion, and evidence read jointly."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from detector.models import joint
from detector.models.reference import Calibration


def frozen(*scores: float) -> Calibration:
    keys = pl.Series([f"k{i}" for i in range(len(scores))])
    return Calibration.of(np.array(scores, dtype=float), keys)


def keys(*names: str) -> pl.Series:
    return pl.Series(list(names), dtype=pl.String)


def test_conformal_p_of_strangers() -> None:
    c = frozen(*[i / 10 for i in range(1, 10)])
    p = c.p_values(np.array([0.85, 1.5, 0.0]), keys("x", "y", "z"))
    assert p.tolist() == pytest.approx([0.2, 0.1, 1.0])


def test_a_subject_is_not_compared_with_itself() -> None:
    c = Calibration.of(np.array([1.0, 2.0, 3.0, 3.0]), keys("a", "b", "c", "c"))
    p = c.p_values(np.array([3.0, 1.0, 0.5]), keys("c", "a", "a"))
    # c: both own rows out, n = 2, none reaches 3; a: own row out, n = 3.
    assert p.tolist() == pytest.approx([1 / 3, 4 / 4, 4 / 4])


def test_suspicion_keeps_the_order_of_scores_beyond_the_reference() -> None:
    c = frozen(*np.linspace(0, 1, 50))
    x = np.array([-5.0, 0.0, 0.2, 0.201, 0.7, 1.0, 1.5, 2.0, 40.0])
    names = keys(*[f"n{i}" for i in range(x.size)])
    suspicion = c.suspicion(x, names)
    assert np.all(np.diff(suspicion) > 0)
    assert np.all((suspicion > 0) & (suspicion < 1))


def test_a_subject_tied_with_many_stands_in_their_middle() -> None:
    c = frozen(0.0, *[1.0] * 8, 2.0)
    names = keys("new", "other")
    assert c.p_values(np.array([1.0, 2.0]), names).tolist() == pytest.approx([10 / 11, 2 / 11])
    tied, first = c.suspicion(np.array([1.0, 2.0]), names)
    # mid-p (1 + (9 + 1) / 2) / 11 and (1 + (1 + 0) / 2) / 11; the rest is below half a step
    assert 1 - 6 / 11 < tied < 1 - 5.5 / 11
    assert 1 - 1.5 / 11 < first < 1 - 1 / 11


def test_scores_within_the_noise_of_peers_are_tied_except_at_the_ends() -> None:
    names = pl.Series([f"r{i}" for i in range(7)])
    held = np.array([0.448, 0.45, 0.451, 0.453, 0.6, 0.997, 0.999])
    c = Calibration.of(held, names, alike=0.01)
    p = c.p_values(np.array([0.453, 0.448, 0.59, 0.999]), keys("a", "b", "c", "d"))
    assert p.tolist() == pytest.approx([1.0, 1.0, 4 / 8, 2 / 8])
    low, high = c.suspicion(np.array([0.448, 0.453]), keys("a", "b"))
    assert low < high < low + 1 / 8, "ties are broken by the score, by less than a step"


def test_own_rows_leave_the_middle_too() -> None:
    c = Calibration.of(np.array([1.0, 1.0, 1.0, 3.0]), keys("a", "b", "c", "a"))
    # of the others both reach 1 and none lies above: mid-p 2/3; the score breaks ties by 1/30
    assert c.suspicion(np.array([1.0]), keys("a"))[0] == pytest.approx(1 - 2 / 3 + 1 / 30)


def test_suspicion_of_a_constant_reference_is_finite() -> None:
    c = frozen(*[0.5] * 30)
    x = np.array([0.4, 0.5, 0.6])
    s = c.suspicion(x, keys("a", "b", "c"))
    assert np.all(np.isfinite(s))
    assert s[0] < s[1] < s[2]


def test_both_is_the_weaker_and_the_stronger_only_breaks_ties() -> None:
    own, family = np.array([0.9, 0.9, 0.2, 0.5]), np.array([0.3, 0.4, 0.9, 0.3])
    out = joint.both(own, family)
    assert out == pytest.approx(np.minimum(own, family), abs=1e-6)
    assert out[0] > out[3]
    assert np.all(out <= np.maximum(own, family))


def test_sum_asks_for_agreement() -> None:
    strong_and_silent = joint.stouffer(np.array([0.99]), np.array([0.5]), 0.3)
    both_rather = joint.stouffer(np.array([0.95]), np.array([0.95]), 0.3)
    assert both_rather > strong_and_silent > joint.stouffer(np.array([0.5]), np.array([0.5]), 0.3)


def test_correlation_sees_dependence_and_survives_constants() -> None:
    u = (np.arange(200) + 0.5) / 200
    assert joint.correlation(u, u) == pytest.approx(1.0)
    assert joint.correlation(u, u[::-1]) == pytest.approx(-1.0)
    assert joint.correlation(u, np.full(200, 0.5)) == 0.0
