"""What is measured, and against whom."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import numpy as np
import polars as pl

from features.vocabulary import RunContext

CONTEXT = RunContext(date(2026, 1, 1))
SEED = 20260101


@dataclass(frozen=True)
class Ready:
    """Both sides of a case over the same data."""

    rows: int
    ours: Callable[[], object]
    peer: Callable[[], object]


@dataclass(frozen=True)
class Case:
    """A named comparison; `prepare` takes the scale."""

    name: str
    peer: str
    prepare: Callable[[float], AbstractContextManager[Ready]]


@contextmanager
def ingest(scale: float) -> Iterator[Ready]:
    """Transactions from CSV to the lake, checked and with persons hashed, against a bare copy."""
    from deltalake import write_deltalake

    from detector.ingest.load import load_files
    from detector.system import open_system

    n = int(200_000 * scale)
    draw = np.random.default_rng(SEED)
    frame = pl.DataFrame(
        {
            "tx_id": np.arange(n).astype(str),
            "ts": pl.datetime_range(
                datetime(2025, 1, 1), datetime(2025, 12, 31), "1s", eager=True
            ).sample(n, with_replacement=True, seed=1),
            "platform_id": draw.integers(0, 40, n).astype(str),
            "buyer_hash": draw.integers(0, n // 5 + 1, n).astype(str),
            "seller_id": draw.integers(0, 5000, n).astype(str),
            "sku_id": draw.integers(0, 9000, n).astype(str),
            "qty": draw.integers(1, 5, n),
            "gross": draw.uniform(1, 500, n).round(2),
        }
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "transactions.csv"
        frame.write_csv(path, datetime_format="%Y-%m-%dT%H:%M:%SZ")
        count = iter(range(1_000_000))

        def ours() -> None:
            system = open_system(Path(folder) / f"home-{next(count)}", create=True)
            load_files(
                home=system.home,
                engine=system.engine,
                table="transactions",
                files=[path],
                mapping=None,
                recorded_at=datetime(2026, 1, 1, tzinfo=UTC),
                progress=None,
            )

        def peer() -> None:
            target = Path(folder) / f"delta-{next(count)}"
            write_deltalake(target, pl.read_csv(path, try_parse_dates=True).to_arrow())

        yield Ready(n, ours, peer)


def tenders(n: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Tenders with about six bids each."""
    draw = np.random.default_rng(SEED)
    sizes = draw.integers(3, 10, n)
    owner = np.repeat(np.arange(n), sizes)
    notices = pl.DataFrame(
        {
            "tender_id": np.arange(n).astype(str),
            "category": draw.integers(0, 20, n).astype(str),
            "awarded_at": pl.Series([datetime(2025, 1, 1, tzinfo=UTC)]).sample(
                n, with_replacement=True
            ),
        }
    )
    cost = np.exp(draw.normal(12, 1, n))
    bids = pl.DataFrame(
        {
            "tender_id": owner.astype(str),
            "bidder_id": draw.integers(0, 4000, owner.size).astype(str),
            "bid_id": np.arange(owner.size).astype(str),
            "amount": cost[owner] * draw.uniform(0.9, 1.4, owner.size),
            "currency": "EUR",
        }
    )
    return notices, bids


SCREENS = """
with b as (select tender_id, amount, row_number() over w as r, lead(amount) over w - amount as gap
           from bids window w as (partition by tender_id order by amount)),
     l as (select tender_id, stddev_samp(amount) as sd_losers from b where r > 1 group by 1)
select b.tender_id, stddev_samp(amount) / avg(amount) as cv,
       (max(amount) - min(amount)) / min(amount) as spread,
       skewness(amount) as skew, kurtosis(amount) as kurt,
       max(case when r = 1 then gap end) / any_value(sd_losers) as rd, avg(gap) as mean_gap
from b join l using (tender_id) group by b.tender_id
"""


@contextmanager
def bid_screens(scale: float) -> Iterator[Ready]:
    """All screens of the distance, variance and shape families against six of them in SQL."""
    from features.compute import compute_features
    from features.contracts import conform

    notices, bids = tenders(int(30_000 * scale))
    tables = {"tenders": conform("tenders", notices), "bids": conform("bids", bids)}
    wanted = ["MON-BID-CV", "MON-BID-DISTANCE", "MON-BID-SHAPE"]
    connection = duckdb.connect()
    connection.register("bids", bids.to_arrow())
    yield Ready(
        bids.height,
        lambda: compute_features(tables, wanted, CONTEXT),
        lambda: connection.sql(SCREENS).to_arrow_table(),
    )


@contextmanager
def shares(scale: float) -> Iterator[Ready]:
    """Concentration of markets with bounds, stability and dominance, against the index in SQL."""
    from features.compute import compute_features
    from features.contracts import conform

    n = int(20_000 * scale)
    draw = np.random.default_rng(SEED)
    frame = pl.DataFrame(
        {
            "market_id": np.repeat(np.arange(n), 8).astype(str),
            "firm_id": np.tile(np.arange(8), n).astype(str),
            "period": "2025",
            "metric": "turnover",
            "value": draw.gamma(1.0, 1.0, n * 8) + 0.01,
        }
    )
    tables = {"market_positions": conform("market_positions", frame)}
    connection = duckdb.connect()
    connection.register("p", frame.to_arrow())
    sql = """select market_id, sum(s * s) * 10000 as hhi from
             (select market_id, value / sum(value) over (partition by market_id) as s from p)
             group by market_id"""
    yield Ready(
        frame.height,
        lambda: compute_features(tables, ["MON-STR-HHI", "MON-DOMINANCE-CN"], CONTEXT),
        lambda: connection.sql(sql).to_arrow_table(),
    )


@contextmanager
def rules(scale: float) -> Iterator[Ready]:
    """Every bidding rule with outcome, reason, margin and facts, against the bare conditions."""
    from features.compute import compute_features
    from features.contracts import conform
    from rules.evaluate import evaluate_rules
    from rules.ruleset import load_library

    notices, bids = tenders(int(30_000 * scale))
    tables = {"tenders": conform("tenders", notices), "bids": conform("bids", bids)}
    wanted = ["MON-BID-CV", "MON-BID-DISTANCE", "MON-BID-SHAPE", "MON-BID-KS"]
    frames = compute_features(tables, wanted, CONTEXT).frames
    library = load_library()
    mine = [r for r in library.rules if r.spec.typology in wanted]
    connection = duckdb.connect()
    connection.register("f", frames["tender"].frame.to_arrow())
    sql = """select subject_key, bid_cv <= 0.06 as a, bid_rd > 1 and bid_cv <= 0.06 as b,
             bid_skew <= -1 and bid_kurt >= 1 as c, bid_ks_uniform >= 0.7 as d, bid_cv <= 0.02 as e,
             bid_rdnor >= 3 as g, bid_diffp >= 0.2 as h, bid_diffp <= 0.01 as i from f"""
    yield Ready(
        frames["tender"].frame.height * len(mine),
        lambda: evaluate_rules(mine, frames, library.parameters),
        lambda: connection.sql(sql).to_arrow_table(),
    )


@contextmanager
def models(scale: float) -> Iterator[Ready]:
    """Peers, signed rank, conformal p and contributions for six typologies, against plain PyOD."""
    from pyod.models.iforest import IForest

    from detector.models.base import specs
    from detector.models.fit import fit_in_memory
    from detector.models.score import score_models
    from features.compute import compute_features
    from features.contracts import conform

    notices, bids = tenders(int(10_000 * scale))
    tables = {"tenders": conform("tenders", notices), "bids": conform("bids", bids)}
    wanted = ("CV", "DISTANCE", "SHAPE", "KS", "IDENTICAL")
    frames = compute_features(tables, [f"MON-BID-{t}" for t in wanted], CONTEXT).frames
    used = {s.id for s in specs() if s.active}
    fitted = fit_in_memory(frames, "benchmark", datetime(2026, 1, 1, tzinfo=UTC), used)
    names = ["bid_cv", "bid_spread", "bid_ks_uniform"]
    matrix = frames["tender"].frame.select(names).fill_null(0.0).to_numpy()

    def peer() -> None:
        IForest(random_state=SEED).fit(matrix).decision_function(matrix)

    yield Ready(matrix.shape[0], lambda: score_models(frames, fitted), peer)


CASES = (
    Case("ingest", "polars.read_csv + write_deltalake", ingest),
    Case("features: bid screens", "DuckDB, six screens", bid_screens),
    Case("features: market structure", "DuckDB, HHI only", shares),
    Case("rules: bidding", "DuckDB, eight conditions", rules),
    Case("models: bidding", "PyOD IForest, fit and score", models),
)
