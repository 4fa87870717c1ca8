"""The blind sample: known probabilities, one draw a week, nothing that tells a reviewer."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import sqlalchemy as sa

from alerts.changing import Hand
from alerts.closures import approve
from alerts.inbox import export_alerts, get_alert, queue
from alerts.lifecycle import decide
from alerts.model import alert_object, event_object, kept_back
from alerts.store import unraised
from detector.database import reading, writing
from detector.feedback import labels
from detector.recall import directions, missed_cases, recall
from detector.run import run_detection
from detector.sampling import draw, draw_sample, inclusion, shown_draws, week_of
from detector.system import System
from features.errors import WardenError
from features.intervals import wilson
from tests.detector.homes import NOW, file, opened, procurement


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> System:
    """An installation with a ring, judged once; tests that write copy it."""
    folder = tmp_path_factory.mktemp("blind")
    system = opened(folder / "home")
    notices, bids = procurement()
    file(system, folder / "filings", "tenders", notices)
    file(system, folder / "filings", "bids", bids)
    run_detection(system)
    return system


@pytest.fixture
def system(judged: System, tmp_path: Path) -> System:
    import shutil

    shutil.copytree(judged.home, tmp_path / "home")
    return opened(tmp_path / "home")


def alerts_of(system: System) -> list[Any]:
    with reading(system.engine) as connection:
        return queue(connection, limit=200).alerts


def close(system: System, alert_id: str, reason: str) -> None:
    with reading(system.engine) as connection:
        version = get_alert(connection, alert_id).alert.version
    with writing(system.engine) as connection:
        after = decide(connection, alert_id, "lin", "close", reason, "seen", version, NOW)
        if after.pending:
            approve(connection, alert_id, Hand("wang", after.version, NOW))


def population(sizes: dict[str, int]) -> pl.DataFrame:
    rows = [
        {"typology": name, "grain": "g", "subject_key": f"{name}{i}", "population": n}
        for name, n in sizes.items()
        for i in range(n)
    ]
    return pl.DataFrame(rows)


@pytest.mark.parametrize("n", [1, 7, 20, 60])
def test_every_stratum_is_given_the_same_and_no_row_more_than_certainty(n: int) -> None:
    frame = population({"a": 3, "b": 50, "c": 1000})
    p = inclusion(frame["population"].to_numpy(), n)
    assert p.sum() == pytest.approx(n)
    assert p.max() <= 1
    by = frame.with_columns(p=pl.Series(p)).group_by("typology").agg(pl.col("p").sum())
    expected = dict(by.iter_rows())
    assert expected["b"] == pytest.approx(expected["c"])
    assert expected["a"] == pytest.approx(min(3, expected["b"]))


def test_drawing_takes_each_row_as_often_as_its_probability_says() -> None:
    frame = population({"a": 4, "b": 12, "c": 60})
    taken = np.zeros(frame.height)
    place = {key: i for i, key in enumerate(frame["subject_key"])}
    draws = 2000
    for number in range(draws):
        chosen = draw(frame, 6, f"seed {number}")
        assert chosen.height == 6, "systematic: the number is fixed"
        for key in chosen["subject_key"]:
            taken[place[key]] += 1
    expected = inclusion(frame["population"].to_numpy(), 6)
    spread = np.sqrt(expected * (1 - expected) / draws) + 1e-9
    assert np.abs(taken / draws - expected).max() < 4.5 * spread.max()
    total = sum(1 / p for p in draw(frame, 6, "any")["probability"])
    assert total > 0


def test_a_draw_is_repeated_by_its_seed_and_differs_by_it() -> None:
    frame = population({"a": 40, "b": 400})
    one, again, other = (draw(frame, 10, seed) for seed in ("r:1", "r:1", "r:2"))
    assert one.equals(again)
    assert not one.equals(other)
    assert draw(frame, 1000, "x").height == frame.height


def test_a_week_is_drawn_once_and_only_from_what_has_no_alert(system: System) -> None:
    before = {(a.signal.typology, a.signal.subject_key) for a in alerts_of(system)}
    told = draw_sample(system, 12, "audit")
    assert (told["slot"], told["queued"]) == (week_of(NOW), 12)
    new = [a for a in alerts_of(system) if (a.signal.typology, a.signal.subject_key) not in before]
    assert len(new) == 12
    again = draw_sample(system, 12, "audit")
    assert (again["queued"], again["already"]) == (0, 12)
    assert len(alerts_of(system)) == len(before) + 12
    rows = shown_draws(system)
    samples = [r for r in rows if r["role"] == "sample"]
    assert {r["alert_id"] for r in samples} == {a.id for a in new}
    assert all(0 < r["probability"] <= 1 for r in samples)
    later = opened(system.home, NOW + timedelta(days=7))
    assert draw_sample(later, 5)["queued"] == 5


def test_the_weekly_job_draws_and_leaves_a_drawn_week(system: System) -> None:
    from detector.scheduler import run_now

    first, again = run_now(system, "sample-reviews"), run_now(system, "sample-reviews")
    assert (first.state, first.counts) == ("done", {"queued": 20})
    assert (again.counts, again.note) == ({"queued": 0}, f"{week_of(NOW)} was drawn before")


def test_the_same_run_and_week_draw_the_same(judged: System, tmp_path: Path) -> None:
    import shutil

    found = []
    for name in ("one", "two"):
        shutil.copytree(judged.home, tmp_path / name)
        copy = opened(tmp_path / name)
        draw_sample(copy, 8)
        found.append([(r["role"], r["alert_id"], r["probability"]) for r in shown_draws(copy)])
    assert found[0] == found[1]


def test_nothing_tells_a_drawn_alert_from_the_one_it_is_paired_with(system: System) -> None:
    draw_sample(system, 3)
    roles = {r["alert_id"]: r["role"] for r in shown_draws(system)}
    assert set(roles.values()) == {"sample", "decoy"}
    with reading(system.engine) as connection:
        shown = {one["id"]: one for one in export_alerts(connection)}
        acts = {i: get_alert(connection, i) for i in roles}
    hidden = ("suspicion", "p_value", "q_value", "priority", "message", "rules", "models")
    by_role: dict[str, list[str]] = {"sample": [], "decoy": []}
    for alert_id, role in roles.items():
        one = shown[alert_id]
        kept = {name: one[name] for name in (*hidden, "not_checked", "tags", "blind", "state")}
        by_role[role].append(json.dumps(kept, sort_keys=True))
        assert kept["priority"]["likely"] is None
        record = acts[alert_id]
        told = [event_object(e, blind=kept_back(record.alert)) for e in record.events]
        assert all(event["data"] == {} for event in told)
        assert not any("sample" in str(value) for value in told)
    assert set(by_role["sample"]) == set(by_role["decoy"])
    ranks = {role: sorted(acts[i].alert.priority.rank for i in roles if roles[i] == role)
             for role in by_role}  # fmt: skip
    assert ranks["sample"] == ranks["decoy"], "each takes the place of its pair"


def test_the_opinion_is_shown_on_closing(system: System) -> None:
    draw_sample(system, 3)
    chosen = next(r["alert_id"] for r in shown_draws(system) if r["role"] == "decoy")
    close(system, chosen, "confirmed")
    with reading(system.engine) as connection:
        one = alert_object(get_alert(connection, chosen).alert)
    assert one["blind"] is False
    assert one["suspicion"] is not None
    assert one["priority"]["likely"] is not None


def test_a_later_run_neither_silences_nor_moves_what_was_drawn(
    system: System, tmp_path: Path
) -> None:
    draw_sample(system, 6)
    with reading(system.engine) as connection:
        drawn = unraised(connection)
        before = {i: get_alert(connection, i) for i in drawn}
    assert len(drawn) == 6
    later = opened(system.home, NOW + timedelta(days=1))
    run_detection(later, typologies=["MON-BID-CV"], start=NOW.date() - timedelta(days=900))
    with reading(later.engine) as connection:
        still = unraised(connection)
        for alert_id in still:
            assert get_alert(connection, alert_id) == before[alert_id]
    assert still <= drawn


def test_a_drawn_subject_that_a_run_raises_is_an_alert_like_any_other(system: System) -> None:
    from tests.alerts.samples import run

    draw_sample(system, 2)
    with reading(system.engine) as connection:
        alert_id = min(unraised(connection))
        signal = get_alert(connection, alert_id).alert.signal
    run(system.engine, [signal], "run-9", NOW + timedelta(days=1))
    with reading(system.engine) as connection:
        after = get_alert(connection, alert_id).alert
        assert alert_id not in unraised(connection)
    assert (after.blind, after.firing, after.version) == (False, True, 2)
    assert after.priority.rank == pytest.approx(after.priority.value)


def test_labels_say_where_a_review_came_from_and_what_it_stands_for(system: System) -> None:
    draw_sample(system, 3)
    rows = {r["alert_id"]: r for r in shown_draws(system)}
    for alert_id in rows:
        close(system, alert_id, "explained")
    found = {r["alert_id"]: r for r in labels(system).to_dicts()}
    for alert_id, drawn in rows.items():
        one = found[alert_id]
        sampled = drawn["role"] == "sample"
        assert one["origin"] == ("sample" if sampled else "alert")
        assert one["weight"] == pytest.approx(1 / drawn["probability"] if sampled else 1.0)
        if sampled:
            assert one["grain"] == drawn["grain"]


def test_what_is_refused(system: System, tmp_path: Path) -> None:
    for n, actor, code in ((0, "x", "bad_sample"), (5, " ", "actor_required")):
        with pytest.raises(WardenError) as caught:
            draw_sample(system, n, actor)
        assert caught.value.code == code
    with pytest.raises(WardenError) as caught:
        draw_sample(opened(tmp_path / "empty"))
    assert caught.value.code == "nothing_judged"


def test_missed_cases_are_weighted_and_bounded() -> None:
    found = missed_cases([(10.0, 1), (10.0, 0), (30.0, 0), (50.0, 0)])
    assert found["value"] == pytest.approx(10.0)
    assert found["low"] < 10 < found["high"] < 100
    none = missed_cases([(5.0, 0)] * 20)
    assert (none["value"], none["low"]) == (0.0, 0.0)
    assert none["high"] == pytest.approx(100 * wilson(0, 20)[1])


def test_recall_is_null_with_a_reason_while_too_few_and_then_estimated(system: System) -> None:
    assert recall(system)["reason"] == "0 of 20 reviews of the blind sample"
    draw_sample(system, 25)
    rows = shown_draws(system)
    samples = [r for r in rows if r["role"] == "sample"]
    for number, row in enumerate(samples):
        close(system, row["alert_id"], "confirmed" if number == 0 else "explained")
    assert recall(system)["reason"] == "no alert of a run was confirmed or dismissed"
    for row in rows:
        if row["role"] == "decoy":
            close(system, row["alert_id"], "confirmed")
    found = recall(system)
    missed = 1 / samples[0]["probability"]
    with reading(system.engine) as connection:
        raised = connection.scalar(
            sa.text("SELECT COUNT(*) FROM alert WHERE lane='screen' AND subject_kind <> 'rule'")
        ) - len(samples)
    assert found["missed"]["value"] == pytest.approx(missed)
    assert found["recall"]["value"] == pytest.approx(raised / (raised + missed))
    assert found["recall"]["low"] < found["recall"]["value"] < found["recall"]["high"]


def test_a_wrong_direction_is_noticed() -> None:
    def rows(prefix: str, k: int, n: int) -> list[dict[str, Any]]:
        return [
            {"alert_id": f"{prefix}{i}", "typology": "T", "label": int(i < k)} for i in range(n)
        ]

    low = {f"s{i}": 0.1 for i in range(40)}
    wrong = directions(rows("s", 9, 10), rows("a", 2, 20), low)[0]
    right = directions(rows("s", 0, 10), rows("a", 12, 20), low)[0]
    few = directions(rows("s", 4, 4), rows("a", 0, 20), low)[0]
    high = directions(rows("s", 9, 10), rows("a", 2, 20), dict.fromkeys(low, 0.9))[0]
    assert (wrong["wrong"], right["wrong"]) == (True, False)
    assert (few["wrong"], few["reason"]) == (None, "4 and 20 reviews; 5 of each are needed")
    assert high["wrong"] is None, "a suspicious subject says nothing of the direction"
