"""The hard gate of small samples: below its least n a number judges nobody."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from functools import cache

import polars as pl
import pytest

from features.catalogue import catalogue
from features.compute import Computed, FeatureFrame, compute_features
from features.reliance import relied_on
from features.vocabulary import RunContext
from tests.features.world import world

GRAINS = sorted({base.grain for base in catalogue().bases.values()})


@cache
def computed() -> Computed:
    tables = {name: table.lazy() for name, table in world().items()}
    return compute_features(tables, None, RunContext(date(2026, 6, 30)))


@pytest.mark.parametrize("grain", GRAINS)
def test_no_value_that_may_be_judged_rests_on_fewer_cases_than_declared(grain: str) -> None:
    """Whatever survives has n of its own, and what falls says that it was too few."""
    whole = computed().frames[grain]
    judged = relied_on(whole).frame
    for f in whole.features:
        n, value = judged[f"{f.name}__n"], judged[f.name]
        assert not (value.is_not_null() & (n < f.min_n)).any(), f.name
        before = whole.frame[f.name]
        fell = before.is_not_null() & value.is_null()
        assert (fell == (before.is_not_null() & (n < f.min_n))).all(), f.name
        assert set(judged.filter(fell)[f"{f.name}__reason"]) <= {"too_few"}, f.name
        assert value.filter(~fell).equals(before.filter(~fell)), f.name
        untouched = judged.filter(~fell)[f"{f.name}__reason"]
        assert untouched.equals(whole.frame.filter(~fell)[f"{f.name}__reason"]), f.name


def test_a_count_of_nothing_is_a_value_only_where_the_feature_says_so() -> None:
    """A least n of one is kept by the formulas themselves, wherever a number is shown."""
    shown = {
        f.name: int(frame.frame.filter(pl.col(f.name).is_not_null())[f"{f.name}__n"].min() or 0)
        for frame in computed().frames.values()
        for f in frame.features
        if f.min_n == 1 and frame.frame[f.name].is_not_null().any()
    }
    assert [name for name, n in shown.items() if n < 1] == []
    assert len(shown) > 100


def test_the_gate_lies_at_the_least_n_itself() -> None:
    feature = catalogue().features["dsar_p90_days"]
    rows = pl.DataFrame(
        {
            "subject_key": ["below", "at", "null"],
            feature.name: [9.0, 8.0, None],
            f"{feature.name}__reason": [None, None, "censored"],
            f"{feature.name}__n": [feature.min_n - 1, feature.min_n, 3],
        }
    )
    frame = relied_on(FeatureFrame("operator_q", rows, (feature,), (), ())).frame
    assert frame[feature.name].to_list() == [None, 8.0, None]
    assert frame[f"{feature.name}__reason"].to_list() == ["too_few", None, "censored"]
    open_gate = replace(feature, min_n=0)
    table = FeatureFrame("operator_q", rows, (open_gate,), (), ())
    assert relied_on(table).frame.equals(rows)
