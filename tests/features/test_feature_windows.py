"""What a base declares about its reach is true: cells outside of it never move, and few rows do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from functools import cache

import polars as pl
import pytest

from features.catalogue import FeatureCatalogue, catalogue
from features.compute import Computed, compute_features
from features.places import EVENTS, FAMILIES, SEATED, is_placed, within
from features.reach import REACHES, ROLL_UPS, Months, Reach, month_of, runs, whole_units
from features.windows import Changes, Scope, inside
from tests.features.world import CONTEXT, world

SPANS = (
    frozenset({month_of(date(2024, 3, 1))}),
    frozenset({month_of(date(2025, 6, 1))}),
    frozenset({month_of(date(2025, 12, 1))}),
    frozenset({month_of(date(2024, 8, 1)), month_of(date(2025, 2, 1))}),
)


@cache
def declared() -> FeatureCatalogue:
    """The library without the bases that declare no reach."""
    whole = catalogue()
    bases = {name: base for name, base in whole.bases.items() if name in REACHES}
    features = {name: f for name, f in whole.features.items() if f.base in bases}
    links = {pair: m for pair, m in whole.memberships.items() if pair in ROLL_UPS}
    return replace(whole, bases=bases, features=features, memberships=links, notes={})


def computed(tables: Mapping[str, pl.LazyFrame], scope: Scope | None = None) -> Computed:
    """The declared bases."""
    return compute_features(tables, None, CONTEXT, declared(), scope)


@cache
def filings() -> dict[str, pl.LazyFrame]:
    """The small world."""
    return {name: frame.lazy() for name, frame in world().items()}


@cache
def everything() -> Computed:
    """The declared bases over all time."""
    return computed(filings())


def equal(one: pl.DataFrame, other: pl.DataFrame) -> None:
    """Same rows, floats to the digits a run keeps."""
    floats = pl.selectors.float().round_sig_figs(12)
    assert one.columns == other.columns
    gone = one.with_columns(floats).join(
        other.with_columns(floats), on=one.columns, how="anti", nulls_equal=True
    )
    assert gone.is_empty(), gone.head(5).to_dicts()
    assert one.height == other.height


def test_declarations_name_bases_and_memberships_that_exist() -> None:
    assert set(REACHES) <= set(catalogue().bases)
    assert set(ROLL_UPS) <= set(catalogue().memberships)


def test_a_base_that_depends_on_the_day_says_so() -> None:
    dated = {f.base for f in declared().features.values() if f.uses_as_of}
    assert dated <= {name for name, reach in REACHES.items() if reach.clock}


@pytest.mark.parametrize("months", SPANS)
def test_cells_come_out_the_same_from_the_rows_they_reach(months: Months) -> None:
    grains = {base.grain for base in declared().bases.values()}
    scope = {grain: whole_units(months, "y" if grain.endswith("_y") else "q") for grain in grains}
    whole, part = everything(), computed(filings(), scope)
    assert set(part.frames) == set(whole.frames)
    for grain, frame in part.frames.items():
        cells = whole.frames[grain].frame.filter(inside(scope[grain]))
        equal(frame.frame.select(cells.columns), cells)
    for pair, links in part.memberships.items():
        told = whole_units(scope[pair[0]], ROLL_UPS[pair].unit)
        equal(links, whole.memberships[pair].filter(inside(told, "child_period_start")))


def halved(months: Months, name: str) -> tuple[pl.LazyFrame, pl.LazyFrame]:
    """A table without every other row of the months, and the rows it lacks."""
    rows = filings()[name].with_row_index("_row")
    frames = {n: f for n, f in filings().items() if n != name} | {name: rows}
    there = within(frames, name, months).filter(pl.col("_row") % 2 == 0)
    missing = there.collect()
    kept = rows.join(missing.lazy(), on="_row", how="anti")
    return kept.drop("_row"), missing.lazy().drop("_row")


def affected(before: Mapping[str, pl.LazyFrame], changed: Mapping[str, pl.LazyFrame]) -> Scope:
    """Months of each grain that a run would compute, filed from `before` to the whole world."""
    changes = Changes(filings(), before, changed, frozenset(), everything().reads, new_day=False)
    return changes.scope(declared().bases.values(), (), set(filings()))


@pytest.mark.parametrize("months", SPANS)
def test_filings_of_a_month_move_no_cell_out_of_reach(months: Months) -> None:
    halves = {name: halved(months, name) for name in filings() if is_placed(name)}
    before = filings() | {name: kept for name, (kept, _) in halves.items()}
    changed = {name: rows for name, (_, rows) in halves.items() if rows.collect().height}
    assert len(changed) > len(FAMILIES)
    unmoved(computed(before), affected(before, changed))


def test_a_new_group_moves_only_what_names_its_firms() -> None:
    firms = world()["firms"]
    grouped = firms.filter(pl.col("group_id").is_not_null()).head(1)
    assert grouped.height
    leaver = pl.col("firm_id") == grouped["firm_id"].item()
    apart = firms.with_columns(group_id=pl.when(leaver).then(None).otherwise("group_id"))
    before = filings() | {"firms": apart.lazy()}
    changed = pl.concat([f.join(grouped, on="firm_id", how="semi") for f in (firms, apart)])
    unmoved(computed(before), affected(before, {"firms": changed.lazy()}))


@pytest.mark.parametrize("column", SEATED)
def test_another_entry_of_a_firm_moves_only_what_names_it(column: str) -> None:
    firms = world()["firms"]
    naming = [f.select(firm_id=column) for f in world().values() if column in f.columns]
    named = pl.concat(naming).unique().join(firms, on="firm_id").sort("firm_id").head(1)
    assert named["jurisdiction"].item() is not None
    other = [c for c in firms.columns if c not in ("firm_id", "group_id", "recorded_at")]
    is_it = pl.col("firm_id") == named["firm_id"].item()
    emptied = firms.with_columns(pl.when(~is_it).then(c).alias(c) for c in other)
    before = filings() | {"firms": emptied.lazy()}
    changed = pl.concat([f.filter(is_it) for f in (firms, emptied)])
    scope = affected(before, {"firms": changed.lazy()})
    assert scope.get("app_v", frozenset()) is not None
    unmoved(computed(before), scope)


def unmoved(before: Computed, scope: Scope) -> None:
    """Cells out of scope are the same in the smaller and in the whole world."""
    for grain, frame in everything().frames.items():
        months = scope.get(grain, frozenset())
        if months is None:
            continue
        old = before.frames[grain].frame
        equal(old.filter(~inside(months)), frame.frame.select(old.columns).filter(~inside(months)))


def test_months_are_told_apart() -> None:
    january = month_of(date(2025, 1, 31))
    assert runs({january, january + 1, january + 4}) == [(january, january + 1), (january + 4,) * 2]
    quarter = Reach("q", back=3)
    assert quarter.affected({january}) == frozenset(range(january, january + 6))
    assert quarter.needed({january + 1}) == frozenset(range(january - 3, january + 3))
    week = Reach(ahead=1)
    assert week.affected({january}) == {january - 1, january}
    assert set(EVENTS).isdisjoint(FAMILIES)
