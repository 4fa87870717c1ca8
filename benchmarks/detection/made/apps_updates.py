"""Apps over their updates: permissions they ask for, kits they carry, vendors they work with."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime

import numpy as np
import polars as pl

from benchmarks.detection.filings import filed
from benchmarks.detection.made.apps import operators
from benchmarks.detection.real import present
from benchmarks.detection.schemes import apps_updates as schemes
from benchmarks.detection.schemes import apps_vendors as vendor_schemes
from benchmarks.detection.schemes.planting import Random, World

KINDS = ("news", "online_shopping", "short_video")
PLAIN = ("internet", "network_state", "vibrate", "wake_lock", "foreground_service", "billing")
POWERS = ("camera", "record_audio", "coarse_location", "calendar", "notifications", "storage",
          "phone_state", "bluetooth")  # fmt: skip
VERSIONS, EVERY_MONTHS = 6, 2
NEW_POWER, SECOND_POWER, UNTOLD = 0.08, 0.15, 0.01
"""Chance that an update brings a power, that it brings another, that its log forgets to say so."""
KITS, KITS_SHAPE = 9.0, 4.0
"""Middle and shape of the number of kits: a few apps have three times as many as most."""
LISTS = ((date(2025, 3, 6), "301"), (date(2025, 6, 5), "312"), (date(2025, 9, 4), "325"),
         (date(2025, 12, 4), "338"))  # fmt: skip
FRAMEWORK, DAY_S = "iab-tcf-2", 86_400


def _apps(rng: Random, owners: pl.DataFrame, released: list[list[datetime]]) -> pl.DataFrame:
    """One row a version; `released` has the days of each app's versions."""
    count = len(released)
    rows = pl.DataFrame(
        {
            "app_id": [f"app-{n:04d}" for n in range(count)],
            "operator_id": rng.choice(owners["firm_id"].to_numpy(), count),
            "app_type": [KINDS[n % len(KINDS)] for n in range(count)],
            "released_at": released,
        },
        schema_overrides={"released_at": pl.List(pl.Datetime("us", "UTC"))},
    ).explode("released_at")
    number = pl.int_range(pl.len()).over("app_id") + 1
    return rows.with_columns(version=number.cast(pl.String) + ".0")


def updated(seed: int) -> Mapping[str, pl.DataFrame]:
    """96 apps with an update every second month; one update in twelve brings a new power.

    The change log tells of it but for one in a hundred.
    """
    rng = np.random.default_rng([seed, 11])
    owners = operators(rng, 50)
    days = [
        [datetime(2025 + (11 + EVERY_MONTHS * v) // 12, (11 + EVERY_MONTHS * v) % 12 + 1,
                  int(rng.integers(3, 26)), tzinfo=UTC) for v in range(VERSIONS)]
        for _ in range(96)
    ]  # fmt: skip
    apps = _apps(rng, owners, days)
    scans = list[tuple[str, str, str, str, bool | None]]()
    for app in apps["app_id"].unique(maintain_order=True):
        held = rng.permutation(POWERS).tolist()
        had = int(rng.integers(2, 5))
        for version in range(1, VERSIONS + 1):
            brings = version > 1 and rng.random() < NEW_POWER
            more = int(brings) + int(brings and rng.random() < SECOND_POWER)
            told = rng.random() >= UNTOLD
            scans += [(app, f"{version}.0", p, "normal", None) for p in PLAIN]
            scans += [(app, f"{version}.0", p, "dangerous", None if n < had else told)
                      for n, p in enumerate(held[: had + more])]  # fmt: skip
            had = min(had + more, len(held))
    names = ("app_id", "version", "permission", "protection_level")
    schema = {**dict.fromkeys(names, pl.String()), "in_changelog": pl.Boolean()}
    table = pl.DataFrame(scans, schema=schema, orient="row")
    used = pl.Series(rng.random(table.height) < 0.95)
    return {
        "firms": owners,
        "apps": apps,
        "permission_scans": table.with_columns(used_at_runtime=used, os_level=pl.lit("14")),
    }


def carrying(seed: int) -> Mapping[str, pl.DataFrame]:
    """360 apps of three kinds scanned in four months, 30 of a kind in a month, with their kits."""
    rng = np.random.default_rng([seed, 12])
    owners = operators(rng, 120)
    days = [[datetime(2026, 3 + (n // len(KINDS)) % 4, int(rng.integers(3, 27)), tzinfo=UTC)]
            for n in range(360)]  # fmt: skip
    apps = _apps(rng, owners, days)
    count = np.maximum(1, rng.negative_binomial(KITS_SHAPE, KITS_SHAPE / (KITS_SHAPE + KITS),
                                                apps.height))  # fmt: skip
    return {"firms": owners, "apps": apps, "sdk_inventory": schemes.kits(rng, apps, count)}


def listed(seed: int) -> Mapping[str, pl.DataFrame]:
    """200 vendors on four versions of a list; of a hundred, three widen a little each time.

    A vendor that widens adds one purpose, mostly as a correction. None has profiling on legitimate
    interest, which the framework ended before.
    """
    rng = np.random.default_rng([seed, 13])
    rows = []
    for vendor in range(200):
        holds = rng.random(10) < np.r_[0.95, 0.8, 0.6, 0.6, 0.35, 0.35, 0.75, 0.5, 0.5, 0.7]
        interest = ~holds & (rng.random(10) < 0.5)
        interest[2:6] = False
        special = rng.random(2) < (0.25, 0.15)
        life = float(rng.choice([30, 90, 180, 365, 390, 395, 730], p=_LIVES)) * DAY_S
        for day, vintage in LISTS:
            if vintage != LISTS[0][1] and rng.random() < 0.03 and not (holds | interest).all():
                holds[rng.choice(np.flatnonzero(~(holds | interest)))] = True
            rows.append(
                (
                    FRAMEWORK,
                    vintage,
                    f"vendor-{vendor:03d}",
                    *map(schemes.listing, (holds, interest, rng.random(3) < 0.5, special)),
                    life,
                    day,
                )
            )
    names = ("framework", "vintage", "vendor_id", "purposes", "legitimate_interests", "features",
             "special_features", "cookie_max_age_s", "filed_on")  # fmt: skip
    return {"vendor_declarations": pl.DataFrame(rows, schema=names, orient="row")}


_LIVES = (0.1, 0.15, 0.1, 0.35, 0.1, 0.1, 0.1)


def relisted() -> Mapping[str, pl.DataFrame]:
    """The real list of 2022 and, unchanged, the list four weeks later."""
    rows = filed("vendors-v139", "vendor_declarations")["vendor_declarations"]
    rows = rows.filter(pl.col("deleted_on").is_null()).with_columns(
        pl.col("vendor_id").cast(pl.String), pl.col("vintage").cast(pl.String),
        filed_on=pl.lit(date(2022, 4, 14)),
    )  # fmt: skip
    later = rows.with_columns(vintage=pl.lit("140"), filed_on=pl.lit(date(2022, 5, 12)))
    return {"vendor_declarations": pl.concat([rows, later])}


TABLES = ("firms", "apps", "permission_scans", "sdk_inventory", "vendor_declarations")
REAL = (
    World("vendors-v139", lambda _: relisted(), vendor_schemes.drift(12, barred=False), drawn=True,
          order=TABLES),
)  # fmt: skip
WORLDS = (
    World("app updates", updated, schemes.updates(14), drawn=True, order=TABLES),
    World("app kits", carrying, schemes.fanout(12), drawn=True, order=TABLES),
    World("vendor lists", listed, vendor_schemes.drift(12), drawn=True, order=TABLES),
    *(world for world in REAL if present(world.name)),
)
