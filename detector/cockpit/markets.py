"""Markets under watch: how concentrated they are, and what is suspected in them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import polars as pl
import sqlalchemy as sa

from alerts.connections import ReadConnection
from alerts.limits import NONE, Limits
from alerts.model import WAITING
from alerts.tables import alert
from detector.results import Manifest, Results

if TYPE_CHECKING:
    from detector.system import System

Row = dict[str, Any]
MOST = 10
PERIODS = 12
STRUCTURE = "features-market_y-MON-STR-HHI"
KINDS = ("market", "market_firm")
"""Subjects whose key begins with a market."""


def markets(
    system: System, manifest: Manifest, connection: ReadConnection, within: Limits = NONE
) -> list[Row]:
    """The markets with most waiting alerts, then the most concentrated ones.

    Returns:
        Of each `market`, `name`, `hhi` and `hhi_periods` (years told, oldest first), `cr4` in %,
        `alerts`, the most frequent `typology` among them; what is not known is None.
    """
    suspected = _suspected(connection, within)
    frame = Results(system.home).read(manifest, STRUCTURE)
    known = _structure(frame) if frame is not None else {}
    order = sorted(
        {*suspected, *known},
        key=lambda m: (
            -sum(suspected.get(m, Counter()).values()),
            -(known.get(m, {}).get("hhi") or 0),
            m,
        ),
    )[:MOST]
    names = _names(system, order)
    nothing: Row = {"hhi": None, "hhi_periods": [], "cr4": None}
    return [
        {
            "market": market,
            "name": names.get(market),
            **known.get(market, nothing),
            "alerts": sum(suspected.get(market, Counter()).values()),
            "typology": _leading(suspected.get(market)),
        }
        for market in order
    ]


def _leading(found: Counter[str] | None) -> str | None:
    return min(found, key=lambda t: (-found[t], t)) if found else None


def _suspected(connection: ReadConnection, within: Limits) -> Mapping[str, Counter[str]]:
    c = alert.c
    query = (
        sa.select(c.subject_key, c.typology, sa.func.count())
        .where(c.state.in_(WAITING), c.subject_kind.in_(KINDS), *within.conditions())
        .group_by(c.subject_key, c.typology)
    )
    found: dict[str, Counter[str]] = {}
    for key, typology, n in connection.execute(query):
        found.setdefault(str(key).partition("/")[0], Counter())[str(typology)] += int(n)
    return found


def _structure(frame: pl.LazyFrame) -> dict[str, Row]:
    """Concentration of each market, by period; HHI in points, 0 to 10,000."""
    rows = (
        frame.select("subject_key", "period_start", "hhi", "cr4")
        .sort("period_start")
        .group_by("subject_key", maintain_order=True)
        .agg(
            pl.col("hhi").tail(PERIODS),
            pl.col("hhi").last().alias("now"),
            pl.col("cr4").last(),
        )
        .collect()
    )
    return {
        row["subject_key"]: {"hhi": row["now"], "hhi_periods": row["hhi"], "cr4": row["cr4"]}
        for row in rows.iter_rows(named=True)
    }


def _names(system: System, keys: list[str]) -> dict[str, str]:
    """Product and place of markets, as delineated last."""
    lake, snapshot = system.lake, system.lake.pin()
    if "markets" not in snapshot.filled:
        return {}
    name = pl.concat_str("product", "geography", separator=", ", ignore_nulls=True)
    rows = (
        lake.scan(snapshot, "markets")
        .filter(pl.col("market_id").is_in(keys))
        .sort("valid_from", nulls_last=False)
        .group_by("market_id")
        .agg(name.last().alias("name"))
        .collect()
    )
    return {key: told for key, told in rows.iter_rows() if told}
