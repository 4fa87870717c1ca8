"""Intervals of shares, for every place that shows one."""

from __future__ import annotations

import math

Z95 = 1.959963984540054
"""Quantile of the standard normal that leaves 2.5 % above."""


def wilson(k: float, n: float, z: float = Z95) -> tuple[float, float]:
    """Score interval of a binomial share (Wilson 1927); (0, 1) when n is 0.

    Args:
        k: successes, 0 to n; need not be whole, as a weighted count is not.
        n: cases, or an effective number of them.
        z: quantile of the standard normal.
    """
    if n <= 0:
        return 0.0, 1.0
    share, spread = k / n, z * z / n
    centre = (share + spread / 2) / (1 + spread)
    half = z / (1 + spread) * math.sqrt(share * (1 - share) / n + spread / (4 * n))
    low = 0.0 if k == 0 else max(0.0, centre - half)
    return low, 1.0 if k == n else min(1.0, centre + half)
