"""Golden cases of the shared statistics (typology STAT).

They are no features: they have no subject, no period and no table, so nothing can be fed in as a
filing. They are the public functions of `detector.inference` that calibration, combination and
evaluation call, and are judged there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from alerts.likelihood import bayes_factor_bound
from detector import inference as st
from tests.golden.cases import agrees, golden_cases

ADAPTERS: dict[str, Callable[..., Any]] = {
    "bh_adjusted_p": lambda p: st.bh_adjust(p).tolist(),
    "by_adjusted_p": lambda p: st.by_adjust(p).tolist(),
    "conformal_p": lambda calibration_scores, score: float(
        st.conformal_p(calibration_scores, [score])[0]
    ),
    "cauchy_combined_p": st.cauchy_combined_p,
    "fisher_combined_p": st.fisher_combined_p,
    "stouffer_combined_p": st.stouffer_combined_p,
    "stouffer_correlated_z": lambda z, rho: st.stouffer_correlated_z(z, rho),
    "bayes_factor_bound": bayes_factor_bound,
    "posterior_from_bf": st.posterior_from_bf,
    "robust_z": st.robust_z,
    "psi": st.psi,
    "eb_beta_shrunk_rate": st.eb_shrunk_rate,
    "precision_at_k": st.precision_at_k,
    "lift_at_k": st.lift_at_k,
    "average_precision": st.ranked_average_precision,
    "rule_of_three_upper": st.rule_of_three,
}
"""By the name of the statistic: one typology holds them all."""


@pytest.mark.parametrize("case", golden_cases(["STAT"]))
def test_golden_case(case: dict[str, Any]) -> None:
    agrees(ADAPTERS[case["feature"]](**case["inputs"]), case)
