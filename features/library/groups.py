"""Economic groups: firms of one group are one player, not competitors of each other."""

from __future__ import annotations

import narwhals as nw

from features.catalogue import view
from features.operators import Lazy
from features.tables import Tables


@view("firm_groups")
def firm_groups(t: Tables) -> Lazy:
    """One row per firm with a known group: `member_id`, `group_id`."""
    return (
        t["firms"]
        .filter(~nw.col("group_id").is_null())
        .group_by("firm_id")
        .agg(nw.col("group_id").max())
        .rename({"firm_id": "member_id"})
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
