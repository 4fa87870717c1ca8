"""Known cases are nobody's peers from the next fit on, and move nothing before it."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from alerts import lifecycle
from detector.database import reading, writing
from detector.extracts import extract
from detector.known_cases import CASES, KnownCases, cases_at
from detector.models.artifacts import load_current
from detector.models.fit import fit_in_memory
from detector.owners import OWNER
from detector.run import refit, run_detection
from detector.shadow_models import promote
from detector.system import System
from features.compute import FeatureFrame
from tests.detector.homes import NOW, RING, opened, small_market
from tests.models.conftest import JANUARY, make_frame

HOUR = timedelta(hours=1)


def cases(*rows: tuple[str, str, str, date, date]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=dict(CASES), orient="row")


def tenders(n: int = 6) -> FeatureFrame:
    """Tenders with a screen of bids and a flag of the market."""
    return make_frame(
        {"bid_cv": list(map(float, range(n))), "flag": [1.0] * n},
        {"bid_cv": "low", "flag": "high"},
        keys=[f"T{i}" for i in range(n)],
        typologies={"flag": "MON-BID-SUBCON"},
    )


def left_out(frame: FeatureFrame, known: KnownCases, name: str) -> set[str]:
    table = known.without(frame).frame
    return set(table.filter(pl.col(name).is_null())["subject_key"])


def test_a_case_is_left_out_for_its_family_and_its_time_alone() -> None:
    last = date(2024, 12, 31)
    known = KnownCases(
        cases(
            ("MON-BID", "tender", "T1", *JANUARY),
            ("MON-BID", "tender", "T2", date(2023, 1, 1), date(2023, 12, 31)),
            ("MON-BID-MARKET", "tender", "T3", date(2024, 1, 1), last),
            ("MON-BID", "firm", "T4", *JANUARY),
        )
    )
    assert left_out(tenders(), known, "bid_cv") == {"T1"}
    assert left_out(tenders(), known, "flag") == {"T3"}


def test_tenders_of_a_known_firm_or_pair_are_left_out_with_it() -> None:
    year = (date(2024, 1, 1), date(2024, 12, 31))
    links = pl.DataFrame(
        {
            "child_key": ["T0", "T1", "T2", "T3"],
            "child_period_start": JANUARY[0],
            "parent_key": ["A", "A", "B", "C|D"],
            "parent_period_start": year[0],
            "parent_period_end": year[1],
        }
    )
    pairs = {("tender", "firm_y"): links, ("tender", "pair_y"): links}
    known = KnownCases(
        cases(("MON-BID", "firm", "A", *year), ("MON-BID", "pair", "C|D", *year)), pairs
    )
    assert left_out(tenders(), known, "bid_cv") == {"T0", "T1", "T3"}


def test_what_a_known_firm_owns_is_left_out() -> None:
    frame = tenders()
    owned = pl.Series(OWNER, ["A", "A|B", "B", "C", None, "AB"])
    frame = FeatureFrame(
        "pair_y", frame.frame.with_columns(owned), frame.features, frame.attributes, ()
    )
    firm = KnownCases(cases(("MON-BID", "firm", "A", *JANUARY)))
    assert left_out(frame, firm, "bid_cv") == {"T0", "T1"}
    ring = KnownCases(cases(("MON-BID", "group", "B|C", *JANUARY)))
    assert left_out(frame, ring, "bid_cv") == {"T1", "T2", "T3"}


def test_no_case_changes_nothing() -> None:
    assert KnownCases.none().without(tenders()).frame.equals(tenders().frame)


def test_peers_and_calibration_hold_no_case() -> None:
    draw = np.random.default_rng(3)
    names = ("bid_cv", "bid_spread", "bid_ks_uniform")
    frame = make_frame({name: draw.normal(size=60) for name in names}, dict.fromkeys(names, "low"))
    known = KnownCases(cases(("MON-BID", "tender", "s00007", *JANUARY)))
    plain = fit_in_memory({"tender": frame}, "s", NOW)
    fitted = fit_in_memory({"tender": frame}, "s", NOW, cases=known)
    peers = fitted.reference.grains["tender"].rows
    assert peers.filter(pl.col("subject_key") == "s00007")["bid_cv"].to_list() == [None]
    for name, model in fitted.models.items():
        assert "s00007" not in set(model.calibration.keys), name
        assert model.calibration.n == plain.models[name].calibration.n - 1
        if model.joint_calibration is not None:
            assert "s00007" not in set(model.joint_calibration.keys)


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> System:
    """A market with a ring, judged; a firm of the ring confirmed, another explained."""
    system = small_market(tmp_path_factory.mktemp("cases") / "home")
    run_detection(system)
    decide(system, RING[0], "acknowledge", None, 0)
    decide(system, RING[0], "close", "confirmed", 2)
    decide(system, RING[1], "acknowledge", None, 4)
    decide(system, RING[1], "close", "explained", 6)
    return system


def decide(system: System, firm: str, action: str, reason: str | None, hours: int) -> None:
    alerts = extract(system, "alerts").sort("typology").to_dicts()
    mine = next(a for a in alerts if json.loads(a["subject"])["key"] == firm)
    with writing(system.engine) as connection:
        lifecycle.decide(
            connection,
            mine["id"],
            "Ada",
            action,
            reason,
            "seen",
            mine["version"],
            NOW + hours * HOUR,
        )


def known_at(system: System, hours: int) -> set[str]:
    with reading(system.engine) as connection:
        return set(cases_at(connection, NOW + hours * HOUR)["key"])


def test_a_case_is_what_was_known_at_the_moment(market: System) -> None:
    told = {hours: known_at(market, hours) for hours in (-1, 1, 3, 5, 7)}
    assert told == {
        -1: set(),
        1: {RING[0]},
        3: {RING[0]},
        5: {RING[0], RING[1]},
        7: {RING[0]},
    }


def test_a_closing_moves_nothing_until_the_next_fit(market: System, tmp_path: Path) -> None:
    system = opened(market.home, NOW + 8 * HOUR)
    before, models = extract(system, "scores"), load_current(system.home / "models")
    assert models is not None
    assert run_detection(system).counts["judged"] == 0
    assert extract(system, "scores").equals(before)
    assert refit(system).counts["known_cases"] == 1
    promote(system, None, "Bob", "a case was confirmed")
    fitted = load_current(system.home / "models")
    assert fitted is not None
    mine = fitted.models["bid-cv"].calibration
    ring = {f"T{n:03}" for n in range(30)}
    assert ring <= set(models.models["bid-cv"].calibration.keys)
    assert ring.isdisjoint(mine.keys)
    run_detection(system)
    after = extract(system, "scores")
    rows = [
        part.filter(pl.col("typology") == "MON-BID-CV", pl.col("subject_key") == "T005")["p_value"]
        for part in (before, after)
    ]
    assert rows[1].item() < rows[0].item()
