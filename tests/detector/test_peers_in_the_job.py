"""Peers through the whole job: cited, counted, without the group, never made up, retrievable."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from detector import publishing
from detector.cli.main import main
from detector.comparison import nearest_peers
from detector.extracts import extract
from detector.models.artifacts import load_current
from detector.results import Manifest, Results
from detector.run import run_detection
from detector.system import System
from features.errors import WardenError
from tests.detector.homes import LATER, file, opened, procurement, small_market

APPS = 60
COLLECTION = "PRIV-UNDECLARED-COLLECTION"
MODEL_FEATURE = "uc_undeclared_types"


def filed_apps(system: System, folder: Path, apps: int = APPS) -> None:
    """Apps of one kind, each of its own operator; the first hides most."""
    own = [{"app_id": f"A{i:02}", "version": "1"} for i in range(apps)]
    kinds = ["location", "contacts", "imei", "photos"]
    seen = [(a, kinds[: 1 + i % 3] if i else kinds) for i, a in enumerate(own)]
    tables: Mapping[str, list[dict[str, Any]]] = {
        "apps": [
            {**a, "released_at": "2025-05-20", "operator_id": f"op{i:02}", "app_type": "map"}
            for i, a in enumerate(own)
        ],
        "data_declarations": [
            {**a, "taxonomy": "store", "data_type": "location"} for a in own
        ],
        "observed_flows": [
            {**a, "taxonomy": "traffic", "data_type": w, "session": f"s{i % 7}", "domain": "x.org"}
            for i, (a, words) in enumerate(seen)
            for w in words
        ],
        "data_type_map": [
            {"taxonomy": t, "source_type": w, "data_type": w}
            for t in ("store", "traffic")
            for w in kinds
        ],
    }  # fmt: skip
    for name, rows in tables.items():
        file(system, folder, name, rows)


def manifest_of(system: System) -> Manifest:
    run_id = publishing.current(system)
    assert run_id is not None
    return Results(system.home).manifest(run_id)


def facts(system: System, typology: str, subject: str, feature: str) -> list[dict[str, Any]]:
    scores = extract(system, "scores", typologies=[typology])
    text = scores.filter(pl.col("subject_key") == subject)["facts"].item()
    found = [f for f in json.loads(text) if f["feature"] == feature]
    assert found, text
    return found


@pytest.fixture(scope="module")
def apps(tmp_path_factory: pytest.TempPathFactory) -> System:
    system = opened(tmp_path_factory.mktemp("apps") / "home")
    filed_apps(system, system.home.parent / "filings")
    run_detection(system, typologies=[COLLECTION])
    return system


def test_a_judgement_says_which_peers_it_stands_beside(apps: System) -> None:
    fitted = load_current(apps.home / "models")
    assert fitted is not None
    manifest = manifest_of(apps)
    assert manifest.judges == {"peers": fitted.reference.version, "models": fitted.digest}
    assert (apps.home / "models" / "peers" / manifest.judges["peers"] / "peers.json").exists()
    fact = facts(apps, COLLECTION, "A00", MODEL_FEATURE)[-1]
    assert fact["reference"] == fitted.reference.grains["app_v"].version
    assert (fact["peers"], fact["level"]) == (APPS - 1, "app_type=map")
    alerts = extract(apps, "alerts")
    told = alerts.filter(alerts["subject"].str.json_path_match("$.key") == "A00")["facts"].item()
    assert fact in json.loads(told), "the alert brings the level, the number and the version"


def test_a_group_that_becomes_known_is_left_out_from_then_on(apps: System, tmp_path: Path) -> None:
    """The figures of its apps move although no feature of theirs did."""
    group = [{"firm_id": f"op{i:02}", "group_id": "G" if i < 4 else ""} for i in range(10)]
    later, before = opened(apps.home), manifest_of(apps).judges
    file(later, tmp_path, "firms", group, LATER)
    run_detection(later, typologies=[COLLECTION])
    assert facts(later, COLLECTION, "A00", MODEL_FEATURE)[-1]["peers"] == APPS - 4
    assert facts(later, COLLECTION, "A09", MODEL_FEATURE)[-1]["peers"] == APPS - 1
    assert manifest_of(later).judges == before, "the peers themselves stay frozen"
    near = nearest_peers(later, "A00", COLLECTION).as_dict()
    assert not {"A00", "A01", "A02", "A03"} & {row["subject_key"] for row in near["peers"]}
    assert near["candidates"] == APPS - 4
    assert near["reference"] == facts(later, COLLECTION, "A00", MODEL_FEATURE)[-1]["reference"]


def test_rules_cite_peers_too_and_the_command_shows_the_nearest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    system = small_market(tmp_path / "home")
    run_detection(system, typologies=["MON-BID-CV"])
    fitted = load_current(system.home / "models")
    assert fitted is not None
    spread = next(f for f in facts(system, "MON-BID-CV", "T000", "bid_spread") if "rule" in f)
    assert spread["expression"] == "pct_rank(bid_spread)"
    assert spread["reference"] == fitted.reference.grains["tender"].version
    assert spread["peers"] >= 20
    assert spread["level"].startswith("market=works; n_band=")
    assert spread["peer_median"] > 0

    arguments = ["warden", "--home", str(system.home), "--json", "peers", "T000"]
    monkeypatch.setattr("sys.argv", [*arguments, "--typology", "MON-BID-CV"])
    assert exit_code() == 0
    data = json.loads(capsys.readouterr().out)
    assert len(data["peers"]) == 10
    assert "T000" not in {row["subject_key"] for row in data["peers"]}
    distances = [row["distance"] for row in data["peers"]]
    assert distances == sorted(distances)
    assert all(row["bid_cv"] is not None for row in data["peers"])
    monkeypatch.setattr(
        "sys.argv", [a for a in arguments if a != "--json"] + ["--typology", "MON-BID-CV"]
    )
    assert exit_code() == 0
    assert "T000 (asked)" in capsys.readouterr().out
    monkeypatch.setattr("sys.argv", [*arguments[:-1], "nobody", "--typology", "MON-BID-CV"])
    assert exit_code() == 2
    with pytest.raises(WardenError, match="no typology"):
        nearest_peers(system, "T000", "MON-NONE")


def exit_code() -> int:
    """What the command line ends with."""
    try:
        main()
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def test_with_too_few_peers_nothing_is_judged_and_no_percentile_made_up(tmp_path: Path) -> None:
    system = opened(tmp_path / "home")
    notices, bids = procurement(tenders=15, ring=5)
    file(system, tmp_path / "filings", "tenders", notices)
    file(system, tmp_path / "filings", "bids", bids)
    run_detection(system, typologies=["MON-BID-CV", "MON-BID-DISTANCE"])
    outcomes = extract(system, "outcomes").filter(
        pl.col("rule_id").is_in(["mon-bid-diffp-high", "mon-bid-diffp-low"])
    )
    assert set(outcomes["outcome"]) == {"not_evaluable"}
    assert set(outcomes["reason"]) == {"too_few"}
    scores = extract(system, "scores", typologies=["MON-BID-DISTANCE"]).filter(
        pl.col("subject_kind") == "tender"
    )
    assert scores["p_value"].null_count() == scores.height == 15
    assert not scores["facts"].str.contains('"pct": ?[0-9]').any()
