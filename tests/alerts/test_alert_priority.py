"""Priority against the figures of the domain catalogue, its bounds and its order."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.priority import prioritise
from alerts.weights import posterior
from tests.alerts.samples import signal

CHANCES = st.floats(0, 1)


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


def harm(typology: str, severity: int = 3, **facts: float) -> float:
    given_ = tuple({"feature": name, "value": value} for name, value in facts.items())
    return prioritise(signal(typology=typology, severity=severity, facts=given_)).harm


def test_harm_is_the_size_of_what_is_affected_and_severity_where_no_size_is_known() -> None:
    sizes = [harm("MON-BID-CV", affected_turnover=n) for n in (1_000, 1_000_000, 10**9, 10**12)]
    assert sizes[0] == pytest.approx(math.log10(1_001) / 9)
    assert sizes == sorted(sizes)
    assert sizes[2:] == pytest.approx([1, 1])
    assert harm("MON-BID-CV", severity=2) == harm("MON-BID-CV", severity=2, affected=0) == 0.4


def test_a_person_counts_ten_times_where_the_data_are_sensitive() -> None:
    plain, sensitive = harm("PRIV-BREACH-LATE", affected=10_000), harm("PRIV-MINORS", affected=1000)
    assert sensitive == pytest.approx(plain, abs=1e-4)
    assert harm("PRIV-XBORDER", xb_persons_ytd=99_999) == pytest.approx(
        harm("PRIV-XBORDER", xb_sensitive_ytd=9_999.9)
    )


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
