"""An explanation is of the judgement that was made: what it says clears, a run finds clear."""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from alerts.inbox import export_alerts
from benchmarks.incremental import FILED, file_all
from detector import planning, publishing, rollup
from detector.database import reading
from detector.demo.labels import Labels
from detector.demo.size import Size
from detector.demo.world import simulate
from detector.excess import TAIL
from detector.explanation import explanation
from detector.false_alarms import with_q_values
from detector.models.artifacts import load_set
from detector.models.fitted import FittedSet
from detector.models.score import with_peers
from detector.owners import with_owners
from detector.results import Manifest, Results
from detector.rulebook import rules_in_force
from detector.run import run_detection
from detector.signals import JUDGED
from detector.system import System, open_system
from features.compute import FeatureFrame
from rules.evaluate import evaluate_rules, peer_features
from rules.ruleset import RuleSet
from tests.detector.homes import LATER, NOW, breaches, file, opened, small_market

BITS = 1e-7
SIZE = replace(Size.small(), transactions=4_000, consumers=600, goods=40, tenders=140)
TYPOLOGIES = frozenset({
    "MON-BID-CV", "MON-BID-KS", "MON-BID-SUBGROUP", "PRIV-BREACH-LATE", "TRX-WASH-SCC",
    "PRIV-UNDECLARED-COLLECTION", "MON-HHI-MERGER",
})  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def few_typologies() -> Iterator[None]:
    """A run of all would take long and show no more."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(planning, "judged_typologies", lambda _: set(TYPOLOGIES))
        yield


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    folder = tmp_path_factory.mktemp("explained")
    system = open_system(folder / "home", create=True, clock=lambda: FILED)
    file_all(system, folder / "filings", simulate(20260101, SIZE, Labels()))
    run_detection(system)
    yield system
    system.engine.dispose()


def alerts(system: System) -> list[dict[str, Any]]:
    with reading(system.engine) as connection:
        found = export_alerts(connection)
    return [a for a in found if a["subject"]["kind"] != "rule"]


def first_of_each(system: System, n: int = 2) -> list[dict[str, Any]]:
    """A few alerts of every typology and kind of subject."""
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for alert in alerts(system):
        found.setdefault((alert["typology"], alert["subject"]["kind"]), []).append(alert)
    return [alert for listed in found.values() for alert in listed[:n]]


def in_force(system: System) -> Manifest:
    return Results(system.home).manifest(str(publishing.current(system)))


def table_of(system: System, grain: str) -> FeatureFrame:
    """The whole table of a grain as the run judged it, without peers."""
    from features.catalogue import catalogue

    table = Results(system.home).features(in_force(system), grain)
    assert table is not None
    features = tuple(f for f in catalogue().of_grain(grain) if f.name in table.columns)
    owned = {c for f in features for c in (f.name, f"{f.name}__n", f"{f.name}__reason")}
    keys = {"subject_key", "period_start", "period_end"}
    attributes = tuple(c for c in table.columns if c not in owned | keys)
    return with_owners(FeatureFrame(grain, table, features, attributes, ()))


@dataclass(frozen=True)
class Bench:
    """What a run judges with, read once."""

    fitted: FittedSet
    rules: RuleSet
    tables: dict[str, FeatureFrame]


@pytest.fixture(scope="module")
def bench(market: System) -> Bench:
    fitted = load_set(market.home / "models", in_force(market).judges["models"])
    assert fitted is not None
    grains = {explanation(market, a)["about"]["grain"] for a in first_of_each(market)}
    return Bench(fitted, rules_in_force(market), {g: table_of(market, g) for g in grains})


def outcome(bench: Bench, rule: str, about: dict[str, Any], name: str, value: float) -> str:
    """What a run would say of the row with one value changed, judged among all others."""
    table = bench.tables[about["grain"]]
    start = date.fromisoformat(about["period_start"])
    here = (pl.col("subject_key") == about["subject_key"]) & (pl.col("period_start") == start)
    put = pl.when(here).then(pl.lit(value)).otherwise(pl.col(name).cast(pl.Float64)).alias(name)
    changed = replace(table, frame=table.frame.with_columns(put))
    one = [r for r in bench.rules.rules if r.id == rule]
    beside = with_peers(changed, bench.fitted, peer_features(one))
    found = evaluate_rules(one, {about["grain"]: beside}, bench.rules.parameters)
    return str(found.filter(here)["outcome"].item())


def test_a_change_flips_a_rule_to_clear_and_a_bit_less_does_not(
    market: System, bench: Bench
) -> None:
    checked = 0
    for alert in first_of_each(market):
        told = explanation(market, alert)
        for rule in told["rules"]:
            for one in rule["inputs"]:
                if one["clears_at"] is None:
                    continue
                limit = one["clears_at"]
                whole = limit == round(limit) and one["value"] == round(one["value"])
                bit = 1.0 if whole else max(abs(limit), 1e-3) * BITS
                towards = -bit if one["down"] else bit
                enough = limit if one["clears_at_limit"] else limit + towards
                short = limit - towards if one["clears_at_limit"] else limit
                about, name = told["about"], one["feature"]
                assert outcome(bench, rule["id"], about, name, enough) == "clear", (rule, one)
                assert outcome(bench, rule["id"], about, name, short) == "fired", (rule, one)
                checked += 1
    assert checked > 15


def test_what_clears_all_rules_clears_each(market: System, bench: Bench) -> None:
    several = [e for a in first_of_each(market) if len((e := explanation(market, a))["rules"]) > 1]
    assert several
    for told in several[:8]:
        for one in told["together"]:
            limit, bit = one["clears_at"], max(abs(one["clears_at"]), 1e-3) * BITS
            enough = limit if one["clears_at_limit"] else limit + (-bit if one["down"] else bit)
            said = {
                outcome(bench, rule["id"], told["about"], one["feature"], enough)
                for rule in told["rules"]
            }
            assert said == {"clear"}


@pytest.fixture
def incidents(tmp_path: Path) -> System:
    system = opened(tmp_path / "home")
    file(system, tmp_path / "filings", "breach_notifications", breaches())
    run_detection(system)
    return system


def late(system: System) -> dict[str, Any]:
    return next(a for a in alerts(system) if a["subject"]["key"] == "I-late")


def test_conditions_tell_how_far_they_are_beyond_their_limit(incidents: System) -> None:
    told = explanation(incidents, late(incidents))
    [rule] = [r for r in told["rules"] if r["id"] == "priv-breach-late"]
    [overdue] = [c for c in rule["conditions"] if c["feature"] == "breach_overdue_h"]
    assert (overdue["value"], overdue["threshold"]) == (95 - 72, 0)
    assert (overdue["distance"], overdue["distance_share"]) == (23, None)
    assert told["jurisdiction"] == "EU"
    assert told["peers"] is None, "no model spoke"


@pytest.mark.parametrize(("extra", "firing"), [(timedelta(minutes=1), True), (timedelta(), False)])
def test_the_alert_of_a_filing_corrected_by_as_much_goes_quiet(
    incidents: System, tmp_path: Path, extra: timedelta, firing: bool
) -> None:
    """I-late was notified after 95 h; the rule says 23 fewer are needed."""
    [rule] = explanation(incidents, late(incidents))["rules"]
    less = {i["feature"]: i for i in rule["inputs"]}["breach_overdue_h"]["change"]
    assert less == -23
    at = datetime(2025, 5, 1, 8, tzinfo=UTC) + timedelta(hours=95 + less) + extra
    row = next(b for b in breaches() if b["incident_id"] == "I-late")
    later = open_system(incidents.home, clock=lambda: NOW + timedelta(days=1))
    corrected = [{**row, "notified_at": at.isoformat()}]
    file(later, tmp_path / "more", "breach_notifications", corrected, LATER)
    run_detection(later)
    assert late(later)["firing"] is firing


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> System:
    """Five firms whose tenders keep turning up among the tightest."""
    system = small_market(tmp_path_factory.mktemp("ring") / "home")
    run_detection(system)
    return system


def test_so_many_fewer_suspicious_tenders_clear_a_firm_and_one_more_does_not(
    ring: System,
) -> None:
    manifest, rate = in_force(ring), ring.settings.false_discovery_rate
    plan = planning.make_plan(ring, Results(ring.home), None)
    links = planning.compute(ring, plan).memberships["tender", "firm_y"]
    rows = Results(ring.home).judged(manifest).filter(pl.col("grain") == "tender").collect()
    nulls = {k: (v[0], v[1]) for k, v in manifest.nulls.items()}
    raised = [a for a in first_of_each(ring, 4) if explanation(ring, a)["excess"]]
    assert raised
    for alert in raised[:4]:
        told = explanation(ring, alert)["excess"]
        assert told["clears_at"] == told["count"] - told["fewer"] >= 0
        said = [
            fires_without(ring, alert, rows, links, nulls, rate, k)
            for k in (0, told["fewer"] - 1, told["fewer"])
        ]
        assert said == [True, True, False], alert["subject"]


def fires_without(
    system: System,
    alert: dict[str, Any],
    rows: pl.DataFrame,
    links: pl.DataFrame,
    nulls: dict[str, tuple[float, float]],
    rate: float,
    k: int,
) -> bool:
    """Rolls all tenders up again, `k` of the firm's suspicious ones as ordinary copies of them."""
    firm, typology = alert["subject"]["key"], alert["typology"]
    start = date.fromisoformat(alert["period"]["start"])
    mine = (pl.col("parent_key") == firm) & (pl.col("parent_period_start") == start)
    own = links.filter(mine)["child_key"].implode()
    odd = rows.filter(
        pl.col("subject_key").is_in(own), pl.col("typology") == typology, pl.col("p_value") <= TAIL
    )["subject_key"].to_list()[:k]
    of_these = pl.col("subject_key").is_in(odd)
    ordinary = pl.when(pl.col("typology") == typology).then(0.5).otherwise("p_value")
    copies = rows.filter(of_these).with_columns(
        p_value=ordinary, subject_key="~" + pl.col("subject_key")
    )
    key = pl.when(mine & pl.col("child_key").is_in(odd)).then("~" + pl.col("child_key"))
    moved = links.with_columns(child_key=key.otherwise("child_key"))
    native = {(t, "tender") for t in TYPOLOGIES}
    table = {("tender", "firm_y"): moved}
    judged = pl.concat([rows, copies]).select(list(JUDGED))
    parents, _ = rollup.roll_up(judged, table, native, nulls)
    told = rollup.fire_excess(with_q_values(parents), rate).filter(
        pl.col("typology") == typology,
        pl.col("subject_key") == firm,
        pl.col("period_start") == start,
    )
    return bool(told["outcome"].item() == "fired")


def test_a_model_is_explained_by_what_the_alert_was_judged_on(market: System) -> None:
    told = [
        (a, e)
        for a in first_of_each(market, 3)
        if (e := explanation(market, a))["model"] and a["p_value"]
    ]
    assert told
    for alert, found in told[:10]:
        model = found["model"]
        assert model["p_value"] == alert["p_value"]
        assert math.isclose(sum(f["share"] or 0 for f in model["features"]), 1, abs_tol=1e-9)
        facts = {f["feature"]: f for f in alert["facts"] if "share" in f and "op" not in f}
        for feature in model["features"]:
            fact = facts[feature["feature"]]
            assert feature["value"] == fact["value"]
            if feature["band"]:
                assert feature["band"]["n"] == fact["peers"]
                assert feature["band"]["median"] == pytest.approx(fact["peer_median"])
        assert len(found["peers"]["nearest"]) == 10
        assert found["about"]["subject_key"] not in {
            p["subject_key"] for p in found["peers"]["nearest"]
        }


def test_what_is_gone_is_left_out_with_a_reason(market: System, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(market.home, home)
    system = open_system(home, clock=lambda: NOW)
    alert = alerts(system)[0]
    shutil.rmtree(home / "results" / str(alert["run_id"]))
    told = explanation(system, alert)
    assert (told["reason"], told["rules"], told["model"]) == ("no_results", [], None)
    system.engine.dispose()
