"""A typology's own evidence read together with its family's (section 6.5 step 2)."""

from __future__ import annotations

import numpy as np

from detector.inference import Floats

TIE_BREAK = 1e-6
"""Share of the stronger part that separates rows tied in the weaker."""
EDGE = 1e-6


def both(own: Floats, family: Floats) -> Floats:
    """The weaker of two suspicions: suspicious only where both are.

    1 - max(p, p'): the intersection-union test, a valid p-value under any dependence (Berger 1982).
    """
    weak, strong = np.minimum(own, family), np.maximum(own, family)
    return np.asarray(weak + TIE_BREAK * (strong - weak), dtype=np.float64)


def normal_scores(suspicion: Floats) -> Floats:
    """Normal scores of suspicions in (0, 1)."""
    from scipy.special import ndtri

    return np.asarray(ndtri(np.clip(suspicion, EDGE, 1.0 - EDGE)), dtype=np.float64)


def correlation(own: Floats, family: Floats) -> float:
    """Gaussian-copula correlation of calibration suspicions; 0 where one of them is constant."""
    a, b = normal_scores(own), normal_scores(family)
    if a.size < 3 or a.std() == 0 or b.std() == 0:
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])


def stouffer(own: Floats, family: Floats, rho: float) -> Floats:
    """Dependence-aware Stouffer sum of two suspicions (Strube 1985); calibrate it before use."""
    total = normal_scores(own) + normal_scores(family)
    return np.asarray(total / np.sqrt(2.0 + 2.0 * rho), dtype=np.float64)
