"""Strata of peers: which columns make subjects comparable, and deciles of size among them.

The order is that of the domain catalogue (6.2): jurisdiction, market or kind of app, size, channel;
the last one is dropped first. A size decile is cut where the frozen peers of the strata before it
had their deciles, so it never depends on the rows judged today.
"""

from __future__ import annotations

import polars as pl

DECILE = "size_decile"
"""The stratum that stands for tenths of the table's size attribute."""
UNKNOWN = "unknown"
"""What is not known forms a stratum of its own."""
EVERYBODY = "all"
EDGES = tuple(f"edge_{k}" for k in range(1, 10))


def text_of(column: str) -> pl.Expr:
    """A stratum column as text."""
    return pl.col(column).cast(pl.String).fill_null(UNKNOWN)


def before_decile(peers: tuple[str, ...]) -> tuple[str, ...]:
    """The strata inside which deciles are cut; none where there is no decile."""
    return peers[: peers.index(DECILE)] if DECILE in peers else ()


def cut(frame: pl.DataFrame, peers: tuple[str, ...], size: str) -> pl.DataFrame:
    """Edges of the deciles of a size: one row a stratum, nine edges (type 7), upper ones included.

    Empty where the peers have no decile.
    """
    inside = before_decile(peers)
    schema = {c: pl.String() for c in inside} | {e: pl.Float64() for e in EDGES}
    if DECILE not in peers:
        return pl.DataFrame(schema=schema)
    value = pl.col(size).cast(pl.Float64)
    known = frame.filter(value.is_not_null() & value.is_finite())
    edges = [
        value.quantile(k / 10, interpolation="linear").alias(e) for k, e in enumerate(EDGES, 1)
    ]
    if not inside:
        found = known.select(edges).filter(pl.lit(known.height > 0))
    else:
        found = known.group_by([text_of(c).alias(c) for c in inside]).agg(edges)
    return found.select(pl.col(c).cast(t) for c, t in schema.items()).sort(pl.all())


def in_strata(
    frame: pl.DataFrame, peers: tuple[str, ...], size: str, edges: pl.DataFrame
) -> pl.DataFrame:
    """The stratum columns of a table as text, in its order; columns it lacks are left out."""
    plain = [p for p in peers if p != DECILE and p in frame.columns]
    inside = before_decile(peers)
    able = DECILE in peers and size in frame.columns and set(inside) <= set(plain)
    texts = frame.select(text_of(p).alias(p) for p in plain)
    if not able:
        return texts
    sized = texts.with_columns(frame[size].cast(pl.Float64).fill_nan(None).alias("_size"))
    if inside:
        placed = sized.join(edges, on=list(inside), how="left", maintain_order="left")
    else:
        one = edges.height > 0
        placed = sized.with_columns(pl.lit(edges[e][0] if one else None).alias(e) for e in EDGES)
    above = pl.sum_horizontal((pl.col("_size") > pl.col(e)).cast(pl.Int64) for e in EDGES)
    known = pl.col("_size").is_not_null() & pl.col(EDGES[0]).is_not_null()
    decile = pl.when(known).then((above + 1).cast(pl.String)).otherwise(pl.lit(UNKNOWN))
    order = [p for p in peers if p in plain or p == DECILE]
    return placed.with_columns(decile.alias(DECILE)).select(order)


def names_of(strata: pl.DataFrame, columns: tuple[str, ...], height: int) -> pl.Series:
    """How the stratum of each row is called at one level: `column=value; ...`, or `all`.

    A table without columns has no height of its own, so it is given.
    """
    if not columns:
        return pl.Series([EVERYBODY]).new_from_index(0, height)
    texts = [pl.format(c + "={}", pl.col(c)) for c in columns]
    return strata.select(pl.concat_str(texts, separator="; ").alias("name"))["name"]
