"""Privacy: kinds of data sent and not declared; breaches told too late."""

from __future__ import annotations

from datetime import date
from functools import partial

import numpy as np
import polars as pl

from benchmarks.detection.schemes.planting import Planted, Random, Scheme, Tables

LIMIT_DAYS = {"EU": 3.0, "US-WA": 30.0}
EARLIER_WA, WA_CHANGED = 45.0, date(2020, 3, 1)
"""Washington shortened its limit (RCW 19.255.010)."""
LONGEST = 2.0
"""A notice of strength 1 comes after the limit and twice the limit more."""


def leaks(tables: Tables, strength: float, rng: Random, *, count: int) -> Planted:
    """Withdraws from `count` apps the declaration of kinds they send: of all at strength 1.

    At least one kind above strength 0; nothing changes at 0.
    """
    declared, flows = tables["data_declarations"], tables["observed_flows"]
    words = tables["data_type_map"].rename({"source_type": "word", "data_type": "kind"})
    stated = _kinds(declared.filter("declared"), words).join(
        _kinds(flows, words), on=["app_id", "kind"], how="semi"
    )
    apps = stated.group_by("app_id").len().filter(pl.col("len") >= 2)["app_id"].sort()
    chosen = apps.gather(np.sort(rng.choice(apps.len(), min(count, apps.len()), replace=False)))
    luck = pl.Series(rng.random(stated.height))
    place = pl.col("luck").rank("ordinal").over("app_id") - 1
    wanted = (pl.len().over("app_id") * strength).ceil()
    dropped = (
        stated.sort("app_id", "kind")
        .with_columns(luck=luck)
        .filter(pl.col("app_id").is_in(chosen.implode()), place < wanted)
        .select("app_id", "kind")
    )
    both = declared.with_row_index("_row").join(
        words, left_on=["taxonomy", "data_type"], right_on=["taxonomy", "word"], how="left"
    )
    gone = both.join(dropped, on=["app_id", "kind"], how="semi")["_row"].unique()
    kept = declared.with_row_index("_row").with_columns(
        declared=pl.col("declared") & ~pl.col("_row").is_in(gone.implode())
    )
    changed = {**tables, "data_declarations": kept.drop("_row")}
    return Planted(changed, tuple(frozenset([app]) for app in chosen))


def _kinds(rows: pl.DataFrame, words: pl.DataFrame) -> pl.DataFrame:
    """Apps and the kinds of data their rows are about."""
    named = rows.with_columns(pl.col("taxonomy").fill_null("traffic")).join(
        words, left_on=["taxonomy", "data_type"], right_on=["taxonomy", "word"], how="inner"
    )
    return named.select("app_id", "kind").unique().sort("app_id", "kind")


def late(tables: Tables, strength: float, rng: Random, *, count: int) -> Planted:
    """Tells of `count` incidents after the limit, by `strength` times twice the limit.

    At strength 0 notice is given in the last tenth of the time.
    """
    rows = tables["breach_notifications"]
    aware, told = (pl.col(c).cast(pl.Datetime("us", "UTC")) for c in ("aware_at", "notified_at"))
    limit = pl.col("jurisdiction").replace_strict(LIMIT_DAYS, default=None, return_dtype=pl.Float64)
    before = (pl.col("jurisdiction") == "US-WA") & (aware.dt.date() < WA_CHANGED)
    limit = pl.when(before).then(EARLIER_WA).otherwise(limit)
    spent = (told - aware).dt.total_seconds() / 86_400
    in_time = rows.filter((spent >= 0) & (spent <= limit))["incident_id"].sort()
    chosen = in_time.gather(
        np.sort(rng.choice(in_time.len(), min(count, in_time.len()), replace=False))
    )
    share = 1.0 + LONGEST * strength if strength else 0.95
    moved = aware + pl.duration(seconds=(limit * share * 86_400).cast(pl.Int64))
    mine = pl.col("incident_id").is_in(chosen.implode())
    changed = rows.with_columns(notified_at=pl.when(mine).then(moved).otherwise(told))
    if "users_notified_at" in rows.columns:
        changed = changed.with_columns(
            users_notified_at=pl.when(~mine).then(pl.col("users_notified_at"))
        )
    cases = tuple(frozenset([incident]) for incident in chosen)
    return Planted({**tables, "breach_notifications": changed}, cases)


def schemes(count: int) -> tuple[Scheme, ...]:
    """Undeclared collection and late notices."""
    return (
        Scheme(
            "undeclared collection",
            ("PRIV-UNDECLARED-COLLECTION",),
            "share of the kinds an app sends and declared whose declaration is withdrawn",
            ("apps", ("app_id",)),
            partial(leaks, count=count),
        ),
        Scheme(
            "late breach notice",
            ("PRIV-BREACH-LATE",),
            "time past the limit, 1 is twice the limit more; at 0 just in time",
            ("breach_notifications", ("incident_id",)),
            partial(late, count=count),
        ),
    )
