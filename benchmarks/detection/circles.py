"""Circles of bidders in the simulated nulls, found as the product finds them in filings."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import combinations

import polars as pl

from benchmarks.detection.null_worlds import Sample
from features.library.bid_groups import LEAST_COMMON, _circles


def with_circles(sample: Sample) -> Sample:
    """The same draw, whose tenders also belong to the circles that met in them."""
    firms = sample.links["tender", "firm_y"]
    lots = firms.group_by("child_key").agg(pl.col("parent_key").sort()).sort("child_key")
    met = lots["parent_key"].to_list()
    tenders = Counter(firm for bidders in met for firm in bidders)
    common = Counter(pair for bidders in met for pair in combinations(bidders, 2))
    edges = [
        (a, b, n / (tenders[a] + tenders[b] - n))
        for (a, b), n in sorted(common.items())
        if n >= LEAST_COMMON
    ]
    schema = {"a": pl.String, "b": pl.String, "weight": pl.Float64}
    circles = _circles(pl.DataFrame(edges, schema=schema, orient="row"))
    members = [("|".join(circle), firm, len(circle)) for circle in circles for firm in circle]
    names = pl.DataFrame(members, schema=["circle", "parent_key", "members"], orient="row")
    place = ["child_key", "child_period_start", "parent_period_start", "parent_period_end"]
    links = (
        firms.with_columns(bidders=pl.len().over("child_key"))
        .join(names, on="parent_key")
        .group_by(*place, "circle", "members", "bidders", maintain_order=True)
        .agg(pl.len())
        .filter(pl.col("len") >= 2)
        .with_columns(fit=pl.col("len") / (pl.col("members") + pl.col("bidders") - pl.col("len")))
        .filter(pl.col("fit") == pl.col("fit").max().over("child_key"))
        .select(*place, parent_key="circle")
    )
    return replace(sample, links={**sample.links, ("tender", "group_y"): links})
