"""A new fit shadows: nothing is scored by it until a person, another than the fitter, says so."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy.stats import spearmanr

from detector import planning
from detector.doctor import examine
from detector.excess import TAIL
from detector.extracts import extract
from detector.inference import psi
from detector.model_comparison import MOST_NAMED, compare, psi_in_tenths
from detector.models.artifacts import load_current, load_set
from detector.models.versions import CURRENT, read_versions
from detector.run import refit, run_detection
from detector.shadow_models import acts_of, promote, sets_of
from detector.system import System, open_system
from features.errors import WardenError
from tests.detector.homes import LATER, NOW, file, small_market


@pytest.fixture(scope="module", autouse=True)
def bids_alone() -> Iterable[None]:
    """Two typologies are enough here; every fit and run of all takes long."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(planning, "judged_typologies", lambda _: {"MON-BID-CV", "MON-BID-KS"})
        yield


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Judged once, by the models the run fitted; more tenders came in afterwards."""
    home = tmp_path_factory.mktemp("shadow") / "home"
    system = small_market(home, tenders=120, ring=20)
    run_detection(system)
    tenders, bids = tighter(60)
    file(system, home.parent / "more", "tenders", tenders, LATER)
    file(system, home.parent / "more", "bids", bids, LATER)
    system.engine.dispose()
    return home


def tighter(n: int) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    """Tenders with bids closer together than before: other peers."""
    draw = random.Random(3)
    tenders: list[dict[str, object]] = []
    bids: list[dict[str, object]] = []
    for i in range(n):
        day = date(2025, 12, 1) + timedelta(days=i)
        tenders.append({"tender_id": f"N{i:03}", "category": "works", "awarded_at": str(day)})
        for j in range(5):
            amount = round(5e5 * draw.uniform(1.0, 1.1), 2)
            bids.append({"tender_id": f"N{i:03}", "bidder_id": f"H{j:02}", "amount": amount,
                         "currency": "EUR"})  # fmt: skip
    return tenders, bids


@pytest.fixture
def system(before: Path, tmp_path: Path) -> Iterable[System]:
    home = tmp_path / "home"
    shutil.copytree(before, home)
    moments = iter(NOW + timedelta(minutes=i) for i in range(10_000))
    opened = open_system(home, clock=lambda: next(moments))
    yield opened
    opened.engine.dispose()


def scores(system: System) -> pl.DataFrame:
    return extract(system, "scores").filter(pl.col("subject_kind") == "tender")


def in_force(system: System) -> str:
    found = load_current(system.home / "models")
    assert found is not None
    return found.digest


def test_the_first_fit_goes_into_force_at_once(tmp_path: Path) -> None:
    system = small_market(tmp_path / "home", tenders=60, ring=5)
    counts = refit(system).counts
    assert counts["state"] == "in force"
    assert in_force(system).startswith(counts["set"])
    assert [row["state"] for row in sets_of(system)] == ["in force"]
    assert refit(system).counts["state"] == "in force", "the same fit again is the same set"
    assert len(acts_of(system)) == 1


def test_the_doctor_says_when_newer_models_wait(system: System) -> None:
    def found() -> tuple[str, str]:
        [one] = [f for f in examine(system.home) if f.check == "models"]
        return one.result, one.detail

    assert found() == ("ok", "1 set fitted")
    refit(system)
    assert found() == ("warning", "2 sets fitted, a newer one shadows")


def test_a_later_fit_shadows_and_scores_nobody(system: System) -> None:
    old, rows = in_force(system), scores(system)
    counts = refit(system, actor="Ann").counts
    assert counts["state"] == "shadow"
    assert in_force(system) == old
    assert [row["state"] for row in sets_of(system)] == ["in force", "shadow"]
    run_detection(system)
    same = scores(system).join(rows, on=["typology", "subject_key", "period_start"])
    assert same.height == rows.height
    assert (same["p_value"].eq_missing(same["p_value_right"])).all()


def test_another_person_puts_it_into_force_and_the_next_run_uses_it(system: System) -> None:
    old, rows = in_force(system), scores(system)
    new = refit(system, actor="Ann").counts["set"]
    for actor, note, code in (
        ("", "why", "actor_required"),
        ("Bob", " ", "note_required"),
        ("  ann ", "why", "second_person"),
    ):
        with pytest.raises(WardenError) as refused:
            promote(system, None, actor, note)
        assert refused.value.code == code
    assert in_force(system) == old
    told = promote(system, None, "Bob", "more tenders are known")
    assert (told["set"], told["state"], told["actor"]) == (new, "in force", "Bob")
    assert in_force(system).startswith(new)
    assert [row["state"] for row in sets_of(system)] == ["in force", "retired"]
    run_detection(system)
    both = scores(system).join(rows, on=["typology", "subject_key", "period_start"])
    assert not both["p_value"].eq_missing(both["p_value_right"]).all()
    last = acts_of(system)[-1]
    assert (last["kind"], last["actor"], last["note"]) == (
        "promoted", "Bob", "more tenders are known",
    )  # fmt: skip
    assert last["data"]["from"] == old
    assert {m["model"] for m in last["data"]["models"]} >= {"bid-cv"}


def test_going_back_gives_the_former_scores_again(system: System) -> None:
    run_detection(system)
    old, rows = in_force(system), scores(system)
    new = refit(system).counts["set"]
    promote(system, new, "Bob", "try it")
    run_detection(system)
    told = promote(system, old[:12], "Bob", "it ranked worse")
    assert told["state"] == "in force"
    assert acts_of(system)[-1]["kind"] == "rolled_back"
    run_detection(system)
    assert in_force(system) == old
    key = ["typology", "subject_key", "period_start"]
    assert scores(system).sort(key).equals(rows.sort(key))
    assert load_set(system.home / "models", read_versions(system.home / "models")
                    .sets[0]["digest"]) is not None  # fmt: skip


def test_a_newer_fit_takes_the_place_of_the_shadow_and_the_former_stays_readable(
    system: System,
) -> None:
    first = refit(system).counts["set"]
    tenders, bids = tighter(90)
    file(system, system.home.parent / "third", "tenders", tenders[60:], LATER + timedelta(days=1))
    file(system, system.home.parent / "third", "bids", bids[300:], LATER + timedelta(days=1))
    second = refit(system).counts["set"]
    states = {row["set"]: row["state"] for row in sets_of(system)}
    assert (states[first], states[second]) == ("retired", "shadow")
    passed = load_set(system.home / "models", first)
    assert passed is not None, "what was computed with it can be computed again"
    assert passed.digest.startswith(first)
    promote(system, first, "Bob", "the earlier one after all")
    assert {row["set"]: row["state"] for row in sets_of(system)}[second] == "shadow"


def test_a_comparison_is_of_both_sets_on_the_same_rows(system: System) -> None:
    refit(system)
    told = compare(system)
    row = next(m for m in told["models"] if m["model"] == "bid-cv")
    rows = {}
    for name in ("in_force", "beside"):
        rows[name] = by_set(system, told[name])
    both = rows["in_force"].join(rows["beside"], on="subject_key", suffix="_beside")
    assert row["rows"] == both.height > 100
    a, b = both["suspicion"].to_numpy(), both["suspicion_beside"].to_numpy()
    assert row["rank_correlation"] == pytest.approx(spearmanr(a, b).statistic, abs=1e-12)
    assert 0 < row["rank_correlation"] < 1
    top, other = both["p_value"] <= TAIL, both["p_value_beside"] <= TAIL
    assert row["entering"] == int((~top & other).sum())
    assert row["leaving"] == int((top & ~other).sum())
    assert row["entering"] + row["leaving"] > 0
    for name, moved in (("enter", ~top & other), ("leave", top & ~other)):
        said = {r["subject_key"] for r in row[name]}
        keys = set(both.filter(moved)["subject_key"])
        assert said == keys or (said < keys and len(said) == MOST_NAMED)
    assert row["psi"] == pytest.approx(psi_in_tenths(a, b))


def by_set(system: System, name: str) -> pl.DataFrame:
    """Scores of the rows in force, from the features as exported."""
    from detector.model_comparison import feature_frames, groups_of
    from detector.models.score import score_models
    from detector.publishing import current
    from detector.results import Results

    results = Results(system.home)
    manifest = results.manifest(str(current(system)))
    fitted = load_set(system.home / "models", name)
    assert fitted is not None
    frames = feature_frames(results, manifest, {"tender"}, fitted)
    found = score_models(frames, fitted.beside(groups_of(system, manifest)))
    return found.filter(pl.col("model_id") == "bid-cv", pl.col("p_value").is_not_null())


def test_psi_in_tenths_is_that_of_ten_equal_shares() -> None:
    expected = np.arange(1000) / 1000
    assert psi_in_tenths(expected, expected) == pytest.approx(0, abs=1e-12)
    shifted = np.clip(expected + 0.1, None, 0.9995)
    shares = [0.0, *[0.1] * 8, 0.2]
    assert psi_in_tenths(expected, shifted) == pytest.approx(psi([0.1] * 10, shares), rel=1e-9)


def test_nothing_to_promote_and_no_such_set_are_said(system: System) -> None:
    for version, code in ((None, "no_shadow"), ("0123456789ab", "unknown_version"),
                          (in_force(system), "already_there")):  # fmt: skip
        with pytest.raises(WardenError) as refused:
            promote(system, version, "Bob", "why")
        assert refused.value.code == code


def test_a_decision_made_meanwhile_is_not_overwritten(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    import detector.shadow_models as module

    new = refit(system).counts["set"]
    old = in_force(system)
    real = module._what_changes

    def meanwhile(given: System, entry: Any) -> Any:
        found = real(given, entry)
        monkeypatch.setattr(module, "_what_changes", lambda *_: [])
        promote(given, new, "Carl", "first")
        return found

    monkeypatch.setattr(module, "_what_changes", meanwhile)
    with pytest.raises(WardenError, match="meanwhile"):
        promote(system, new, "Bob", "second")
    assert [a["actor"] for a in acts_of(system) if a["kind"] == "promoted"] == ["Carl"]
    assert in_force(system) != old


def test_a_list_written_before_shadows_is_read(system: System) -> None:
    path = system.home / "models" / CURRENT
    data = json.loads(path.read_text())
    path.write_text(json.dumps({"sets": data["sets"]}))
    assert [row["state"] for row in sets_of(system)] == ["in force"]
    assert sets_of(system)[0]["actor"] is None
    assert refit(system).counts["state"] == "shadow"
    path.write_text(json.dumps({"sets": data["sets"], "acts": [{"kind": "fitted"}]}))
    with pytest.raises(WardenError) as broken:
        sets_of(system)
    assert broken.value.code == "damaged_model"


def test_a_look_back_uses_what_was_in_force_not_the_shadow(system: System) -> None:
    refit(system)
    models = system.home / "models"
    late = load_current(models, datetime(2030, 1, 1, tzinfo=UTC))
    assert late is not None
    assert late.digest == in_force(system)
