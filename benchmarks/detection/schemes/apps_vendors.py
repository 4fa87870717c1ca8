"""Vendors of a consent framework that widen what they do from one list to the next."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial

import numpy as np
import polars as pl

from benchmarks.detection.schemes.apps import cases
from benchmarks.detection.schemes.planting import Planted, Random, Scheme, Tables

TABLE, VENDOR = "vendor_declarations", "vendor_id"
PURPOSES, INTERESTS, SPECIAL = "purposes", "legitimate_interests", "special_features"
ALL = tuple(range(1, 11))
PROFILING = (3, 4, 5, 6)
LONGER = 10.0
"""Cookies of strength 1 live ten times as long as before."""
Filed = dict[str, set[int]]


def _some(rng: Random, numbers: set[int], strength: float) -> set[int]:
    """The first of the numbers in a random order: a share, one at least above 0."""
    ordered = rng.permutation(sorted(numbers)).tolist()
    return set(ordered[: int(np.ceil(len(ordered) * strength))])


def grow(lists: Filed, strength: float, rng: Random) -> None:
    """Adds purposes it did not declare, and above half strength precise location or scanning."""
    missing = set(ALL) - lists[PURPOSES] - lists[INTERESTS]
    lists[PURPOSES] |= _some(rng, missing, strength)
    if strength > 0.5:
        lists[SPECIAL] |= {1, 2}


def turn(lists: Filed, strength: float, rng: Random) -> None:
    """Rests purposes on legitimate interest that rested on consent (never storage itself)."""
    turned = _some(rng, lists[PURPOSES] - {1, *PROFILING}, strength)
    lists[PURPOSES] -= turned
    lists[INTERESTS] |= turned


def keep(lists: Filed, strength: float, rng: Random) -> None:
    """Keeps profiling on legitimate interest although the framework ended that."""
    kept = _some(rng, set(PROFILING), strength)
    lists[PURPOSES] -= kept
    lists[INTERESTS] |= kept


def changed(
    tables: Tables,
    strength: float,
    rng: Random,
    *,
    count: int,
    place: int,
    change: Callable[[Filed, float, Random], None] | None,
) -> Planted:
    """Changes what `count` vendors file in the last list; every fourth vendor, from `place`."""
    rows = tables[TABLE]
    days = rows["filed_on"].unique().sort()
    # Two lists at the least; a scheme that keeps what was barred has kept it in all of them.
    since = days[0] if change is keep else days[-1]
    able = rows.filter(
        pl.col("filed_on") == days[-2], pl.col("cookie_max_age_s") > 0,
        pl.col(PURPOSES).str.json_decode(pl.List(pl.Int64)).list.set_difference(
            [1, *PROFILING]).list.len().is_between(2, 4),
    )  # fmt: skip
    names = able[VENDOR].unique().sort()[place::4]
    chosen = names.gather(np.sort(rng.choice(names.len(), min(count, names.len()), replace=False)))
    late = pl.col(VENDOR).is_in(chosen.implode()) & (pl.col("filed_on") >= since)
    marked = rows.with_row_index("_row")
    mine = marked.filter(late).sort(VENDOR, "filed_on")
    if change is None:
        life = pl.col("cookie_max_age_s") * LONGER**strength
        filed = rows.with_columns(cookie_max_age_s=pl.when(late).then(life).otherwise(
            "cookie_max_age_s").cast(rows.schema["cookie_max_age_s"]))  # fmt: skip
        return Planted({**tables, TABLE: filed}, cases(chosen))
    columns = (PURPOSES, INTERESTS, SPECIAL)
    told = []
    seeds = dict(zip(chosen, rng.integers(0, 2**31, chosen.len()).tolist(), strict=True))
    for row in mine.iter_rows(named=True):
        lists = {name: set(json.loads(row[name])) for name in columns}
        if strength:
            change(lists, strength, np.random.default_rng(seeds[row[VENDOR]]))
        told.append({"_row": row["_row"], **{n: json.dumps(sorted(v)) for n, v in lists.items()}})
    new = pl.DataFrame(told, schema_overrides={"_row": pl.UInt32})
    return Planted({**tables, TABLE: marked.update(new, on="_row").drop("_row")}, cases(chosen))


def drift(count: int, *, barred: bool = True) -> tuple[Scheme, ...]:
    """Four ways to widen; the last, where the framework had ended it, only when `barred`."""
    ways: tuple[tuple[str, str, Callable[[Filed, float, Random], None] | None], ...] = (
        ("vendor adds purposes", "share of the undeclared purposes added, one at least above 0; "
         "above 0.5 both special features too", grow),
        ("vendor turns consent into interest",
         "share of its other consent purposes turned, one at least above 0", turn),
        ("vendor's cookie lives longer", "life of the cookie, from its own to ten times", None),
        ("vendor keeps a barred basis",
         "share of the four profiling purposes on legitimate interest after the end", keep),
    )  # fmt: skip
    return tuple(
        Scheme(name, ("PRIV-VENDOR-DRIFT",), said, (TABLE, (VENDOR, "vintage")),
               partial(changed, count=count, place=place, change=change))
        for place, (name, said, change) in enumerate(ways if barred else ways[:3])
    )  # fmt: skip
