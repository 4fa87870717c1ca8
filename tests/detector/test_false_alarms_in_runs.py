"""q-values in force are those of all that is in force, however the work was cut into runs."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
import sqlalchemy as sa

from detector import ledger, publishing
from detector.cli.data import summary_text
from detector.database import reading
from detector.extracts import extract
from detector.false_alarms import FAMILIES, with_q_values
from detector.results import Results
from detector.run import run_detection
from detector.signals import KEYS
from detector.system import System
from detector.tables import wealth_batch
from tests.detector.homes import LATER, NOW, file, opened, procurement, small_market

ONE = "MON-BID-CV"
FAMILY = [t for t, family in FAMILIES.items() if family == FAMILIES[ONE]]


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home that was judged once; to be copied."""
    system = small_market(tmp_path_factory.mktemp("judged") / "home")
    run_detection(system)
    return system.home


def corrected(home: Path, to: Path, factor: float = 0.5) -> System:
    """A copy in which tenders of the ring and of others got other bids."""
    shutil.copytree(home, to)
    system = opened(to, NOW + timedelta(days=1))
    _, bids = procurement()
    few = [b for b in bids if str(b["tender_id"]) in ("T001", "T040", "T077")]
    changed = [
        {**b, "amount": round(float(str(b["amount"])) * (1 + factor * i / 10), 2)}
        for i, b in enumerate(few)
    ]
    file(system, to.parent / f"{to.name}-more", "bids", changed, LATER)
    return system


def in_force(system: System) -> pl.DataFrame:
    """All judged rows in force."""
    results, current = Results(system.home), publishing.current(system)
    assert current is not None
    return results.judged(results.manifest(current)).collect().sort(KEYS)


def whole(system: System) -> pl.DataFrame:
    """The rows in force, after checking that their q-values are those of all of them."""
    rows = in_force(system)
    anew = with_q_values(rows)
    assert rows["q_value"].equals(anew["q_value"], null_equal=True)
    return rows


def test_a_typology_judged_alone_is_counted_with_its_siblings(judged: Path, tmp_path: Path) -> None:
    one, other = corrected(judged, tmp_path / "one"), corrected(judged, tmp_path / "other")
    before = whole(one)
    assert before.filter(pl.col("q_value") <= 0.1).height > 0
    run_detection(one, typologies=[ONE])
    between = whole(one)
    same = ["p_value", "suspicion", "baseline"]
    siblings = (pl.col("typology") != ONE) & pl.col("typology").is_in(FAMILY)
    old, new = before.filter(siblings), between.filter(siblings)
    assert old.select(*KEYS, *same).equals(new.select(*KEYS, *same))
    assert not old["q_value"].equals(new["q_value"])
    for kind in ("outcomes", "features:pair_y"):
        assert extract(one, kind).height == extract(other, kind).height
    run_detection(one)
    run_detection(other)
    for kind in ("scores", "outcomes", "features:tender", "features:pair_y"):
        assert extract(one, kind).equals(extract(other, kind)), kind
    assert whole(one).drop("family_suspicion").equals(whole(other).drop("family_suspicion"))


def test_what_fires_for_its_counts_stays_within_the_rate(judged: Path, tmp_path: Path) -> None:
    system = corrected(judged, tmp_path / "home")
    run_detection(system)
    firms = whole(system).filter(pl.col("subject_kind") == "firm", pl.col("typology").is_in(FAMILY))
    fired = firms.filter(pl.col("outcome") == "fired")
    assert fired.height > 0
    assert fired["q_value"].max() <= system.settings.false_discovery_rate  # type: ignore[operator]


def test_tenders_carry_a_q_value_and_the_legal_lane_none(judged: Path) -> None:
    rows = in_force(opened(judged))
    tenders = rows.filter(pl.col("subject_kind") == "tender", pl.col("p_value").is_not_null())
    assert tenders.height > 0
    assert tenders["q_value"].null_count() == 0
    assert rows.filter(pl.col("lane") == "legal")["q_value"].drop_nulls().len() == 0


def booked(system: System) -> list[tuple[object, ...]]:
    """The rows of the long-run budget."""
    with reading(system.engine) as connection:
        rows = connection.execute(sa.select(wealth_batch).order_by("stream", "place"))
        return [tuple(row) for row in rows]


def test_a_run_books_its_blocks_once(judged: Path, tmp_path: Path) -> None:
    system = corrected(judged, tmp_path / "home")
    before = booked(system)
    blocks = {str(row[1]).partition("|")[0] for row in before if row[0] == "screen|MON-BID|all"}
    assert blocks >= {"firm_y", "tender"}
    assert "pair_y" not in blocks
    counts = run_detection(system).counts
    assert counts["budget"]["inside"] + counts["budget"]["outside"] > 0
    assert booked(system) == before
    alerts = [json.loads(text) for text in extract(system, "alerts")["budget"].drop_nulls()]
    levels = {row[1]: row[4] for row in before}
    assert {a["level"] for a in alerts if a["grain"] == "firm_y"} == {levels["firm_y|2025-01-01"]}


def test_a_run_that_dies_before_it_is_published_spends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, whole = small_market(tmp_path / "broken"), small_market(tmp_path / "whole")

    def die(*_: object, **__: object) -> None:
        raise RuntimeError("power cut")

    with monkeypatch.context() as patched, pytest.raises(RuntimeError):
        patched.setattr(ledger, "publish", die)
        run_detection(broken)
    assert booked(broken) == []
    run_detection(broken)
    run_detection(whole)
    assert [row[:-2] for row in booked(broken)] == [row[:-2] for row in booked(whole)]
    assert len(booked(whole)) > 1


def test_the_summary_of_a_run_tells_of_the_budget() -> None:
    counts = {"judged": 5, "outcomes": {"fired": 4, "clear": 1}}
    told = summary_text({**counts, "budget": {"inside": 3, "outside": 1}}, "live")
    assert "Of 4 alerts that rest on a test of many subjects, 3 lie inside the long-run" in told
    for none in ({}, {"budget": {"inside": 0, "outside": 0}}):
        assert "budget" not in summary_text({**counts, **none}, "live")
