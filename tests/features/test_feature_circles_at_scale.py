"""A ring among a million orders is found, and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest

from features.compute import compute_features
from features.contracts import conform
from tests.features.filings import CONTEXT


@pytest.mark.slow
def test_a_million_orders_and_the_planted_ring() -> None:
    draw, n = np.random.default_rng(1), 1_000_000
    start = int(datetime(2024, 1, 1, tzinfo=UTC).timestamp())
    seconds = pl.Series(start + draw.integers(0, 360 * 86_400, n))
    people = pl.Series("buyer_hash", draw.integers(10_000, 200_000, n)).cast(pl.String)
    sellers = pl.Series("seller_id", draw.integers(0, 5_000, n)).cast(pl.String)
    frame = pl.DataFrame(
        {
            "tx_id": pl.int_range(n, eager=True).cast(pl.String),
            "ts": (seconds * 1_000_000).cast(pl.Datetime("us", "UTC")),
            "platform_id": pl.Series(draw.integers(0, 40, n)).cast(pl.String),
            "buyer_hash": people,
            "seller_id": sellers,
            "net": draw.uniform(1, 100, n),
        }
    )
    when = datetime(2024, 7, 7, tzinfo=UTC)
    ring = pl.DataFrame(
        [
            {"tx_id": f"r{k}", "ts": when, "platform_id": "7", "buyer_hash": a, "seller_id": b,
             "net": 50.0}
            for k, (a, b) in enumerate([("1", "2"), ("2", "3"), ("3", "1")] * 4)
        ],
        schema=frame.schema,
    )  # fmt: skip
    orders = conform("transactions", pl.concat([frame, ring]))
    done = compute_features({"transactions": orders}, ["TRX-WASH-SCC"], CONTEXT)
    found = done.frames["cluster_m"].frame
    assert found["subject_key"].to_list() == ["1|2|3"]
    assert found["wash_rounds"].item() == 4
    assert found["wash_net_gross"].item() == 0
