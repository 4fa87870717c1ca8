"""Lives of rules seen from the whole job: what judges, what alerts, what is held back."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from alerts.inbox import QueueFilter, queue
from alerts.lifecycle import decide
from alerts.model import Alert
from detector import promotion
from detector.database import reading, writing
from detector.extracts import extract
from detector.publishing import current
from detector.results import Results
from detector.rulebook import rules_in_force
from detector.run import run_detection
from detector.system import System
from tests.detector.homes import LATER, exported, file, opened, procurement, small_market
from tests.detector.promoting import AUTHOR, LIKE, OWN, SECOND, local_text, shadowed, write_rule

RING = 12
"""Tenders of the ring: fewer than any shipped rule declares possible."""
FIRED = 5
KINDS = ("scores", "outcomes", "alerts")


@pytest.fixture(scope="session")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A judged installation, to be copied."""
    home = tmp_path_factory.mktemp("ruled") / "home"
    run_detection(small_market(home, ring=RING))
    return home


@pytest.fixture
def system(judged: Path, tmp_path: Path) -> System:
    """A copy of it, with a rule of its own that calls itself active."""
    home = tmp_path / "home"
    shutil.copytree(judged, home)
    write_rule(tmp_path / "mine", local_text())
    return with_rules(opened(home), tmp_path / "mine")


def with_rules(system: System, folder: Path) -> System:
    settings = system.settings.model_copy(update={"rule_dirs": [folder]})
    return replace(system, settings=settings)


def judge(system: System, **asked: Any) -> Mapping[str, Any]:
    return run_detection(system, **asked).counts


def outcomes(system: System) -> pl.DataFrame:
    results = Results(system.home)
    return results.outcomes(results.manifest(current(system) or "")).collect()


def said_by(system: System, version: str, rule_id: str = OWN) -> pl.DataFrame:
    mine = (pl.col("rule_id") == rule_id) & (pl.col("rule_version") == version)
    return outcomes(system).filter(mine)


def live(system: System) -> None:
    shadowed(system)
    judge(system)
    promotion.to_active(system, OWN, SECOND)


def test_a_local_rule_that_calls_itself_active_judges_nobody(system: System) -> None:
    counts = judge(system)
    assert counts["judged"] == 0
    assert OWN not in set(outcomes(system)["rule_id"])


def test_a_shadow_is_judged_and_stored_apart_and_moves_nothing(
    system: System, tmp_path: Path
) -> None:
    before = {kind: exported(system, kind, tmp_path) for kind in KINDS}
    shadowed(system)
    counts = judge(system)
    shadow = said_by(system, "1.0.0")
    fired = shadow.filter(pl.col("outcome") == "fired").height
    assert fired > FIRED
    assert shadow["shadow"].all()
    judged = shadow.filter(pl.col("outcome").is_in(["fired", "clear"])).height
    assert counts["shadows"][f"{OWN}@1.0.0"] == {"judged": judged, "fired": fired}
    assert counts["alerts"]["opened"] == counts["alerts"]["updated"] == 0
    assert {kind: exported(system, kind, tmp_path) for kind in KINDS} == before
    assert judge(system)["judged"] == 0


def test_a_new_version_is_judged_beside_the_live_one_in_the_same_run(
    system: System, tmp_path: Path
) -> None:
    live(system)
    judge(system)
    write_rule(tmp_path / "mine", local_text("1.1.0", 0.002))
    shadowed(system)
    judge(system)
    old, new = said_by(system, "1.0.0"), said_by(system, "1.1.0")
    assert not old["shadow"].any()
    assert new["shadow"].all()
    assert old.height == new.height > 0
    assert (old["outcome"] == "fired").sum() > FIRED
    assert (new["outcome"] == "fired").sum() == 0


def test_roll_back_restores_the_earlier_text_and_its_results(
    system: System, tmp_path: Path
) -> None:
    live(system)
    judge(system)
    then = {kind: exported(system, kind, tmp_path) for kind in KINDS[:2]}
    alerts = extract(system, "alerts").drop("run_id", "version", "updated_at")
    write_rule(tmp_path / "mine", local_text("1.1.0", 0.002))
    live(system)
    judge(system)
    assert exported(system, "outcomes", tmp_path) != then["outcomes"]
    promotion.roll_back(system, OWN, AUTHOR)
    judge(system)
    assert {kind: exported(system, kind, tmp_path) for kind in KINDS[:2]} == then
    assert extract(system, "alerts").drop("run_id", "version", "updated_at").equals(alerts)


def test_a_retired_rule_leaves_nothing_in_force(system: System) -> None:
    assert "I-late" in set(extract(system, "scores")["subject_key"])
    late = [r.id for r in rules_in_force(system).live() if r.spec.typology == "PRIV-BREACH-LATE"]
    for rule_id in late:
        promotion.retire(system, rule_id, AUTHOR, note="another office looks after it")
    counts = judge(system)
    assert counts["alerts"]["no_longer_fires"] == 2
    assert not set(late) & set(outcomes(system)["rule_id"])
    fired = extract(system, "scores").filter(outcome="fired")
    assert "I-late" not in set(fired["subject_key"])
    assert judge(system)["judged"] == 0


def test_a_named_window_does_not_hide_that_other_periods_are_judged_by_the_old_text(
    system: System,
) -> None:
    promotion.retire(system, LIKE, AUTHOR, note="not in our market")
    judge(system, start=date(2025, 1, 1), end=date(2025, 1, 31))
    assert LIKE in set(outcomes(system)["rule_id"])
    judge(system)
    assert LIKE not in set(outcomes(system)["rule_id"])


@pytest.fixture
def stormy(system: System, tmp_path: Path) -> Callable[[float], None]:
    """Makes the own rule live with a cap."""

    def make(cap: float, version: str = "1.0.0") -> None:
        write_rule(tmp_path / "mine", local_text(version, cap=cap))
        live(system)

    return make


def storm_alerts(system: System) -> list[Alert]:
    """Alerts about the own rule; a shipped one storms in this market, too."""
    with reading(system.engine) as connection:
        found = queue(connection, QueueFilter(subject_kind="rule"), limit=200).alerts
    return [alert for alert in found if alert.signal.subject_key == OWN]


def test_a_rule_over_its_cap_opens_exactly_one_alert_and_keeps_its_firings(
    system: System, stormy: Callable[..., None], tmp_path: Path
) -> None:
    stormy(0.02)
    calm = extract(system, "alerts").height
    counts = judge(system)
    assert list(counts["storms"]) == [f"{OWN}@1.0.0"]
    assert counts["storms"][f"{OWN}@1.0.0"] > 0.02
    assert counts["alerts"]["opened"] == 1
    found = storm_alerts(system)
    assert [a.signal.subject_key for a in found] == [OWN]
    assert found[0].signal.facts[0]["threshold"] == 0.02
    assert "held back" in str(found[0].signal.message["en"])
    assert extract(system, "alerts").height == calm + 1
    assert (said_by(system, "1.0.0")["outcome"] == "fired").sum() > FIRED
    # again over every period, over one month, and with new filings: the same one alert
    judge(system, start=date(2025, 1, 1))
    judge(system, start=date(2025, 2, 1), end=date(2025, 2, 28))
    notices, bids = procurement(tenders=200, ring=RING)
    file(system, tmp_path / "more", "tenders", notices[160:], LATER)
    file(
        system, tmp_path / "more", "bids", [b for b in bids if str(b["tender_id"]) > "T159"], LATER
    )
    judge(system)
    assert [a.id for a in storm_alerts(system)] == [found[0].id]


def test_a_storm_leaves_what_was_known_of_its_subjects_as_it_is(
    system: System, stormy: Callable[..., None]
) -> None:
    stormy(0.9)
    judge(system)
    before = extract(system, "alerts").drop("run_id")
    stormy(0.02, "1.1.0")
    counts = judge(system)
    assert counts["storms"]
    after = extract(system, "alerts").drop("run_id")
    kept = after.filter(~pl.col("subject").str.contains(OWN))
    assert kept["firing"].to_list() == before["firing"].to_list()


def test_a_storm_that_ends_goes_quiet_and_a_closed_one_stays_closed(
    system: System, stormy: Callable[..., None]
) -> None:
    stormy(0.02)
    judge(system)
    one = storm_alerts(system)[0]
    with writing(system.engine) as connection:
        now = system.clock()
        decide(connection, one.id, SECOND, "close", "explained", "seen", one.version, now)
    judge(system, start=date(2025, 1, 1))
    assert [(a.id, a.state.value) for a in storm_alerts(system)] == [(one.id, "closed")]
    stormy(0.9, "1.1.0")
    judge(system)
    assert [a.firing for a in storm_alerts(system)] == [False]


def test_a_shadow_in_a_storm_opens_no_alert(system: System, tmp_path: Path) -> None:
    write_rule(tmp_path / "mine", local_text(cap=0.01))
    shadowed(system)
    counts = judge(system)
    assert counts["storms"] == {}
    assert counts["alerts"]["opened"] == 0
    assert storm_alerts(system) == []
