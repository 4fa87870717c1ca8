"""Circles of firms that bid for the same tenders (MON-BID-COBID)."""

from __future__ import annotations

import narwhals as nw
import numpy as np
import polars as pl
import rustworkx as rx
from numpy.typing import NDArray
from scipy import sparse

from features.catalogue import Measure, base, feature, measure, membership, view
from features.library.bid_market import BIDS_IN, in_order
from features.library.bid_screens import TABLES
from features.operators import Lazy, pair_key, year_end
from features.tables import Tables, collect
from features.vocabulary import Reason

_TYPOLOGY, _PAIR, _GROUP = "MON-BID-COBID", "cobid_pair", "cobid_group"
_SOURCE = "Wachs and Kertesz 2019"
_AHN = "Ahn, Bagrow and Lehmann 2010 (link communities); Wachs and Kertesz 2019"
_INPUTS = (*BIDS_IN, "tenders.awarded_at")
LEAST_COMMON, MOST_MEMBERS = 3, 50
"""An edge needs three common tenders; above fifty members it is a trade, not a circle."""

_STEPS = 20
"""Similarities of edges are cut at multiples of 1/20."""

Ints = NDArray[np.int64]


@view("cobid_edges")
def cobid_edges(t: Tables) -> Lazy:
    """Pairs of firms with three or more common tenders in a calendar year.

    Columns: `year`, `a` < `b`, `common`, `tenders_a`, `tenders_b`, `weight` (Jaccard index of the
    sets of tenders and lots). Economic groups are one firm; members of one consortium do not meet.
    """
    rows = t.view("lot_firms").select("subject_key", "year", "firm", "party")
    sizes = rows.group_by("year", "firm").agg(nw.col("subject_key").n_unique().alias("n"))
    other = rows.select(
        "subject_key", nw.col("firm").alias("b"), nw.col("party").alias("other_party")
    )
    met = (
        rows.rename({"firm": "a"})
        .join(other, on="subject_key", how="inner")
        .filter((nw.col("a") < nw.col("b")) & (nw.col("party") != nw.col("other_party")))
        .group_by("year", "a", "b")
        .agg(nw.col("subject_key").n_unique().cast(nw.Int64).alias("common"))
        .filter(nw.col("common") >= LEAST_COMMON)
    )
    of_a = sizes.rename({"firm": "a", "n": "tenders_a"})
    of_b = sizes.rename({"firm": "b", "n": "tenders_b"})
    either = nw.col("tenders_a").cast(nw.Int64) + nw.col("tenders_b").cast(nw.Int64)
    return (
        met.join(of_a, on=["year", "a"], how="inner")
        .join(of_b, on=["year", "b"], how="inner")
        .with_columns((nw.col("common") / (either - nw.col("common"))).alias("weight"))
        .sort("year", "a", "b")
    )


@view("cobid_members")
def cobid_members(t: Tables) -> Lazy:
    """Members of every circle: `year`, `group` (members joined by ``|``), `n_members`, `firm`.

    Circles are link communities, so a firm may be in several. Two firms are a circle only where
    neither is in a larger one.
    """
    edges = collect(t.view("cobid_edges"))
    found: list[tuple[object, str, int, str]] = []
    for (year,), part in edges.group_by("year", maintain_order=True):
        for members in _circles(part):
            key = "|".join(members)
            found += [(year, key, len(members), firm) for firm in members]
    schema = {"year": pl.Date, "group": pl.String, "n_members": pl.Int64, "firm": pl.String}
    return nw.from_native(pl.LazyFrame(found, schema=schema, orient="row"))


def _circles(edges: pl.DataFrame) -> list[tuple[str, ...]]:
    """Circles of one year, each a sorted tuple of firms."""
    firms = sorted(set(edges["a"]) | set(edges["b"]))
    place = {firm: k for k, firm in enumerate(firms)}
    ends = np.array(
        [[place[a] for a in edges["a"]], [place[b] for b in edges["b"]]], dtype=np.int64
    )
    weight = edges["weight"].to_numpy()
    graph: rx.PyGraph[None, None] = rx.PyGraph(multigraph=False)
    graph.add_nodes_from([None] * len(firms))
    graph.add_edges_from_no_data(list(map(tuple, ends.T.tolist())))
    label = np.empty(len(firms), dtype=np.int64)
    for k, component in enumerate(rx.connected_components(graph)):
        label[list(component)] = k
    # One cut for each connected part: strangers elsewhere must not move it.
    sets: set[frozenset[int]] = set()
    part_of = label[ends[0]]
    pairs = _similar(ends, weight)
    alike = _by_part(part_of[pairs[0]])
    place_in = np.empty(part_of.size, dtype=np.int64)
    for part, edges_of in _by_part(part_of).items():
        place_in[edges_of] = np.arange(edges_of.size)
        mine = alike.get(part, np.empty(0, dtype=np.int64))
        one, two, level = (column[mine] for column in pairs)
        sets |= _communities(ends[:, edges_of], place_in[one], place_in[two], level)
    kept = _without_parts(sets)
    return sorted(tuple(firms[i] for i in sorted(s)) for s in kept)


def _without_parts(sets: set[frozenset[int]]) -> list[frozenset[int]]:
    """Drop circles inside larger ones, pairs that touch a larger one, and whole trades."""
    large = [s for s in sets if len(s) > 2]
    taken = frozenset().union(*large)
    pairs = [s for s in sets if len(s) == 2 and not s & taken]
    of_firm: dict[int, list[frozenset[int]]] = {}
    for s in large:
        for firm in s:
            of_firm.setdefault(firm, []).append(s)
    whole = [s for s in large if not any(s < other for other in of_firm[min(s)])]
    return [s for s in (*whole, *pairs) if len(s) <= MOST_MEMBERS]


def _by_part(labels: Ints) -> dict[int, Ints]:
    """Places of every label, in order."""
    order = np.argsort(labels, kind="stable")
    split = np.split(order, np.flatnonzero(np.diff(labels[order])) + 1)
    return {int(labels[places[0]]): places for places in split if places.size}


def _communities(ends: Ints, one: Ints, two: Ints, level: Ints) -> set[frozenset[int]]:
    """Link communities of one connected part, cut where the partition density is largest.

    Edges that share a firm (`one`, `two`) are as similar as the neighbourhoods of their other ends
    (`level`, see `_similar`), joined by single linkage. Of equal densities the strictest cut is
    taken.
    """
    m = ends.shape[1]
    graph: rx.PyGraph[None, None] = rx.PyGraph(multigraph=False)
    graph.add_nodes_from([None] * m)
    best, chosen = -1.0, [{k} for k in range(m)]
    for step in range(_STEPS, 0, -1):
        at = level == step
        if step < _STEPS and not at.any():
            continue
        graph.add_edges_from_no_data(list(zip(one[at].tolist(), two[at].tolist(), strict=True)))
        found = [set(c) for c in rx.connected_components(graph)]
        density = _density(ends, found)
        if density > best + 1e-12:
            best, chosen = density, found
    return {frozenset(ends[:, sorted(c)].ravel().tolist()) for c in chosen}


def _density(ends: Ints, found: list[set[int]]) -> float:
    """Partition density: how far communities lie between a tree (0) and a clique (1)."""
    total: float = 0.0
    for community in found:
        m, n = len(community), len(set(ends[:, list(community)].ravel().tolist()))
        if n > 2:
            total += m * (m - n + 1) / ((n - 2) * (n - 1))
    return 2 * total / int(ends.shape[1])


def _similar(ends: Ints, weight: NDArray[np.float64]) -> tuple[Ints, Ints, Ints]:
    """Pairs of edges that share a firm, and their similarity in whole steps.

    It is the Tanimoto of the weight vectors of their other ends, own entry the firm's mean weight.
    Found for all connected parts at once: edges of different parts share no firm.
    """
    nodes, flat = np.unique(ends, return_inverse=True)
    a, b = flat.reshape(ends.shape)
    n, m = len(nodes), ends.shape[1]
    degree = np.bincount(np.concatenate([a, b]), minlength=n)
    strength = np.bincount(np.concatenate([a, b]), np.concatenate([weight, weight]), minlength=n)
    rows = np.concatenate([a, b, np.arange(n)])
    columns = np.concatenate([b, a, np.arange(n)])
    values = np.concatenate([weight, weight, strength / degree])
    vectors = sparse.csr_array((values, (rows, columns)), shape=(n, n))
    product = (vectors @ vectors.T).tocsr()
    norm = product.diagonal()
    around = pl.DataFrame(
        {
            "hub": np.concatenate([a, b]),
            "end": np.concatenate([b, a]),
            "edge": np.tile(np.arange(m), 2),
        }
    )
    pairs = around.join(around, on="hub", suffix="_2").filter(pl.col("edge") < pl.col("edge_2"))
    pairs = pairs.sort("edge", "edge_2", "hub")
    i, j = pairs["end"].to_numpy(), pairs["end_2"].to_numpy()
    dot = np.asarray(product[i, j]).ravel() if pairs.height else np.empty(0)
    level = np.floor(dot / (norm[i] + norm[j] - dot) * _STEPS + 1e-9).astype(np.int64)
    return pairs["edge"].to_numpy(), pairs["edge_2"].to_numpy(), level


@membership(child="tender", parent="group_y", tables=TABLES)
def circles_of_tender(t: Tables) -> Lazy:
    """A tender belongs to the circle that fits its bidders best, if two members met in it.

    Fit is the Jaccard index of members and bidders; equal fits share the tender. Belonging to one
    circle alone, the tenders of a ring make no other circle suspicious that a member is also in.
    """
    cell = ["subject_key", "year", "group", "n_members", "n_parties"]
    rows = t.view("lot_firms").select("subject_key", "year", "firm", "party")
    sizes = rows.group_by("subject_key").agg(nw.col("party").n_unique().alias("n_parties"))
    present = nw.col("party").n_unique().cast(nw.Int64)
    either = nw.col("n_members") + nw.col("n_parties").cast(nw.Int64) - nw.col("present")
    met = (
        rows.join(sizes, on="subject_key", how="inner")
        .join(t.view("cobid_members"), on=["year", "firm"], how="inner")
        .group_by(*cell)
        .agg(present.alias("present"))
        .filter(nw.col("present") >= 2)
        .with_columns((nw.col("present") / either).alias("fit"))
        .filter(nw.col("fit") == nw.col("fit").max().over("subject_key"))
    )
    months = t.view("lot_terms").select("subject_key", "period_start")
    return met.join(months, on="subject_key", how="inner").select(
        nw.col("subject_key").alias("child_key"),
        nw.col("period_start").alias("child_period_start"),
        nw.col("group").alias("parent_key"),
        nw.col("year").alias("parent_period_start"),
        year_end(nw.col("year")).alias("parent_period_end"),
    )


@base(name=_PAIR, grain="pair_y", tables=TABLES, attributes=("firm_a", "firm_b"))
def cobid_pair(t: Tables) -> Lazy:
    """One row per pair of firms with three or more common tenders in the year."""
    return t.view("cobid_edges").with_columns(
        pair_key(nw.col("a"), nw.col("b")).alias("subject_key"),
        nw.col("a").alias("firm_a"),
        nw.col("b").alias("firm_b"),
        nw.col("year").alias("period_start"),
        year_end(nw.col("year")).alias("period_end"),
    )


@base(name=_GROUP, grain="group_y", tables=TABLES, attributes=("n_members",), peers=("n_members",))
def cobid_group(t: Tables) -> Lazy:
    """One row per circle and year, with its edges inside and to firms outside."""
    edges = t.view("cobid_edges").select("year", "a", "b", "weight")
    members = t.view("cobid_members")
    ends = nw.concat([edges.with_columns(nw.col(end).alias("firm")) for end in ("a", "b")])
    touched = (
        members.join(ends, on=["year", "firm"], how="inner")
        .group_by("year", "group", "n_members", "a", "b", "weight")
        .agg(nw.len().alias("_ends"))
        .sort("year", "group", "a", "b")
    )
    inside = nw.when(nw.col("_ends") == 2).then(nw.col("weight"))
    outside = nw.when(nw.col("_ends") == 1).then(nw.col("weight")).otherwise(0.0)
    sums = in_order(
        touched.with_columns(
            inside.alias("inside"), inside.log().alias("log"), outside.alias("outside")
        ),
        ["year", "group", "n_members"],
        pl.col("inside").count().alias("n_edges"),
        pl.col("inside").mean().alias("arithmetic"),
        pl.col("log").mean().alias("log_mean"),
        pl.col("inside").sum(),
        pl.col("outside").sum(),
    )
    return sums.with_columns(
        nw.col("group").alias("subject_key"),
        nw.col("year").alias("period_start"),
        year_end(nw.col("year")).alias("period_end"),
    )


@feature(
    name="cobid_jaccard", typology=_TYPOLOGY, base=_PAIR, inputs=_INPUTS, unit="0-1",
    direction="high", min_n=LEAST_COMMON, n="common", source=_SOURCE,
    title={"en": "overlap of two firms' tenders", "zh": "两家企业参与项目重合度"},
)  # fmt: skip
def cobid_jaccard() -> Measure:
    """Tenders both bid for, over tenders either bid for, in the year; three in common at least."""
    return measure(nw.col("weight"))


@feature(
    name="cobid_coherence", typology=_TYPOLOGY, base=_GROUP, inputs=_INPUTS, unit="0-1",
    direction="high", min_n=3, n="n_edges", source=_AHN,
    title={"en": "evenness of a circle", "zh": "投标圈子内聚度"},
)  # fmt: skip
def cobid_coherence() -> Measure:
    """Geometric over arithmetic mean of the Jaccard weights between members.

    Pairs without an edge are left out; `cobid_density` tells how many there are.
    """
    few = (nw.col("n_edges") < 2, Reason.TOO_FEW)
    return measure(nw.col("log_mean").exp() / nw.col("arithmetic"), few)


@feature(
    name="cobid_exclusivity", typology=_TYPOLOGY, base=_GROUP, inputs=_INPUTS, unit="0-1",
    direction="high", min_n=1, n="n_edges", source=_AHN,
    title={"en": "seclusion of a circle", "zh": "投标圈子封闭度"},
)  # fmt: skip
def cobid_exclusivity() -> Measure:
    """Weight of edges between members over that of all edges a member has."""
    return measure(nw.col("inside") / (nw.col("inside") + nw.col("outside")))


@feature(
    name="cobid_density", typology=_TYPOLOGY, base=_GROUP, inputs=_INPUTS, unit="0-1",
    direction="high", min_n=1, n="n_edges", source=_AHN,
    title={"en": "members that meet", "zh": "投标圈子密度"},
)  # fmt: skip
def cobid_density() -> Measure:
    """Pairs of members with an edge over all pairs of members."""
    n = nw.col("n_members")
    return measure(2 * nw.col("n_edges") / (n * (n - 1)))


@feature(
    name="cobid_size", typology=_TYPOLOGY, base=_GROUP, inputs=_INPUTS, unit="firms",
    direction="none", min_n=1, n="n_edges", source=_AHN,
    title={"en": "members of a circle", "zh": "投标圈子成员数"},
)  # fmt: skip
def cobid_size() -> Measure:
    """Number of firms (economic groups where known) in the circle."""
    return measure(nw.col("n_members"))
