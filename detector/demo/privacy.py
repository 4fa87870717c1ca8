"""Apps, what they declare and what they are seen to send.

Honest apps send what they declare, in some sessions and not in others; a few show an undeclared
kind once (an analyser's mistake), some file "collects nothing" and mean it, some do not file at
all. Leaky apps send kinds they never declared, session after session.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from detector.demo.firms import Firms
from detector.demo.labels import Labels
from detector.demo.size import Size
from detector.demo.timeline import (
    DAYS,
    Bools,
    Floats,
    Ints,
    instants,
    numbered,
    stream,
    take,
)
from detector.demo.vocabulary import (
    APP_TYPES,
    FILING,
    KINDS,
    PURPOSES,
    RECIPIENTS,
    STORE,
    TRAFFIC,
    UNMAPPED,
)

_SESSIONS = 8
_TYPOLOGY = "PRIV-UNDECLARED-COLLECTION"


@dataclass(frozen=True, slots=True)
class Apps:
    """Apps by kinds of data. `unit` rows are app versions: `unit_app` is the app of each.

    Attributes:
        uses: kinds the app uses and declares.
        leaks: kinds it sends and does not declare.
        glitch: kinds an analyser believes it saw once.
        filed: False where the app has no declaration at all.
        chinese: declares on the Chinese filing form instead of the store form.
    """

    ids: pl.Series
    uses: Bools
    leaks: Bools
    glitch: Bools
    filed: Bools
    chinese: Bools
    unit_app: Ints
    unit_version: pl.Series
    unit_latest: Bools
    released: Floats


def make_apps(seed: int, size: Size, firms: Firms, labels: Labels) -> dict[str, pl.DataFrame]:
    """The `apps`, `data_declarations` and `observed_flows` tables."""
    apps = _draw(seed, size)
    _label(apps, labels)
    return {
        "apps": _app_table(seed, firms, apps),
        "data_declarations": _declarations(seed, apps),
        "observed_flows": _flows(seed, apps),
    }


def _draw(seed: int, size: Size) -> Apps:
    rng = stream(seed, "apps")
    count, kinds = size.apps, len(KINDS)
    usual = np.array([k.usual for k in KINDS])
    appetite = rng.gamma(3.0, 1 / 3.0, (count, 1))
    uses = rng.random((count, kinds)) < np.clip(usual * appetite, 0.0, 0.97)
    uses[rng.random(count) < 0.05] = False
    filed = rng.random(count) >= 0.04
    leaks = np.zeros((count, kinds), dtype=np.bool_)
    leaky = rng.choice(np.flatnonzero(filed), size.leaky_apps, replace=False)
    taste = np.array([1.0 if k.sensitive else 0.25 for k in KINDS]) * ~uses[leaky]
    rank = np.argsort(-np.log(taste + 1e-12) - rng.gumbel(size=taste.shape), axis=1)
    wanted = np.minimum(rng.integers(1, 5, leaky.size), (taste > 0).sum(axis=1))
    chosen = np.arange(kinds) < wanted[:, None]
    leaks[np.repeat(leaky, wanted), rank[chosen]] = True
    glitch = rng.random((count, kinds)) < 0.0025
    glitch &= ~uses & ~leaks
    second = np.flatnonzero(rng.random(count) < 0.1)
    unit_app = np.concatenate([np.arange(count), second])
    latest = np.concatenate([np.ones(count, bool), np.zeros(second.size, bool)])
    released = rng.uniform(200.0, DAYS - 50.0, count)
    earlier = released[second] - rng.uniform(60.0, 190.0, second.size)
    major = rng.integers(2, 9, count)
    version = np.where(latest, major[unit_app], major[unit_app] - 1)
    return Apps(
        ids=numbered("app-", count, 4),
        uses=uses,
        leaks=leaks,
        glitch=glitch,
        filed=filed,
        chinese=rng.random(count) < 0.6,
        unit_app=unit_app,
        unit_version=pl.Series(version).cast(pl.String) + ".0",
        unit_latest=latest,
        released=np.concatenate([released, earlier]),
    )


def _app_table(seed: int, firms: Firms, apps: Apps) -> pl.DataFrame:
    rng = stream(seed, "app table")
    count = apps.ids.len()
    operators = np.concatenate([firms.of_kind("apps"), firms.of_kind("platform")])
    kind = rng.integers(0, len(APP_TYPES), count)
    children = np.isin(kind, [APP_TYPES.index("education"), APP_TYPES.index("online_games")])
    return pl.DataFrame(
        {
            "app_id": take(apps.ids, apps.unit_app),
            "version": apps.unit_version,
            "operator_id": take(firms.ids, rng.choice(operators, count)[apps.unit_app]),
            "app_type": take(APP_TYPES, kind[apps.unit_app]),
            "released_at": instants(np.floor(apps.released) + 0.375),
            "directed_to_children": (children & (rng.random(count) < 0.3))[apps.unit_app],
        }
    ).sort("app_id", "version")


def _declarations(seed: int, apps: Apps) -> pl.DataFrame:
    """One row for each declared kind of each version; `*` not declared files "nothing"."""
    rng = stream(seed, "declarations")
    unit, kind = np.nonzero(apps.uses[apps.unit_app] & apps.filed[apps.unit_app, None])
    app = apps.unit_app[unit]
    words = pl.Series([k.store for k in KINDS] + [k.filing for k in KINDS])
    sensitive = np.array([k.sensitive for k in KINDS])[kind]
    chinese = apps.chinese[app]
    shared = (app * 7 + kind) % 10
    recipient = np.where(shared < 7, 0, shared - 6)
    keep_days = np.array([30.0, 90.0, 180.0, 365.0, 1095.0])
    stated = pl.DataFrame(
        {
            "app_id": take(apps.ids, app),
            "version": apps.unit_version.gather(unit),
            "taxonomy": take((STORE, FILING), chinese.astype(np.int64)),
            "data_type": words.gather(kind + len(KINDS) * chinese),
            "purpose": take(PURPOSES, (app + 3 * kind) % len(PURPOSES)),
            "recipient": take(RECIPIENTS, recipient),
            "declared": np.ones(unit.size, dtype=np.bool_),
            "required": rng.random(unit.size) < 0.6,
            "sensitive": sensitive,
            "separate_consent": sensitive & (rng.random(unit.size) < 0.9),
            "retention_days": keep_days[rng.integers(0, keep_days.size, unit.size)],
        }
    )
    return pl.concat([stated, _nothing(apps)], how="diagonal").sort(
        "app_id", "version", "data_type"
    )


def _nothing(apps: Apps) -> pl.DataFrame:
    units = np.flatnonzero((~apps.uses.any(axis=1) & apps.filed)[apps.unit_app])
    app = apps.unit_app[units]
    return pl.DataFrame(
        {
            "app_id": take(apps.ids, app),
            "version": apps.unit_version.gather(units),
            "taxonomy": take((STORE, FILING), apps.chinese[app].astype(np.int64)),
            "data_type": take(("*",), np.zeros(units.size, dtype=np.int64)),
            "declared": np.zeros(units.size, dtype=np.bool_),
        }
    )


def _flows(seed: int, apps: Apps) -> pl.DataFrame:
    """What each version sent in 3 to 8 test sessions; a leak starts with the latest version."""
    rng = stream(seed, "flows")
    units = apps.unit_app.size
    sessions = rng.integers(3, _SESSIONS + 1, units)
    ran = (np.arange(_SESSIONS) < sessions[:, None])[:, None, :]
    uses, leaks = apps.uses[apps.unit_app], apps.leaks[apps.unit_app] & apps.unit_latest[:, None]
    active = uses & (rng.random(uses.shape) < 0.65)
    habit = rng.uniform(0.25, 0.9, uses.shape)[:, :, None]
    persistent = rng.uniform(0.45, 1.0, uses.shape)[:, :, None]
    luck = rng.random((*uses.shape, _SESSIONS))
    seen = (active[:, :, None] & (luck < habit)) | (leaks[:, :, None] & (luck < persistent))
    seen[:, :, 0] |= leaks | (apps.glitch[apps.unit_app] & apps.unit_latest[:, None])
    seen[:, :, 1] |= leaks
    silent = (rng.random(units) < 0.02) & ~leaks.any(axis=1)
    unit, kind, session = np.nonzero(seen & ran & ~silent[:, None, None])
    plain_unit, plain_word = np.nonzero(rng.random((units, len(UNMAPPED))) < 0.3)
    return _flow_table(
        rng,
        apps,
        np.concatenate([unit, plain_unit]),
        np.concatenate([session, np.zeros(plain_unit.size, dtype=np.int64)]),
        pl.concat([_analyser_words(rng, kind), take(UNMAPPED, plain_word)]),
    )


def _analyser_words(rng: np.random.Generator, kind: Ints) -> pl.Series:
    """One of the analyser's words for each kind seen."""
    words = [word for k in KINDS for word in k.traffic]
    counts = np.array([len(k.traffic) for k in KINDS])
    first = np.cumsum(counts) - counts
    return take(words, first[kind] + rng.integers(0, counts[kind]))


def _flow_table(
    rng: np.random.Generator, apps: Apps, unit: Ints, session: Ints, word: pl.Series
) -> pl.DataFrame:
    count = unit.size
    third = rng.random(count) < 0.35
    host = np.where(third, 1 + rng.integers(0, 3, count), 0)
    hosts = ("api.operator.example", "metrics.example", "adserve.example", "paygate.example")
    at = apps.released[unit] + 2.0 + session * 4.0 + rng.uniform(0.0, 0.3, count)
    return pl.DataFrame(
        {
            "app_id": take(apps.ids, apps.unit_app[unit]),
            "version": apps.unit_version.gather(unit),
            "session": pl.Series(session + 1).cast(pl.String),
            "ts": instants(at),
            "phase": take(("accepted", "pre_choice"), (rng.random(count) < 0.12).astype(np.int64)),
            "taxonomy": take((TRAFFIC,), np.zeros(count, dtype=np.int64)),
            "data_type": word,
            "domain": take(hosts, host),
            "recipient": take(RECIPIENTS, host),
            "country": take(("CN", "US", "EU"), rng.choice(3, count, p=(0.8, 0.1, 0.1))),
            "bytes": np.exp(rng.normal(6.0, 1.0, count)).astype(np.int64),
            "identified": rng.random(count) < 0.7,
        }
    ).sort("app_id", "version", "ts", "data_type", "domain")


def _label(apps: Apps, labels: Labels) -> None:
    leaky = apps.leaks.any(axis=1)
    labels.planted("app", apps.ids.filter(pl.Series(leaky)), (_TYPOLOGY,), "leaky-apps",
                   "sends kinds of data it never declared")  # fmt: skip
    labels.honest("app", apps.ids.filter(pl.Series(~leaky & apps.filed)), (_TYPOLOGY,))
    for kind, name in enumerate(k.key for k in KINDS):
        leaked, mistaken, stated = (
            apps.ids.filter(pl.Series(column[:, kind] & apps.filed)) + f"/{name}"
            for column in (apps.leaks, apps.glitch, apps.uses)
        )
        labels.planted("app_data_type", leaked, (_TYPOLOGY,), "leaky-apps")
        labels.honest("app_data_type", mistaken, (_TYPOLOGY,), "seen once, by mistake")
        labels.honest("app_data_type", stated, (_TYPOLOGY,), "declared")
