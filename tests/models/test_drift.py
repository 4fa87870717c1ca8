"""Drift of features, scores and likelihoods; and heaps of values just inside a limit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy.stats import binomtest, ks_2samp

from alerts.inbox import export_alerts
from alerts.lifecycle import decide
from detector import planning
from detector.bunching import CELL, LEAST, bunching, counted
from detector.database import reading, writing
from detector.drift import (
    calibration_drift,
    drift_report,
    ks_distance,
    newest_since,
    shares_in_bins,
    state_of,
)
from detector.drift_reports import last_report
from detector.inference import psi
from detector.jobs import get_job
from detector.models.posterior import calibration_slope
from detector.run import run_detection
from detector.system import System, open_system
from features.catalogue import catalogue
from features.compute import FeatureFrame
from rules.load import Rule
from rules.margins import Margin, margins
from rules.ruleset import load_library
from tests.api.conftest import make_system
from tests.api.market import signals
from tests.detector.homes import LATER, NOW, file, small_market
from tests.models.test_shadow_models import tighter

FrameOf = Callable[..., FeatureFrame]


# --- indices ----------------------------------------------------------------------------------


def test_missing_and_zero_have_bins_of_their_own_and_the_rest_tenths() -> None:
    before = np.array([np.nan] * 20 + [0.0] * 30 + list(range(1, 51)), dtype=np.float64)
    now = np.array([np.nan] * 5 + [0.0] * 5 + [50.0] * 10, dtype=np.float64)
    expected, actual = shares_in_bins(before, now)
    assert expected == pytest.approx([0.2, 0.3, *[0.05] * 10])
    assert actual == pytest.approx([0.25, 0.25, *[0.0] * 9, 0.5])
    assert psi(expected, expected) == 0.0
    assert psi(expected, actual) > 1


def test_a_reference_without_values_still_counts_what_is_missing() -> None:
    nothing = np.full(10, np.nan)
    expected, actual = shares_in_bins(nothing, np.array([np.nan, 3.0]))
    assert expected == pytest.approx([1, 0, 0])
    assert actual == pytest.approx([0.5, 0, 0.5])


def test_few_rows_are_told_and_not_judged() -> None:
    assert [state_of(v, 0.01) for v in (0.05, 0.11, 0.3)] == ["ok", "watch", "act"]
    assert state_of(0.3, 0.06) == "few"


def test_the_noise_told_is_what_chance_gives() -> None:
    draw = np.random.default_rng(2)
    before = draw.normal(size=1000)
    found = [psi(*shares_in_bins(before, draw.normal(size=500))) for _ in range(200)]
    assert np.mean(found) == pytest.approx(9 * (1 / 500 + 1 / 1000), rel=0.25)


def test_the_distance_is_that_of_kolmogorov_and_smirnov() -> None:
    draw = np.random.default_rng(3)
    a, b = draw.normal(size=70), draw.normal(0.5, size=110).round(1)
    assert ks_distance(a, b) == pytest.approx(ks_2samp(a, b).statistic)


def test_whole_periods_are_taken_newest_first() -> None:
    days = [date(2025, m, 1) for m in range(1, 7)]
    table = pl.DataFrame({"period_start": [d for d in days for _ in range(200)]})
    assert newest_since(table, None) == date(2025, 4, 1), "three months hold 600 rows"
    assert newest_since(table, 1) == date(2025, 6, 1)
    assert newest_since(table.head(300), None) == date(2025, 1, 1)


def test_calibration_waits_for_answers_and_is_then_their_slope(tmp_path: Path) -> None:
    system = make_system(tmp_path / "home", signals())
    assert calibration_drift(system)["slope"] is None
    with reading(system.engine) as connection:
        screens = [a for a in export_alerts(connection) if a["lane"] == "screen"]
    assert len(screens) >= 26
    told = []
    for i, one in enumerate(sorted(screens, key=lambda a: a["priority"]["likely"])):
        reason = "confirmed" if i % 3 == 0 or i > 18 else "explained"
        with writing(system.engine) as connection:
            decide(connection, one["id"], "Ann", "close", reason, "seen", one["version"],
                   system.clock())  # fmt: skip
        told.append((float(reason == "confirmed"), one["priority"]["likely"]))
    y, p = (np.array(v) for v in zip(*told, strict=True))
    found = calibration_drift(system)
    assert found["n"] == len(screens)
    assert found["slope"] == pytest.approx(calibration_slope(y, p), rel=1e-3)
    assert found["state"] in ("act", "watch", "ok")


# --- bunching ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def rule() -> Rule:
    return next(r for r in load_library().rules if r.id == "mon-bid-cv-low")


def margin(
    rule: Rule, values: Any, op: Any = ">=", limit: Any = 72.0, *, share: bool = False
) -> Margin:
    numbers = np.asarray(values, dtype=np.float64)
    limits = np.broadcast_to(np.asarray(limit, dtype=np.float64), numbers.shape)
    return Margin(rule, "x", op, share, pl.DataFrame({"value": numbers, "limit": limits}))


def test_where_nobody_aims_the_test_is_honest(rule: Rule) -> None:
    draw = np.random.default_rng(1)
    found = [
        counted(margin(rule, draw.normal(80, 25, 900))).p or 0.0 for _ in range(300)
    ]  # the density slopes across the limit
    for level in (0.01, 0.05, 0.2):
        assert np.mean(np.array(found) <= level) <= level + 2.5 * np.sqrt(level / 300)


def test_a_heap_just_inside_is_found_and_one_beyond_is_not(rule: Rule) -> None:
    draw = np.random.default_rng(1)
    honest = draw.uniform(40, 110, 1500)
    inside = np.append(honest, draw.uniform(70, 71.9, 60))
    beyond = np.append(honest, draw.uniform(72.1, 74, 60))
    [found] = bunching([margin(rule, inside)])
    assert found.state == "act"
    assert found.p == pytest.approx(
        binomtest(found.inside, found.n, 1 / 3, alternative="greater").pvalue
    )
    assert bunching([margin(rule, beyond)])[0].state == "ok"
    low = bunching([margin(rule, 144 - inside, "<=")])[0]
    assert (low.inside, low.n, low.p) == (found.inside, found.n, found.p), "the mirror image"


@pytest.mark.parametrize(("op", "inside"), [(">=", 0), (">", 30), ("<=", 0), ("<", 30)])
def test_the_limit_belongs_to_the_side_it_falls_on(rule: Rule, op: str, inside: int) -> None:
    around = np.append(np.linspace(66, 68, 20), np.full(30, 72.0))
    values = around if op[0] == ">" else 144 - around
    assert counted(margin(rule, values + 0.0, op)).inside == inside
    assert counted(margin(rule, np.append(values, 0.5), op)).n == 50


def test_whole_numbers_share_the_cells_by_how_many_each_holds(rule: Rule) -> None:
    values = np.arange(20, 41).repeat(10)
    found = counted(margin(rule, values, ">=", 30.0))
    assert (found.inside, found.n) == (10, 50), "29 of 27 to 31"
    assert found.expected == pytest.approx(1 / 5)
    assert found.p is not None
    assert found.p > 0.4
    coarse = counted(margin(rule, np.arange(1, 6).repeat(50), ">=", 3.0))
    assert (coarse.p, coarse.reason) == (None, "no whole number beside the limit")


def test_shares_stop_at_one_and_zero_has_no_inside(rule: Rule) -> None:
    values = np.linspace(0.8, 1.0, 2001)
    found = counted(margin(rule, values, ">=", 0.98, share=True))
    step = CELL * 0.98
    assert found.expected == pytest.approx(step / (2 * step + 0.02))
    assert found.p is not None
    assert found.p > 0.2
    assert counted(margin(rule, values, ">", 0.0)).reason == "no value beside a limit"


def test_limits_that_differ_by_row_are_measured_each_by_its_own(rule: Rule) -> None:
    limits = np.tile([72.0, 4.0], 40)
    values = limits * np.repeat([0.92, 0.97, 1.02, 2.0], 20)
    found = counted(margin(rule, values + 0.01, ">=", limits))
    assert (found.limit, found.inside, found.n) == (None, 20, 60)


def test_counting_every_limit_makes_one_heap_less_surprising(rule: Rule) -> None:
    draw = np.random.default_rng(1)
    heap = np.append(draw.uniform(40, 110, 600), draw.uniform(69, 71.9, 14))
    alone = bunching([margin(rule, heap)])[0]
    among = bunching(
        [margin(rule, heap), *(margin(rule, draw.uniform(40, 110, 600)) for _ in range(30))]
    )
    worst = next(one for one in among if one.inside == alone.inside and one.p == alone.p)
    assert worst.q is not None
    assert alone.q is not None
    assert worst.q > alone.q == alone.p
    few = bunching([margin(rule, np.linspace(60, 80, LEAST - 2))])[0]
    assert (few.state, few.q) == ("few", None)


def test_only_plain_comparisons_inside_the_scope_are_told(rule: Rule, frame_of: FrameOf) -> None:
    columns = {"bid_cv": [0.01, 0.05, 0.07, None], "bid_spread": [0.1, 0.2, 0.3, 0.4]}
    frame = frame_of(columns, dict.fromkeys(columns, "low"))
    library, known = load_library(), catalogue()
    found = margins([rule], frame, library.parameters, known)
    assert [(m.feature, m.op) for m in found] == [("bid_cv", "<=")], "a rank is no number to file"
    assert found[0].rows.rows() == [(0.01, 0.06), (0.05, 0.06), (0.07, 0.06)]
    from rules.expression import parse_condition

    scoped = replace(rule, scope=parse_condition("bid_cv > 0.02"))
    assert margins([scoped], frame, library.parameters, known)[0].rows.height == 2
    assert margins([rule], frame, library.parameters) == [], "its scope reads a column not there"


# --- an installation --------------------------------------------------------------------------


@pytest.fixture(scope="module", autouse=True)
def bids_alone() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(planning, "judged_typologies", lambda _: {"MON-BID-CV", "MON-BID-KS"})
        yield


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> System:
    home = tmp_path_factory.mktemp("drift") / "home"
    system = small_market(home, tenders=500, ring=10)
    run_detection(system)
    return system


def features(report: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {one["feature"]: one for one in report["features"] if one["grain"] == "tender"}


def test_nothing_drifts_from_itself_and_closer_bids_do(system: System) -> None:
    same = drift_report(system, periods=1000)
    assert max(one["psi"] for one in same["features"]) == 0.0
    assert max(one["ks"] for one in same["scores"]) == 0.0
    assert same["counts"]["act"] == same["counts"]["watch"] == 0
    assert same["calibration"]["reason"] is not None
    later = open_system(system.home, clock=lambda: NOW + timedelta(days=1))
    tenders, bids = tighter(400)
    file(later, system.home.parent / "more", "tenders", tenders, LATER)
    file(later, system.home.parent / "more", "bids", bids, LATER)
    run_detection(later)
    report = drift_report(later)
    told = features(report)["bid_spread"]
    assert told["n"] >= 500
    assert told["state"] == "act"
    assert report["features"][0]["state"] == "act", "the worst first"
    assert next(s for s in report["scores"] if s["model"] == "bid-cv")["state"] == "act"
    assert {one["rule"] for one in report["bunching"]} >= {"mon-bid-cv-low"}


def test_the_job_keeps_the_report(system: System) -> None:
    (system.home / "models" / "DRIFT.json").unlink(missing_ok=True)
    assert last_report(system) is None
    claim: Any = SimpleNamespace()
    result = get_job("drift").function(system, claim, "")
    kept = last_report(system)
    assert kept is not None
    assert kept["counts"] == result.counts
    assert sum(kept["counts"].values()) == sum(
        len(kept[part]) for part in ("features", "scores", "bunching")
    ) + 1  # fmt: skip


def test_the_job_of_an_empty_installation_says_so(tmp_path: Path) -> None:
    empty = open_system(tmp_path / "home", create=True, clock=lambda: NOW)
    claim: Any = SimpleNamespace()
    assert get_job("drift").function(empty, claim, "").note == "nothing judged yet"
