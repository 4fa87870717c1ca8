"""The whole job: idempotent, exact about what changed, able to look back."""

from __future__ import annotations

import shutil
import sys
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from detector import planning, publishing, run
from detector.cli.main import main
from detector.extracts import extract
from detector.results import Results
from detector.system import System
from features.errors import WardenError
from tests.detector.homes import (
    FIRST,
    LATER,
    RING,
    exported,
    file,
    opened,
    procurement,
    small_market,
)

KINDS = ("scores", "outcomes", "alerts", "features:tender", "features:incident")


@pytest.fixture(scope="session")
def judged_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A judged installation, to be copied."""
    home = tmp_path_factory.mktemp("judged") / "home"
    run.run_detection(small_market(home))
    return home


@pytest.fixture
def system(judged_home: Path, tmp_path: Path) -> System:
    """A copy of the judged installation."""
    home = tmp_path / "home"
    shutil.copytree(judged_home, home)
    return opened(home)


def keys(frame: pl.DataFrame) -> set[tuple[str, str]]:
    """(typology, subject) of rows."""
    return set(frame.select("typology", "subject_key").iter_rows())


def test_the_ring_leads_the_queue_and_the_late_notices_the_legal_lane(system: System) -> None:
    alerts = extract(system, "alerts").select("typology", "subject", "lane", "priority")
    subjects = alerts["subject"].str.json_path_match("$.key")
    legal = set(subjects.filter(alerts["lane"] == "legal"))
    assert legal == {"I-late", "I-open"}
    first = [s for s, lane in zip(subjects, alerts["lane"], strict=True) if lane == "screen"][:5]
    assert {firm for subject in first for firm in subject.split("|")} <= set(RING)


def test_a_second_run_changes_nothing(system: System, tmp_path: Path) -> None:
    before = {kind: exported(system, kind, tmp_path) for kind in KINDS}
    summary = run.run_detection(system)
    assert summary.counts["judged"] == 0
    assert "alerts" not in summary.counts
    assert {kind: exported(system, kind, tmp_path) for kind in KINDS} == before


def test_a_window_judged_again_gives_the_same(system: System, tmp_path: Path) -> None:
    before = {kind: exported(system, kind, tmp_path) for kind in KINDS}
    summary = run.run_detection(system, start=date(2025, 1, 1), end=date(2025, 12, 31))
    assert summary.counts["judged"] > 0
    assert summary.counts["alerts"]["opened"] == 0
    assert summary.counts["alerts"]["updated"] == 0
    assert {kind: exported(system, kind, tmp_path) for kind in KINDS} == before


def test_a_correction_changes_only_what_depends_on_it(system: System, tmp_path: Path) -> None:
    _, bids = procurement()
    mine = [b for b in bids if b["tender_id"] == "T100"]
    before = extract(system, "scores")
    then = exported(system, "scores", tmp_path)
    features = extract(system, "features:tender")
    corrected = [{**b, "amount": 100000 + i} for i, b in enumerate(mine)]
    file(system, tmp_path / "more", "bids", corrected, LATER)
    run.run_detection(system)
    after = extract(system, "scores")
    changed = before.join(after, on=before.columns, how="anti", nulls_equal=True)
    moved = after.join(before, on=before.columns, how="anti", nulls_equal=True)
    kinds = set(pl.concat([changed, moved])["subject_kind"])
    assert kinds <= {"tender", "firm", "pair", "group"}
    assert "tender" in kinds
    tenders = pl.concat([changed, moved]).filter(pl.col("subject_kind") == "tender")
    assert set(tenders["subject_key"]) == {"T100"}
    firms = before.filter(pl.col("subject_kind") == "firm").drop("q_value")
    still = after.drop("q_value")
    touched = firms.join(still, on=firms.columns, how="anti", nulls_equal=True)
    assert set(touched["subject_key"]) <= {str(b["bidder_id"]) for b in mine}
    now = extract(system, "features:tender")
    assert set(now.join(features, on=now.columns, how="anti", nulls_equal=True)["subject_key"]) == {
        "T100"
    }
    assert exported(system, "scores", tmp_path, as_of=date(2026, 2, 1)) == then
    assert exported(system, "scores", tmp_path) != then


def test_a_look_back_never_run_before_is_run_and_moves_no_alert(tmp_path: Path) -> None:
    home = tmp_path / "late" / "home"
    system = small_market(home)
    _, bids = procurement()
    corrected = [{**b, "amount": 5} for b in bids if b["tender_id"] == "T000"][:1]
    file(system, tmp_path / "more", "bids", corrected, LATER)
    run.run_detection(system)
    alerts = exported(system, "alerts", tmp_path)
    known = extract(system, "features:tender", as_of=date(2026, 2, 1)).filter(
        pl.col("subject_key") == "T000"
    )
    now = extract(system, "features:tender").filter(pl.col("subject_key") == "T000")
    assert known["bid_cv"].item() < 0.05 < now["bid_cv"].item()
    assert exported(system, "alerts", tmp_path) == alerts


def test_an_export_as_of_a_day_before_anything_was_known_says_so(
    system: System,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    current = publishing.current(system)
    for kind in ("scores", "outcomes", "features:tender"):
        with pytest.raises(WardenError) as refused:
            extract(system, kind, as_of=date(2026, 1, 9))
        assert refused.value.code == "nothing_judged"
    assert publishing.current(system) == current
    out = tmp_path / "early.csv"
    line = ["warden", "--home", str(system.home), "export", "scores", "--out", str(out)]
    monkeypatch.setattr(sys, "argv", [*line, "--as-of", "2026-01-09"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    assert "known at the end of 2026-01-09" in capsys.readouterr().err
    assert not out.exists()


def test_days_lived_through_one_by_one_raise_alerts_as_they_come(tmp_path: Path) -> None:
    system = opened(tmp_path / "home")
    notices, bids = procurement()
    file(system, tmp_path / "f", "tenders", notices)
    file(system, tmp_path / "f", "bids", bids)
    first = run.run_detection(system, as_of=FIRST.date())
    assert first.target == planning.LIVE
    assert first.counts["alerts"]["opened"] > 0
    file(
        system,
        tmp_path / "f",
        "tenders",
        [{"tender_id": "T999", "awarded_at": "2026-02-01"}],
        LATER,
    )
    second = run.run_detection(system, as_of=LATER.date())
    assert second.target == planning.LIVE
    assert second.counts["alerts"]["opened"] == 0


def test_a_withdrawn_suspicion_is_marked_and_stays(system: System, tmp_path: Path) -> None:
    rows = [
        {
            "incident_id": "I-late",
            "aware_at": "2025-05-01T08:00:00Z",
            "notified_at": "2025-05-02T08:00:00Z",
            "persons": 1000,
            "jurisdiction": "EU",
        }
    ]
    file(system, tmp_path / "more", "breach_notifications", rows, LATER)
    summary = run.run_detection(system)
    assert summary.counts["alerts"]["no_longer_fires"] == 1
    alert = extract(system, "alerts").filter(pl.col("subject").str.contains("I-late"))
    assert alert["state"].item() == "open"
    assert alert["firing"].item() is False


def test_only_the_asked_typology_is_judged(tmp_path: Path) -> None:
    system = small_market(tmp_path / "home")
    run.run_detection(system, typologies=["PRIV-BREACH-LATE"])
    assert set(extract(system, "scores")["typology"]) == {"PRIV-BREACH-LATE"}
    run.run_detection(system)
    assert "MON-BID-CV" in set(extract(system, "scores")["typology"])


def test_two_runs_on_the_same_base_cannot_both_be_published(
    system: System, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file(
        system,
        tmp_path / "a",
        "tenders",
        [{"tender_id": "T-new", "awarded_at": "2026-01-01"}],
        LATER,
    )
    plan = publishing.publish

    def overtaken(*args: object, **kwargs: object) -> object:
        monkeypatch.setattr(publishing, "publish", plan)
        run.run_detection(system)
        return plan(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(publishing, "publish", overtaken)
    with pytest.raises(WardenError) as caught:
        run.run_detection(system)
    assert caught.value.code == "overtaken"


def test_many_small_runs_read_as_one(
    system: System, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    most = 4
    monkeypatch.setattr(publishing, "MAX_LAYERS", most)
    for number in range(most + 2):
        row = {"tender_id": f"N{number}", "awarded_at": f"2026-02-{number + 1:02}"}
        file(system, tmp_path / "n", "tenders", [row], LATER)
        run.run_detection(system, typologies=["MON-BID-CV"])
    found = Results(system.home)
    manifest = found.manifest(publishing.current(system) or "")
    assert 1 < len(manifest.layers) <= most
    assert (
        extract(system, "scores")
        .select("typology", "subject_kind", "subject_key", "period_start")
        .is_unique()
        .all()
    )
    assert "I-late" in set(extract(system, "scores")["subject_key"])


def test_bad_questions_are_explained(system: System) -> None:
    for code, ask in (
        ("unknown_kind", lambda: extract(system, "poems")),
        ("unknown_kind", lambda: extract(system, "features:moon")),
        ("unknown_typology", lambda: run.run_detection(system, typologies=["MON-X"])),
        (
            "bad_window",
            lambda: run.run_detection(system, start=date(2026, 2, 1), end=date(2026, 1, 1)),
        ),
    ):
        with pytest.raises(WardenError) as caught:
            ask()
        assert caught.value.code == code
        assert caught.value.hint
