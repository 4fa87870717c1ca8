"""More data than the basic function of the kind of app needs (PRIV-OVERCOLLECT)."""

from __future__ import annotations

import narwhals as nw
import polars as pl

from features.catalogue import Measure, base, feature, measure, view
from features.library.apps import ONE, most_suspicious, of_versions
from features.library.words import NOTHING, personal_words
from features.operators import Lazy
from features.parameters.necessary_information import APP_TYPES, SOURCE
from features.parameters.sensitive_types import sensitive_words
from features.robust import add_peer_z
from features.tables import Tables, collect
from features.vocabulary import Reason

_TYPOLOGY, _BASE = "PRIV-OVERCOLLECT", "app_necessity"
_INPUTS = ("apps.app_type", "data_declarations.data_type", "data_declarations.required",
           "observed_flows.data_type", "observed_flows.phase",
           "data_type_map.data_type")  # fmt: skip
MIN_PEERS = 20
SEVERAL = "|"
"""Joins the codes of an app of several kinds: what any of them needs is necessary."""


@view("conditional_types")
def conditional_types(t: Tables) -> Lazy:
    """Types an app collects before the choice or as a condition of use, by version.

    Columns: `app_id`, `version`, `word` (null where unknown), `source_type`, `required`,
    `before` (1 or 0).
    """
    parts = []
    declared, flows = t.get("data_declarations"), t.get("observed_flows")
    names = ("app_id", "version", "taxonomy", nw.col("data_type").alias("source_type"))
    if declared is not None:
        wanted = nw.col("required").fill_null(value=False) & nw.col("declared").fill_null(
            value=True
        )
        rows = declared.filter(wanted & (nw.col("data_type") != NOTHING))
        parts.append(rows.select(*names, nw.lit(1).alias("required"), nw.lit(0).alias("before")))
    if flows is not None:
        rows = flows.filter(nw.col("phase") == "pre_choice").with_columns(
            nw.coalesce(nw.col("taxonomy"), nw.lit("traffic")).alias("taxonomy")
        )
        parts.append(rows.select(*names, nw.lit(0).alias("required"), nw.lit(1).alias("before")))
    rows = of_versions(t, personal_words(t, nw.concat(parts).unique()))
    unknown = nw.when(nw.col("word").is_null()).then(nw.col("source_type")).alias("source_type")
    return (
        rows.with_columns(unknown)
        .group_by(*ONE, "word", "source_type")
        .agg(nw.col("required").max(), nw.col("before").max())
    )


def necessary_types(t: Tables, versions: Lazy) -> tuple[Lazy, Lazy]:
    """What the kinds of each app need: (app, version, word) and (app, version) of known kind."""
    # A bar means "or" where an engine reads separators as patterns; codes hold no comma.
    kinds_filed = nw.col("app_type").str.replace_all(SEVERAL, ",", literal=True)
    codes = (
        versions.filter(~nw.col("app_type").is_null())
        .select(*ONE, kinds_filed.str.split(",").alias("code"))
        .explode("code")
    )
    kinds = t.lifted(pl.DataFrame({"code": [a.code for a in APP_TYPES]}))
    needs = t.lifted(pl.DataFrame({
        "code": [a.code for a in APP_TYPES for _ in a.necessary],
        "word": [w for a in APP_TYPES for w in a.necessary],
    }))  # fmt: skip
    known = codes.join(kinds, on="code", how="inner").select(*ONE).unique()
    return codes.join(needs, on="code", how="inner").select(*ONE, "word").unique(), known


@base(
    name=_BASE,
    grain="app_v",
    tables=("apps",),
    attributes=("app_type", "operator_id", "necessity_version", "necessity_unmapped_types"),
    under="operator_id",
    peers=("app_type",),
)
def app_necessity(t: Tables) -> Lazy:
    """One row per app and month: the version with most types beyond the necessary ones."""
    versions = t.view("app_versions")
    allowed, known = necessary_types(t, versions)
    sources = [f for n in ("data_declarations", "observed_flows") if (f := t.get(n)) is not None]
    if sources:
        filed = of_versions(t, nw.concat([s.select("app_id", "version") for s in sources]).unique())
        filed = filed.select(*ONE).unique().with_columns(nw.lit(1).alias("filed"))
        counted = _counts(t.view("conditional_types"), allowed)
        rows = versions.join(counted, on=list(ONE), how="left").join(
            filed, on=list(ONE), how="left"
        )
    else:
        rows = versions.with_columns(nw.lit(0).alias(c) for c in (*_COUNTS, "filed"))
    rows = rows.join(known.with_columns(nw.lit(1).alias("known")), on=list(ONE), how="left")
    whole = (nw.col(c).fill_null(0).cast(nw.Int64) for c in (*_COUNTS, "filed", "known"))
    weight = nw.col("excess") * 1000 + nw.col("collected")
    rows = most_suspicious(rows.with_columns(*whole), weight).with_columns(
        nw.col("version").alias("necessity_version"),
        nw.col("unknown").alias("necessity_unmapped_types"),
        nw.when(nw.col("filed") == 1).then(nw.col("collected")).alias("_tested"),
    )
    frame = add_peer_z(collect(rows), "_tested", ("app_type", "period_start"), "peer_z")
    return nw.from_native(frame.lazy())


_COUNTS = ("collected", "excess", "required_excess", "sensitive_excess", "unknown")


def _counts(types: Lazy, allowed: Lazy) -> Lazy:
    """Number of types, of types beyond the necessary ones, and of unknown words, by version."""
    marked = types.join(
        allowed.with_columns(nw.lit(1).alias("allowed")), on=[*ONE, "word"], how="left"
    )
    known = ~nw.col("word").is_null()
    beyond = known & nw.col("allowed").is_null()
    sensitive = nw.col("word").is_in(sensitive_words()).fill_null(value=False)
    flags = {
        "collected": known,
        "excess": beyond,
        "required_excess": beyond & (nw.col("required") == 1),
        "sensitive_excess": beyond & sensitive,
        "unknown": ~known,
    }
    marked = marked.with_columns(flag.cast(nw.Int64).alias(c) for c, flag in flags.items())
    return marked.group_by(*ONE).agg(nw.col(c).sum() for c in flags)


_CHECKS = (
    (nw.col("app_type").is_null(), Reason.MISSING_INPUT),
    (nw.col("known") == 0, Reason.NOT_APPLICABLE),
    (nw.col("filed") == 0, Reason.MISSING_INPUT),
)


@feature(
    name="oc_excess_count", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="types",
    direction="high", min_n=0, n="collected", source=SOURCE,
    title={"en": "types beyond the necessary ones", "zh": "超出必要范围的信息类型数"},
)  # fmt: skip
def oc_excess_count() -> Measure:
    """Types collected before the choice or as a condition of use that the kind of app does not
    need. A kind outside the 39 is `not_applicable`; several kinds are joined by ``|``."""
    return measure(nw.col("excess"), *_CHECKS)


@feature(
    name="oc_excess_ratio", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="share",
    direction="high", min_n=0, n="collected", source=SOURCE,
    title={"en": "share of types beyond the necessary ones", "zh": "超出必要范围的信息类型占比"},
)  # fmt: skip
def oc_excess_ratio() -> Measure:
    """Types beyond the necessary ones by types collected; 0 where nothing is collected."""
    ratio = nw.col("excess") / nw.when(nw.col("collected") > 0).then(nw.col("collected"))
    return measure(nw.when(nw.col("collected") == 0).then(0.0).otherwise(ratio), *_CHECKS)


@feature(
    name="oc_required_excess", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="types",
    direction="high", min_n=0, n="collected", source=SOURCE,
    title={"en": "unnecessary types without which service is refused",
           "zh": "拒绝提供即不能使用的非必要信息类型数"},
)  # fmt: skip
def oc_required_excess() -> Measure:
    """Types beyond the necessary ones that the app itself declares as required."""
    return measure(nw.col("required_excess"), *_CHECKS)


@feature(
    name="oc_sensitive_excess", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="types",
    direction="high", min_n=0, n="collected", source="PIPL art. 28",
    title={"en": "sensitive types beyond the necessary ones", "zh": "超出必要范围的敏感信息类型数"},
)  # fmt: skip
def oc_sensitive_excess() -> Measure:
    """Types beyond the necessary ones that PIPL art. 28 calls sensitive."""
    return measure(nw.col("sensitive_excess"), *_CHECKS)


@feature(
    name="oc_peer_z", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="z",
    direction="high", n="peer_z_peers", min_n=MIN_PEERS, source="catalogue 1.2 and 5",
    title={"en": "types collected against like apps", "zh": "与同类应用相比的收集类型数"},
    peer_adjusted=True,
)  # fmt: skip
def oc_peer_z() -> Measure:
    """Robust z of the number of types collected among the other apps of the kind in the month;
    at least 20 of them."""
    return measure(
        nw.col("peer_z"),
        (nw.col("app_type").is_null() | (nw.col("filed") == 0), Reason.MISSING_INPUT),
        (nw.col("peer_z_peers") < MIN_PEERS, Reason.TOO_FEW),
        (nw.col("peer_z").is_null(), Reason.CONSTANT_PEERS),
    )
