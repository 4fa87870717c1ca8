"""A subject rolled up from finer ones stays in force when only its own features moved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from detector import run
from detector.demo.write import write_table
from detector.ingest.load import load_files
from detector.judging import parent_cells
from detector.results import cells_of
from detector.rulebook import Rulebook
from detector.signals import JUDGED
from rules.load import load_rule
from rules.ruleset import RuleSet, load_library
from tests.detector.test_increments import computed_months, copied, published
from tests.detector.test_increments import market as market
from tests.detector.test_increments import two_years as two_years

PAIRS = (pl.col("typology") == "MON-BID-CV") & (pl.col("subject_kind") == "pair")


@pytest.fixture
def covering(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rule of another typology goes live, whose features also tell of pairs of bidders."""
    draft = next(r for r in load_library().rules if r.id == "mon-bid-cover-never-wins")
    text = draft.text.replace(f"status: {draft.spec.status.value}", "status: active")
    live, issues = load_rule(text, "live.yaml")
    assert live is not None, issues
    before = Rulebook.in_force

    def more(book: Rulebook) -> RuleSet:
        known = before(book)
        others = [rule for rule in known.rules if rule.id != live.id]
        return replace(known, rules=(*others, live))

    monkeypatch.setattr(Rulebook, "in_force", more)


@pytest.mark.usefixtures("covering")
def test_a_rule_of_another_typology_takes_no_pair_away(two_years: Path, tmp_path: Path) -> None:
    system = copied(two_years, tmp_path / "home")
    before = published(system)["scores"].filter(PAIRS)
    assert before["period_start"].n_unique() == 2
    run.run_detection(system)
    after = published(system)
    assert "cover_ratio_cv" in after["pair_y"].columns
    assert after["scores"].filter(PAIRS).equals(before)


def test_filings_that_move_no_tender_take_no_pair_away(
    market: Mapping[str, pl.DataFrame], two_years: Path, tmp_path: Path
) -> None:
    system = copied(two_years, tmp_path / "home")
    before = published(system)
    rivals = market["market_positions"]["firm_id"].unique().sort().head(12)
    officers = pl.DataFrame({"firm_id": rivals}).with_columns(
        person_hash=pl.lit("0" * 64), role=pl.lit("director"), **{"from": pl.lit(date(2024, 1, 1))}
    )
    load_files(
        home=system.home, engine=system.engine, table="officers", mapping=None, progress=None,
        files=write_table(tmp_path / "filings", "officers", officers), recorded_at=system.clock(),
    )  # fmt: skip
    scope = computed_months(system)
    assert "pair_y" in scope
    assert "tender" not in scope
    run.run_detection(system)
    after = published(system)
    assert after["pair_y"].height > before["pair_y"].height
    assert after["scores"].filter(PAIRS).equals(before["scores"].filter(PAIRS))


def test_only_what_is_rolled_up_is_judged_for_its_children() -> None:
    may, year = date(2026, 5, 1), date(2026, 1, 1)
    links = {
        "child_period_start": [may],
        "parent_period_start": [year],
    }
    cells = cells_of([("A", "tender", may), ("B", "tender", may), ("C", "pair_y", year)])
    before = pl.LazyFrame(schema=dict(JUDGED))
    found = parent_cells(
        cells, {("tender", "pair_y"): pl.DataFrame(links)}, before, {("B", "pair_y")}
    )
    assert found.rows() == [("A", "pair_y", year), ("C", "pair_y", year)]
