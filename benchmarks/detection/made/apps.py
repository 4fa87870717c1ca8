"""Apps: what they declare, share and send; the simulator's apps with the fields it leaves random.

The simulator draws at random what an app makes a condition of use, whether it asks for separate
consent and whom it names as recipient, so its apps are not honest in these. Here they are, apart
from a few oddities that a person would excuse.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import polars as pl

from benchmarks.detection.filings import clean
from benchmarks.detection.schemes import apps as schemes
from benchmarks.detection.schemes.planting import Random, World
from detector.demo.size import Size
from features.parameters.necessary_information import APP_TYPES, known_words

SIZE = replace(Size.small(), transactions=2_000, consumers=500, breaches=20, apps=300)
PLACES, PLACE_SHARES = ("CN", "EU", "US"), (0.6, 0.25, 0.15)
POSTERS = ("live_streaming", "short_video", "online_games")
"""Kinds of app whose users must show who they are before they post or play."""
PARTNERS = {
    "mixpanel": ("api.mixpanel.com", "analytics"),
    "umeng": ("ulogs.umeng.com", "analytics"),
    "adjust": ("app.adjust.com", "advertising"),
    "google": ("ad.doubleclick.net", "advertising"),
    "applovin": ("ms.applovin.com", "advertising"),
    "sentry": ("o1.ingest.sentry.io", "service"),
}
"""Organisations an app may send to: their host, and what they do."""
FEWEST_REQUESTS, MOST_REQUESTS = 6, 24
SESSIONS = (110, 150)


def operators(rng: Random, count: int, prefix: str = "op") -> pl.DataFrame:
    """The register: operators of three places."""
    place = rng.choice(PLACES, count, p=PLACE_SHARES)
    return pl.DataFrame(
        {
            "firm_id": [f"{prefix}-{n:03d}" for n in range(count)],
            "country": np.where(place == "EU", "DE", place),
            "jurisdiction": place,
        }
    )


def words_by_kind() -> pl.DataFrame:
    """What each kind of app needs: `app_type`, `word`."""
    rows = [(a.code, word) for a in APP_TYPES for word in a.necessary]
    return pl.DataFrame(rows, schema=("app_type", "word"), orient="row")


def with_words(rows: pl.DataFrame, words: pl.DataFrame) -> pl.DataFrame:
    """Adds `word`, ours for the filed type; the map's own where we have none."""
    ours = known_words()
    mapped = rows.join(
        words.rename({"source_type": "data_type", "data_type": "word"}),
        on=["taxonomy", "data_type"], how="left", maintain_order="left",
    )  # fmt: skip
    return mapped.with_columns(pl.col("word").replace(ours))


def declared(seed: int) -> dict[str, pl.DataFrame]:
    """The simulator's apps of operators in three places, each asking for what its kind needs."""
    rng = np.random.default_rng([seed, 1])
    tables = clean(seed, SIZE)
    apps = tables["apps"]
    owners = operators(rng, 120)
    names = apps["app_id"].unique().sort()
    owner = pl.DataFrame(
        {"app_id": names, "operator_id": rng.choice(owners["firm_id"].to_numpy(), names.len())}
    )
    apps = apps.drop("operator_id").join(owner, on="app_id", maintain_order="left")
    needs = words_by_kind().with_columns(needed=pl.lit(value=True))
    rows = with_words(tables["data_declarations"], tables["data_type_map"]).join(
        apps.select("app_id", "version", "app_type"), on=["app_id", "version"],
        maintain_order="left",
    )  # fmt: skip
    rows = rows.join(needs, on=["app_type", "word"], how="left", maintain_order="left")
    strict = names.filter(pl.Series(rng.random(names.len()) < 0.5))
    lax = names.filter(pl.Series(rng.random(names.len()) < 0.02))
    shown = (
        pl.col("app_type").is_in(POSTERS)
        & pl.col("app_id").is_in(strict.implode())
        & (pl.col("word") == "phone")
    )
    other_basis = pl.col("app_id").is_in(lax.implode()) & (pl.col("word") == "bank_account")
    rows = rows.with_columns(
        required=pl.when(pl.col("declared")).then(
            (pl.col("needed").fill_null(value=False) & pl.col("required")) | shown
        ),
        separate_consent=pl.col("sensitive") & ~other_basis,
    )
    filed = rows.select(tables["data_declarations"].columns)
    own = {"firms": owners, "apps": apps, "data_declarations": filed}
    return {**{n: tables[n] for n in ("data_type_map", "observed_flows")}, **own}


def shared(seed: int) -> Mapping[str, pl.DataFrame]:
    """The same apps with the recipients they name, the kits they list and what they send to whom.

    A kind of data goes to the operator and to up to three partners, all named; every twentieth app
    has a recipient its declaration lags behind, and one request in two hundred is misread.
    """
    rng = np.random.default_rng([seed, 2])
    tables = declared(seed)
    kept = tables["data_declarations"].filter(pl.col("declared")).join(
        tables["apps"].unique("app_id", keep="last", maintain_order=True).select(
            "app_id", "version", "operator_id", "released_at"
        ),
        on=["app_id", "version"], maintain_order="left",
    )  # fmt: skip
    some = kept["app_id"].unique().sort()[:180]
    kept = kept.filter(pl.col("app_id").is_in(some.implode()))
    uses = _uses(rng, some)
    own = kept.with_columns(recipient=pl.col("operator_id"))
    chance = pl.Series(rng.random(kept.height * 3))
    sent = (
        kept.drop("recipient").join(uses, on="app_id", maintain_order="left").filter(chance < 0.6)
    )
    both = pl.concat([own, sent.select(own.columns)])
    late = some.filter(pl.Series(rng.random(some.len()) < 0.05))
    lagging = (pl.col("app_id").is_in(late.implode())) & (pl.col("recipient") == "sentry")
    named = both.filter(~lagging)
    kits = uses.rename({"recipient": "sdk_id"}).join(
        kept.select("app_id", "version").unique(), on="app_id"
    )
    return {
        "firms": tables["firms"],
        "data_type_map": tables["data_type_map"],
        "apps": tables["apps"].join(kept.select("app_id", "version").unique(),
                                    on=["app_id", "version"], how="semi"),
        "data_declarations": named.select(tables["data_declarations"].columns),
        "observed_flows": _requests(rng, both, tables["data_type_map"]),
        "sdk_inventory": _kits(kits),
    }  # fmt: skip


def _uses(rng: Random, apps: pl.Series) -> pl.DataFrame:
    """The three partners of each app."""
    names = np.array(list(PARTNERS))
    picked = [rng.choice(names, 3, replace=False) for _ in range(apps.len())]
    return pl.DataFrame({"app_id": apps, "recipient": [list(p) for p in picked]}).explode(
        "recipient"
    )


def _kits(uses: pl.DataFrame) -> pl.DataFrame:
    hosts = {name: host for name, (host, _) in PARTNERS.items()}
    kinds = {name: "ads" if use == "advertising" else use for name, (_, use) in PARTNERS.items()}
    return uses.with_columns(
        category=pl.col("sdk_id").replace_strict(kinds),
        domain=pl.col("sdk_id").replace_strict(hosts),
        recipient=pl.col("sdk_id"),
        declared=pl.lit(value=True),
        active=pl.lit(value=True),
    ).sort("app_id", "sdk_id")


def _requests(rng: Random, pairs: pl.DataFrame, words: pl.DataFrame) -> pl.DataFrame:
    """Requests of the last version of each app, for the purposes it declares."""
    hosts = {name: host for name, (host, _) in PARTNERS.items()}
    times = rng.integers(FEWEST_REQUESTS, MOST_REQUESTS, pairs.height)
    word = words.filter(pl.col("taxonomy") == "traffic").unique(
        "data_type", keep="first", maintain_order=True
    )
    kinds = with_words(pairs, words).select("data_type", "taxonomy").join(
        words, left_on=["taxonomy", "data_type"], right_on=["taxonomy", "source_type"],
        how="left", maintain_order="left",
    )  # fmt: skip
    named = pairs.with_columns(kind=kinds["data_type_right"], _times=pl.Series(times)).join(
        word.select(pl.col("data_type").alias("kind"), pl.col("source_type").alias("seen")),
        on="kind", maintain_order="left",
    )  # fmt: skip
    rows = named.select(
        "app_id", "version", "recipient", "purpose", "released_at", "seen",
        pl.int_ranges("_times").alias("_n"),
    ).explode("_n")  # fmt: skip
    luck = rng.random(rows.height)
    read = np.where(luck < 0.005, "advertising", np.where(luck < 0.02, "unclear", ""))
    after = rng.integers(86_400, 20 * 86_400, rows.height)
    return rows.select(
        "app_id",
        "version",
        pl.Series(rng.integers(1, 6, rows.height)).cast(pl.String).alias("session"),
        (pl.col("released_at") + pl.duration(seconds=pl.lit(pl.Series(after)))).alias("ts"),
        pl.lit("accepted").alias("phase"),
        pl.lit("traffic").alias("taxonomy"),
        pl.col("seen").alias("data_type"),
        pl.col("recipient").replace_strict(hosts, default="api.own.example").alias("domain"),
        pl.when(~pl.col("recipient").is_in(list(hosts))).then("recipient").alias("recipient"),
        pl.when(pl.Series(read) == "").then("purpose").otherwise(pl.Series(read))
        .alias("purpose_observed"),
    ).unique(maintain_order=True)  # fmt: skip


def tested(seed: int) -> Mapping[str, pl.DataFrame]:
    """100 apps in 110 to 150 clean sessions each: half of the users accept, half refuse.

    Before the choice an app talks to itself, its consent tool and a crash service. A third of the
    apps carry a consent over from another device in up to three sessions of a hundred.
    """
    rng = np.random.default_rng([seed, 3])
    count = 100
    owners = operators(rng, 60)
    apps = pl.DataFrame(
        {
            "app_id": [f"tested-{n:03d}" for n in range(count)],
            "version": "1.0",
            "operator_id": rng.choice(owners["firm_id"].to_numpy(), count),
            "app_type": rng.choice(["news", "online_shopping", "short_video"], count),
            "released_at": [
                datetime(2026, int(m), 5, tzinfo=UTC) for m in rng.integers(1, 9, count)
            ],
        },
        schema_overrides={"released_at": pl.Datetime("us", "UTC")},
    )
    ran = rng.integers(*SESSIONS, count)
    carried = np.where(rng.random(count) < 0.33, rng.uniform(0, 0.03, count), 0.0)
    sessions = apps.select(
        "app_id", "version", "released_at", pl.int_ranges(pl.Series(ran)).alias("_n"),
        pl.Series(carried).alias("_carried"),
    ).explode("_n")  # fmt: skip
    answer = np.where(rng.random(sessions.height) < 0.5, "accepted", "refused")
    early = rng.random(sessions.height) < sessions["_carried"].to_numpy()
    sessions = sessions.with_columns(
        session=pl.col("_n").cast(pl.String), answer=pl.Series(answer), early=pl.Series(early),
        ts=pl.col("released_at") + pl.duration(hours=pl.col("_n") + 24),
    )  # fmt: skip
    plain = ("api.own.example", "cdn.cookielaw.org", "o1.ingest.sentry.io")
    before = [schemes.sent(sessions, "pre_choice", host, "app_build", 2) for host in plain]
    kept = schemes.sent(sessions.filter("early"), "pre_choice", "api.mixpanel.com", "app_build", 5)
    own = schemes.sent(sessions, "answer", "api.own.example", "order_list", 40)
    yes = sessions.filter(pl.col("answer") == "accepted")
    used = [schemes.sent(yes, "accepted", host, "ad_id", 60 + n)
            for n, host in enumerate(("app.adjust.com", "ad.doubleclick.net"))]  # fmt: skip
    return {
        "firms": owners,
        "data_type_map": clean(seed, SIZE)["data_type_map"],
        "apps": apps,
        "observed_flows": pl.concat([*before, kept, own, *used]).sort("app_id", "ts"),
    }


FILED = ("firms", "data_type_map", "apps", "data_declarations", "observed_flows", "sdk_inventory")
WORLDS = (
    World("app declarations", declared, schemes.declarations(12), drawn=True, order=FILED),
    World("app sharing", shared, schemes.sharing(12), drawn=True, order=FILED),
    World("app sessions", tested, schemes.sessions(10), drawn=True, order=FILED),
)
