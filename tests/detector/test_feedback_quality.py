"""Precision, agreement and measured rates against closings counted by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from alerts.inbox import export_alerts, get_alert
from alerts.lifecycle import decide, second_review
from alerts.weights import Rate
from api.app import create_app
from detector.database import reading, writing
from detector.feedback import closings
from detector.review_quality import (
    agreement,
    cohen_kappa,
    precision,
    waiting_for_second,
    wants_second,
)
from detector.system import System
from detector.weighing import measured, priors, rule_rates
from features.errors import WardenError
from features.intervals import wilson
from tests.alerts.samples import LATER, NOW, run, signal
from tests.detector.homes import opened
from tests.signed import enroll

REASONS = ("confirmed", "confirmed", "confirmed", "explained", "data_error", "referred")


@pytest.fixture
def system(tmp_path: Path) -> System:
    return opened(tmp_path / "home")


def ids(system: System) -> dict[str, str]:
    with reading(system.engine) as connection:
        return {one["subject"]["key"]: one["id"] for one in export_alerts(connection)}


def close(system: System, alert_id: str, reason: str, actor: str = "lin") -> None:
    with reading(system.engine) as connection:
        version = get_alert(connection, alert_id).alert.version
    with writing(system.engine) as connection:
        decide(connection, alert_id, actor, "close", reason, "seen", version, NOW)


def second(system: System, alert_id: str, reason: str, actor: str = "wang") -> None:
    with writing(system.engine) as connection:
        second_review(connection, alert_id, actor, reason, None, LATER)


def reviewed(system: System) -> None:
    """Six closed alerts of one rule, the last two of another one, too; one open."""
    two = ({"id": "bid-cv", "version": "1"}, {"id": "bid-kurtosis", "version": "1"})
    signals = [signal(f"F{i}", **({"rules": two} if i > 3 else {})) for i in range(7)]
    run(system.engine, signals)
    known = ids(system)
    for i, reason in enumerate(REASONS):
        close(system, known[f"F{i}"], reason)


def test_precision_by_rule_model_and_typology(system: System) -> None:
    reviewed(system)
    found = precision(system)
    rules = {row["id"]: row for row in found["rules"]}
    low, high = wilson(3, 5)
    share = {"value": 0.6, "low": low, "high": high, "k": 3, "n": 5}
    assert rules["bid-cv"]["precision"] == share
    assert (rules["bid-cv"]["alerts"], rules["bid-cv"]["undecided"]) == (6, 1)
    assert rules["bid-kurtosis"]["precision"]["k"] == 0
    assert [row["id"] for row in found["models"]] == ["iforest"]
    assert found["typologies"][0]["precision"] == share


def test_no_answer_no_precision_and_a_reason(system: System) -> None:
    run(system.engine, [signal("F1"), signal("F2")])
    assert precision(system) == {"rules": [], "models": [], "typologies": []}
    close(system, ids(system)["F1"], "insufficient")
    row = precision(system)["rules"][0]
    assert row["precision"] is None
    assert row["reason"] == "none of its closed alerts was confirmed or dismissed"


def test_rates_of_rules_reach_the_ranks_of_the_next_run(system: System) -> None:
    reviewed(system)
    with reading(system.engine) as connection:
        weights = measured(connection, system.home)
    assert weights.rules == {"bid-cv": Rate(3, 5), "bid-kurtosis": Rate(0, 1)}
    before = ids(system)["F6"]
    run(system.engine, [signal("F6"), signal("F9")], "run-2", LATER, weights=weights)
    with reading(system.engine) as connection:
        alert = get_alert(connection, before).alert
    rule = next(p for p in alert.priority.evidence["pieces"] if p["kind"] == "rule")
    assert (rule["confirmed"], rule["reviewed"]) == (3, 5)
    assert rule["ratio"] > 3


def a_review(origin: str, label: int | None, weight: float = 1.0) -> dict[str, Any]:
    return {
        "typology": "MON-DOMINANCE-CN", "grain": "market_firm_y", "subject_kind": "market_firm",
        "subject_key": "M1/F1", "label": label, "origin": origin, "weight": weight,
        "rules": ["r"],
    }  # fmt: skip


def test_a_prior_is_measured_only_where_a_blind_sample_was_reviewed() -> None:
    size = {("MON-DOMINANCE-CN", "market_firm_y"): (900, 100)}
    alerts = [a_review("alert", 1)] * 10 + [a_review("alert", 0)] * 10
    assert priors(alerts, size) == {}
    assert rule_rates([*alerts, a_review("sample", 1), a_review("alert", None)]) == {
        "r": Rate(10, 20)
    }
    blind = [a_review("sample", 0, 20.0)] * 49 + [a_review("sample", 1, 20.0)]
    found = priors([*alerts, *blind], size)
    below = (0.02 * 50 + 50 * 0.02) / 100
    above = (0.5 * 20 + 10 * 0.02) / 30
    assert found["market:M1"] == pytest.approx(0.9 * below + 0.1 * above)
    assert set(found) == {"market:M1", "MON-DOMINANCE-CN"}


def test_a_tenth_waits_for_a_second_person() -> None:
    chosen = [wants_second(f"A-{i}") for i in range(20_000)]
    assert 0.09 < sum(chosen) / len(chosen) < 0.11
    assert chosen == [wants_second(f"A-{i}") for i in range(20_000)]


def test_a_second_review_is_another_persons_and_changes_nothing(system: System) -> None:
    run(system.engine, [signal(f"F{i}") for i in range(60)])
    known = ids(system)
    chosen = next(i for i in sorted(known.values()) if wants_second(i))
    with pytest.raises(WardenError) as caught:
        second(system, chosen, "confirmed")
    assert caught.value.code == "not_closed"
    assert waiting_for_second(system) == []
    close(system, chosen, "confirmed")
    row = waiting_for_second(system)[0]
    assert (row["alert"], row["closed_by"]) == (chosen, "lin")
    assert "confirmed" not in str(row), "the first answer would sway the second"
    for actor, reason, code in (
        ("lin", "explained", "same_person"),
        ("wang", None, "reason_required"),
    ):
        with pytest.raises(WardenError) as caught, writing(system.engine) as connection:
            second_review(connection, chosen, actor, reason, None, LATER)
        assert caught.value.code == code
    with reading(system.engine) as connection:
        before = get_alert(connection, chosen).alert
    second(system, chosen, "explained")
    with reading(system.engine) as connection:
        after = get_alert(connection, chosen)
        assert closings(connection)[0]["disposition"] == "confirmed"
    assert after.alert == before
    assert (after.events[-1].kind, after.events[-1].reason) == ("second_review", "explained")
    assert waiting_for_second(system) == []
    with pytest.raises(WardenError):
        second(system, chosen, "explained")
    with writing(system.engine) as connection:
        decide(connection, chosen, "lin", "reopen", None, None, after.alert.version, LATER)
    close(system, chosen, "explained", "wang")
    assert waiting_for_second(system)[0]["closed_by"] == "wang", "a new closing, a new review"


def test_agreement_of_two_persons_beyond_chance(system: System) -> None:
    first = ["confirmed"] * 6 + ["explained"] * 6
    again = ["confirmed"] * 5 + ["explained"] * 5 + ["confirmed"] * 2
    run(system.engine, [signal(f"F{i:02}") for i in range(12)])
    known = ids(system)
    for i, (a, b) in enumerate(zip(first, again, strict=True)):
        close(system, known[f"F{i:02}"], a)
        second(system, known[f"F{i:02}"], b)
    found = agreement(system)
    # seen 9/12; chance (6*7 + 6*5) / 144 = 1/2
    assert found["kappa"] == pytest.approx((9 / 12 - 0.5) / 0.5)
    assert (found["pairs"], found["agreed"]["k"]) == (12, 9)
    assert sum(row["alerts"] for row in found["table"]) == 12


def test_no_kappa_without_enough_pairs_or_without_difference() -> None:
    assert cohen_kappa([]) == (None, "0 of 10 alerts reviewed by two persons")
    same = [("explained", "explained")] * 10
    assert cohen_kappa(same) == (None, "both persons gave one and the same answer throughout")
    mixed = [("explained", "explained")] * 5 + [("confirmed", "confirmed")] * 5
    assert cohen_kappa(mixed) == (1.0, None)


def test_the_api_gives_both(system: System) -> None:
    reviewed(system)
    with TestClient(
        create_app(system), base_url="http://127.0.0.1", headers=enroll(system, "Ann")
    ) as client:
        found = client.get("/api/v1/reviews/precision").json()
        assert found["rules"][0]["precision"]["n"] == 5
        agreed = client.get("/api/v1/reviews/agreement").json()
    assert (agreed["pairs"], agreed["kappa"]) == (0, None)
