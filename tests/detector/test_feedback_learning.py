"""What the posterior is learnt from: no review speaks for itself; a fit alone changes nothing."""

from __future__ import annotations

import math
import random
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from alerts.inbox import queue
from alerts.lifecycle import decide
from alerts.model import Signal
from alerts.store import STORM_KIND
from alerts.weights import Rate, Weights, logit, rule_log
from detector import curves
from detector.database import reading, writing
from detector.learning import joined_subjects, learn, lesson
from detector.run import run_detection
from detector.system import System
from detector.weighing import measured
from features.errors import WardenError
from tests.alerts.samples import LATER, NOW, run, signal
from tests.detector.homes import file, opened, procurement


@pytest.fixture
def system(tmp_path: Path) -> System:
    return opened(tmp_path / "home")


def alerts_of(system: System) -> list[Any]:
    found, cursor = [], None
    with reading(system.engine) as connection:
        while True:
            page = queue(connection, cursor=cursor, limit=200)
            found += page.alerts
            cursor = page.next_cursor
            if cursor is None:
                return found


def answer(system: System, answers: dict[str, str]) -> None:
    """Closes alerts by subject."""
    with writing(system.engine) as connection:
        for alert in alerts_of(system):
            reason = answers.get(alert.signal.subject_key)
            if reason:
                decide(connection, alert.id, "lin", "close", reason, "seen", alert.version, NOW)


def by_rule(subject: str, *rules: str, **changes: Any) -> Signal:
    named = tuple({"id": name, "version": "1", "strength": 0.5} for name in rules)
    return signal(subject, **{"rules": named, "p_value": None, "suspicion": 0.5} | changes)


def test_a_review_is_no_evidence_for_itself(system: System) -> None:
    run(system.engine, [by_rule(f"F{i}", "r") for i in range(4)])
    answer(system, {"F0": "confirmed", "F1": "confirmed", "F2": "explained", "F3": "referred"})
    with reading(system.engine) as connection:
        found = lesson(connection)
        assert measured(connection, system.home).rules == {"r": Rate(2, 3)}
    assert sorted(found.labels) == [0, 1, 1]
    assert set(found.subjects) == {"firm:F0", "firm:F1", "firm:F2"}
    by_label = dict(zip(found.labels, found.evidence, strict=True))
    # a confirmed one sees one confirmed of two others, the dismissed one two of two
    assert by_label[1][2] == pytest.approx(rule_log(Rate(1, 2), 0.02))
    assert by_label[0][2] == pytest.approx(rule_log(Rate(2, 2), 0.02))
    assert {row[0] for row in found.evidence} == {logit(0.02)}


def test_two_alerts_of_one_firm_are_one_subject_however_remotely(system: System) -> None:
    run(
        system.engine,
        [
            signal("F1"),
            signal("F1|F2", subject_kind="pair", typology="TRX-RELATED"),
            signal("F2|F3|F4", subject_kind="group", typology="MON-BID-COBID"),
            signal("F4", typology="MON-BID-KS"),
            signal("F9"),
            signal("F1", subject_kind="app", typology="PRIV-MINORS"),
        ],
    )
    alerts = {alert.id: alert for alert in alerts_of(system)}
    named = joined_subjects(alerts)
    of = {(a.signal.subject_kind, a.signal.subject_key): named[i] for i, a in alerts.items()}
    ring = {of["firm", "F1"], of["pair", "F1|F2"], of["group", "F2|F3|F4"], of["firm", "F4"]}
    assert len(ring) == 1
    assert len({*ring, of["firm", "F9"], of["app", "F1"]}) == 3, "an app of that id is no firm"


def reviewed(system: System, n: int) -> None:
    """Alerts of four rules of which two are always right and two always wrong."""
    draw = random.Random(4)
    names = ("good", "sound", "poor", "idle")
    typologies = ("MON-BID-CV", "MON-BID-KS", "PRIV-MINORS", "TRX-BRUSH", "MON-RPM", "MON-MFN")
    signals, answers = [], {}
    for i in range(n):
        rule = names[i % 4]
        p = draw.choice([0.001, 0.01, 0.5])
        typology = typologies[i % 6]
        signals.append(by_rule(f"F{i}", rule, typology=typology, p_value=p))
        right = rule in names[:2] and draw.random() < 0.95
        answers[f"F{i}"] = "confirmed" if right else "explained"
    run(system.engine, signals)
    answer(system, answers)


def test_below_two_hundred_reviews_nothing_is_learnt(system: System) -> None:
    reviewed(system, 24)
    with pytest.raises(WardenError) as caught:
        learn(system)
    assert "24 of 200 reviews" in caught.value.message


def test_a_fit_is_kept_and_ranks_only_when_put_in_force(system: System) -> None:
    reviewed(system, 240)
    found = learn(system)
    assert found["in_force"] is False
    with reading(system.engine) as connection:
        assert measured(connection, system.home).curve is None
    assert found["fitted_loss"] < found["additive_loss"]
    learn(system, put_to_use=True)
    with reading(system.engine) as connection:
        weights = measured(connection, system.home)
    assert weights.curve is not None
    run(system.engine, [by_rule("N1", "good", p_value=0.01)], "run-2", LATER, weights=weights)
    fresh = next(a for a in alerts_of(system) if a.signal.subject_key == "N1")
    assert fresh.priority.evidence["method"] == "fitted"
    assert fresh.priority.likely > 0.5
    curves.put_in_force(system.home, None)
    with reading(system.engine) as connection:
        again = measured(connection, system.home)
    assert again.curve is None
    assert again.rules == weights.rules


def test_a_curve_that_is_no_better_is_not_put_in_force(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    from detector.models.posterior import Learnt

    reviewed(system, 240)
    monkeypatch.setattr(Learnt, "better", lambda _self: False)
    with pytest.raises(WardenError) as caught:
        learn(system, put_to_use=True)
    assert caught.value.code == "not_better"
    assert curves.in_force(system.home) is None


def test_a_run_ranks_by_what_was_measured_and_says_so(system: System, tmp_path: Path) -> None:
    notices, bids = procurement()
    file(system, tmp_path / "filings", "tenders", notices)
    file(system, tmp_path / "filings", "bids", bids)
    first = run_detection(system)
    assert first.counts["weights"] == Weights().mark
    raised = [a for a in alerts_of(system) if a.signal.subject_kind != STORM_KIND]
    found = [a for a in raised if a.signal.rules and a.signal.lane == "screen"]
    assert found
    chosen = found[0]
    with writing(system.engine) as connection:
        decide(connection, chosen.id, "lin", "close", "confirmed", "seen", chosen.version, NOW)
    later = run_detection(opened(system.home, LATER), start=notices_start(notices))
    assert later.counts["weights"] != first.counts["weights"]
    with reading(system.engine) as connection:
        data = connection.scalar(sa.text("SELECT data FROM weights ORDER BY id DESC LIMIT 1"))
    assert '"confirmed":1' in str(data).replace(" ", "")
    rule = chosen.signal.rules[0]["id"]
    shared = [a for a in alerts_of(system) if a.state == "open" and a.signal.lane == "screen"]
    for alert in shared:
        pieces = [p for p in alert.priority.evidence["pieces"] if p.get("id") == rule]
        assert all((p["confirmed"], p["reviewed"]) == (1, 1) for p in pieces)
        log = alert.priority.evidence["log_ratio"]
        odds = math.exp(logit(0.02) + log)
        assert alert.priority.likely == pytest.approx(odds / (1 + odds))


def notices_start(notices: list[dict[str, object]]) -> Any:
    from datetime import date

    return date.fromisoformat(min(str(n["awarded_at"]) for n in notices)).replace(day=1)
