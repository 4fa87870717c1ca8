"""Ranks follow what fires and what evidence is worth, without a new version of the alert."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from alerts.inbox import get_alert, queue
from alerts.lifecycle import decide
from alerts.model import Alert, Signal
from alerts.ranking import weights_in_force
from alerts.weights import NEW, Rate, Weights
from detector.database import reading, writing
from tests.alerts.samples import CELL, LATER, NOW, run, signal

CONFIRMED = Weights(rules={"bid-cv": Rate(18, 20)})


def known(engine: sa.Engine) -> dict[tuple[str, str], Alert]:
    """Alerts by typology and subject."""
    with reading(engine) as connection:
        found = queue(connection, limit=200).alerts
    return {(a.signal.typology, a.signal.subject_key): a for a in found}


def cover(subject: str, kind: str = "firm", **changes: Any) -> Signal:
    return signal(subject, typology="MON-BID-COVER", subject_kind=kind, **changes)


def likely(engine: sa.Engine, typology: str = "MON-BID-CV", subject: str = "F1") -> float:
    return known(engine)[typology, subject].priority.likely


def test_an_alert_keeps_how_it_was_ranked(engine: sa.Engine) -> None:
    run(engine, [signal()])
    priority = known(engine)["MON-BID-CV", "F1"].priority
    assert priority.evidence["likely"] == priority.likely
    assert priority.evidence["weights"] == NEW.mark
    assert [piece["kind"] for piece in priority.evidence["pieces"]] == ["model", "rule"]


def test_other_weights_rank_what_is_not_closed_anew_and_leave_its_version(
    engine: sa.Engine,
) -> None:
    run(engine, [signal("F1"), signal("F2")])
    before = known(engine)
    shut = before["MON-BID-CV", "F2"]
    with writing(engine) as connection:
        decide(connection, shut.id, "lin", "close", "confirmed", "seen", 1, NOW)
    run(engine, [signal("F1"), signal("F3")], "run-2", LATER, weights=CONFIRMED)
    after = known(engine)
    one, new, closed = (after["MON-BID-CV", f] for f in ("F1", "F3", "F2"))
    assert one.priority.likely > before["MON-BID-CV", "F1"].priority.likely
    assert one.priority == new.priority, "the same signal ranks the same within a run"
    assert (one.version, one.updated_at) == (1, NOW)
    assert closed.priority == shut.priority, "as it was when somebody decided"
    with reading(engine) as connection:
        assert weights_in_force(connection) == CONFIRMED
        assert len(get_alert(connection, one.id).events) == 1


def test_weights_are_kept_with_the_run_that_first_used_them(engine: sa.Engine) -> None:
    run(engine, [signal()])
    run(engine, [signal()], "run-2", LATER)
    run(engine, [signal()], "run-3", LATER, weights=CONFIRMED)
    with reading(engine) as connection:
        rows = connection.execute(sa.text("SELECT mark, run_id FROM weights ORDER BY id")).all()
    assert [tuple(row) for row in rows] == [(NEW.mark, "run-1"), (CONFIRMED.mark, "run-3")]


@pytest.mark.parametrize(
    ("other", "heard"),
    [
        (cover("F1"), True),
        (cover("F1|F2|F3", "group"), True),
        (cover("F2"), False),
        (cover("F1", period_start=date(2024, 1, 1), period_end=date(2024, 12, 31)), False),
        (cover("F1", lane="legal"), False),
        (signal("F1", typology="PRIV-MINORS"), False),
    ],
)
def test_evidence_of_another_family_about_the_same_firm_and_time(
    engine: sa.Engine, other: Signal, heard: bool
) -> None:
    run(engine, [signal()])
    alone = likely(engine)
    run(engine, [signal(), other], "run-2", LATER)
    assert (likely(engine) > alone) is heard
    if heard:
        both = known(engine)
        piece = both["MON-BID-CV", "F1"].priority.evidence["pieces"][-1]
        assert (piece["kind"], piece["share"]) == ("other", 1.0)
        assert piece["alert"] == both["MON-BID-COVER", other.subject_key].id
        assert both["MON-BID-CV", "F1"].version == 1


def test_the_order_of_runs_does_not_matter(engine: sa.Engine) -> None:
    run(engine, [signal(), cover("F1"), signal("F9")])
    together = {key: alert.priority for key, alert in known(engine).items()}
    with writing(engine) as connection:
        for table in ("alert_event", "alert", "weights"):
            connection.execute(sa.text(f"DELETE FROM {table}"))
    for number, one in enumerate([cover("F1"), signal("F9"), signal()]):
        run(engine, [one], f"run-{number}", NOW + timedelta(days=number))
    assert {key: alert.priority for key, alert in known(engine).items()} == together


def test_what_falls_silent_or_is_explained_is_no_evidence(engine: sa.Engine) -> None:
    run(engine, [signal()])
    alone = likely(engine)
    run(engine, [signal(), cover("F1")], "run-2", LATER)
    assert likely(engine) > alone
    cell = ("MON-BID-COVER", *CELL[1:])
    run(engine, [signal()], "run-3", LATER, judged=[cell])
    assert likely(engine) == alone
    run(engine, [signal(), cover("F1")], "run-4", LATER, judged=[cell])
    other = known(engine)["MON-BID-COVER", "F1"]
    with writing(engine) as connection:
        decide(connection, other.id, "lin", "close", "explained", "seen", other.version, NOW)
    run(engine, [signal(suspicion=0.93)], "run-5", LATER)
    assert likely(engine) == alone
