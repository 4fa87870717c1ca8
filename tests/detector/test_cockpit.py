"""The director's view: counts by hand, the survival curve against its textbook, limits."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from threading import Event
from threading import enumerate as enumerate_threads

import numpy as np
import pytest
import sqlalchemy as sa

from alerts.inbox import export_alerts
from alerts.lifecycle import decide
from alerts.limits import Limits
from api.web.cockpit_view import spark
from detector.cockpit import whole
from detector.cockpit.load import load, weekly
from detector.cockpit.pace import pace, survival
from detector.cockpit.whole import cockpit
from detector.database import reading, writing
from detector.system import System, open_system
from tests.alerts.samples import NOW, run, signal

DAY = timedelta(days=1)


def ids(engine: sa.Engine) -> dict[str, str]:
    with reading(engine) as connection:
        return {a["subject"]["key"]: a["id"] for a in export_alerts(connection)}


def close(engine: sa.Engine, alert_id: str, days: int) -> None:
    with writing(engine) as connection:
        decide(connection, alert_id, "lin", "close", "confirmed", "Seen.", 1, NOW + days * DAY)


def test_what_waits_came_and_went_is_counted(engine: sa.Engine) -> None:
    run(engine, [signal("F1"), signal("F2", lane="legal"), signal("F3", severity=2)], now=NOW)
    run(engine, [signal(f"G{i}", typology="MON-BID-RD") for i in range(3)], now=NOW + 10 * DAY)
    close(engine, ids(engine)["F3"], 12)
    now = NOW + 14 * DAY
    with reading(engine) as connection:
        found = load(connection, now)
        weeks = weekly(connection, now)
        mine = Limits(typologies=frozenset({"MON-BID-RD"}))
        limited, limited_weeks = load(connection, now, mine), weekly(connection, now, mine)
    assert (found["waiting"], found["total"]) == ({"legal": 1, "screen": 4}, 5)
    assert found["opened"] == [3, 0]
    assert found["touched"] == {"persons": None, "turnover": None}
    assert [(w["opened"], w["closed"], w["open"]) for w in weeks[-3:]] == [
        (3, 0, 3), (0, 0, 3), (3, 1, 5),
    ]  # fmt: skip
    assert sum(w["opened"] for w in weeks) == 6
    assert weeks[-1]["end"] == now.date()
    assert (limited["total"], limited_weeks[-1]["open"]) == (3, 3)


def test_a_closing_that_waits_for_a_second_person_and_what_is_late_are_told(
    engine: sa.Engine,
) -> None:
    run(engine, [signal("F1", severity=5), signal("F2")], now=NOW)
    with writing(engine) as connection:
        decide(connection, ids(engine)["F1"], "lin", "close", "explained", "Seen.", 1, NOW + DAY)
    with reading(engine) as connection:
        found = load(connection, NOW + 400 * DAY)
    assert found["second_person"] == {"n": 1, "since": NOW + DAY}
    assert found["overdue"] == 2


def test_what_alerts_touch_is_read_from_their_evidence(engine: sa.Engine) -> None:
    run(engine, [signal(f"F{i}") for i in range(4)], now=NOW)
    sizes = [("persons", 20.0), ("persons", 22.5), ("turnover", 9.0), ("turnover", 7.0)]
    with writing(engine) as connection:
        from alerts.tables import alert

        for i, (of, size) in enumerate(sizes):
            told = {"affected": {"size": size, "of": of}}
            query = sa.update(alert).where(alert.c.subject_key == f"F{i}").values(evidence=told)
            connection.execute(query)
    with reading(engine) as connection:
        touched = load(connection, NOW)["touched"]
    assert touched["persons"] == {"alerts": 2, "sum": 42.5}
    assert touched["turnover"] == {"alerts": 2, "largest": 9.0}


def test_the_survival_curve_is_the_textbook_product() -> None:
    # days of six alerts; the second and fifth still wait
    lasted = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0])
    ended = np.array([True, False, True, True, False, True, True])
    found = survival(lasted, ended)
    shares = {step["day"]: step["share"] for step in found["steps"]}
    expected = [6 / 7, 6 / 7 * 4 / 5, 6 / 7 * 4 / 5 * 3 / 4, 6 / 7 * 4 / 5 * 3 / 4 * 1 / 2, 0.0]
    assert [shares[day] for day in (1.0, 3.0, 4.0, 6.0, 7.0)] == pytest.approx(expected)
    assert (found["median"], found["n"], found["waiting"]) == (6.0, 7, 2)
    assert found["low"] <= found["median"]


def test_too_few_closings_tell_no_median(engine: sa.Engine) -> None:
    few = survival(np.array([1.0, 2.0, 9.0]), np.array([True, True, False]))
    assert (few["median"], few["steps"], few["waiting"]) == (None, [], 1)
    run(engine, [signal(f"F{i}", period_end=date(2025, 11, 13)) for i in range(5)], now=NOW)
    with reading(engine) as connection:
        told = pace(connection, NOW + DAY)
    assert told["seen"]["n"] == 5
    # the period ends with its last day: 374 days and eight hours before
    assert told["seen"]["median"] == pytest.approx(374 + 8 / 24, abs=0.01)
    assert told["decided"]["median"] is None


def test_a_little_line_needs_two_points_and_stays_in_its_box() -> None:
    assert spark([None, 3.0]) == ""
    assert spark([5.0, None, 9.0]) == "M2.0 17.0L94.0 3.0"


def test_the_view_of_the_demonstration(demonstration_home: Path) -> None:
    system = open_system(demonstration_home)
    found = cockpit(system)
    assert sum(row["judged"] for row in found["checked"]) > 1000
    for row in found["checked"]:
        counts = ("fired", "clear", "not_evaluable", "out_of_scope", "error")
        assert row["judged"] == sum(row[o] for o in counts), row
    assert found["markets"][0]["alerts"] >= found["markets"][-1]["alerts"]
    assert any(one["hhi"] for one in found["markets"])
    limited = cockpit(system, Limits(typologies=frozenset()))
    assert (limited["load"]["total"], limited["checked"], limited["rules"]) == (0, None, None)
    system.engine.dispose()


def test_a_slow_view_is_given_as_it_was_while_it_is_computed_anew(
    demonstration_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, now = open_system(demonstration_home), [NOW]
    system = System(made.settings, made.home, made.engine, made.lake, lambda: now[0])
    told, slow = iter("abcd"), Event()

    def computed(*_given: object) -> dict[str, str]:
        view = next(told)
        assert view == "a" or slow.wait(10)
        return {"view": view}

    monkeypatch.setattr(whole, "_computed", computed)
    monkeypatch.setattr(whole, "_kept", {})
    monkeypatch.setattr(whole, "SLOW_SECONDS", 0.0)
    assert cockpit(system) == {"view": "a"}
    now[0] += timedelta(seconds=59)
    assert cockpit(system) == {"view": "a"}
    now[0] += timedelta(seconds=3)
    # twice: what is being computed is not computed once more
    assert [cockpit(system), cockpit(system)] == [{"view": "a"}] * 2
    slow.set()
    for thread in [one for one in enumerate_threads() if one.name == "cockpit"]:
        thread.join(10)
    assert cockpit(system) == {"view": "b"}
    now[0] += timedelta(hours=2)
    assert cockpit(system) == {"view": "c"}
    made.engine.dispose()
