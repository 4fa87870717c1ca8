"""The binomial tail equals that of scipy's distribution, at its edges as well."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from features.library.count_tails import binomial_tail


def test_the_tail_is_that_of_the_distribution() -> None:
    trials, hits = (grid.ravel() for grid in np.meshgrid(np.arange(40), np.arange(45)))
    for rate in (0.0, 1e-9, 0.1, 0.5, 1.0):
        expected = stats.binom.sf(hits - 1, trials, rate)
        assert binomial_tail(hits, trials, rate) == pytest.approx(expected, rel=1e-13)
