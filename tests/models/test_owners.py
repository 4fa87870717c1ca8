"""A subject's economic group is left out of its peers; deciles are cut where the peers had them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.models.artifacts import load_current, store
from detector.models.fitted import FittedSet
from detector.nearest import nearest
from detector.owners import OWNED, OWNER, Groups, with_owners
from detector.peers import MIN_PEERS, Reference, apply_peers, fit_reference
from features.catalogue import catalogue
from features.compute import FeatureFrame
from features.vocabulary import GRAINS
from tests.models.conftest import make_frame

FrameOf = Callable[..., FeatureFrame]
FIGURES = ("pct", "median", "z", "peers", "level")
N = 120


def groups(**members: str) -> Groups:
    rows = [{"id": firm, "group": name} for name, firms in members.items() for firm in firms]
    return Groups({"firm": pl.DataFrame(rows, schema={"id": pl.String, "group": pl.String})})


def firms(seed: int = 0, **values: float) -> FeatureFrame:
    """A hundred and twenty firms of two markets; `values` replaces single ones."""
    rng = np.random.default_rng(seed)
    keys = [f"F{i:03}" for i in range(N)]
    x = [values.get(k, v) for k, v in zip(keys, rng.normal(size=N), strict=True)]
    market = ["a" if i % 2 else "b" for i in range(N)]
    return make_frame(
        {"x": x}, {"x": "high"}, keys=keys, grain="firm_y",
        attributes={"market": market}, peers=("market",),
    )  # fmt: skip


def standing(frame: FeatureFrame, key: str, known: Groups) -> dict[str, object]:
    owned = with_owners(frame)
    out = apply_peers(owned, fit_reference({frame.grain: owned}, known)).frame
    row = out.filter(pl.col("subject_key") == key).row(0, named=True)
    return {what: row[f"x__{what}"] for what in FIGURES}


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(-1e9, 1e9), min_size=2, max_size=2))
def test_no_value_of_a_sister_firm_moves_a_figure(changed: list[float]) -> None:
    known = groups(G=["F001", "F003", "F005"])
    one, other = changed
    assert standing(firms(), "F001", known) == standing(firms(F003=one, F005=other), "F001", known)
    assert standing(firms(), "F001", known)["peers"] == N // 2 - 3


def test_a_firm_of_another_group_does_move_them() -> None:
    known = groups(G=["F001", "F003"], H=["F005", "F007"])
    assert standing(firms(), "F001", known) != standing(firms(F005=1e6), "F001", known)
    assert standing(firms(), "F001", groups())["peers"] == N // 2 - 1


def test_a_group_that_is_most_of_a_stratum_is_compared_one_level_up() -> None:
    """Never a percentile among its own: the market is too small without it, all firms are not."""
    inside = [f"F{i:03}" for i in range(1, N, 2)]
    at = standing(firms(), "F001", groups(G=inside[: -MIN_PEERS + 1]))
    assert at["level"] == "all"
    assert at["peers"] == N - len(inside) + MIN_PEERS - 1
    everyone = groups(G=[f"F{i:03}" for i in range(N - MIN_PEERS + 1)])
    nobody = standing(firms(), "F001", everyone)
    assert nobody == {
        "pct": None, "median": None, "z": None, "peers": MIN_PEERS - 1, "level": None,
    }  # fmt: skip


def test_a_listing_leaves_out_the_listings_of_its_sellers_group() -> None:
    sellers = [f"S{i % 30:02}" for i in range(N)]
    rng = np.random.default_rng(1)

    def listings(ours: float) -> FeatureFrame:
        x = [ours if s in ("S02", "S03") else v
             for s, v in zip(sellers, rng_values, strict=True)]  # fmt: skip
        x[1] = 0.5
        return make_frame(
            {"x": x}, {"x": "low"}, keys=[f"sku{i}/{s}" for i, s in enumerate(sellers)],
            grain="sku_seller_q", attributes={"seller_id": sellers},
        )  # fmt: skip

    rng_values = rng.normal(size=N)
    rows = pl.LazyFrame({"merchant_id": ["S01", "S02", "S03"], "group_id": ["G", "G", None],
                         "firm_id": ["f1", "f2", "f3"]})  # fmt: skip
    owners = pl.LazyFrame({"firm_id": ["f3", "f9"], "group_id": ["G", "G"]})
    known = Groups.of({"merchants": rows, "firms": owners})
    assert standing(listings(7.0), "sku1/S01", known) == standing(listings(-7.0), "sku1/S01", known)
    assert standing(listings(7.0), "sku1/S01", known)["peers"] == N - 12


def test_pairs_are_not_compared_with_pairs_they_share_a_member_with() -> None:
    keys = ["A|B", "A|C", "C|D", *(f"X{i}|Y{i}" for i in range(40))]
    x = [0.0, 1e6, 2.0, *(float(i) for i in range(40))]
    frame = make_frame({"x": x}, {"x": "high"}, keys=keys, grain="pair_y")
    assert standing(frame, "A|B", groups())["peers"] == 41
    assert standing(frame, "A|B", groups(G=["B", "D"]))["peers"] == 40


def test_a_subject_that_changed_hands_is_never_its_own_peer(frame_of: FrameOf) -> None:
    x = [float(i) for i in range(40)]
    owner = [f"o{i}" for i in range(40)]
    held = frame_of({"x": x}, {"x": "high"}, grain="app_v", attributes={"operator_id": owner})
    sold = dataclasses.replace(
        held, frame=held.frame.with_columns(operator_id=pl.lit("buyer")).head(1)
    )
    reference = fit_reference({"app_v": with_owners(held)})
    now = apply_peers(with_owners(sold), reference).frame
    assert now["x__peers"].to_list() == [39]
    unknown = apply_peers(sold, reference).frame
    assert unknown["x__peers"].to_list() == [39]


def test_a_row_alone_gets_the_figures_it_gets_in_a_batch_of_its_group() -> None:
    known = groups(G=["F001", "F003", "F005"], H=["F002", "F004"])
    owned = with_owners(firms())
    reference = fit_reference({"firm_y": owned}, known)
    together = apply_peers(owned, reference).frame
    for i in (1, 2, 3, 50):
        alone = dataclasses.replace(owned, frame=owned.frame[i : i + 1])
        assert apply_peers(alone, reference).frame.equals(together[i : i + 1])


def test_owners_are_named_by_columns_the_grain_has() -> None:
    for grain, owned in OWNED.items():
        assert grain in GRAINS, grain
        named = {a for b in catalogue().bases.values() if b.grain == grain for a in b.attributes}
        bases = [b for b in catalogue().bases.values() if b.grain == grain]
        assert not bases or set(owned.columns) & {"subject_key", *named}, grain


def sized(n: int = 400) -> FeatureFrame:
    """Subjects whose figure grows with their size, so that peers of other sizes mislead."""
    size = list(range(n))
    frame = make_frame(
        {"x": [float(s) for s in size]}, {"x": "high"}, grain="cluster_m",
        attributes={"market": ["m"] * n, "channel": ["c"] * n}, peers=("market", "size_decile"),
    )  # fmt: skip
    table = frame.frame.with_columns(orders=pl.Series(size))
    return dataclasses.replace(frame, frame=table, size="orders")


def test_a_size_decile_is_cut_where_the_frozen_peers_had_it() -> None:
    held = sized()
    reference = fit_reference({"cluster_m": held})
    out = apply_peers(held, reference).frame
    assert out["x__level"][0] == "market=m; size_decile=1"
    assert out["x__level"][399] == "market=m; size_decile=10"
    assert out["x__peers"].to_list() == [39] * 400
    assert out["x__median"][5] == pytest.approx(20.0)
    for size, decile in ((39.9, 1), (39.91, 2), (-5.0, 1), (1e9, 10)):
        row = held.frame.head(1).with_columns(
            subject_key=pl.lit("new"), orders=pl.lit(size), x=pl.lit(1.0)
        )
        one = apply_peers(dataclasses.replace(held, frame=row), reference).frame
        assert one["x__level"].to_list() == [f"market=m; size_decile={decile}"], size


def test_today_cannot_move_a_decile_and_an_unknown_size_falls_back() -> None:
    held = sized()
    reference = fit_reference({"cluster_m": held})
    large = held.frame.with_columns(
        pl.col("orders") * 1000, subject_key=pl.lit("n") + "subject_key"
    )
    batch = dataclasses.replace(held, frame=pl.concat([held.frame, large]))
    both = apply_peers(batch, reference).frame
    assert both.head(400).equals(apply_peers(held, reference).frame)
    row = held.frame.head(1).with_columns(subject_key=pl.lit("new"), orders=pl.lit(None, pl.Int64))
    one = apply_peers(dataclasses.replace(held, frame=row), reference).frame
    assert one["x__level"].to_list() == ["market=m"]


def test_frozen_peers_come_back_from_disk_with_owners_and_edges(tmp_path: Path) -> None:
    from tests.conformance.test_models import KNOWN

    owned = with_owners(firms())
    reference = fit_reference({"cluster_m": sized(), "firm_y": owned})
    store(tmp_path, FittedSet(reference, {}, "snapshot", KNOWN))
    read = load_current(tmp_path)
    assert read is not None
    assert read.reference.digest == reference.digest
    assert (tmp_path / "peers" / reference.version / "cluster_m.edges.parquet").exists()
    again = apply_peers(owned, read.reference)
    assert again.frame.equals(apply_peers(owned, reference).frame)
    assert again.reference == reference.grains["firm_y"].version
    known = groups(G=["F001", "F003"])
    assert fit_reference({"firm_y": owned}, known).digest == fit_reference({"firm_y": owned}).digest
    moved = dataclasses.replace(owned, frame=owned.frame.with_columns(pl.lit("x").alias(OWNER)))
    assert fit_reference({"firm_y": moved}).digest != fit_reference({"firm_y": owned}).digest


# --- the nearest peers ------------------------------------------------------------------------


def two_features(n: int = 60) -> FeatureFrame:
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=n), rng.normal(size=n) * 1000.0
    y[5] = np.nan
    return make_frame(
        {"x": x, "y": y, "same": [1.0] * n}, {"x": "high", "y": "low", "same": "high"},
        keys=[f"F{i:03}" for i in range(n)], grain="firm_y",
        attributes={"market": ["a" if i < 30 else "b" for i in range(n)]}, peers=("market",),
    )  # fmt: skip


def asked(frame: FeatureFrame, key: str) -> pl.DataFrame:
    return frame.frame.filter(pl.col("subject_key") == key)


def slow_nearest(frame: pl.DataFrame, key: str, out: set[str]) -> list[tuple[str, float]]:
    """The definition, one peer at a time."""
    me = frame.filter(pl.col("subject_key") == key).row(0, named=True)
    peers = frame.filter(pl.col("market") == me["market"], ~pl.col("subject_key").is_in(out))
    found = []
    for row in peers.iter_rows(named=True):
        total, shared = 0.0, 0
        for f in ("x", "y"):
            values = peers[f].drop_nulls().to_numpy()
            scale = 1.4826 * float(np.median(np.abs(values - np.median(values))))
            if row[f] is not None:
                total += ((row[f] - me[f]) / scale) ** 2
                shared += 1
        found.append((row["subject_key"], (total / shared) ** 0.5))
    return sorted(found, key=lambda p: (p[1], p[0]))[:10]


def test_the_nearest_ten_equal_the_definition_without_the_group() -> None:
    frame, known = with_owners(two_features()), groups(G=["F010", "F011", "F012"])
    held = fit_reference({"firm_y": frame}).grains["firm_y"]
    found = nearest(asked(frame, "F010"), held, ("x", "y", "same", "never"), known)
    expected = slow_nearest(frame.frame, "F010", {"F010", "F011", "F012"})
    assert found.rows["subject_key"].to_list() == [k for k, _ in expected]
    assert found.rows["distance"].to_list() == pytest.approx([d for _, d in expected])
    assert (found.level, found.candidates, found.enough) == ("market=a", 27, True)
    assert found.features == ("x", "y")
    assert found.version == held.version
    assert set(found.rows.columns) >= {"x", "y", "same", "period_start", "shared"}


def test_equally_near_peers_come_in_the_order_of_their_keys_and_speak_once() -> None:
    keys = [f"k{i:02}" for i in range(40)]
    x = [0.0, *([1.0] * 20), *([2.0] * 19)]
    frame = make_frame({"x": x}, {"x": "high"}, keys=keys, grain="tender")
    later = frame.frame.with_columns(period_start=pl.lit(date(2025, 1, 1)))
    both = dataclasses.replace(frame, frame=pl.concat([frame.frame, later]))
    shuffled = dataclasses.replace(
        both, frame=both.frame.sample(fraction=1.0, shuffle=True, seed=1)
    )
    for table in (both, shuffled):
        held = fit_reference({"tender": table}).grains["tender"]
        found = nearest(asked(frame, "k00"), held, ("x",), groups())
        assert found.rows["subject_key"].to_list() == keys[1:11]
        assert set(found.rows["period_start"]) == {date(2025, 1, 1)}
        assert found.candidates == 39


def test_too_few_peers_are_said_to_be_too_few_and_nothing_known_gives_nobody() -> None:
    frame = two_features(12)
    held = fit_reference({"firm_y": frame}).grains["firm_y"]
    few = nearest(asked(frame, "F003"), held, ("x", "y"), groups())
    assert (few.level, few.candidates, few.enough) == ("all", 11, False)
    assert few.rows.height == 10
    for nobody in (nearest(asked(frame, "F003"), None, ("x",), groups()),
                   nearest(asked(frame, "F003"), held, (), groups())):  # fmt: skip
        assert (nobody.candidates, nobody.rows.height) == (0, 0)


def test_the_reference_without_the_grain_is_cited_as_none() -> None:
    frame = apply_peers(firms(), Reference({}))
    assert frame.reference == "none"
    assert frame.frame["x__pct"].null_count() == N
    assert OWNER not in frame.frame.columns
