"""The network of a firm to two steps: whom it meets, owns, trades with and shares data with.

Found by semi-joins, one step for all firms reached so far. A hub has thousands of links, so each
step keeps only the heaviest: firms are taken in turn by their place in each kind of link, since
weights of different kinds cannot be compared. What was left out is counted.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

import polars as pl

from detector.database import reading
from detector.dossier.alerts import open_alerts_of
from detector.dossier.identity import names_of
from detector.dossier.links import Filed, links_of

if TYPE_CHECKING:
    from detector.dossier.subject import Subject
    from detector.system import System

Row = dict[str, Any]
NODES = 100
"""Firms shown unless another number is asked for."""
LARGEST = 400
FIRST_SHARE = 0.4
"""Part of the room that the first step may fill."""


def network(system: System, subject: Subject, nodes: int = NODES) -> Row:
    """Firms up to two links away, and the links between those shown.

    Args:
        nodes: firms shown, the firm itself not counted; at most `LARGEST`.

    Returns:
        `nodes` (`firm_id`, names, `country`, `step`, `open_alerts`), `edges` (`a`, `b`, `kind`,
        `directed`, `weight`, `unit`, `since`, `until`, `detail`), `found` (firms by step),
        `shown`, `cap`, and `kinds`: links shown by kind.
    """
    cap = max(1, min(nodes, LARGEST))
    steps = dict.fromkeys(sorted(subject.own), 0)
    own = len(steps)
    near = links_of(Filed(system.lake, subject.snapshot, steps))
    first = _ranked(near, set(steps))
    frontier = first.head(max(1, round(cap * FIRST_SHARE)))
    steps |= dict.fromkeys(frontier.sort(), 1)
    far = links_of(Filed(system.lake, subject.snapshot, frontier)) if len(frontier) else near
    beyond = _ranked(far, set(steps))
    second = beyond.filter(~beyond.is_in(first.implode()))
    steps |= dict.fromkeys(second.head(cap + own - len(steps)).sort(), 2)
    # what the second step leaves free goes to the first
    steps |= dict.fromkeys(first[len(frontier) :].head(cap + own - len(steps)).sort(), 1)
    edges = _between(pl.concat([near, far]), steps)
    down = [False, True, False, False]
    ordered = edges.sort("kind", "weight", "a", "b", descending=down, nulls_last=True)
    return {
        "nodes": _nodes(system, subject, steps),
        "edges": ordered.to_dicts(),
        "found": [len(first), len(second)],
        "shown": len(steps) - own,
        "cap": cap,
        "kinds": dict(edges.group_by("kind").len().sort("kind").iter_rows()),
    }


def _between(links: pl.DataFrame, firms: Collection[str]) -> pl.DataFrame:
    """The links between some firms, each once."""
    known = sorted(firms)
    both = links.filter(pl.col("a").is_in(known), pl.col("b").is_in(known))
    return both.unique(maintain_order=True)


def _ranked(links: pl.DataFrame, known: set[str]) -> pl.Series:
    """Firms not known yet, by their best place among the links of any one kind."""
    ends = pl.concat(
        [
            links.select("kind", "unit", "weight", firm="a", other="b"),
            links.select("kind", "unit", "weight", firm="b", other="a"),
        ]
    )
    new = ends.filter(~pl.col("firm").is_in(sorted(known)), pl.col("other").is_in(sorted(known)))
    best = new.group_by("kind", "unit", "firm").agg(pl.col("weight").max())
    place = pl.col("weight").rank("ordinal", descending=True).over("kind", "unit")
    ordered = best.sort("firm").with_columns(_place=place.fill_null(len(best) + 1))
    first = ordered.group_by("firm").agg(pl.col("_place").min(), kinds=pl.len())
    return first.sort("_place", "kinds", "firm", descending=[False, True, False])["firm"]


def _nodes(system: System, subject: Subject, steps: dict[str, int]) -> list[Row]:
    words = names_of(system.lake, subject, steps)
    with reading(system.engine) as connection:
        waiting = open_alerts_of(connection, steps, subject.within)
    empty = {"name": None, "name_zh": None, "country": None}
    return [
        {"firm_id": key}
        | {name: words.get(key, empty)[name] for name in empty}
        | {"step": step, "open_alerts": waiting.get(key, 0)}
        for key, step in steps.items()
    ]
