"""Unusually many trackers and kits (PRIV-SDK-FANOUT)."""

from __future__ import annotations

import narwhals as nw

from features.catalogue import Measure, base, feature, measure
from features.library.apps import ONE, most_suspicious, of_versions
from features.operators import Lazy
from features.tables import Tables
from features.vocabulary import Reason

_TYPOLOGY, _BASE = "PRIV-SDK-FANOUT", "app_trackers"
_INPUTS = ("sdk_inventory.sdk_id", "sdk_inventory.active")
_SOURCE = "PIPL arts 20-23; GDPR art. 28"
MIN_PEERS, WISHED_PEERS = 5, 20
ADVERTISING = ("ads", "advertising", "ad", "attribution")


def _hosts(t: Tables, kits: Lazy) -> tuple[Lazy, Lazy]:
    """Distinct hosts and countries by version, of kits and of observed flows."""
    hosts = [kits.select(*ONE, nw.col("domain").str.to_lowercase().alias("host"))]
    lands = [kits.select(*ONE, nw.col("country").str.to_uppercase().alias("country"))]
    if t.get("observed_flows") is not None:
        facts = of_versions(t, t.view("flow_facts").select("app_id", "version", "host", "country"))
        hosts.append(facts.select(*ONE, "host"))
        lands.append(facts.select(*ONE, nw.col("country").str.to_uppercase().alias("country")))

    def distinct(parts: list[Lazy], column: str, into: str) -> Lazy:
        known = nw.concat(parts).filter(~nw.col(column).is_null())
        return known.group_by(*ONE).agg(nw.col(column).n_unique().cast(nw.Int64).alias(into))

    return distinct(hosts, "host", "domains"), distinct(lands, "country", "countries")


@base(
    name=_BASE,
    grain="app_v",
    tables=("sdk_inventory",),
    attributes=("app_type", "operator_id", "sdk_version"),
    under="operator_id",
    peers=("app_type",),
)
def app_trackers(t: Tables) -> Lazy:
    """One row per app and month: the version with most active kits."""
    kits = of_versions(t, t["sdk_inventory"].filter(nw.col("active").fill_null(value=True)))
    category = nw.col("category").str.to_lowercase()
    marked = kits.group_by(*ONE, "sdk_id").agg(
        category.is_in(ADVERTISING).cast(nw.Int64).max().alias("ads"),
        nw.col("declared").cast(nw.Int64).max().alias("declared"),
    )
    counted = marked.group_by(*ONE).agg(
        nw.len().cast(nw.Int64).alias("kits"),
        nw.col("ads").sum(),
        nw.col("ads").count().cast(nw.Int64).alias("categorised"),
        (nw.col("declared") == 0).cast(nw.Int64).sum().alias("undeclared"),
        nw.col("declared").count().cast(nw.Int64).alias("stated"),
    )
    scanned = of_versions(t, t["sdk_inventory"].select("app_id", "version").unique()).unique()
    rows = t.view("app_versions").join(scanned.select(*ONE).unique(), on=list(ONE), how="inner")
    for part in (counted, *_hosts(t, kits)):
        rows = rows.join(part, on=list(ONE), how="left")
    names = ("kits", "ads", "categorised", "undeclared", "stated", "domains", "countries")
    rows = rows.with_columns(nw.col(c).fill_null(0).cast(nw.Int64) for c in names)
    rows = most_suspicious(rows, nw.col("kits"))
    group = (nw.coalesce(nw.col("app_type"), nw.lit("")).alias("_type"),)
    rows = rows.with_columns(nw.col("version").alias("sdk_version"), *group)
    peers = ("_type", "period_start")
    return rows.with_columns(
        (nw.len().over(*peers) - 1).alias("others"),
        (nw.col("kits").rank("average").over(*peers) - 1).alias("_below"),
    ).with_columns(
        (nw.col("_below") / nw.when(nw.col("others") > 0).then(nw.col("others"))).alias(
            "percentile"
        )
    )


@feature(
    name="sdk_count", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="kits",
    direction="high", min_n=0, n="kits", source=_SOURCE,
    title={"en": "active kits", "zh": "活跃组件数"},
)  # fmt: skip
def sdk_count() -> Measure:
    """Distinct kits found in the app that ran in the test; dormant ones do not count."""
    return measure(nw.col("kits"))


@feature(
    name="sdk_domains", typology=_TYPOLOGY, base=_BASE,
    inputs=("sdk_inventory.domain", "observed_flows.domain"), unit="hosts", direction="high",
    n="kits", source=_SOURCE, title={"en": "hosts the app talks to", "zh": "通信域名数"},
)  # fmt: skip
def sdk_domains() -> Measure:
    """Distinct hosts of its active kits and of its observed flows; null where no host was filed."""
    return measure(nw.col("domains"), (nw.col("domains") == 0, Reason.MISSING_INPUT))


@feature(
    name="sdk_peer_percentile", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="share",
    direction="high", n="others", min_n=WISHED_PEERS, source="catalogue 5, mid-rank",
    title={"en": "share of like apps with fewer kits", "zh": "组件数在同类应用中的百分位"},
    peer_adjusted=True,
)  # fmt: skip
def sdk_peer_percentile() -> Measure:
    """Share of the other apps of the kind in the month with fewer active kits, equal ones counting
    half; at least 5 others, 20 to be relied on."""
    return measure(nw.col("percentile"), (nw.col("others") < MIN_PEERS, Reason.TOO_FEW))


@feature(
    name="sdk_undeclared", typology=_TYPOLOGY, base=_BASE, inputs=("sdk_inventory.declared",),
    unit="kits", direction="high", n="stated", source=_SOURCE,
    title={"en": "kits not declared", "zh": "未声明的组件数"},
)  # fmt: skip
def sdk_undeclared() -> Measure:
    """Active kits the operator does not declare; null where it is known of none."""
    return measure(nw.col("undeclared"), (nw.col("stated") == 0, Reason.MISSING_INPUT))


@feature(
    name="sdk_ads_share", typology=_TYPOLOGY, base=_BASE, inputs=("sdk_inventory.category",),
    unit="share", direction="high", n="categorised", source=_SOURCE,
    title={"en": "share of advertising kits", "zh": "广告组件占比"},
)  # fmt: skip
def sdk_ads_share() -> Measure:
    """Active kits for advertising by active kits of known category."""
    known = nw.col("categorised")
    ratio = nw.col("ads") / nw.when(known > 0).then(known)
    return measure(ratio, (known == 0, Reason.MISSING_INPUT))


@feature(
    name="sdk_country_count", typology=_TYPOLOGY, base=_BASE,
    inputs=("sdk_inventory.country", "observed_flows.country"), unit="countries",
    direction="high", n="kits", source=_SOURCE,
    title={"en": "countries data goes to", "zh": "数据流向国家数"},
)  # fmt: skip
def sdk_country_count() -> Measure:
    """Distinct countries of recipients, of kits and flows; null where none was filed."""
    return measure(nw.col("countries"), (nw.col("countries") == 0, Reason.MISSING_INPUT))
