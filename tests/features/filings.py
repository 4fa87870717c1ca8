"""Small made-up filings and the one way tests read features: through `compute_features`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from math import isfinite
from typing import Any

import polars as pl

from features.compute import Computed, compute_features
from features.contracts import CONTRACTS, conform
from features.vocabulary import Reason, RunContext

AS_OF = date(2026, 11, 23)
CONTEXT = RunContext(AS_OF)
RECORDED = datetime(2026, 1, 15, tzinfo=UTC)
Filing = dict[str, Any]


def table(name: str, rows: Sequence[Filing]) -> pl.LazyFrame:
    """Rows as read from the lake: every column of the contract, learned on one day."""
    filled = [{"recorded_at": RECORDED} | row for row in rows]
    dtypes = CONTRACTS[name].dtypes
    used = {c for row in filled for c in row} | {"recorded_at"}
    text = (pl.Date, pl.Datetime("us", "UTC"))
    schema = {
        c: pl.String
        if dtypes[c] in text and any(isinstance(r.get(c), str) for r in filled)
        else dtypes[c]
        for c in dtypes
        if c in used
    }
    return conform(name, pl.LazyFrame(filled, schema=schema))


def compute(tables: Mapping[str, Sequence[Filing]], *typologies: str) -> Computed:
    """Run the public path over literal rows."""
    lazy = {name: table(name, rows) for name, rows in tables.items()}
    return compute_features(lazy, list(typologies) or None, CONTEXT)


def read(computed: Computed, grain: str, feature: str, subject: str | None = None) -> Any:
    """The value of one feature of the only (or the named) subject."""
    return row(computed, grain, subject)[feature]


def row(computed: Computed, grain: str, subject: str | None = None) -> dict[str, Any]:
    """The only (or the named) subject's row."""
    frame = computed.frames[grain].frame
    if subject is not None:
        frame = frame.filter(pl.col("subject_key") == subject)
    assert frame.height == 1, frame
    return frame.row(0, named=True)


def holds_the_promise(done: Computed) -> None:
    """Every row: unique, sorted, each feature a finite number of its kind or null with a reason."""
    for made in done.frames.values():
        keys = made.frame.select("subject_key", "period_start")
        assert keys.is_unique().all() and keys.null_count().sum_horizontal().item() == 0
        assert (made.frame["period_start"] <= made.frame["period_end"]).all()
        assert keys.equals(keys.sort("subject_key", "period_start"))
        for f in made.features:
            values = made.frame[f.name]
            reasons = made.frame[f"{f.name}__reason"]
            assert values.dtype == (pl.String if f.kind == "class" else pl.Float64), f.name
            assert made.frame[f"{f.name}__n"].dtype == pl.Int64, f.name
            assert made.frame[f"{f.name}__n"].null_count() == 0, f.name
            assert (values.is_null() != reasons.is_null()).all(), f.name
            assert set(reasons.drop_nulls()) <= set(Reason), f.name
            if f.kind != "class":
                assert all(isfinite(v) for v in values.drop_nulls()), f.name
            if f.kind == "bool":
                assert set(values.drop_nulls()) <= {0.0, 1.0}, f.name


def bids(amounts: Sequence[float], tender: str = "T", **more: Any) -> dict[str, list[Filing]]:
    """One tender with these bids, bidders unknown."""
    return {
        "tenders": [{"tender_id": tender, "awarded_at": "2024-03-05"}],
        "bids": [{"tender_id": tender, "amount": float(a), **more} for a in amounts],
    }


def positions(shares: Mapping[str, float], period: str = "2024", market: str = "M") -> list[Filing]:
    """A market's shares (0 to 1) by firm."""
    return [
        {"market_id": market, "firm_id": f, "period": period, "metric": "turnover", "share": s}
        for f, s in shares.items()
    ]


def deal(shares_pct: Sequence[float], merging: Sequence[int]) -> dict[str, list[Filing]]:
    """A market of 2024 and a deal between some of its firms signed in 2025."""
    return {
        "market_positions": positions({f"f{i}": s / 100 for i, s in enumerate(shares_pct)}),
        "merger_notifications": [
            {
                "deal_id": "D",
                "signed_on": date(2025, 3, 1),
                "overlap_market_ids": json.dumps(["M"]),
            }
        ],
        "deal_parties": [{"deal_id": "D", "party_id": f"f{i}"} for i in merging],
    }


def trades(edges: Sequence[Sequence[Any]]) -> dict[str, list[Filing]]:
    """Orders of one month: (buyer, seller[, value])."""
    when = datetime(2024, 1, 3, tzinfo=UTC)
    return {
        "transactions": [
            {
                "tx_id": str(i),
                "ts": when,
                "buyer_hash": edge[0],
                "seller_id": edge[1],
                "net": float(edge[2]) if len(edge) > 2 else 1.0,
            }
            for i, edge in enumerate(edges)
        ]
    }


def prices(*quarters: Sequence[float], seller: str = "s") -> list[Filing]:
    """One seller's prices of one product, a list for each quarter of 2024, one a day."""
    return [
        {
            "sku_id": "k",
            "seller_id": seller,
            "ts": datetime(2024, 1 + 3 * q, 1 + day, tzinfo=UTC),
            "net_price": float(p),
        }
        for q, filed in enumerate(quarters)
        for day, p in enumerate(filed)
    ]


def app(declared: Sequence[str], observed: Sequence[str]) -> dict[str, list[Filing]]:
    """One app, its declaration and its flows, with every word mapped to itself."""
    own = {"app_id": "A", "version": "1"}
    words = {("store", w) for w in declared} | {("traffic", w) for w in observed}
    return {
        "apps": [{**own, "released_at": "2024-05-20"}],
        "data_declarations": [{**own, "taxonomy": "store", "data_type": w} for w in declared],
        "observed_flows": [{**own, "data_type": w, "session": "s1"} for w in observed],
        "data_type_map": [
            {"taxonomy": t, "source_type": w, "data_type": w} for t, w in sorted(words)
        ],
    }


def incident(**filed: Any) -> dict[str, list[Filing]]:
    """One breach notification."""
    return {"breach_notifications": [{"incident_id": "I", **filed}]}
