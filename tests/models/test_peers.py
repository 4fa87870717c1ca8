"""Frozen peers: exact against a slow definition, batch-invariant, honest about small strata."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from detector.peers import MIN_PEERS, STRATUM_CAP, apply_peers, fit_reference, stable_hash
from features.compute import FeatureFrame

FrameOf = Callable[..., FeatureFrame]


def random_frame(frame_of: FrameOf, seed: int, n: int = 300, ties: bool = True) -> FeatureFrame:
    rng = np.random.default_rng(seed)
    x = np.round(rng.normal(size=n), 1 if ties else 9)
    x[rng.random(n) < 0.1] = np.nan
    return frame_of(
        {"x": x},
        {"x": "high"},
        attributes={
            "category": rng.choice(["a", "b", "c", "d"], n, p=[0.6, 0.27, 0.1, 0.03]).tolist(),
            "band": rng.choice(["1", "2"], n).tolist(),
        },
        peers=("category", "band"),
    )


def slow_standing(frame: pl.DataFrame, reference: pl.DataFrame, key: str) -> dict[str, object]:
    """The definition, one subject at a time."""
    row = frame.filter(pl.col("subject_key") == key).row(0, named=True)
    for columns in (("category", "band"), ("category",), ()):
        peers = reference.filter(pl.col("subject_key") != key, pl.col("x").is_not_null())
        for c in columns:
            peers = peers.filter(pl.col(c) == row[c])
        if peers.height >= MIN_PEERS:
            break
    values, x = peers["x"].to_numpy(), row["x"]
    median = float(np.median(values))
    scale = 1.4826 * float(np.median(np.abs(values - median)))
    return {
        "pct": float(np.mean(values < x) + np.mean(values == x) / 2),
        "median": median,
        "z": (x - median) / scale,
        "peers": len(values),
        "level": "; ".join(f"{c}={row[c]}" for c in columns) or "all",
    }


@pytest.mark.parametrize("new_subjects", [False, True])
def test_figures_equal_the_definition(frame_of: FrameOf, new_subjects: bool) -> None:
    held = random_frame(frame_of, 1)
    judged = random_frame(frame_of, 2)
    if new_subjects:
        other = judged.frame.with_columns(pl.lit("n-") + pl.col("subject_key"))
        judged = dataclasses.replace(judged, frame=other)
    out = apply_peers(judged, fit_reference({"tender": held})).frame
    levels = set()
    for row in out.filter(pl.col("x").is_not_null()).iter_rows(named=True):
        expected = slow_standing(judged.frame, held.frame, row["subject_key"])
        for what, value in expected.items():
            assert row[f"x__{what}"] == pytest.approx(value), (row["subject_key"], what)
        levels.add(str(row["x__level"]).count("="))
    assert levels == {0, 1, 2}


def slow_drawn(frame: pl.DataFrame, reference: pl.DataFrame, key: str) -> float:
    """The definition: the first level with enough peers, and the next one that has more."""
    row = frame.filter(pl.col("subject_key") == key).row(0, named=True)
    found: list[tuple[int, float]] = []
    for columns in (("category", "band"), ("category",), ()):
        peers = reference.filter(pl.col("subject_key") != key, pl.col("x").is_not_null())
        for c in columns:
            peers = peers.filter(pl.col(c) == row[c])
        values = peers["x"].to_numpy()
        share = float(np.mean(values < row["x"]) + np.mean(values == row["x"]) / 2)
        if len(values) >= MIN_PEERS and (not found or len(values) > found[0][0]):
            found.append((len(values), share))
    (n, own), parent = found[0], found[1][1] if len(found) > 1 else found[0][1]
    return (n * own + MIN_PEERS * parent) / (n + MIN_PEERS)


def test_few_peers_draw_a_standing_towards_the_wider_stratum(frame_of: FrameOf) -> None:
    held, judged = random_frame(frame_of, 1), random_frame(frame_of, 2)
    reference = fit_reference({"tender": held})
    out = apply_peers(judged, reference, drawn=("x",)).frame
    assert out.drop("x__drawn").equals(apply_peers(judged, reference).frame)
    known = out.filter(pl.col("x").is_not_null())
    for row in known.iter_rows(named=True):
        expected = slow_drawn(judged.frame, held.frame, row["subject_key"])
        assert row["x__drawn"] == pytest.approx(expected), row["subject_key"]
    moved = (known["x__drawn"] - known["x__pct"]).abs()
    assert moved.filter(known["x__level"] == "all").max() == 0
    assert moved.filter(known["x__peers"] < 60).max() > 0.02  # type: ignore[operator]
    alone = dataclasses.replace(judged, frame=judged.frame[7:8])
    assert apply_peers(alone, reference, drawn=("x",)).frame.equals(out[7:8])


def test_every_row_of_a_subject_is_left_out_of_its_peers(frame_of: FrameOf) -> None:
    n = 60
    held = frame_of(
        {"x": [100.0] * 5 + [float(i) for i in range(n)]},
        {"x": "high"},
        keys=["repeat"] * 5 + [f"k{i}" for i in range(n)],
    )
    judged = frame_of({"x": [100.0]}, {"x": "high"}, keys=["repeat"])
    row = apply_peers(judged, fit_reference({"tender": held})).frame.row(0, named=True)
    assert row["x__pct"] == 1.0
    assert row["x__peers"] == n
    assert row["x__median"] == pytest.approx(29.5)


def test_a_row_alone_and_in_a_shuffled_batch_get_the_same_figures(frame_of: FrameOf) -> None:
    reference = fit_reference({"tender": random_frame(frame_of, 3)})
    batch = random_frame(frame_of, 4)
    together = apply_peers(batch, reference).frame
    shuffled = dataclasses.replace(
        batch, frame=batch.frame.sample(fraction=1.0, shuffle=True, seed=5)
    )
    assert apply_peers(shuffled, reference).frame.sort("subject_key").equals(together)
    for i in (0, 17, 123):
        alone = dataclasses.replace(batch, frame=batch.frame[i : i + 1])
        assert apply_peers(alone, reference).frame.equals(together[i : i + 1])


def test_constant_peers_have_no_z_but_a_percentile(frame_of: FrameOf) -> None:
    held = frame_of({"x": [3.0] * 50}, {"x": "high"})
    judged = frame_of({"x": [3.0, 9.0, 1.0]}, {"x": "high"}, keys=["new1", "new2", "new3"])
    out = apply_peers(judged, fit_reference({"tender": held})).frame
    assert out["x__z"].to_list() == [None, None, None]
    assert out["x__pct"].to_list() == [0.5, 1.0, 0.0]


def test_where_the_middle_half_is_constant_the_interquartile_range_scales(
    frame_of: FrameOf,
) -> None:
    held = frame_of({"x": [0.0] * 60 + [1.0] * 40}, {"x": "high"})
    judged = frame_of({"x": [2.0]}, {"x": "high"}, keys=["new"])
    out = apply_peers(judged, fit_reference({"tender": held})).frame
    assert out["x__z"].to_list() == pytest.approx([2.0 * 1.349])


def test_too_few_peers_give_null_and_their_number(frame_of: FrameOf) -> None:
    held = frame_of({"x": [float(i) for i in range(MIN_PEERS)]}, {"x": "high"})
    reference = fit_reference({"tender": held})
    inside = apply_peers(held, reference).frame
    assert inside["x__pct"].null_count() == MIN_PEERS
    assert set(inside["x__peers"]) == {MIN_PEERS - 1}
    outside = apply_peers(frame_of({"x": [5.0]}, {"x": "high"}, keys=["new"]), reference).frame
    assert outside["x__pct"].to_list() == pytest.approx([5.5 / MIN_PEERS])


def test_unknown_strata_grains_and_features_are_not_an_error(frame_of: FrameOf) -> None:
    reference = fit_reference({"tender": random_frame(frame_of, 3)})
    strange = frame_of(
        {"x": [1.0, None], "y": [1.0, 2.0]},
        {"x": "high", "y": "low"},
        attributes={"category": ["never seen", "a"], "band": ["1", "1"]},
        peers=("category", "band"),
    )
    out = apply_peers(strange, reference).frame
    assert out["x__level"].to_list() == ["all", None]
    assert out["y__pct"].to_list() == [None, None]
    other = frame_of({"x": [1.0]}, {"x": "high"}, grain="market_y")
    assert apply_peers(other, reference).frame["x__pct"].to_list() == [None]
    empty = dataclasses.replace(strange, frame=strange.frame.clear())
    assert apply_peers(empty, reference).frame.height == 0


def test_big_strata_are_sampled_by_key_and_the_same_every_time(frame_of: FrameOf) -> None:
    n = STRATUM_CAP + 5_000
    rng = np.random.default_rng(0)
    x = rng.normal(size=n)
    held = frame_of({"x": x}, {"x": "high"})
    reference = fit_reference({"tender": held})
    assert reference.grains["tender"].rows.height == STRATUM_CAP
    again = dataclasses.replace(held, frame=held.frame.sample(fraction=1.0, shuffle=True, seed=1))
    assert fit_reference({"tender": again}).digest == reference.digest
    probe = frame_of({"x": [0.0]}, {"x": "high"}, keys=["new"])
    assert apply_peers(probe, reference).frame["x__pct"].item() == pytest.approx(0.5, abs=0.02)


def test_subjects_of_many_periods_keep_an_even_share_of_them(
    frame_of: FrameOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Leaving a subject out takes a pair for every two of its periods: days of shops make many."""
    n = 600
    days = [date(2026, 1, 1) + timedelta(i % 200) for i in range(n)]
    x = np.random.default_rng(0).normal(size=n)
    held = frame_of({"x": x}, {"x": "high"}, keys=[f"s-{i // 200}" for i in range(n)])
    moved = held.frame.with_columns(period_start=pl.Series(days), period_end=pl.Series(days))
    held = dataclasses.replace(held, frame=moved)
    monkeypatch.setattr("detector.peers.OWN_PAIRS", 3 * 200 * 200)
    assert fit_reference({"tender": held}).grains["tender"].rows.height == n
    monkeypatch.setattr("detector.peers.OWN_PAIRS", 3 * 200 * 200 - 1)
    thin = fit_reference({"tender": held})
    assert thin.grains["tender"].rows.height == 3 * 199
    monkeypatch.setattr("detector.peers.OWN_PAIRS", n * 50)
    thin = fit_reference({"tender": held})
    kept = thin.grains["tender"].rows
    assert dict(kept.group_by("subject_key").len().iter_rows()) == {f"s-{i}": 50 for i in range(3)}
    shuffled = held.frame.sample(fraction=1.0, shuffle=True, seed=1)
    again = dataclasses.replace(held, frame=shuffled)
    assert fit_reference({"tender": again}).digest == thin.digest
    judged = apply_peers(held, thin).frame
    assert judged["x__peers"].to_list() == [100] * n
    others = kept.filter(pl.col("subject_key") != "s-0")["x"].to_numpy()
    assert judged["x__median"][0] == pytest.approx(np.median(others))


def test_the_digest_names_the_content(frame_of: FrameOf) -> None:
    one = fit_reference({"tender": random_frame(frame_of, 1)})
    assert one.digest == fit_reference({"tender": random_frame(frame_of, 1)}).digest
    assert one.digest != fit_reference({"tender": random_frame(frame_of, 2)}).digest


def test_the_stable_hash_is_pinned() -> None:
    """Folds and samples must not move between versions; these values may never change."""
    assert stable_hash(pl.Series(["a", "b", "a"])).tolist() == [
        4681665781835383343,
        9543904841865449333,
        4681665781835383343,
    ]
