"""Filing the world's tables in batches, through the door of ingest, gives the same features."""

from __future__ import annotations

from datetime import UTC, datetime, time
from pathlib import Path

from detector.planning import steadied
from features.compute import Computed, compute_features
from tests.features.world import CONTEXT, world
from tests.ingest.homes import Home, open_home

SAMPLE = ("tenders", "bids", "market_positions", "fees", "breach_notifications", "fund_flows")
LEARNED = datetime.combine(CONTEXT.as_of, time(), tzinfo=UTC)


def _filed(home: Home, folder: Path, parts: int) -> Computed:
    """Features of the sample, each table filed as so many files learned on one day."""
    for name in SAMPLE:
        rows = world()[name].drop("recorded_at").sample(fraction=1.0, shuffle=True, seed=parts)
        for part in range(parts):
            path = folder / f"{name}-{part}.parquet"
            rows.gather_every(parts, part).write_parquet(path)
            balance = home.load_files(name, [path], at=LEARNED)
            assert (balance.quarantined, balance.repeated) == (0, 0)
    lake, found = home.lake, {}
    snapshot = lake.pin()
    for name in SAMPLE:
        found[name] = lake.scan(snapshot, name)
    return compute_features(found, None, CONTEXT)


def test_three_batches_are_as_good_as_one(tmp_path: Path) -> None:
    """Persons are hashed with the key of the home; no feature of the sample shows a hash."""
    once = _filed(open_home(tmp_path / "one"), tmp_path, 1)
    thrice = _filed(open_home(tmp_path / "three"), tmp_path, 3)
    assert set(once.frames) == set(thrice.frames)
    for grain, made in once.frames.items():
        assert steadied(made.frame).equals(steadied(thrice.frames[grain].frame)), grain
    assert sum(made.frame.height for made in once.frames.values()) > 1000
