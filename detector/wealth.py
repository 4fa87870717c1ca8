"""The long-run budget of false alarms: an online ledger over all blocks ever judged.

One run's q-values keep the share of false findings of that run. Runs go on for ever, though, and a
rate kept in each of many small runs is not kept over all of them. So each block judged together
(`detector.false_alarms.GROUP`) also gets a level of its own from one budget per lane and family of
typologies, by BatchBH (Zrnic, Jiang, Ramdas and Jordan 2020): discoveries earn, tests spend, and

    sum over blocks s of  level_s * R_s+ / (R_s+ + discoveries of all other blocks)

never exceeds the rate, where R_s is what Benjamini-Hochberg finds among the block's entities at
its level, and R_s+ what it would find were one p-value zero.

The budget decides nothing: what fires must follow from filings, rules and models alone, so that a
replay gives it again. An alert says whether it lies inside. A block is booked once, by the run that
first publishes it; judged again it keeps its level and spends nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl
import sqlalchemy as sa

from alerts.connections import WriteConnection
from alerts.store import lock_merging
from detector.false_alarms import FAMILIES, GROUP
from detector.inference import Floats
from detector.tables import wealth_batch
from features.vocabulary import TYPOLOGIES, Lane

if TYPE_CHECKING:
    from alerts.model import Signal

SHAPE = 1.6
"""Block t is granted a share of the rate proportional to 1 / t^1.6 (as in the `onlineFDR` package):
slow enough that late blocks still have a chance, and summable."""
EVERYWHERE = "all"
"""Jurisdiction of streams: what is judged together is not cut by jurisdiction."""
ALERTED = frozenset(
    (t.family, grain) for t in TYPOLOGIES.values() if not t.context_only for grain in t.alerts_on
)
"""Families and grains an alert may be about; blocks of others spend nothing."""


@dataclass(frozen=True, slots=True)
class Batch:
    """One booked block.

    Attributes:
        granted: the block's share of the rate.
        level: the level Benjamini-Hochberg may use in the block.
        tests: entities tested.
        found: discoveries at the level.
        most: discoveries if one p-value were zero.
    """

    granted: float
    level: float
    tests: int
    found: int
    most: int


class Block(NamedTuple):
    """What is judged together: family of typologies, grain, start of the period."""

    family: str
    grain: str
    period_start: date

    @property
    def stream(self) -> str:
        """Whose budget it spends."""
        return f"{Lane.SCREEN.value}|{self.family}|{EVERYWHERE}"

    @property
    def name(self) -> str:
        """Its name in the stream."""
        return f"{self.grain}|{self.period_start.isoformat()}"


@lru_cache(maxsize=4096)
def share(place: int) -> float:
    """The share of the rate granted to the block at a place (1 is the first); they sum to 1."""
    from scipy.special import zeta

    return float(place**-SHAPE / zeta(SHAPE))


def spent(past: Sequence[Batch]) -> float:
    """What the booked blocks have used of the rate."""
    found = sum(batch.found for batch in past)
    return sum(
        batch.level * batch.most / (batch.most + found - batch.found) if batch.most else 0.0
        for batch in past
    )


def wealth(past: Sequence[Batch]) -> float:
    """What is left of all that was granted; never below zero."""
    return max(0.0, sum(batch.granted for batch in past) - spent(past))


def booked(past: Sequence[Batch], p: Floats, rate: float) -> Batch:
    """The next block of a stream.

    No block gets a level above the rate, however much was earned: it may grow with late filings.

    Args:
        past: the blocks before, in order.
        p: one p-value an entity, not empty.
        rate: false discovery rate to be kept over all blocks.
    """
    granted = rate * share(len(past) + 1)
    left = max(0.0, sum(batch.granted for batch in past) + granted - spent(past))
    found = sum(batch.found for batch in past)
    level = min(rate, left * (p.size + found) / p.size)
    return Batch(granted, level, p.size, findings(p, level), most_findings(p, level))


def findings(p: Floats, level: float) -> int:
    """Discoveries of Benjamini-Hochberg at a level."""
    return _last(np.sort(p), level)


def most_findings(p: Floats, level: float) -> int:
    """The largest number of discoveries were one of the p-values zero: the largest of them is."""
    return _last(np.concatenate([[0.0], np.sort(p)[:-1]]), level)


def _last(ordered: Floats, level: float) -> int:
    steps = level * np.arange(1, ordered.size + 1) / ordered.size
    hits = np.flatnonzero(ordered <= steps)
    return int(hits[-1]) + 1 if hits.size else 0


def book(
    connection: WriteConnection, tests: pl.DataFrame, rate: float, run_id: str, now: datetime
) -> dict[Block, float]:
    """The level of every block, in the caller's transaction; books those that are new.

    Args:
        tests: columns of `GROUP` and `p`: one p-value for each entity of whole blocks.
    """
    lock_merging(connection)
    order = ["family", "period_start", "grain"]
    blocks = {
        Block(*key): part["p"].to_numpy()
        for key, part in tests.sort(*order, "p").group_by(GROUP, maintain_order=True)
        if key[:2] in ALERTED
    }
    found: dict[Block, float] = {}
    for stream in sorted({block.stream for block in blocks}):
        known = _stream(connection, stream)
        fresh = []
        for block in (b for b in blocks if b.stream == stream):
            if block.name not in known:
                known[block.name] = booked(list(known.values()), blocks[block], rate)
                fresh.append(_row(block, len(known), known[block.name], run_id, now))
            found[block] = known[block.name].level
        if fresh:
            connection.execute(sa.insert(wealth_batch), fresh)
    return found


def _stream(connection: WriteConnection, stream: str) -> dict[str, Batch]:
    columns = wealth_batch.c
    query = sa.select(wealth_batch).where(columns.stream == stream).order_by(columns.place)
    return {
        row["batch"]: Batch(row["granted"], row["level"], row["tests"], row["found"], row["most"])
        for row in connection.execute(query).mappings()
    }


def _row(block: Block, place: int, batch: Batch, run_id: str, now: datetime) -> dict[str, object]:
    return {
        "stream": block.stream,
        "batch": block.name,
        "place": place,
        "granted": batch.granted,
        "level": batch.level,
        "tests": batch.tests,
        "found": batch.found,
        "most": batch.most,
        "run_id": run_id,
        "at": now,
    }


def told(signals: Iterable[Signal], levels: dict[Block, float]) -> list[Signal]:
    """The signals, each saying whether its q-value lies inside the long-run budget."""
    found = []
    for signal in signals:
        budget = None
        if signal.budget is not None and signal.q_value is not None:
            family = FAMILIES.get(signal.typology, signal.typology)
            block = Block(family, str(signal.budget["grain"]), signal.period_start)
            level = levels.get(block)
            if level is not None:
                inside = signal.q_value <= level
                budget = {"grain": block.grain, "level": level, "inside": inside}
        found.append(replace(signal, budget=budget))
    return found


def counted(signals: Iterable[Signal]) -> dict[str, int]:
    """How many signals lie inside and outside of the budget; without a q-value they are neither."""
    inside = [bool(s.budget["inside"]) for s in signals if s.budget is not None]
    return {"inside": sum(inside), "outside": len(inside) - sum(inside)}
