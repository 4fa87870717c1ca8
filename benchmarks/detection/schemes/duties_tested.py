"""What outsiders test or feel: releases that identify, opt-outs without effect, complaints."""

from __future__ import annotations

import json
from datetime import date, timedelta
from functools import partial

import numpy as np
import polars as pl

from benchmarks.detection.schemes.duties import alone, picked
from benchmarks.detection.schemes.planting import Planted, Random, Scheme, Tables

TEST = ["platform_id", "test_id"]
TIMES = 3.0
"""Complaints of a full surge by the usual number."""
SURGE = 4
"""Weeks a surge lasts."""
LAST_MONDAY = date(2026, 10, 19)


def finer(tables: Tables, strength: float, rng: Random, *, count: int) -> Planted:
    """Releases records of `count` data sets with year of birth and district, not band and region.

    Of data sets that suppress classes below 20.
    """
    rows = tables["released_datasets"]
    careful = rows.filter(pl.col("records").min().over("dataset_id") >= 20)
    chosen = picked(careful["dataset_id"], count, rng)
    parts = [rows.filter(~pl.col("dataset_id").is_in(chosen))]
    for name in chosen:
        mine = rows.filter(pl.col("dataset_id") == name)
        moved = (mine["records"] * strength).round().cast(pl.Int64)
        kept = mine.with_columns(records=pl.col("records") - moved).filter(pl.col("records") > 0)
        if moved.sum():
            told = pl.Series("quasi", _told(mine["quasi"].to_list(), moved.to_list(), rng))
            exact = told.value_counts(sort=False, name="records").sort("quasi")
            kept = pl.concat([kept, exact.select(
                pl.lit(0, pl.Int64).alias("record_no"), "quasi", pl.col("records").cast(pl.Int64),
                *(pl.lit(mine[c][0]).alias(c) for c in mine.columns[3:]),
            )])  # fmt: skip
        parts.append(kept.with_columns(record_no=pl.int_range(1, pl.len() + 1)))
    return Planted({**tables, "released_datasets": pl.concat(parts)}, alone(chosen))


def _told(cells: list[str], counts: list[int], rng: Random) -> list[str]:
    """So many records of each class, with the year and the district of each."""
    found = []
    for cell, number in zip(cells, counts, strict=True):
        known = json.loads(cell)
        first = int(known["age"].split("-")[0])
        for age, part in rng.integers((0, 0), (10, 30), (number, 2)):
            exact = {**known, "age": str(first + age), "region": f"{known['region']}-{part}"}
            found.append(json.dumps(exact))
    return found


def _sessions(tables: Tables, count: int, rng: Random, half: int) -> list[str]:
    """Platforms on which personalisation is plain, of every second one by name."""
    rows = tables["adm_tests"]
    share = pl.col("exposures") / pl.col("exposures").sum().over(*TEST, "arm")
    wide = rows.with_columns(share=share).pivot("arm", index=[*TEST, "item"], values="share")
    apart = wide.group_by("platform_id").agg(
        tv=(pl.col("personalised") - pl.col("neutral")).abs().sum() / pl.col("test_id").n_unique()
    )
    plain = apart.filter(pl.col("tv") / 2 >= 0.15)["platform_id"].sort()
    return picked(plain.gather_every(2, half), count, rng)


def idle(tables: Tables, strength: float, rng: Random, *, count: int) -> Planted:
    """Shows after opting out what would be shown personalised, to a share of the profiles."""
    rows = tables["adm_tests"]
    chosen = _sessions(tables, count, rng, 0)
    mine = rows.filter(pl.col("platform_id").is_in(chosen))
    shown = mine.filter(pl.col("arm") == "personalised").select(
        *TEST, "item", like=pl.col("exposures") / pl.col("exposures").sum().over(TEST)
    )
    total = pl.col("exposures").sum().over(TEST)
    same = mine.filter(pl.col("arm") == "optout").join(shown, on=[*TEST, "item"]).with_columns(
        exposures=((1 - strength) * pl.col("exposures") + strength * pl.col("like") * total)
        .round().cast(pl.Int64)
    )  # fmt: skip
    before = rows.join(same, on=[*TEST, "item", "arm"], how="anti")
    return Planted(
        {**tables, "adm_tests": pl.concat([before, same.select(rows.columns)])}, alone(chosen)
    )


def no_way(tables: Tables, strength: float, rng: Random, *, count: int) -> Planted:
    """Leaves a share of a platform's tests without any way to opt out: one at least above 0."""
    rows = tables["adm_tests"]
    chosen = _sessions(tables, count, rng, 1)
    order = pl.col("tested_on").rank("dense", descending=True).over("platform_id") - 1
    last = (pl.col("test_id").n_unique().over("platform_id") * strength).ceil()
    barred = pl.col("platform_id").is_in(chosen) & (order < last)
    marked = rows.with_columns(barred=barred).filter(~(barred & (pl.col("arm") == "optout")))
    changed = marked.with_columns(optout_available=~pl.col("barred")).drop("barred")
    return Planted({**tables, "adm_tests": changed}, alone(chosen))


def surge(tables: Tables, strength: float, rng: Random, *, count: int) -> Planted:
    """Adds complaints to the last four whole weeks of `count` operators' privacy topic."""
    rows = tables["complaints"]
    privacy = rows.filter(pl.col("topic") == "privacy")
    chosen = picked(privacy["operator_id"], count, rng)
    begin = LAST_MONDAY - timedelta(weeks=SURGE - 1)
    # Texts of a campaign are one complaint to whoever reads them.
    told = privacy.filter(pl.col("received_on") < begin).unique(["operator_id", "text_simhash"])
    weeks = (begin - date(2025, 6, 23)).days / 7
    parts = [rows]
    for operator in chosen:
        usual = told.filter(pl.col("operator_id") == operator).height / weeks
        number = rng.poisson(strength * (TIMES - 1) * usual, SURGE)
        day = np.repeat(7 * np.arange(SURGE), number) + rng.integers(0, 7, number.sum())
        made = pl.DataFrame({"offset": day}).with_row_index("k").select(
            complaint_id=pl.format("more-{}-{}", pl.lit(operator), "k"),
            operator_id=pl.lit(operator),
            topic=pl.lit("privacy"),
            received_on=(pl.lit(begin) + pl.duration(days=pl.col("offset"))).cast(pl.Date),
            text_simhash=pl.format("more-{}-{}", pl.lit(operator), "k"),
        )  # fmt: skip
        parts.append(made.select(rows.columns))
    return Planted({**tables, "complaints": pl.concat(parts)}, alone(chosen))


def release_schemes(count: int) -> tuple[Scheme, ...]:
    """Records that can be told apart."""
    return (
        Scheme(
            "release in fine detail", ("PRIV-REID",),
            "share of a data set's records released with year and district, not band and region",
            ("released_datasets", ("dataset_id",)), partial(finer, count=count),
        ),
    )  # fmt: skip


def optout_schemes(count: int) -> tuple[Scheme, ...]:
    """Opting out that does nothing, or cannot be done."""
    platforms, typology = ("adm_tests", ("platform_id",)), ("PRIV-ADM-OPTOUT",)
    return (
        Scheme(
            "opting out without effect", typology,
            "share of what is shown after opting out that is shown as if personalised",
            platforms, partial(idle, count=count),
        ),
        Scheme(
            "no way to opt out", typology,
            "share of a platform's monthly tests that found no way, one at least above 0",
            platforms, partial(no_way, count=count),
        ),
    )  # fmt: skip


def complaint_schemes(count: int) -> tuple[Scheme, ...]:
    """Complaints that rise."""
    return (
        Scheme(
            "surge of complaints", ("PRIV-COMPLAINT-SPIKE",),
            "complaints of the last four weeks, from the usual number to three times as many",
            ("complaints", ("operator_id", "topic")), partial(surge, count=count),
        ),
    )  # fmt: skip
