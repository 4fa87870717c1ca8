"""A backtest says what the live run said, bit for bit, and notices when anything differs."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from alerts.lifecycle import decide
from alerts.tables import alert
from benchmarks.incremental import FILED, NEXT, file_all, month_25
from detector import hindsight, planning, publishing
from detector.backtesting import BacktestReport, backtest, backtest_all
from detector.database import writing
from detector.demo.labels import Labels
from detector.demo.size import Size
from detector.demo.world import simulate
from detector.extracts import extract
from detector.results import Manifest, Results
from detector.rule_diff import diff
from detector.rule_texts import stamped
from detector.rulebook import Rulebook, rules_in_force
from detector.run import refit, run_detection
from detector.shadow_models import promote
from detector.system import System, open_system
from features.compute import Computed
from features.errors import WardenError
from rules.evaluate import peer_features
from rules.golden import differences, read_golden
from rules.ruleset import RuleSet, load_library
from rules.spec import Status
from tests.real.commands import RUN, Desk

SIZE = replace(Size.small(), transactions=6_000, consumers=900, goods=60, tenders=120)
CV, RD, PINNED = "mon-bid-cv-low", "mon-bid-distance-rd", "mon-dominance-cn-single"


@pytest.fixture(scope="module")
def market() -> Mapping[str, pl.DataFrame]:
    return simulate(20260101, SIZE, Labels())


@pytest.fixture(scope="module")
def judged(market: Mapping[str, pl.DataFrame], tmp_path_factory: pytest.TempPathFactory) -> System:
    """A small simulated market, judged once; tests that write take a copy."""
    folder = tmp_path_factory.mktemp("backtest")
    system = open_system(folder / "home", create=True, clock=lambda: FILED)
    file_all(system, folder / "filings", market)
    run_detection(system)
    return system


def copied(system: System, to: Path, later: bool = False) -> System:
    shutil.copytree(system.home, to)
    return open_system(to, clock=(lambda: NEXT) if later else (lambda: FILED))


def in_force(system: System) -> Manifest:
    run_id = publishing.current(system)
    assert run_id is not None
    return Results(system.home).manifest(run_id)


def of_every_rule(system: System) -> dict[str, BacktestReport]:
    """Reports of all rules that judge, by label."""
    rules = rules_in_force(system).judging()
    reports = backtest_all(system, names=[f"{r.id}@{r.version}" for r in rules])
    return {f"{r.rule.id}@{r.rule.version}": r for r in reports}


def assert_same_as_live(system: System) -> dict[str, BacktestReport]:
    """Every rule with filings to judge has the hash its run recorded; and some rule fired."""
    stored = in_force(system).firings
    reports = {label: r for label, r in of_every_rule(system).items() if r.data["rows"]}
    assert {label: r.data["firing_hash"] for label, r in reports.items()} == stored
    assert all(r.data["live"]["identical"] for r in reports.values())
    assert sum(r.data["outcomes"]["fired"] for r in reports.values()) > 50
    return reports


def test_a_live_run_and_a_backtest_give_identical_hashes(
    judged: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    reports = assert_same_as_live(judged)
    assert len(reports) >= 28
    assert any(peer_features([r.rule]) for r in reports.values() if r.data["outcomes"]["fired"])
    pinned = [
        r for r in reports.values()
        if any(p.jurisdiction for p in r.rule.spec.parameters.values())
    ]  # fmt: skip
    assert any(r.data["outcomes"]["fired"] for r in pinned)
    assert {"published"} <= {r.data["features"] for r in reports.values()}
    monkeypatch.setattr(hindsight, "unmoved", lambda *_: False)
    anew = assert_same_as_live(judged)
    assert {r.data["features"] for r in anew.values()} == {"computed"}


def test_every_rule_of_the_library_would_say_live_what_its_backtest_says(
    market: Mapping[str, pl.DataFrame], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Drafts, too: all of them in shadow."""
    as_it_is = Rulebook.in_force

    def all_judging(book: Rulebook) -> RuleSet:
        rules = as_it_is(book)
        awake = (
            stamped(r, Status.SHADOW) if r.spec.status is Status.DRAFT else r for r in rules
        )  # fmt: skip
        return replace(rules, rules=tuple(awake))

    monkeypatch.setattr(Rulebook, "in_force", all_judging)
    system = open_system(tmp_path / "home", create=True, clock=lambda: FILED)
    file_all(system, tmp_path / "filings", market)
    run_detection(system)
    rules = rules_in_force(system).judging()
    assert len(rules) == len(load_library().rules)
    reports = backtest_all(system, names=[f"{r.id}@{r.version}" for r in rules])
    found = {
        f"{r.rule.id}@{r.rule.version}": r.data["firing_hash"] for r in reports if r.data["rows"]
    }
    assert found == in_force(system).firings
    assert len(found) > 90, "rules with filings to judge"
    assert sum(r.data["outcomes"]["fired"] > 0 for r in reports) > 40


def test_rows_in_force_after_a_second_run_hash_as_a_backtest_of_the_whole(
    judged: System, market: Mapping[str, pl.DataFrame], tmp_path: Path
) -> None:
    system, before = copied(judged, tmp_path / "home", later=True), in_force(judged)
    file_all(system, tmp_path / "filings", month_25(market))
    run_detection(system)
    after = in_force(system)
    assert len(after.layers) == 2, "the second run stands on the first"
    assert after.firings[f"{CV}@1.0.0"] != before.firings[f"{CV}@1.0.0"]
    assert_same_as_live(system)
    known = [r for r in rules_in_force(system).judging() if r.spec.grain in ("tender", "incident")]
    names = [f"{r.id}@{r.version}" for r in known]
    reports = backtest_all(system, known_as_of=FILED, names=names)
    then = dict(zip(names, (r.data["firing_hash"] for r in reports), strict=True))
    assert then == {label: before.firings[label] for label in then}, "as known before the filings"


def test_peers_are_those_the_run_cites_not_the_newest(judged: System, tmp_path: Path) -> None:
    system = copied(judged, tmp_path / "home", later=True)
    file_all(system, tmp_path / "f", {"firms": _grouped(system)})
    assert refit(system).counts["state"] == "shadow"
    promote(system, None, "Bob", "a group became known")
    report = backtest(system, CV, known_as_of=FILED)
    assert report.data["peers"] == in_force(system).judges["peers"]
    assert report.data["firing_hash"] == in_force(system).firings[f"{CV}@1.0.0"]
    assert backtest(system, CV).data["peers"] != in_force(system).judges["peers"]


def _grouped(system: System) -> pl.DataFrame:
    firms = system.lake.scan(system.lake.pin(), "firms").collect()
    known = [c for c in firms.columns if not c.startswith("_") and c != "recorded_at"]
    return firms.select(known).head(3).with_columns(group_id=pl.lit("G-new"))


def test_a_changed_feature_changes_the_hash_and_its_period_is_named(
    judged: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    compute = planning.compute
    rows = backtest(judged, CV).rows
    one = rows.filter(pl.col("outcome") == "fired").row(0, named=True)

    def nudged(*given: Any) -> Computed:
        computed = compute(*given)
        table = computed.frames["tender"]
        here = pl.col("subject_key") == one["subject_key"]
        value = pl.when(here).then(pl.col("bid_cv") + 1e-9).otherwise("bid_cv").alias("bid_cv")
        moved = replace(table, frame=table.frame.with_columns(value))
        return replace(computed, frames={**computed.frames, "tender": moved})

    monkeypatch.setattr(hindsight, "unmoved", lambda *_: False)
    monkeypatch.setattr(planning, "compute", nudged)
    live = backtest(judged, CV).data["live"]
    assert live["identical"] is False
    assert live["differing_periods"] == [one["period_start"].isoformat()]


def draft(folder: Path, rule_id: str, old: str, new: str) -> Path:
    """A file with a shipped rule, one text of it changed."""
    folder.mkdir(exist_ok=True)
    text = load_library().get(rule_id).text
    assert text.count(old) == 1, old
    path = folder / f"{rule_id}.yaml"
    path.write_text(text.replace(old, new), encoding="utf-8")
    return path


def fired(report: BacktestReport) -> set[str]:
    return set(report.rows.filter(pl.col("outcome") == "fired")["subject_key"])


def test_a_changed_limit_changes_the_hash_and_tells_who_enters(
    judged: System, tmp_path: Path
) -> None:
    shipped = backtest(judged, RD, sets=["max_cv=0.2", "min_rd=3"])
    path = draft(tmp_path / "rules", RD, "max_cv: {value: 0.06", "max_cv: {value: 0.2")
    drafted = backtest(judged, str(path))
    assert drafted.data["content_hash"] != shipped.data["content_hash"]
    assert drafted.data["firing_hash"] != shipped.data["firing_hash"]
    assert drafted.data["live"]["identical"] is False
    old, new = fired(shipped), fired(drafted)
    assert old < new, "a wider limit takes more in"
    moved = shipped.data["moved"]
    assert set(moved) == {"max_cv=0.2", "min_rd=3", "max_cv=0.2, min_rd=3"}
    wider, stricter = moved["max_cv=0.2"], moved["min_rd=3"]
    assert (wider["entered"], wider["left"], wider["both"]) == (len(new - old), 0, len(old))
    assert wider["firing_hash"] == drafted.data["firing_hash"]
    assert {e["subject_key"] for e in wider["examples"]["entered"]} <= new - old
    assert all(e["facts"] for e in wider["examples"]["entered"])
    assert (stricter["entered"], stricter["left"] > 0) == (0, True)
    compared = diff(judged, RD, str(path))
    assert compared["both"] == len(old)
    assert (compared["only_old"], compared["only_new"]) == (0, len(new - old))
    changed = {"old": "clear", "new": "fired", "rows": len(new - old)}
    assert compared["outcomes_changed"] == [changed]
    assert [line for line in compared["text"] if line.startswith(("-  ", "+  "))] == [
        f"{sign}  max_cv: {{value: {value}, class: ENG, unit: ratio, source: "
        '"Starting point after Imhof, Karagoek and Rutz 2018; benchmark not verified", '
        "verified: false}"
        for sign, value in (("-", 0.06), ("+", 0.2))
    ]


def test_figures_are_those_of_the_published_features(judged: System) -> None:
    """Counted again by hand from the exported features, for a rule of one plain limit."""
    report = backtest(judged, RD, date(2025, 1, 1), date(2025, 12, 31)).data
    stored = extract(judged, "outcomes").filter(
        pl.col("rule_id") == RD,
        pl.col("period_start").is_between(date(2025, 1, 1), date(2025, 12, 31)),
    )
    counts = dict(stored.group_by("outcome").len().iter_rows())
    assert {k: v for k, v in report["outcomes"].items() if v} == counts
    assert report["rows"] == stored.height
    flagged = stored.filter(pl.col("outcome") == "fired")
    assert [p["fired"] for p in report["by_period"] if p["fired"]] == (
        flagged.group_by("period_start").len().sort("period_start")["len"].to_list()
    )
    assert report["flag_rate"]["n"] == counts["fired"] + counts["clear"]
    assert report["review_hours"]["value"] == counts["fired"] / 2
    other = extract(judged, "outcomes").filter(
        pl.col("rule_id") == CV, pl.col("outcome") == "fired",
        pl.col("period_start").is_between(date(2025, 1, 1), date(2025, 12, 31)),
    )  # fmt: skip
    mine, theirs = set(flagged["subject_key"]), set(other["subject_key"])
    told = {o["rule"]: o["jaccard"] for o in report["overlap"]}
    assert told.get(f"{CV}@1.0.0", 0) == pytest.approx(len(mine & theirs) / len(mine | theirs))
    json.dumps(report)


def test_the_sweep_moves_firings_the_way_the_limit_goes(judged: System) -> None:
    steps = [s for s in backtest(judged, CV).data["sensitivity"] if s["parameter"] == "max_cv"]
    assert [s["step"] for s in steps] == [-2, -1, 1, 2]
    counts = [s["fired"] for s in steps]
    assert counts == sorted(counts), "a higher limit fires no less"
    assert steps[0]["entered"] == 0
    assert steps[-1]["left"] == 0


def test_reviewed_alerts_give_a_precision_and_none_gives_a_reason(
    judged: System, tmp_path: Path
) -> None:
    rule = "priv-breach-late"
    told = backtest(judged, rule).data["reviewed"]
    assert (told["precision"], told["reason"]) == (None, "none of its alerts is closed")
    system = copied(judged, tmp_path / "home")
    ends = ["confirmed", "confirmed", "explained", "insufficient"]
    with writing(system.engine) as connection:
        query = alert.select().where(alert.c.typology == "PRIV-BREACH-LATE").order_by(alert.c.id)
        rows = [r for r in connection.execute(query) if any(x["id"] == rule for x in r.rules)]
        for row, reason in zip(rows, ends, strict=False):
            decide(connection, row.id, "Wei", "close", reason, "seen", row.version, FILED)
    found = backtest(system, rule).data["reviewed"]
    assert (found["confirmed"], found["dismissed"], found["undecided"]) == (2, 1, 1)
    assert found["open"] == found["alerts"] - 4
    assert found["precision"]["value"] == pytest.approx(2 / 3)
    assert found["precision"]["low"] == pytest.approx(0.2077, abs=1e-4)
    nobody = backtest(system, "mon-bid-identical-ties").data
    if not nobody["outcomes"]["fired"]:
        assert nobody["reviewed"]["reason"].startswith("no alert is about")


def test_a_draft_is_judged_as_it_would_be_and_nothing_is_written(judged: System) -> None:
    before = sorted(p for p in judged.home.rglob("*.parquet"))
    drafts = [
        r for r in rules_in_force(judged) if r.spec.status == "draft" and r.spec.grain == "tender"
    ]
    reports = [backtest(judged, r) for r in drafts[:2]]
    assert all(r.data["live"] is None and r.data["rows"] for r in reports)
    assert sorted(p for p in judged.home.rglob("*.parquet")) == before
    assert in_force(judged).firings == in_force(judged).firings


def test_what_cannot_be_meant_is_refused(judged: System, tmp_path: Path) -> None:
    for given, code in (
        ({"rule": "mon-bid-cv-lo"}, "unknown_rule"),
        ({"rule": f"{CV}@9.9.9"}, "unknown"),
        ({"rule": str(tmp_path / "none.yaml")}, "unknown_rule"),
        ({"rule": CV, "sets": ["max_c=1"]}, "unknown_parameter"),
        ({"rule": CV, "sets": ["max_cv=wide"]}, "bad_parameter"),
        ({"rule": CV, "sets": ["max_cv"]}, "bad_parameter"),
        ({"rule": CV, "start": date(2025, 2, 1), "end": date(2025, 1, 1)}, "bad_window"),
    ):
        with pytest.raises(WardenError) as refused:
            backtest(judged, **given)  # type: ignore[arg-type]
        assert refused.value.code.startswith(code)
    with pytest.raises(WardenError, match="one grain"):
        diff(judged, CV, PINNED)


def test_the_command_prints_writes_draws_and_freezes(judged: System, tmp_path: Path) -> None:
    desk, out = Desk(judged.home), {k: tmp_path / k for k in ("r.json", "p.svg", "g.json")}
    told = desk.warden(
        "rules", "backtest", RD, "--from", "2025-01-01", "--to", "2025-12-31",
        "--set", "max_cv=0.2", "--out", out["r.json"], "--plot", out["p.svg"],
        "--freeze", out["g.json"],
    )  # fmt: skip
    assert told == json.loads(out["r.json"].read_text(encoding="utf-8"))
    rule = load_library().get(RD)
    assert (told["rule"], told["version"], told["content_hash"]) == (
        RD, rule.version, rule.content_hash,
    )  # fmt: skip
    assert told["snapshot_id"] == in_force(judged).snapshot_id
    assert (told["from"], told["to"]) == ("2025-01-01", "2025-12-31")
    assert told["moved"]["max_cv=0.2"]["entered"] > 0
    assert out["p.svg"].read_text(encoding="utf-8").count('class="bar"') == 12
    golden = read_golden(out["g.json"])
    assert set(golden.expected["outcome"]) >= {"fired", "clear"}
    assert differences(golden, rule, load_library().parameters) == []
    many = desk.warden("rules", "backtest", RD, CV)
    assert [one["rule"] for one in many] == [RD, CV]
    compared = desk.warden("rules", "diff", RD, CV)
    assert {"both", "only_old", "only_new", "examples", "text"} <= set(compared)


def test_the_command_speaks_to_people(judged: System) -> None:
    from detector.cli.main import app
    from detector.cli.output import STATE

    STATE.json = False
    home = ["--home", str(judged.home)]
    shown = RUN.invoke(app, [*home, "rules", "backtest", RD, "--to", "2025-12-31"]).stdout
    fired = backtest(judged, RD, end=date(2025, 12, 31)).data["outcomes"]["fired"]
    assert f"{fired:,} fired of" in shown
    assert "█" in shown
    assert "The live run said the same." in shown
    assert "30 minutes a firing" in shown
    shown = RUN.invoke(app, [*home, "rules", "diff", RD, CV]).stdout
    assert "+id: mon-bid-cv-low" in shown
    refused = RUN.invoke(app, [*home, "rules", "backtest"])
    assert isinstance(refused.exception, WardenError)
    refused = RUN.invoke(app, [*home, "rules", "backtest", RD, CV, "--set", "max_cv=1"])
    assert isinstance(refused.exception, WardenError)
