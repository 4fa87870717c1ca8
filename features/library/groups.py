"""Economic groups: firms of one group are one player, not competitors of each other."""

from __future__ import annotations

import narwhals as nw

from features.catalogue import view
from features.operators import Lazy
from features.tables import Tables


@view("firm_groups")
def firm_groups(t: Tables) -> Lazy:
    """One row per firm of a group of two or more: `member_id`, `group_id`.

    A firm alone in its group keeps its own id: that is the name a reader knows it by.
    """
    known = (
        t["firms"]
        .filter(~nw.col("group_id").is_null())
        .group_by("firm_id")
        .agg(nw.col("group_id").max())
        .rename({"firm_id": "member_id"})
    )
    sizes = known.group_by("group_id").agg(nw.len().alias("_members"))
    return (
        known.join(sizes, on="group_id", how="inner")
        .filter(nw.col("_members") > 1)
        .drop("_members")
    )


def with_group(t: Tables, frame: Lazy, firm: str, into: str) -> Lazy:
    """Add column `into`: the firm's group, or the firm itself where no group is known."""
    if t.get("firms") is None:
        return frame.with_columns(nw.col(firm).alias(into))
    groups = t.view("firm_groups").rename({"group_id": "_group"})
    joined = frame.join(groups, left_on=firm, right_on="member_id", how="left")
    return joined.with_columns(nw.coalesce(nw.col("_group"), nw.col(firm)).alias(into)).drop(
        "_group"
    )
