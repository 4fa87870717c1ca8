"""One row per deal: dates, value and what its parties filed; shared by the screens on deals."""

from __future__ import annotations

import narwhals as nw

from features.catalogue import view
from features.library.groups import with_group
from features.operators import Lazy, civil_day, month_end, month_start
from features.tables import Tables


@view("deals")
def deals(t: Tables) -> Lazy:
    """Deals in the month of their signing, with `event_day`: implementation, else signing."""
    day = civil_day(
        "signed_on", "notified_on", "implemented_on", "recorded_at", fallback=t.context.as_of
    )
    event = nw.coalesce("implemented_on", "signed_on", "notified_on")
    return (
        t["merger_notifications"]
        .drop("source")
        .with_columns(day.alias("day"), nw.coalesce(event, day).alias("event_day"))
        .with_columns(
            month_start(nw.col("day")).alias("period_start"),
            month_end(nw.col("day")).alias("period_end"),
            nw.col("deal_id").alias("subject_key"),
        )
    )


@view("deal_groups")
def deal_groups(t: Tables) -> Lazy:
    """One row per deal and economic group among its parties: the group's figures.

    A party's figures are those of its whole group, so firms of one group are not added up; the
    largest counts. `is_target` marks the group of the target.
    """
    targets = t["merger_notifications"].select("deal_id", "target_id")
    parties = (
        t["deal_parties"]
        .join(targets, on="deal_id", how="inner")
        .with_columns(
            (
                (nw.col("party_id") == nw.col("target_id")) | (nw.col("role") == "target")
            ).fill_null(value=False).cast(nw.Int64).alias("is_target")
        )
    )  # fmt: skip
    figures = ("turnover_world", "turnover_domestic", "turnover_eu", "assets", "fy")
    grouped = with_group(t, parties, "party_id", "firm").group_by("deal_id", "firm")
    return grouped.agg(
        *(nw.col(c).max() for c in (*figures, "is_target", "active_users", "users_year_before")),
        nw.col("currency").max(),
        (nw.col("currency").n_unique()).alias("n_currencies"),
    ).sort("deal_id", "firm")


@view("deal_buyers")
def deal_buyers(t: Tables) -> Lazy:
    """One row per deal and buying group: `deal_id`, `target_id`, `done` (day), `firm`.

    The buyer is the filed acquirer, else every party but the target. `done`: implementation, else
    signing, else notification. Deals after the day of the judgement are left out.
    """
    done = nw.coalesce("implemented_on", "signed_on", "notified_on")
    deals = t["merger_notifications"].select(
        "deal_id", "target_id", "acquirer_id", done.alias("done")
    ).filter(nw.col("done") <= nw.lit(t.context.as_of))  # fmt: skip
    parties = t["deal_parties"].select("deal_id", "party_id")
    buyers = deals.join(parties, on="deal_id", how="left").with_columns(
        nw.coalesce("acquirer_id", "party_id").alias("buyer")
    )
    buyers = buyers.filter((nw.col("buyer") != nw.col("target_id")).fill_null(value=True))
    return with_group(t, buyers, "buyer", "firm").select(
        "deal_id", "target_id", "done", "firm"
    ).unique()  # fmt: skip


def in_currency(code: str, column: str) -> nw.Expr:
    """Whether money is in this currency; money without a filed currency is taken to be."""
    return nw.col(column).fill_null(code) == code
