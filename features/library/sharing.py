"""Recipients, or types sent to them, that the declaration does not name
(PRIV-UNDECLARED-SHARING)."""

from __future__ import annotations

import narwhals as nw

from features.catalogue import Measure, base, feature, measure
from features.library.apps import ONE, most_suspicious, of_versions
from features.library.hosts import organisation, with_owner
from features.library.words import NOTHING, TABLES, personal_words
from features.operators import Lazy
from features.parameters.recipients import PROCESSORS
from features.parameters.sensitive_types import sensitive_words
from features.tables import Tables
from features.vocabulary import Reason

_TYPOLOGY, _BASE = "PRIV-UNDECLARED-SHARING", "app_sharing"
_INPUTS = ("observed_flows.data_type", "observed_flows.recipient", "observed_flows.domain",
           "data_declarations.data_type", "data_declarations.recipient",
           "data_type_map.data_type")  # fmt: skip
_SOURCE = "PIPL art. 23; GDPR art. 13(1)(e)"
_PAIR = (*ONE, "data_type", "organisation")
_COUNTS = ("pairs", "undeclared", "recipients", "sensitive_pairs", "declared_pairs", "matched",
           "unresolved", "unmapped", "named")  # fmt: skip


def _declared(t: Tables) -> tuple[Lazy, Lazy]:
    """Declared (app, version, type, organisation) pairs, and versions that name recipients.

    A filing that nothing is collected names all its recipients: none.
    """
    filed = t["data_declarations"].with_columns(
        nw.coalesce(nw.col("declared"), nw.lit(value=True)).alias("declared"),
        nw.col("data_type").alias("source_type"),
    )
    filed = with_owner(t, filed.drop("data_type"), "recipient", "r")
    rows = of_versions(
        t,
        personal_words(t, filed.select(
            "app_id", "version", "taxonomy", "source_type", "declared",
            organisation("recipient", "r").alias("organisation"),
        )),
    )  # fmt: skip
    names = ~nw.col("organisation").is_null() & nw.col("declared")
    nothing = (nw.col("source_type") == NOTHING) & ~nw.col("declared")
    speaking = rows.filter(names | nothing).select(*ONE).unique()
    pairs = rows.filter(names & ~nw.col("data_type").is_null()).select(*_PAIR).unique()
    return pairs, speaking


def _observed(t: Tables) -> Lazy:
    """Distinct observed pairs of every version, without what the operator sends to itself."""
    facts = t.view("flow_facts").select(
        "app_id", "version", "source_type", "data_type", "word", "host", "organisation", "use"
    )
    rows = of_versions(t, facts.unique())
    operators = t.view("app_versions").select(*ONE, "operator_id", "directed_to_children")
    rows = rows.join(operators, on=list(ONE), how="left")
    own = nw.col("organisation") == nw.col("operator_id").str.to_lowercase()
    return rows.filter(~own.fill_null(value=False))


def _counts(t: Tables) -> Lazy:
    """Numbers of pairs by version."""
    declared, speaking = _declared(t)
    seen = _observed(t)
    comparable = ~nw.col("data_type").is_null() & ~nw.col("organisation").is_null()
    sensitive = nw.col("word").is_in(sensitive_words()).fill_null(value=False)
    children = nw.coalesce(nw.col("directed_to_children"), nw.lit(value=False))
    pairs = seen.filter(comparable).group_by(*_PAIR).agg(
        nw.col("use").is_in(PROCESSORS).fill_null(value=False).cast(nw.Int64).max()
        .alias("processor"),
        (sensitive | children).cast(nw.Int64).max().alias("sensitive"),
    )  # fmt: skip
    one = nw.lit(1)
    known = declared.select(*ONE, "organisation").unique()
    pairs = pairs.join(declared.with_columns(one.alias("same")), on=list(_PAIR), how="left").join(
        known.with_columns(one.alias("contract")), on=[*ONE, "organisation"], how="left"
    )
    covered = (nw.col("same") == 1) | ((nw.col("contract") == 1) & (nw.col("processor") == 1))
    hidden = ~covered.fill_null(value=False)
    of_pairs = pairs.with_columns(hidden.alias("hidden")).group_by(*ONE).agg(
        nw.len().alias("pairs"),
        nw.col("hidden").cast(nw.Int64).sum().alias("undeclared"),
        (nw.col("hidden") & (nw.col("sensitive") == 1)).cast(nw.Int64).sum()
        .alias("sensitive_pairs"),
        nw.col("same").sum().alias("matched"),
    )  # fmt: skip
    hidden_pairs = pairs.filter(hidden).group_by(*ONE)
    recipients = hidden_pairs.agg(nw.col("organisation").n_unique().alias("recipients"))
    unresolved = (
        seen.filter(nw.col("organisation").is_null()).select(*ONE, "data_type", "host").unique()
        .group_by(*ONE).agg(nw.len().alias("unresolved"))
    )  # fmt: skip
    unmapped = (
        seen.filter(nw.col("data_type").is_null()).select(*ONE, "source_type").unique()
        .group_by(*ONE).agg(nw.len().alias("unmapped"))
    )  # fmt: skip
    filed = declared.group_by(*ONE).agg(nw.len().alias("declared_pairs"))
    rows = t.view("app_versions")
    for part in (of_pairs, recipients, unresolved, unmapped, filed):
        rows = rows.join(part, on=list(ONE), how="left")
    return rows.join(speaking.with_columns(one.alias("named")), on=list(ONE), how="left")


@base(
    name=_BASE,
    grain="app_v",
    tables=TABLES,
    attributes=("app_type", "operator_id", "sharing_version", "unresolved_pairs",
                "sharing_unmapped_types"),
    under="operator_id",
    peers=("app_type",),
)  # fmt: skip
def app_sharing(t: Tables) -> Lazy:
    """One row per app and month: the version with most undeclared pairs of type and recipient."""
    rows = _counts(t).with_columns(nw.col(c).fill_null(0).cast(nw.Int64) for c in _COUNTS)
    weight = nw.when(nw.col("named") == 1).then(nw.col("undeclared") * 1000 + nw.col("pairs") + 1)
    return most_suspicious(rows, weight).with_columns(
        nw.col("version").alias("sharing_version"),
        nw.col("unresolved").alias("unresolved_pairs"),
        nw.col("unmapped").alias("sharing_unmapped_types"),
    )


_NOT_FILED = (nw.col("named") == 0, Reason.MISSING_INPUT)
_NOT_SEEN = ((nw.col("pairs") == 0) & (nw.col("unresolved") + nw.col("unmapped") > 0),
             Reason.MISSING_INPUT)  # fmt: skip


@feature(
    name="us_undeclared_ratio", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="share",
    direction="high", n="pairs", source=_SOURCE,
    title={"en": "share of undeclared pairs of type and recipient",
           "zh": "未声明的“信息类型—接收方”组合占比"},
)  # fmt: skip
def us_undeclared_ratio() -> Measure:
    """Undeclared pairs of type and organisation by pairs observed.

    Hosts are brought to organisations by a dated table; a host nobody can name is unresolved and
    counted apart, as is a word without a row in `data_type_map`. A hosting or crash-report firm
    named anywhere in the declaration is a declared processor. What goes to the operator itself
    is no sharing. A declaration that names no recipient at all has not filed any:
    `missing_input`. Nothing seen: `zero_denominator`.
    """
    ratio = nw.col("undeclared") / nw.when(nw.col("pairs") > 0).then(nw.col("pairs"))
    empty = (nw.col("pairs") == 0, Reason.ZERO_DENOMINATOR)
    return measure(ratio, _NOT_FILED, _NOT_SEEN, empty)


@feature(
    name="us_undeclared_recipients", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS,
    unit="organisations", direction="high", min_n=0, n="pairs", source=_SOURCE,
    title={"en": "undeclared recipients", "zh": "未声明的接收方数"},
)  # fmt: skip
def us_undeclared_recipients() -> Measure:
    """Organisations that received a type the declaration does not pair with them."""
    return measure(nw.col("recipients"), _NOT_FILED, _NOT_SEEN)


@feature(
    name="us_undeclared_sensitive", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="pairs",
    direction="high", min_n=0, n="pairs", source="PIPL arts 23, 28, 31",
    title={"en": "undeclared pairs with sensitive data or children",
           "zh": "涉及敏感信息或儿童的未声明组合数"},
)  # fmt: skip
def us_undeclared_sensitive() -> Measure:
    """Undeclared pairs whose type PIPL art. 28 calls sensitive; all of a children's app."""
    return measure(nw.col("sensitive_pairs"), _NOT_FILED, _NOT_SEEN)


@feature(
    name="us_declared_unobserved", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="pairs",
    direction="none", min_n=0, n="declared_pairs", source=_SOURCE,
    title={"en": "declared pairs never observed", "zh": "已声明但未观察到的组合数"},
)  # fmt: skip
def us_declared_unobserved() -> Measure:
    """Declared pairs that the test did not see: how much it covered, no suspicion."""
    return measure(nw.col("declared_pairs") - nw.col("matched"), _NOT_FILED)
