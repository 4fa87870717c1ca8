"""The injection study in small: planted schemes are found at full strength, honest filings are not.

Through ingest, features, peers, rules, models, roll-up and alerts, so a break anywhere shows here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from benchmarks.detection import curves, filings, worlds
from benchmarks.detection.injectable import not_injected
from benchmarks.detection.injection import STRENGTHS, Point, curve, is_named, table
from benchmarks.detection.made import made_worlds
from benchmarks.detection.schemes import bids, privacy
from benchmarks.detection.schemes.planting import World
from detector.demo.size import Size
from features.vocabulary import TYPOLOGIES
from tests.detector.homes import procurement

FEW = replace(Size.small(), transactions=6_000, consumers=1_000, breaches=60)
LEAK, LATE, TIGHT = "PRIV-UNDECLARED-COLLECTION", "PRIV-BREACH-LATE", "MON-BID-CV"


def year(_: int) -> Mapping[str, pl.DataFrame]:
    """A year of honest tenders, and the apps and incidents of the small simulated market."""
    market = filings.clean(1, FEW)
    notices, offers = procurement(500, ring=0)
    tendering = {
        "tenders": filings.widened("tenders", pl.DataFrame(notices)),
        "bids": filings.widened("bids", pl.DataFrame(offers)),
    }
    dated = tendering["tenders"].with_columns(pl.col("awarded_at").str.to_date())
    names = ("data_type_map", "apps", "data_declarations", "observed_flows", "breach_notifications")
    return {**tendering, "tenders": dated, **{name: market[name] for name in names}}


WORLD = World("small", year, (*bids.schemes(1)[:1], *privacy.schemes(12)))


@pytest.fixture(scope="module")
def points() -> dict[tuple[str, float], Point]:
    """The curve at its two ends."""
    return {(p.typology, p.strength): p for p in curve(WORLD, (0.0, 1.0), only=(LEAK, LATE, TIGHT))}


@pytest.mark.parametrize("typology", [LEAK, LATE, TIGHT])
def test_schemes_of_full_strength_are_found(
    points: dict[tuple[str, float], Point], typology: str
) -> None:
    full = points[typology, 1.0]
    assert full.cases == (1 if typology == TIGHT else 12)
    assert full.power is not None
    assert full.power >= 0.9
    assert full.low is not None
    assert full.low < full.power <= (full.high or 0.0)


@pytest.mark.parametrize("typology", [LEAK, LATE, TIGHT])
def test_honest_filings_are_not(points: dict[tuple[str, float], Point], typology: str) -> None:
    nothing = points[typology, 0.0]
    assert nothing.detected == 0
    assert nothing.per_thousand == nothing.innocent
    assert nothing.innocent <= (0.0 if typology == LATE else 100.0)
    assert nothing.per_thousand < points[typology, 1.0].per_thousand


def test_at_strength_0_every_amount_is_one_that_was_filed() -> None:
    world = year(1)
    scheme = WORLD.schemes[0]
    plants = {s: scheme.plant(world, s, np.random.default_rng(3)) for s in (0.0, 0.5, 1.0)}
    cases = {p.cases for p in plants.values()}
    assert len(cases) == 1, "the same ring at every strength"
    rigged = {s: p.tables["bids"].filter(pl.col("tender_id").is_in(p.events))
              for s, p in plants.items()}  # fmt: skip
    before = world["bids"].filter(pl.col("tender_id").is_in(plants[0.0].events))
    assert set(rigged[0.0]["amount"]) <= set(before["amount"])
    spread = pl.col("amount").std() / pl.col("amount").mean()
    wide = [
        rigged[s].group_by("tender_id").agg(cv=spread).select(pl.col("cv").median()).item()
        for s in (0.0, 0.5, 1.0)
    ]
    assert wide[0] > wide[1] > wide[2]
    one_each = pl.col("amount").n_unique() == pl.len()
    assert rigged[1.0].group_by("tender_id").agg(one_each)["amount"].all(), "covers, not copies"
    assert set(rigged[1.0]["bidder_id"]) == next(iter(plants[1.0].cases))


def test_a_ring_is_named_by_alerts_about_half_of_its_members_or_more() -> None:
    ring = frozenset("ABCD")
    assert is_named(ring, [frozenset("ABCD")], 0.5)
    assert is_named(ring, [frozenset("A"), frozenset("B")], 0.5)
    assert not is_named(ring, [frozenset("A")], 0.5)
    assert not is_named(ring, [frozenset("ABUVWXYZ")], 0.5), "mostly about others"
    assert not is_named(ring, [], 0.5)


def test_every_typology_that_can_raise_an_alert_has_a_curve_at_six_strengths() -> None:
    found = curves.kept()
    assert set(found["typology"]) == {t for t, one in TYPOLOGIES.items() if not one.context_only}
    steps = found.group_by("world", "scheme", "typology").agg(pl.col("strength").sort())
    assert set(map(tuple, steps["strength"])) == {(0.0, *STRENGTHS)}
    assert found.filter(pl.col("detected") > pl.col("cases")).is_empty()
    # A scheme that was renamed or added leaves no curve behind, and none is without one. Of real
    # sets only those that are here can be asked.
    there = {(w.name, s.name, t) for w in worlds.worlds() for s in w.schemes for t in s.typologies}
    assert there <= set(found.select("world", "scheme", "typology").rows())


def test_the_page_of_curves_is_what_the_table_says() -> None:
    assert curves.figures(curves.kept()) in curves.PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize("world", [w for w in made_worlds() if w.drawn], ids=lambda w: w.name)
def test_the_same_cases_are_planted_at_every_strength(world: World) -> None:
    filings = world.tables(1)
    for number, scheme in enumerate(world.schemes):
        plants = [
            scheme.plant(filings, strength, np.random.default_rng([1, number]))
            for strength in (0.0, 1.0)
        ]
        assert len({plant.cases for plant in plants}) == 1, scheme.name
        assert plants[0].cases, scheme.name
        changed = [
            name for name, rows in plants[1].tables.items()
            if name not in filings or not rows.equals(plants[0].tables[name])
        ]  # fmt: skip
        assert changed, f"{scheme.name} is the same at every strength"


def test_what_is_not_injected_is_listed_with_a_reason() -> None:
    planted = {t for w in worlds.worlds() for scheme in w.schemes for t in scheme.typologies}
    missing = not_injected(planted)
    listed = [t for typologies in missing.values() for t in typologies]
    assert sorted([*listed, *planted]) == sorted(TYPOLOGIES)
    assert all(missing)


def test_the_table_shows_counts_interval_and_alerts(
    points: dict[tuple[str, float], Point],
) -> None:
    text = table(points.values())
    line = next(row for row in text.splitlines() if LATE in row)
    assert "12/12 (0.76–1.00)" in line
    assert "0/12 (0.00–0.24); 0.0, 0.0 innocent" in line
