"""Whether a remedy worked: honest with few, exact with many, on the results in force."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from sqlalchemy import Engine

from alerts.case_model import CaseHand, CaseState, NewCase, PartyRole
from alerts.case_reading import case_detail, timeline
from alerts.case_remedies import Intervention, InterventionKind, Pursued, Target, Verdict
from alerts.cases import CaseChange, change_case, open_case
from detector import publishing
from detector.database import reading, writing
from detector.lake import Lake
from detector.remedies import follow_up as following
from detector.remedies.difference import Effect, Floats, compared, medians_of_others
from detector.remedies.follow_up import follow_up, judge
from detector.remedies.targets import Goal, decide
from detector.results import Manifest, Results, cells_of
from detector.settings import Settings
from detector.system import System, create_home
from features.catalogue import catalogue
from features.errors import WardenError
from tests.detector.homes import NOW, file

FEATURE = "cover_win_rate"
GRAIN = catalogue().features[FEATURE].grain
TYPOLOGY = catalogue().features[FEATURE].typology
YEARS = tuple(range(2018, 2026))
DECIDED, BY = date(2021, 12, 1), date(2022, 1, 1)
RUN = Manifest(
    run_id="run-1", target="live", snapshot_id="s", versions={}, known_as_of=NOW.isoformat(),
    as_of="2026-06-01", digests={}, layers=("run-1",),
)  # fmt: skip


def drawn(rng: np.random.Generator, peers: int, effect: float, periods: int = 8) -> Effect:
    """A subject and peers with levels of their own, a common walk and noise that lasts."""
    noise = rng.normal(size=(peers + 1, periods))
    for at in range(1, periods):
        noise[:, at] += 0.6 * noise[:, at - 1]
    values = noise + 2 * rng.normal(size=(peers + 1, 1)) + rng.normal(size=periods).cumsum()
    values[0, periods // 2 :] += effect
    others = values[1:]
    others[rng.random(others.shape) < 0.05] = np.nan
    before = np.arange(periods) < periods // 2
    found = compared(values[0], others, before, ~before)
    assert found is not None
    return found


def test_where_nothing_happened_nine_of_ten_intervals_hold_zero() -> None:
    rng = np.random.default_rng(5)
    signs = [drawn(rng, 59, 0.0).sign for _ in range(600)]
    for sign in (-1, 1):
        # five of a hundred on each side; four standard errors of 600 draws
        assert abs(signs.count(sign) / 600 - 0.05) < 0.036


def test_an_effect_is_found_and_its_interval_holds_it() -> None:
    rng = np.random.default_rng(6)
    found = [drawn(rng, 59, -4.0) for _ in range(300)]
    assert np.mean([one.sign == -1 for one in found]) > 0.9
    covered = [one.low is not None and one.low <= -4.0 <= (one.high or 0) for one in found]
    assert 0.85 < np.mean(covered) < 0.97


def test_few_peers_give_no_interval() -> None:
    rng = np.random.default_rng(7)
    few, enough = drawn(rng, 12, -9.0), drawn(rng, 40, -9.0)
    assert (few.low, few.sign) == (None, 0)
    assert enough.low is not None
    assert few.effect == pytest.approx(-9.0, abs=5)


def test_medians_leave_the_row_itself_out() -> None:
    rng = np.random.default_rng(8)
    rows = np.round(rng.normal(size=(9, 40)), 1)
    rows[rng.random(rows.shape) < 0.3] = np.nan
    found = medians_of_others(rows)
    for i, j in np.argwhere(~np.isnan(rows)):
        rest = np.delete(rows[:, j], i)
        assert found[i, j] == pytest.approx(np.nanmedian(rest), abs=1e-12)


@pytest.fixture
def system(engine: Engine, tmp_path: Path) -> System:
    """An installation where two firms of forty are of one group."""
    home = tmp_path / "home"
    create_home(home)
    system = System(Settings(), home, engine, Lake(home, engine), lambda: NOW)
    firms = [{"firm_id": f, "name": f, "group_id": "G"} for f in ("F00", "F01")]
    file(system, tmp_path / "filings", "firms", firms)
    return system


def world(steps: Mapping[str, float], peers: int = 40, seed: int = 3) -> dict[str, Floats]:
    """Values by firm and year: some move by a step from the decision on."""
    rng = np.random.default_rng(seed)
    common = rng.normal(size=len(YEARS)).cumsum()
    values = {}
    for place in range(peers):
        name = f"F{place:02}"
        values[name] = 50 + rng.normal() * 3 + common + rng.normal(size=len(YEARS)) * 0.5
        values[name][4:] += steps.get(name, 0.0)
    return values


def stored(system: System, values: Mapping[str, Floats]) -> Manifest:
    """Results in force that hold the values."""
    rows = [
        {"typology": TYPOLOGY, "grain": GRAIN, "subject_key": firm,
         "period_start": date(year, 1, 1), "period_end": date(year, 12, 31),
         "firm_id": firm, FEATURE: float(v), f"{FEATURE}__reason": None, f"{FEATURE}__n": 500}
        for firm, series in values.items()
        for year, v in zip(YEARS, series, strict=True)
        if not np.isnan(v)
    ]  # fmt: skip
    frame = pl.DataFrame(rows, schema_overrides={f"{FEATURE}__reason": pl.String})
    cells = cells_of((TYPOLOGY, GRAIN, date(year, 1, 1)) for year in YEARS)
    results = Results(system.home)
    results.write(RUN.run_id, {f"features-{GRAIN}-{TYPOLOGY}": frame, "cells": cells})
    versions = system.lake.pin().versions
    manifest = replace(RUN, versions=dict(versions))
    results.seal(manifest)
    return manifest


def goal(direction: Any = "down", decided: date = DECIDED, by: date = BY) -> Pursued:
    return Pursued(1, "C-2026-0001", decided, Target(FEATURE, GRAIN, "F00", direction, by))


def test_what_moved_as_wanted_is_told_with_its_figures(system: System) -> None:
    # the sister of the group moves along, and so do many others: the median must not see them
    manifest = stored(system, world({"F00": -6.0, "F01": -6.0}))
    found = judge(system, manifest, goal(), ())
    assert (found.verdict, found.reason) == (Verdict.MOVED, None)
    assert found.data["effect"] == pytest.approx(-6.0, abs=1.0)
    low, high = found.data["interval"]
    assert low < found.data["effect"] < high < 0
    assert (found.data["n_before"], found.data["n_after"]) == (3, 4)
    assert found.data["n_peers"] == 38
    assert judge(system, manifest, goal("up"), ()).verdict is Verdict.AGAINST
    assert judge(system, manifest, goal(), ("F02", "F03")).data["n_peers"] == 36
    assert judge(system, manifest, goal(), ()) == found


def test_what_did_not_move_is_not_said_to_have(system: System) -> None:
    manifest = stored(system, world({}))
    assert judge(system, manifest, goal(), ()).verdict is Verdict.NO_CHANGE
    everybody = {f"F{place:02}": -6.0 for place in range(40)}
    manifest = stored(system, world(everybody))
    assert judge(system, manifest, goal(), ()).verdict is Verdict.NO_CHANGE


def falling(values: dict[str, Floats]) -> dict[str, Floats]:
    """The subject was on its way down all the time."""
    values["F00"] = values["F00"] - 4.0 * np.arange(len(YEARS))
    return values


def outermost(values: dict[str, Floats]) -> dict[str, Floats]:
    values["F00"][:4] += 60
    return values


def test_what_moved_before_the_decision_is_not_put_down_to_it(system: System) -> None:
    manifest = stored(system, falling(world({})))
    later = goal(decided=date(2022, 12, 1), by=date(2023, 1, 1))
    found = judge(system, manifest, later, ())
    assert (found.verdict, found.reason) == (Verdict.CANNOT_TELL, "moved_before")
    assert found.data["interval"][1] < 0
    manifest = stored(system, outermost(world({})))
    assert judge(system, manifest, goal(), ()).data["cautions"] == ["extreme_before"]


LATER = date(2030, 1, 1)
CASES: dict[str, tuple[Callable[[], dict[str, Floats]], Pursued]] = {
    "too_few_before": (lambda: world({}), goal(decided=date(2019, 6, 1))),
    "too_few_after": (lambda: world({}), goal(by=date(2025, 1, 1))),
    "not_due": (lambda: world({}), goal(by=LATER)),
    "too_few_peers": (lambda: world({"F00": -6.0}, peers=12), goal()),
    "no_values": (lambda: {k: v for k, v in world({}).items() if k != "F00"}, goal()),
}


@pytest.mark.parametrize("reason", CASES)
def test_what_cannot_be_told_says_why(system: System, reason: str) -> None:
    values, wanted = CASES[reason]
    found = judge(system, stored(system, values()), wanted, ())
    assert (found.verdict, found.reason) == (Verdict.CANNOT_TELL, reason)
    assert found.data["interval"] is None
    # figures are told as far as they go
    assert (found.data["effect"] is not None) == (reason == "too_few_peers")


def test_before_any_run_nothing_is_told(system: System) -> None:
    assert judge(system, None, goal(), ()).reason == "nothing_judged"


def test_a_case_keeps_what_is_new_and_shows_it(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    hand = CaseHand("Ana", NOW - timedelta(days=1))
    firms = {"F00": PartyRole.SUBJECT, "F05": PartyRole.COMPLAINANT}
    with writing(system.engine) as connection:
        number = open_case(connection, NewCase("shares"), [], firms, hand).number
        for state in (CaseState.IN_PROGRESS, CaseState.DECIDED):
            change_case(connection, number, CaseChange(state=state), hand)
    order = Intervention(InterventionKind.ORDER, DECIDED, "Open the platform.", "art. 22")
    wrong = {
        "unknown_feature": Goal("no_such_feature", "down", BY),
        "bad_target": Goal("bid_cv", "down", BY),
    }
    for code, one in wrong.items():
        with pytest.raises(WardenError) as error:
            decide(system, number, order, [one], hand)
        assert error.value.code == code
    decide(system, number, order, [Goal(FEATURE, "down", BY)], hand)
    manifest = stored(system, world({"F00": -6.0}))
    monkeypatch.setattr(publishing, "current", lambda _system: manifest.run_id)
    first = follow_up(system, None, "system")
    assert [(one["case"], one["verdict"], one["kept"]) for one in first] == [
        (number, "moved", True)
    ]
    # subject, its sister and the complainant are no peers
    assert first[0]["n_peers"] == 37
    assert [one["kept"] for one in follow_up(system, number, "Ana")] == [False]
    stored(system, world({}))
    assert [one["kept"] for one in following.follow_up(system, number, "Ana")] == [True]
    with reading(system.engine) as connection:
        told = case_detail(connection, number)["interventions"][0]["targets"][0]
        kinds = [event["kind"] for event in timeline(connection, number)]
    assert (told["subject_key"], told["follow_up"]["verdict"]) == ("F00", "no_change")
    assert kinds.count("followed_up") == 2
