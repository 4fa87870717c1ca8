"""The small world is rich enough: every feature has a value, and a null that says why."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from features.catalogue import Feature, catalogue
from features.contracts import CONTRACTS
from tests.features.filings import holds_the_promise
from tests.features.world import world
from tests.features.world.compare import as_it_is

_UNVERIFIED = "the EU thresholds are not verified, so no deal is judged by them"
NO_VALUE: Mapping[str, str] = {"eu_notifiable": _UNVERIFIED, "eu_threshold_ratio": _UNVERIFIED}
"""Features without a value anywhere, and why that is right."""

NEVER_NULL: Mapping[str, str] = {
    "dem_unreasoned_share": "a row is a platform and month with a drop, so none is without one",
    "price_sync_jaccard": "a row is a pair in which both sides moved",
    "rt_return_ratio": "the contracts take no transfer of nothing",
}
"""Features that name reasons none of which the world shows, and why."""


def test_every_table_holds_valid_rows_with_keys_of_their_own() -> None:
    assert set(world()) == set(CONTRACTS)
    for name, frame in world().items():
        contract = CONTRACTS[name]
        good, failures = contract.schema.filter(frame.drop("recorded_at"))
        assert good.height == frame.height > 0, (name, failures.counts())
        key = [contract.own_key] if contract.own_key else list(contract.keys)
        assert frame.select(key).is_unique().all(), name
        assert dict(frame.schema) == contract.dtypes, name


def test_every_feature_has_a_value_somewhere() -> None:
    done = as_it_is()
    assert done.skipped == {}
    holds_the_promise(done)
    frames = {g: f.frame for g, f in done.frames.items()}
    empty = {
        f.name
        for f in catalogue().features.values()
        if frames[f.grain][f.name].null_count() == frames[f.grain].height
    }
    assert empty == set(NO_VALUE)


def _reasons(f: Feature) -> set[str]:
    """The reasons the feature's formula names."""
    return {reason.value for _, reason in f.fn().checks}


def test_every_feature_that_can_be_unknown_is_unknown_somewhere() -> None:
    frames = {g: f.frame for g, f in as_it_is().frames.items()}
    known = {
        f.name
        for f in catalogue().features.values()
        if _reasons(f)
        and not frames[f.grain].filter(pl.col(f"{f.name}__reason").is_in(_reasons(f))).height
    }
    assert known == set(NEVER_NULL)
