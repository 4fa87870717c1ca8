"""The registries, the planner, and what holds for every registered feature."""

from __future__ import annotations

from datetime import date

import narwhals as nw
import polars as pl
import pytest

from features.catalogue import (
    Base,
    Feature,
    FeatureCatalogue,
    Formula,
    View,
    catalogue,
    measure,
)
from features.compute import Computed, compute_features
from features.errors import WardenError
from features.vocabulary import GRAINS, TYPOLOGIES, Reason
from tests.features.filings import (
    CONTEXT,
    app,
    bids,
    compute,
    deal,
    holds_the_promise,
    incident,
    prices,
    trades,
)


def made_feature(name: str, fn: Formula, base: str = "b", typology: str = "MON-BID-CV") -> Feature:
    return Feature(
        name, typology, "tender", base, (), "", "high", 1, "n", "s", {}, "d", False, False,
        "number", fn,
    )  # fmt: skip


def everything() -> Computed:
    """One filing of every kind, every family computed."""
    ring = trades([["A", "B", 50], ["B", "A", 40], ["A", "C", 10]])
    breach = incident(jurisdiction="EU", aware_at="2026-02-01T10:00:00Z", persons=3)
    tables = bids([100, 112, 113, 114, 115]) | deal([40, 25, 15, 10, 10], [2, 3])
    tables |= ring | breach | app(["location"], ["location", "imei"])
    return compute(tables | {"listing_prices": prices([1, 2, 3], [2, 2, 2])})


def test_features_belong_to_known_typologies_and_every_feature_says_what_it_is() -> None:
    found = catalogue()
    assert {f.typology for f in found.features.values()} <= set(TYPOLOGIES)
    assert len(TYPOLOGIES) == 85
    for f in found.features.values():
        assert f.doc and f.source and f.inputs, f.name
        assert set(f.title) == {"en", "zh"} and all(f.title.values()), f.name
        assert f.direction in {"high", "low", "none"}, f.name
        assert f.grain == found.bases[f.base].grain and f.grain in GRAINS, f.name
        assert f.min_n >= 0


def test_peers_are_attributes_of_their_base() -> None:
    for base in catalogue().bases.values():
        tenths = {"size_decile"} if base.size else set()
        assert set(base.peers) - tenths <= set(base.attributes), base.name
        assert tenths <= set(base.peers), base.name
        assert base.size in {"", *base.attributes}, base.name


def test_every_row_holds_the_promise_value_or_reason_never_nan() -> None:
    done = everything()
    assert set(done.frames) <= {f.grain for f in catalogue().features.values()}
    assert all(why.startswith("table ") for why in done.skipped.values())
    holds_the_promise(done)


def test_only_what_is_asked_is_computed_and_absent_tables_are_named() -> None:
    done = compute(bids([1, 2, 3]), "MON-BID-CV", "TRX-WASH-SCC")
    assert set(done.frames) == {"tender", "pair_y"}
    assert "bid_cv_min3" not in done.frames["tender"].frame.columns
    assert done.skipped["wash_rounds"] == "table transactions is absent"
    empty = compute(bids([]) | {"listing_prices": []}, "MON-BID-CV", "MON-PRICE-VARIANCE")
    assert empty.frames == {}
    assert empty.skipped["bid_cv"] == "table bids is empty"
    assert empty.skipped["price_cv"] == "table listing_prices is empty"


def test_an_unknown_typology_is_a_clear_error() -> None:
    with pytest.raises(WardenError, match="MON-NOPE") as caught:
        compute({}, "MON-NOPE")
    assert caught.value.code == "unknown_typology"


def counting_registry(rows: pl.LazyFrame) -> tuple[FeatureCatalogue, list[str]]:
    """Two bases over one view, and a log of how often each was built."""
    made, log = FeatureCatalogue(), []

    def shared(t: object) -> nw.LazyFrame:  # type: ignore[type-arg]
        log.append("view")
        return nw.from_native(rows)

    made.add_view(View("shared", shared))
    for name in ("b", "c"):

        def build(t: object, name: str = name) -> nw.LazyFrame:  # type: ignore[type-arg]
            log.append(name)
            return t.view("shared")  # type: ignore[attr-defined,no-any-return]

        made.add_base(Base(name, "tender", (), (), (), build))
    return made, log


def rows(**columns: list[object]) -> pl.LazyFrame:
    days = {"period_start": [date(2024, 1, 1)] * 2, "period_end": [date(2024, 1, 31)] * 2}
    return pl.LazyFrame({"subject_key": ["x", "y"], **days, "n": [1, None], **columns})


def test_views_and_bases_are_built_once_and_joined_by_key() -> None:
    made, log = counting_registry(rows(v=[1.0, 2.0]))
    made.add_feature(made_feature("one", lambda: measure(nw.col("v"))))
    made.add_feature(made_feature("two", lambda: measure(nw.col("v") * 2)))
    made.add_feature(made_feature("three", lambda: measure(nw.col("v") * 3), base="c"))
    frame = compute_features({}, None, CONTEXT, made).frames["tender"].frame
    assert log == ["b", "view", "c"]
    assert frame.select("one", "two", "three").rows() == [(1, 2, 3), (2, 4, 6)]


def test_nan_infinity_and_silent_nulls_become_reasons_and_first_check_wins() -> None:
    made, _ = counting_registry(rows(v=[0.0, 1.0], w=[None, 5.0]))
    v = nw.col("v")
    made.add_feature(made_feature("nan", lambda: measure(v / v)))
    made.add_feature(made_feature("inf", lambda: measure(1 / v)))
    made.add_feature(made_feature("hole", lambda: measure(nw.col("w"))))
    made.add_feature(
        made_feature(
            "both",
            lambda: measure(v, (v < 1, Reason.TOO_FEW), (v < 2, Reason.CONSTANT)),
        )
    )
    frame = compute_features({}, None, CONTEXT, made).frames["tender"].frame
    assert frame["nan"].to_list() == [None, 1.0]
    assert frame["nan__reason"].to_list() == ["zero_denominator", None]
    assert frame["inf__reason"].to_list() == ["zero_denominator", None]
    assert frame["hole__reason"].to_list() == ["missing_input", None]
    assert frame["both__reason"].to_list() == ["too_few", "constant"]
    assert frame["nan__n"].to_list() == [1, 0]


def test_two_features_of_one_name_or_two_rows_of_one_subject_are_errors() -> None:
    made, _ = counting_registry(pl.concat([rows(v=[1.0, 2.0])] * 2))
    made.add_feature(made_feature("one", lambda: measure(nw.col("v"))))
    with pytest.raises(WardenError, match="defined twice"):
        made.add_feature(made_feature("one", lambda: measure(nw.col("v"))))
    with pytest.raises(WardenError) as caught:
        compute_features({}, None, CONTEXT, made)
    assert caught.value.code == "duplicate_subject"
