"""Updates of apps: powers nobody told of, kits without number."""

from __future__ import annotations

import json
from functools import partial

import numpy as np
import polars as pl

from benchmarks.detection.schemes.apps import APP, VERSION, cases, drawn
from benchmarks.detection.schemes.planting import Planted, Random, Scheme, Tables

TAKEN = ("contacts", "fine_location")
"""The catalogue's example: what an update takes."""
MANY = 40
"""The catalogue's example of sprawl."""
CATEGORIES = ("ads", "analytics", "login", "payment", "crash", "push", "maps", "ui")


def listing(chosen: np.ndarray) -> str:
    """Numbers from 1 of what is chosen, as the JSON text a list is filed as."""
    return json.dumps([int(n) + 1 for n in np.flatnonzero(chosen)])


def kits(rng: Random, apps: pl.DataFrame, count: np.ndarray) -> pl.DataFrame:
    """So many kits for each version, all active and declared."""
    rows = apps.select(APP, VERSION, pl.int_ranges(pl.Series(count)).alias("_n")).explode("_n")
    number = pl.Series(rng.integers(0, 10_000, rows.height))
    return (
        rows.with_columns(
            sdk_id=pl.format("kit-{}-{}", "_n", number),
            category=pl.Series(rng.choice(CATEGORIES, rows.height)),
            declared=pl.lit(value=True),
            active=pl.lit(value=True),
        )
        .drop("_n")
    )  # fmt: skip


def powers(tables: Tables, strength: float, rng: Random, *, count: int) -> Planted:
    """Lets the last update take contacts and precise location and tell of neither; one to 0.5."""
    scans = tables["permission_scans"]
    chosen = drawn(scans[APP], count, rng)
    last = scans.select(pl.col(VERSION).max()).item()
    taken = TAKEN[: int(np.ceil(len(TAKEN) * strength))]
    added = pl.DataFrame(
        [(app, last, power, "dangerous", False, True, "14") for app in chosen for power in taken],
        schema=scans.schema, orient="row",
    )  # fmt: skip
    return Planted({**tables, "permission_scans": pl.concat([scans, added])}, cases(chosen))


def sprawl(tables: Tables, strength: float, rng: Random, *, count: int) -> Planted:
    """Adds kits to some apps, from their own number to forty."""
    held = tables["sdk_inventory"]
    chosen = drawn(held[APP], count, rng)
    mine = tables["apps"].filter(pl.col(APP).is_in(chosen.implode())).sort(APP)
    own = mine.join(held.group_by(APP).len(), on=APP, maintain_order="left")["len"].to_numpy()
    wanted = np.round(np.exp((1 - strength) * np.log(own) + strength * np.log(MANY)))
    more = kits(rng, mine, np.maximum(wanted - own, 0).astype(np.int64))
    more = more.with_columns(sdk_id="more-" + pl.col("sdk_id"))
    return Planted({**tables, "sdk_inventory": pl.concat([held, more])}, cases(chosen))


def updates(count: int) -> tuple[Scheme, ...]:
    """New powers."""
    return (
        Scheme("powers nobody was told of", ("PRIV-PERMISSION-CREEP",),
               "dangerous permissions an update takes untold: one up to 0.5, two above",
               ("apps", (APP, VERSION)), partial(powers, count=count)),
    )  # fmt: skip


def fanout(count: int) -> tuple[Scheme, ...]:
    """Sprawl of kits."""
    return (
        Scheme("sprawl of kits", ("PRIV-SDK-FANOUT",),
               "active kits, from the app's own number to 40", ("apps", (APP, VERSION)),
               partial(sprawl, count=count)),
    )  # fmt: skip
