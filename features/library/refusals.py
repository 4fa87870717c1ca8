"""Requests of individuals refused unusually often (PRIV-DSAR-REFUSAL)."""

from __future__ import annotations

import narwhals as nw

from features.catalogue import Measure, base, feature, measure
from features.library.count_tails import with_binomial_p
from features.operators import Lazy, year_end, year_start
from features.tables import Tables, collect
from features.vocabulary import Reason

_TYPOLOGY, _BASE = "PRIV-DSAR-REFUSAL", "operator_refusals"
_INPUTS = ("dsar_requests.outcome",)
_SOURCE = "PIPL art. 50; GDPR art. 12(5)"
REFUSED = ("refused", "denied", "rejected")
_CELL = ("operator_id", "period_start")


@base(
    name=_BASE,
    grain="operator_y",
    tables=("dsar_requests",),
    attributes=("operator_id", "refused_requests", "peer_refusal_rate"),
)
def operator_refusals(t: Tables) -> Lazy:
    """One row per operator and year, with the refusal rate of all other operators together."""
    rows = t.view("answered_requests").filter(
        ~nw.col("received_on").is_null() & ~nw.col("operator_id").is_null()
    )
    outcome = nw.col("outcome").str.to_lowercase()
    decided = ~outcome.is_null() & nw.col("closed")
    refused = decided & outcome.is_in(REFUSED).fill_null(value=False)
    rows = rows.with_columns(
        year_start(nw.col("received_on")).alias("period_start"),
        decided.cast(nw.Int64).alias("decided"),
        refused.cast(nw.Int64).alias("refused"),
        (nw.col("fee") > 0).cast(nw.Int64).alias("charged"),
    )
    cells = rows.group_by(*_CELL).agg(
        nw.col("decided").sum(), nw.col("refused").sum(), nw.col("charged").sum(),
        nw.col("charged").count().cast(nw.Int64).alias("fees"),
    )  # fmt: skip
    year = "period_start"
    others = nw.col("decided").sum().over(year) - nw.col("decided")
    cells = cells.with_columns(
        others.alias("others"),
        (nw.col("refused").sum().over(year) - nw.col("refused")).alias("_refused"),
    ).with_columns(
        (nw.col("_refused") / nw.when(nw.col("others") > 0).then(nw.col("others"))).alias(
            "peer_rate"
        )
    )
    cells = cells.join(_entropy(rows.filter(nw.col("refused") == 1)), on=list(_CELL), how="left")
    frame = with_binomial_p(collect(cells), "refused", "decided", "peer_rate", "p")
    return nw.from_native(frame.lazy()).with_columns(
        nw.col("operator_id").alias("subject_key"),
        year_end(nw.col(year)).alias("period_end"),
        nw.col("refused").alias("refused_requests"),
        nw.col("peer_rate").alias("peer_refusal_rate"),
    )


def _entropy(refused: Lazy) -> Lazy:
    """Shannon entropy, in bits, of the grounds of refusals that give one."""
    grounds = refused.filter(~nw.col("refusal_ground").is_null())
    counts = grounds.group_by(*_CELL, "refusal_ground").agg(
        nw.len().cast(nw.Int64).alias("k")
    )  # fmt: skip
    counts = counts.with_columns(nw.col("k").sum().over(*_CELL).alias("grounds"))
    share = nw.col("k") / nw.col("grounds")
    counts = counts.with_columns((-share * share.log(2)).alias("bits"))
    return counts.sort(*_CELL, "refusal_ground").group_by(*_CELL).agg(
        nw.col("bits").sum().alias("entropy"), nw.col("grounds").max()
    )  # fmt: skip


_NONE = (nw.col("decided") == 0, Reason.MISSING_INPUT)


@feature(
    name="dr_refusal_rate", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="share",
    direction="high", n="decided", source=_SOURCE, uses_as_of=True,
    title={"en": "refusal rate", "zh": "拒绝率"},
)  # fmt: skip
def dr_refusal_rate() -> Measure:
    """Requests refused by requests decided."""
    return measure(
        nw.col("refused") / nw.when(nw.col("decided") > 0).then(nw.col("decided")), _NONE
    )


@feature(
    name="dr_binom_p", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="probability",
    direction="low", n="decided", source="exact binomial test", uses_as_of=True,
    title={"en": "chance of so many refusals", "zh": "出现如此多拒绝的概率"},
    peer_adjusted=True,
)  # fmt: skip
def dr_binom_p() -> Measure:
    """Probability of at least so many refusals if the operator refused at the rate of all others
    together in the year (itself left out); exact."""
    return measure(nw.col("p"), _NONE, (nw.col("others") == 0, Reason.TOO_FEW))


@feature(
    name="dr_rate_vs_peers", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="ratio",
    direction="high", n="decided", source="catalogue 5", uses_as_of=True,
    title={"en": "refusal rate by that of others", "zh": "拒绝率与其他经营者之比"},
    peer_adjusted=True,
)  # fmt: skip
def dr_rate_vs_peers() -> Measure:
    """Refusal rate by the rate of all other operators together in the year."""
    peers = nw.col("peer_rate")
    return measure(
        nw.col("refused") / nw.when(nw.col("decided") > 0).then(nw.col("decided"))
        / nw.when(peers > 0).then(peers),
        _NONE, (nw.col("others") == 0, Reason.TOO_FEW), (peers == 0, Reason.ZERO_DENOMINATOR),
    )  # fmt: skip


@feature(
    name="dr_ground_entropy", typology=_TYPOLOGY, base=_BASE,
    inputs=("dsar_requests.outcome", "dsar_requests.refusal_ground"), unit="bits",
    direction="low", n="grounds", source="Shannon 1948", uses_as_of=True,
    title={"en": "variety of grounds of refusal", "zh": "拒绝理由的多样性"},
)  # fmt: skip
def dr_ground_entropy() -> Measure:
    """Entropy of the grounds given: 0 where every refusal gives the same one; null where no
    ground was filed."""
    return measure(nw.col("entropy"))


@feature(
    name="dr_fee_rate", typology=_TYPOLOGY, base=_BASE, inputs=("dsar_requests.fee",),
    unit="share", direction="high", n="fees", source="GDPR art. 12(5); PIPL art. 50",
    title={"en": "share of requests charged for", "zh": "收费请求占比"},
)  # fmt: skip
def dr_fee_rate() -> Measure:
    """Requests with a fee above zero by requests whose fee was filed."""
    known = nw.col("fees")
    return measure(nw.col("charged") / nw.when(known > 0).then(known),
                   (known == 0, Reason.MISSING_INPUT))  # fmt: skip
