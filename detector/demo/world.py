"""The simulated market: one call writes all filings, and apart from them what was planted."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from detector.demo.breaches import make_breaches
from detector.demo.deals import make_deals
from detector.demo.firms import make_firms
from detector.demo.goods import make_goods
from detector.demo.labels import Labels
from detector.demo.markets import make_markets, market_tables
from detector.demo.prices import make_listing_prices
from detector.demo.privacy import make_apps
from detector.demo.procurement import make_procurement
from detector.demo.size import Size
from detector.demo.trading import make_transactions
from detector.demo.vocabulary import word_map
from detector.demo.write import write_table
from features.errors import WardenError

__all__ = ["LOAD_ORDER", "Size", "World", "generate"]

LOAD_ORDER: tuple[str, ...] = (
    "firms",
    "markets",
    "market_positions",
    "tenders",
    "bids",
    "transactions",
    "listing_prices",
    "data_type_map",
    "apps",
    "data_declarations",
    "observed_flows",
    "breach_notifications",
    "merger_notifications",
    "deal_parties",
)
"""Tables in an order in which every reference points to a table loaded before."""


@dataclass(frozen=True, slots=True)
class World:
    """What was written.

    Attributes:
        files: the files of each canonical table.
        labels: CSV of what was planted and what is known to be honest; not a filing.
        counts: rows of each table.
        load_order: tables in the order to ingest them.
    """

    files: dict[str, list[Path]]
    labels: Path
    counts: dict[str, int]
    load_order: tuple[str, ...] = LOAD_ORDER


def generate(
    out: Path,
    seed: int = 20260101,
    size: Size | None = None,
    labels_path: Path | None = None,
) -> World:
    """Simulate two years of a market (2024-11 to 2026-10) and write its filings.

    Args:
        out: folder for the filings; made if absent, files of the same name are replaced.
        seed: the same seed and size give the same files.
        size: ``Size.full()`` unless given.
        labels_path: where the labels go; beside `out`, never inside it.

    Raises:
        WardenError: ``labels_inside_filings`` when the labels would lie among the filings.
    """
    path = labels_path if labels_path is not None else out.with_name(f"{out.name}-labels.csv")
    if path.resolve().is_relative_to(out.resolve()):
        raise WardenError(
            "labels_inside_filings",
            "The labels must not lie in the folder of filings that detection reads.",
            "Give a path outside of it.",
        )
    labels = Labels()
    tables = simulate(seed, size if size is not None else Size.full(), labels)
    files = {name: write_table(out, name, tables[name]) for name in LOAD_ORDER}
    labels.write(path)
    return World(files, path, {name: tables[name].height for name in LOAD_ORDER})


def simulate(seed: int, size: Size, labels: Labels) -> dict[str, pl.DataFrame]:
    """All canonical tables in memory; `labels` is filled with what was planted."""
    firms = make_firms(seed, size)
    goods = make_goods(seed, size, firms)
    markets = make_markets(seed, size, firms)
    register, positions = market_tables(seed, firms, markets, labels)
    tenders, bids = make_procurement(seed, size, firms, labels)
    notices, parties = make_deals(seed, size, firms, markets, labels)
    return {
        "firms": firms.frame,
        "markets": register,
        "market_positions": positions,
        "tenders": tenders,
        "bids": bids,
        "transactions": make_transactions(seed, size, firms, goods, labels),
        "listing_prices": make_listing_prices(seed, size, firms, goods, labels),
        "data_type_map": word_map(),
        **make_apps(seed, size, firms, labels),
        "breach_notifications": make_breaches(seed, size, firms, labels),
        "merger_notifications": notices,
        "deal_parties": parties,
    }
