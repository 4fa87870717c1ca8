"""A table nobody filed makes a rule not evaluable, never a fault."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from features.catalogue import catalogue
from features.compute import FeatureFrame
from features.vocabulary import Outcome
from rules.evaluate import judge
from rules.ruleset import load_library

LIBRARY = load_library()
DAY = date(2026, 6, 1)


def bare(grain: str) -> FeatureFrame:
    """One subject of which nothing was computed, as when only another base has its tables."""
    keys = {"subject_key": ["x"], "period_start": [DAY], "period_end": [DAY]}
    return FeatureFrame(grain, pl.DataFrame(keys), (), (), ())


@pytest.mark.parametrize("rule_id", [rule.id for rule in LIBRARY.rules])
def test_a_rule_whose_tables_were_not_filed_does_not_fail(rule_id: str) -> None:
    rule = LIBRARY.get(rule_id)
    found = judge(rule, bare(rule.spec.grain), LIBRARY.parameters, catalogue=catalogue())
    assert found["outcome"].to_list() != [Outcome.ERROR.value], found["reason"].to_list()
    assert found["outcome"].to_list() != [Outcome.FIRED.value]
