"""Evidence against the figures of the domain catalogue: families, measured rates, bounds."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.likelihood import (
    EVIDENCE_CAP,
    Companion,
    bayes_factor_bound,
    cauchy_p,
    in_one_family,
    own_log,
    reckon,
)
from alerts.model import Signal
from alerts.weights import (
    NEW,
    Curve,
    Rate,
    Weights,
    logit,
    populations,
    posterior,
    rule_log,
    weights_from,
)
from tests.alerts.samples import signal

CHANCES = st.floats(0, 1)
LN3 = math.log(3)


def by_rule(strength: float = 0.5, *names: str, **changes: Any) -> Signal:
    rules = tuple({"id": name, "strength": strength} for name in names or ("r",))
    return signal(**{"rules": rules, "p_value": None, "suspicion": 0.5} | changes)


def company(typology: str, total: float = 1.0, **changes: Any) -> Companion:
    fields = {"alert_id": "A-2", "typology": typology, "p_value": None, "rules": 0.0} | changes
    return Companion(**fields, total=total)


def test_figures_of_the_golden_file() -> None:
    assert bayes_factor_bound(0.01) == pytest.approx(7.9884, abs=5e-5)
    assert bayes_factor_bound(0.4) == bayes_factor_bound(1.0) == 1.0
    assert posterior(math.log(7.9884005653), 0.02) == pytest.approx(0.140175904, abs=1e-6)
    assert cauchy_p([0.01, 0.03, 0.5]) == pytest.approx(0.0224848, abs=1e-7)


def test_a_new_rule_counts_three_at_its_threshold_and_thirty_at_most() -> None:
    assert math.exp(reckon(by_rule(0.5)).log_ratio) == pytest.approx(3)
    assert math.exp(reckon(by_rule(0.1)).log_ratio) == pytest.approx(3)
    assert math.exp(reckon(by_rule(1.0)).log_ratio) == pytest.approx(30)


def test_a_rule_counts_by_its_margin_wherever_that_is_said() -> None:
    said = by_rule(0.75, suspicion=0.1)
    unsaid = by_rule(rules=({"id": "r"},), suspicion=0.75)
    model = by_rule(rules=({"id": "r"},), p_value=0.5, suspicion=0.75)
    assert reckon(said).own == reckon(unsaid).own == pytest.approx(math.log(3 * 10**0.5))
    assert reckon(model).own == pytest.approx(LN3)


def test_further_correlated_evidence_counts_a_quarter() -> None:
    alone, both = signal(rules=(), p_value=0.01), signal(rules=({"id": "r"},), p_value=0.01)
    assert reckon(both).own - reckon(alone).own == pytest.approx(0.25 * LN3)
    three = reckon(by_rule(0.5, "a", "b", "c"))
    assert three.log_ratio == pytest.approx(LN3 * 1.5)
    assert [piece["share"] for piece in three.pieces] == [1.0, 0.25, 0.25]


def test_a_measured_rule_counts_by_how_often_it_was_confirmed() -> None:
    # 90 of 100 confirmed: ln odds of (90 + 10 p0) / 110 over those of the prior
    assumed = 3 * (0.02 / 0.98) / (1 + 3 * (0.02 / 0.98))
    smoothed = (9 + 10 * assumed) / 30
    expected = logit(smoothed) - logit(0.02)
    assert rule_log(Rate(9, 20), 0.02) == pytest.approx(expected)
    assert rule_log(Rate(0, 0), 0.02) == pytest.approx(LN3)
    assert rule_log(Rate(90, 100), 0.02) == pytest.approx(math.log(30)), "capped"
    assert rule_log(Rate(0, 1000), 0.02) < 0, "a rule that is always explained speaks against"
    weights = Weights(rules={"r": Rate(9, 20)})
    found = reckon(by_rule(0.5), weights)
    assert found.log_ratio == pytest.approx(expected)
    assert found.likely == pytest.approx(smoothed), "a rule alone is as likely as it was confirmed"
    assert (found.pieces[0]["confirmed"], found.pieces[0]["reviewed"]) == (9, 20)


def test_what_a_margin_adds_fades_with_reviews() -> None:
    none, some = Weights(), Weights(rules={"r": Rate(1, 30)})
    added = [reckon(by_rule(1.0), w).own - reckon(by_rule(0.5), w).own for w in (none, some)]
    assert added == pytest.approx([math.log(10), math.log(10) / 4])


def test_the_prior_is_that_of_the_market_then_of_the_typology_then_the_default() -> None:
    weights = Weights(priors={"market:M1": 0.3, "MON-DOMINANCE-CN": 0.1})
    of = {"typology": "MON-DOMINANCE-CN", "subject_kind": "market_firm", "rules": ()}
    one = reckon(signal(subject="M1/F1", p_value=1.0, **of), weights)
    other = reckon(signal(subject="M2/F1", p_value=1.0, **of), weights)
    assert (one.prior, one.prior_of, one.likely) == (0.3, "market:M1", pytest.approx(0.3))
    assert (other.prior, other.prior_of) == (0.1, "MON-DOMINANCE-CN")
    assert reckon(signal(), weights).prior == 0.02
    assert populations("MON-BID-CV", "firm", "F1") == ("MON-BID-CV",)


def test_another_family_counts_in_full_and_the_same_one_a_quarter() -> None:
    mine = signal(typology="MON-BID-CV", p_value=0.01, rules=())
    alone = reckon(mine).log_ratio
    other = reckon(mine, companions=[company("MON-BID-COVER", 1.2)])
    assert other.log_ratio == pytest.approx(alone + 1.2)
    assert other.own == alone, "what it lends to others does not grow with its own company"
    same = reckon(mine, companions=[company("MON-BID-KS", 1.2, rules=LN3)])
    assert same.log_ratio == pytest.approx(alone + 0.25 * LN3)
    two = [company("MON-BID-COVER", 1.2), company("MON-BID-ROTATION", 0.8)]
    assert reckon(mine, companions=two).log_ratio == pytest.approx(alone + 1.2 + 0.2)


def test_p_values_of_one_family_are_combined_and_company_never_weakens() -> None:
    weak = signal(typology="MON-BID-CV", p_value=0.2, rules=())
    strong = company("MON-BID-KS", p_value=0.001)
    found = reckon(weak, companions=[strong]).pieces[0]
    assert found["p"] == pytest.approx(cauchy_p([0.2, 0.001]))
    assert found["of"] == 2
    sure = signal(typology="MON-BID-CV", p_value=0.001, rules=())
    feeble = company("MON-BID-KS", p_value=0.9)
    assert reckon(sure, companions=[feeble]).log_ratio == reckon(sure).log_ratio


@given(st.one_of(st.none(), CHANCES), CHANCES, st.integers(0, 40), st.integers(0, 5), CHANCES)
def test_the_sum_is_bounded_and_the_parts_add_up(
    p: float | None, suspicion: float, rules: int, others: int, share: float
) -> None:
    mine = signal(p_value=p, suspicion=suspicion, rules=({"id": "r"},) * rules)
    beside = [company("MON-BID-COVER", 5 * share)] * others
    weights = Weights(rules={"r": Rate(round(10 * share), 10)})
    found = reckon(mine, weights, beside)
    total = sum(piece["log"] * piece["share"] for piece in found.pieces)
    assert found.log_ratio == pytest.approx(min(max(total, -EVIDENCE_CAP), EVIDENCE_CAP))
    assert found.likely == pytest.approx(posterior(found.log_ratio, found.prior))
    assert abs(found.own) <= EVIDENCE_CAP
    assert found.own == own_log(mine, weights)
    assert found == reckon(mine, weights, beside)


def test_nothing_is_no_evidence() -> None:
    assert in_one_family([]) == 0.0
    empty = reckon(signal(p_value=None, rules=()))
    assert (empty.pieces, empty.log_ratio, empty.likely) == ((), 0.0, pytest.approx(0.02))


def test_a_fitted_curve_replaces_likely_and_keeps_the_pieces() -> None:
    curve = Curve(0.5, (1.0, 1.0, 0.0, 0.0), (-4.0, 0.0), (0.1, 0.7), 250)
    found = reckon(signal(p_value=0.01, rules=()), Weights(curve=curve))
    score = 0.5 + logit(0.02) + math.log(bayes_factor_bound(0.01))
    assert found.likely == pytest.approx(0.1 + 0.6 * (score + 4) / 4)
    assert found.method == "fitted"
    assert [piece["kind"] for piece in found.pieces] == ["model"]
    assert curve.likely((-99, 0, 0, 0)) == 0.1
    assert curve.likely((99, 0, 0, 0)) == 0.7
    bare = Curve(0.0, (1.0, 0.0, 0.0, 0.0), (), (), 250)
    assert bare.likely((0, 9, 9, 9)) == 0.5


def test_weights_survive_being_stored_and_are_told_apart() -> None:
    curve = Curve(0.5, (1.0, 0.2, 0.3, 0.4), (0.0, 1.0), (0.1, 0.2), 250)
    some = Weights(0.03, {"market:M1": 0.1}, {"r": Rate(1, 4)}, curve)
    assert weights_from(some.as_dict()) == some
    assert weights_from(some.as_dict()).mark == some.mark
    assert len({w.mark for w in (NEW, some, Weights(rules={"r": Rate(2, 4)}))}) == 3
