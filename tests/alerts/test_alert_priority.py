"""Priority against the figures of the domain catalogue, its bounds and its order."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.priority import bayes_factor_bound, evidence, posterior, prioritise, rule_ratio
from tests.alerts.samples import signal

CHANCES = st.floats(0, 1)


def test_bayes_factor_bound_of_the_golden_file() -> None:
    assert bayes_factor_bound(0.01) == pytest.approx(7.9884, abs=5e-5)
    assert bayes_factor_bound(0.4) == bayes_factor_bound(1.0) == 1.0


def test_posterior_of_the_golden_file() -> None:
    assert posterior(math.log(7.9884005653), 0.02) == pytest.approx(0.140175904, abs=1e-6)


def test_a_rule_counts_three_at_its_threshold_and_thirty_at_most() -> None:
    assert rule_ratio(0.5) == rule_ratio(0.1) == 3.0
    assert rule_ratio(1.0) == pytest.approx(30.0)


def test_a_rule_counts_by_its_margin_wherever_that_is_said() -> None:
    said = signal(rules=({"id": "r", "strength": 0.75},), p_value=None, suspicion=0.1)
    unsaid = signal(rules=({"id": "r"},), p_value=None, suspicion=0.75)
    model = signal(rules=({"id": "r"},), p_value=0.5, suspicion=0.75)
    assert evidence(said) == evidence(unsaid) == pytest.approx(math.log(3 * 10**0.5))
    assert evidence(model) == pytest.approx(math.log(3))


def test_further_correlated_evidence_counts_a_quarter() -> None:
    rule = {"id": "r", "version": "1.0.0"}
    alone = signal(rules=(), p_value=0.01)
    both = signal(rules=(rule,), p_value=0.01)
    assert evidence(both) - evidence(alone) == pytest.approx(0.25 * math.log(3))


@given(st.one_of(st.none(), CHANCES), CHANCES, st.integers(1, 5), st.integers(0, 40))
def test_parts_stay_in_their_bounds(
    p: float | None, suspicion: float, severity: int, rules: int
) -> None:
    given_ = signal(p_value=p, suspicion=suspicion, severity=severity, rules=({"id": "r"},) * rules)
    found = prioritise(given_)
    assert 0.02 <= found.likely <= posterior(5.0)
    assert 0 < found.harm <= 1
    assert found.urgency in (1.0, 1.25, 1.5)
    assert found.rank == found.value == found.likely * found.harm * found.urgency


@given(CHANCES, CHANCES)
def test_a_smaller_p_value_never_ranks_lower(one: float, other: float) -> None:
    small, large = sorted((one, other))
    assert prioritise(signal(p_value=small)).rank >= prioritise(signal(p_value=large)).rank


def legal(severity: int, value: float) -> Any:
    fact = {"feature": "hours_late", "value": value, "threshold": 72, "holds": True}
    return signal(
        lane="legal", severity=severity, p_value=None, suspicion=0.6, models=(), facts=(fact,)
    )


def test_the_legal_lane_comes_first_by_severity_then_excess() -> None:
    best_screen = signal(
        typology="MON-HHI-MERGER", p_value=0.0, suspicion=1.0, severity=5, rules=({},) * 40
    )
    order = [legal(5, 73), legal(4, 9_000), legal(4, 95), legal(1, 72), best_screen]
    ranks = [prioritise(item).rank for item in order]
    assert ranks == sorted(ranks, reverse=True)
    assert len(set(ranks)) == len(ranks)


def test_harm_grows_with_the_persons_affected() -> None:
    sized = [
        prioritise(signal(facts=({"feature": "affected_persons", "value": n},))).harm
        for n in (0, 1_000, 1_000_000, 10**12)
    ]
    assert sized == sorted(sized)
    assert sized[0] == pytest.approx(0.3)
    assert sized[-1] == pytest.approx((0.6 + 1) / 2)


@pytest.mark.parametrize(
    ("typology", "facts", "urgency"),
    [
        ("MON-BID-CV", (), 1.0),
        ("PRIV-BREACH-LATE", (), 1.25),
        ("MON-HHI-MERGER", (), 1.5),
        ("MON-BID-CV", ({"feature": "deadline_days", "value": 30},), 1.5),
        ("MON-BID-CV", ({"feature": "deadline_days", "value": 31},), 1.0),
    ],
)
def test_urgency(typology: str, facts: tuple[dict[str, Any], ...], urgency: float) -> None:
    assert prioritise(signal(typology=typology, facts=facts)).urgency == urgency
