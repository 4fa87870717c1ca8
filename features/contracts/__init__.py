"""Canonical tables, one file a family: columns, types, units, keys, checks. No I/O."""

from __future__ import annotations

from difflib import get_close_matches

import polars as pl

from features.contracts import (
    conduct,
    consent,
    deals,
    filings,
    governance,
    payments,
    platforms,
    privacy,
    procurement,
    structure,
    trade,
)
from features.contracts.table import (
    INSTANT,
    RECORDED_AT,
    Caution,
    Column,
    RowCheck,
    TableContract,
    fit,
)
from features.errors import WardenError

__all__ = [
    "CONTRACTS",
    "INSTANT",
    "RECORDED_AT",
    "Caution",
    "Column",
    "RowCheck",
    "TableContract",
    "conform",
    "contract",
]

CONTRACTS: dict[str, TableContract] = {
    t.name: t
    for t in (
        structure.FIRMS,
        structure.FIRM_YEARS,
        structure.OWNERSHIP,
        structure.OFFICERS,
        structure.MARKETS,
        structure.MARKET_POSITIONS,
        procurement.TENDERS,
        procurement.BIDS,
        procurement.SUBCONTRACTS,
        procurement.LIMITS,
        trade.TRANSACTIONS,
        trade.LISTING_PRICES,
        privacy.APPS,
        privacy.DATA_DECLARATIONS,
        privacy.OBSERVED_FLOWS,
        privacy.DATA_TYPE_MAP,
        privacy.BREACH_NOTIFICATIONS,
        deals.MERGER_NOTIFICATIONS,
        deals.DEAL_PARTIES,
        *conduct.TABLES,
        *platforms.TABLES,
        *payments.TABLES,
        *consent.TABLES,
        *governance.TABLES,
        *filings.TABLES,
    )
}
"""Every canonical table by name."""


def contract(name: str) -> TableContract:
    """The contract of a table.

    Raises:
        WardenError: ``unknown_table``, with the nearest names.
    """
    found = CONTRACTS.get(name)
    if found is None:
        near = get_close_matches(name, CONTRACTS, n=1)
        guess = f"Did you mean `{near[0]}`? " if near else ""
        raise WardenError(
            "unknown_table",
            f"There is no table `{name}`.",
            f"{guess}`warden tables list` names all {len(CONTRACTS)}.",
            kind="not_found",
        )
    return found


def conform(table: str, frame: pl.LazyFrame | pl.DataFrame) -> pl.LazyFrame:
    """Makes a frame a frame as read from the lake: every contract column and `recorded_at`.

    Missing columns are null or their default, types are the contract's, others are dropped.
    """
    return fit(contract(table), frame)
