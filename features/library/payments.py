"""Late payment of smaller suppliers (TRX-LATEPAY)."""

from __future__ import annotations

import narwhals as nw

from features.catalogue import Measure, base, feature, measure, view
from features.operators import Lazy, days_between, nearest_whole, quarter_end, quarter_start
from features.parameters.payment_limits import DEFAULT_DAYS, PAYMENT_LIMITS
from features.tables import Tables
from features.vocabulary import Reason

_TYPOLOGY, _BASE = "TRX-LATEPAY", "buyer_payments"
_INPUTS = ("invoices.amount", "invoices.delivered", "invoices.issued", "invoices.due",
           "invoices.paid", "invoices.disputed", "firms.size_class")  # fmt: skip
_SOURCE = "Directive 2011/7/EU; State Council Order 802; catalogue 4"
_CELL = ("buyer_id", "period_start")
LARGE = ("large", "big", "L", "大型", "大型企业")
_TAIL = 0.1 + 1e-9


@view("payable_lines")
def payable_lines(t: Tables) -> Lazy:
    """One row per undisputed invoice line of a supplier that is not known to be large.

    Columns: `buyer_id`, `period_start` (quarter of the invoice), `cents`, `days` until paid or so
    far, `paid` (1 or 0), `terms`, `limit_days`. Days run from delivery, else from the invoice.
    """
    begins = nw.coalesce(nw.col("delivered"), nw.col("issued"))
    value = nw.coalesce(nw.col("amount"), nw.col("qty") * nw.col("unit_price"))
    agreed = days_between(nw.col("issued"), nw.col("due"))
    lines = (
        t["invoices"]
        .filter(~nw.col("disputed").fill_null(value=False))
        .filter(~nw.col("buyer_id").is_null())
        .select(
            "buyer_id", "seller_id", "issued", "paid",
            begins.alias("begins"),
            nw.coalesce(nw.col("issued"), nw.col("delivered")).alias("day"),
            nearest_whole(value * 100).alias("cents"),
            nw.coalesce(nw.col("terms_days"), agreed).alias("terms"),
        )
        .filter(~nw.col("day").is_null())
    )  # fmt: skip
    # A payment after the day of the judgement is not known yet on that day.
    as_of = nw.lit(t.context.as_of)
    settled = (~nw.col("paid").is_null()) & (nw.col("paid") <= as_of)
    end = nw.when(settled).then(nw.col("paid")).otherwise(as_of)
    lines = _small_sellers(t, lines).with_columns(
        days_between(nw.col("begins"), end).alias("days"),
        settled.cast(nw.Int64).alias("settled"),
        quarter_start(nw.col("day")).alias("period_start"),
    )
    return _limited(t, lines).select(
        *_CELL, "cents", nw.max_horizontal(nw.col("days"), nw.lit(0)).alias("days"),
        nw.col("settled").alias("paid"), "terms", "limit_days",
    )  # fmt: skip


def _small_sellers(t: Tables, lines: Lazy) -> Lazy:
    firms = t.get("firms")
    if firms is None:
        return lines
    large = firms.filter(nw.col("size_class").is_in(LARGE)).select(
        nw.col("firm_id").alias("seller_id")
    )
    return lines.join(large.unique(), on="seller_id", how="anti")


def _limited(t: Tables, lines: Lazy) -> Lazy:
    """Add the limit in force on the day of the invoice in the buyer's country."""
    firms = t.get("firms")
    if firms is None:
        return lines.with_columns(nw.lit(DEFAULT_DAYS).alias("limit_days"))
    where = firms.group_by("firm_id").agg(nw.col("country").max()).rename({"firm_id": "buyer_id"})
    rows = lines.join(where, on="buyer_id", how="left")
    limit: nw.Expr = nw.lit(DEFAULT_DAYS)
    for days in sorted({p.days for p in PAYMENT_LIMITS}):
        for start in sorted({p.valid_from for p in PAYMENT_LIMITS if p.days == days}):
            codes = [
                p.jurisdiction for p in PAYMENT_LIMITS if (p.days, p.valid_from) == (days, start)
            ]
            holds = nw.col("country").is_in(codes) & (nw.col("day") >= nw.lit(start))
            limit = nw.when(holds).then(nw.lit(days)).otherwise(limit)
    return rows.with_columns(limit.alias("limit_days"))


def _shares(lines: Lazy) -> Lazy:
    """Value paid late, value of which it is known, and the median term."""
    known = ~nw.col("days").is_null() & ~nw.col("cents").is_null()
    late = nw.col("days") > nw.col("limit_days")
    decided = known & ((nw.col("paid") == 1) | late)
    return (
        lines.with_columns(
            nw.when(decided).then(nw.col("cents")).alias("decided"),
            nw.when(decided & late).then(nw.col("cents")).otherwise(nw.lit(0)).alias("late"),
            known.cast(nw.Int64).alias("known"),
        )
        .group_by(*_CELL)
        .agg(
            nw.len().alias("invoices"),
            nw.col("decided").count().alias("decided_lines"),
            nw.col("decided").sum(),
            nw.col("late").sum(),
            nw.col("known").sum(),
            nw.col("terms").median(),
            nw.col("terms").count().alias("with_terms"),
        )
    )


def _kaplan_meier(lines: Lazy) -> Lazy:
    """Smallest day at which the estimated share still unpaid is at most one tenth.

    S(t) = product over days u <= t of (1 - paid on u / unpaid until u); open invoices leave the
    count of the unpaid at their last known day (Kaplan and Meier 1958).
    """
    days = (
        lines.filter(~nw.col("days").is_null())
        .group_by(*_CELL, "days")
        .agg(nw.len().alias("_gone"), nw.col("paid").sum().alias("_paid"))
    )
    risk = nw.col("_gone").sum().over(*_CELL) - (
        nw.col("_gone").cum_sum().over(*_CELL, order_by="days") - nw.col("_gone")
    )
    stay = days.with_columns((1 - nw.col("_paid") / risk).alias("_stay"))
    unpaid = stay.with_columns(
        nw.col("_stay").cum_prod().over(*_CELL, order_by="days").alias("_unpaid")
    )
    reached = nw.when(nw.col("_unpaid") <= _TAIL).then(nw.col("days"))
    return (
        unpaid.with_columns(reached.alias("_reached"))
        .group_by(*_CELL)
        .agg(nw.col("_reached").min().alias("p90"), nw.col("_gone").sum().alias("timed"))
    )


@base(
    name=_BASE,
    grain="buyer_q",
    tables=("invoices",),
    attributes=("buyer_id", "invoices"),
    under="buyer_id",
)
def buyer_payments(t: Tables) -> Lazy:
    """One row per buyer and quarter of the invoice."""
    lines = t.view("payable_lines")
    return (
        _shares(lines)
        .join(_kaplan_meier(lines), on=list(_CELL), how="left")
        .with_columns(
            nw.col("buyer_id").alias("subject_key"),
            quarter_end(nw.col("period_start")).alias("period_end"),
        )
    )


@feature(
    name="late_share_value", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="0-1",
    direction="high", min_n=30, n="decided_lines", source=_SOURCE, uses_as_of=True,
    title={"en": "value paid late", "zh": "逾期支付金额占比"},
)  # fmt: skip
def late_share_value() -> Measure:
    """Value paid, or still unpaid, after the limit over the value of which that is known.

    The limit is that of the buyer's country on the day of the invoice, else 60 days, counted from
    delivery. Open invoices within the limit are not yet known. Disputed ones are left out.
    """
    return measure(
        nw.col("late") / nw.col("decided"),
        (nw.col("known") < 1, Reason.MISSING_INPUT),
        (nw.col("decided_lines") < 1, Reason.CENSORED),
        (nw.col("decided") <= 0, Reason.ZERO_DENOMINATOR),
    )


@feature(
    name="late_days_p90", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="days",
    direction="high", min_n=30, n="timed", source="Kaplan and Meier 1958; catalogue 4",
    uses_as_of=True,
    title={"en": "days until nine in ten are paid", "zh": "付款天数九成分位"},
)  # fmt: skip
def late_days_p90() -> Measure:
    """Days until at most a tenth of invoices is unpaid, open ones censored (Kaplan-Meier)."""
    return measure(
        nw.col("p90"),
        (nw.col("timed").is_null(), Reason.MISSING_INPUT),
        (nw.col("p90").is_null(), Reason.CENSORED),
    )


@feature(
    name="terms_days_median", typology=_TYPOLOGY, base=_BASE,
    inputs=("invoices.terms_days", "invoices.due", "invoices.issued"), unit="days",
    direction="high", min_n=30, n="with_terms", source=_SOURCE, peer_adjusted=True,
    title={"en": "median agreed days to pay", "zh": "约定账期中位数"},
)  # fmt: skip
def terms_days_median() -> Measure:
    """Median term: as agreed, else from the invoice to the day it is due."""
    return measure(nw.col("terms"), (nw.col("with_terms") < 1, Reason.MISSING_INPUT))
