"""Money that leaves and comes back to where it began (TRX-ROUNDTRIP)."""

from __future__ import annotations

from datetime import timedelta

import narwhals as nw
import polars as pl
import rustworkx as rx

from features.catalogue import Measure, base, feature, measure, note
from features.operators import Lazy, month_end
from features.tables import Tables, collect
from features.vocabulary import Reason

_TYPOLOGY, _BASE = "TRX-ROUNDTRIP", "fund_paths"
_INPUTS = ("fund_flows.from_id", "fund_flows.to_id", "fund_flows.ts", "fund_flows.amount")
_SOURCE = "FATF typologies; catalogue 4 (ENG)"
MAX_HOPS = 4
MAX_DAYS = 90
"""Trips longer than this are not looked for; the rule's own limit is shorter."""
CAP = 50
"""Accounts with more counterparties than this in a year are hubs (banks, clearing) and left out."""
LEAST_PASSED, MOST_PASSED = 0.5, 1.05
"""A step belongs to a trip when it carries this part of the step before."""
MATCH = 0.05
REPEAT_DAYS = 365


def _flows(t: Tables) -> pl.DataFrame:
    """Transfers between two different accounts, with a number."""
    filed = collect(
        t["fund_flows"]
        .filter((nw.col("from_id") != nw.col("to_id")) & (nw.col("amount") > 0))
        .select("flow_id", "from_id", "to_id", "ts", "amount",
                nw.coalesce(nw.col("currency"), nw.lit("")).alias("currency"))
    )  # fmt: skip
    return filed.sort("ts", "flow_id").with_row_index("flow")


def _hubs(flows: pl.DataFrame) -> pl.DataFrame:
    """Accounts with more than `CAP` counterparties in a calendar year: `node`, `year`."""
    year = pl.col("ts").dt.year().alias("year")
    sides = [
        flows.select(year, node="from_id", other="to_id"),
        flows.select(year, node="to_id", other="from_id"),
    ]
    seen = pl.concat(sides).unique().group_by("node", "year").len()
    return seen.filter(pl.col("len") > CAP).select("node", "year")


def _candidates(flows: pl.DataFrame) -> pl.DataFrame:
    """Transfers that can lie on a circle: between accounts of one strongly connected part."""
    hubs = _hubs(flows)
    rows = flows.with_columns(year=pl.col("ts").dt.year())
    for end in ("from_id", "to_id"):
        rows = rows.join(hubs, left_on=[end, "year"], right_on=["node", "year"], how="anti")
    names = pl.concat([rows["from_id"], rows["to_id"]]).unique().sort()
    codes = pl.DataFrame({"node": names}).with_row_index("code")
    for end in ("from_id", "to_id"):
        rows = rows.join(codes.rename({"node": end, "code": f"{end}_code"}), on=end, how="left")
    graph: rx.PyDiGraph[None, None] = rx.PyDiGraph(multigraph=False)
    graph.add_nodes_from([None] * names.len())
    graph.add_edges_from_no_data(rows.select("from_id_code", "to_id_code").unique().rows())
    parts = [c for c in rx.strongly_connected_components(graph) if len(c) > 1]
    where = pl.DataFrame(
        {
            "code": [i for c in parts for i in c],
            "part": [k for k, c in enumerate(parts) for _ in c],
        },
        schema={"code": pl.UInt32, "part": pl.Int64},
    )
    for end in ("from_id", "to_id"):
        part = where.rename({"code": f"{end}_code", "part": f"{end}_part"})
        rows = rows.join(part, on=f"{end}_code", how="inner")
    inside = rows.filter(pl.col("from_id_part") == pl.col("to_id_part"))
    return inside.select("flow", "from_id", "to_id", "ts", "amount", "currency").sort("flow")


def _trips(flows: pl.DataFrame) -> pl.DataFrame:
    """Every circle of two to four transfers in the order of time, by its first and last transfer.

    Columns: `members` (accounts in order from the origin), `hops`, `first`, `last`, `began`,
    `ended`, `out`, `back`, `matched` (every step within 5 % of the one before).
    """
    step = flows.select("currency", "flow", "ts", "amount", end="from_id", next="to_id")
    paths = flows.select(
        "currency",
        first="flow", last="flow", began="ts", ended="ts", out="amount", back="amount",
        origin="from_id", end="to_id", members=pl.concat_list("from_id", "to_id"),
        matched=pl.lit(value=True),
    )  # fmt: skip
    found: list[pl.DataFrame] = []
    for hops in range(2, MAX_HOPS + 1):
        longer = _extended(paths, step)
        closed = longer.filter(pl.col("end") == pl.col("origin"))
        found.append(closed.with_columns(hops=pl.lit(hops, dtype=pl.Int64)))
        seen = pl.col("members").list.contains(pl.col("end"))
        paths = longer.filter(~seen).with_columns(members=pl.concat_list("members", pl.col("end")))
    return pl.concat(found)


def _extended(paths: pl.DataFrame, step: pl.DataFrame) -> pl.DataFrame:
    """Paths with one more transfer that is later, near enough in time and of fitting size."""
    joined = paths.join(step, on=["currency", "end"], how="inner").filter(
        (pl.col("ts") >= pl.col("ended"))
        & (pl.col("flow") > pl.col("last"))
        & (pl.col("ts") <= pl.col("began") + timedelta(days=MAX_DAYS))
        & (pl.col("amount") >= LEAST_PASSED * pl.col("back"))
        & (pl.col("amount") <= MOST_PASSED * pl.col("back"))
    )
    fits = ((pl.col("amount") / pl.col("back")) - 1).abs() <= MATCH + 1e-12
    return joined.select(
        "currency", "first", "began", "out", "origin", "members",
        matched=pl.col("matched") & fits,
        last="flow", ended="ts", back="amount", end="next",
    )  # fmt: skip


def _named(trips: pl.DataFrame) -> pl.DataFrame:
    """Add the path's name: its accounts in order, from the first by name, joined by ``|``."""
    start = pl.col("members").list.eval(pl.element().arg_min()).list.first()
    size = pl.col("members").list.len()
    turned = pl.concat_list(
        pl.col("members").list.slice(start, size), pl.col("members").list.slice(0, start)
    )
    return trips.with_columns(subject_key=turned.list.join("|"))


@note(name="fund_hubs", typology=_TYPOLOGY, tables=("fund_flows",))
def fund_hubs(t: Tables) -> Lazy:
    """How many accounts were left out as hubs, per year."""
    hubs = _hubs(_flows(t)).group_by("year").agg(pl.len().cast(pl.Int64).alias("accounts"))
    return nw.from_native(hubs.lazy())


@base(
    name=_BASE,
    grain="path_m",
    tables=("fund_flows",),
    attributes=("origin", "amount_out", "amount_back", "currency"),
    peers=("currency", "size_decile"),
    size="amount_out",
)
def fund_paths(t: Tables) -> Lazy:
    """One row per circle of accounts and month in which money came back: the fullest return.

    `trips` counts returns that share no transfer at either end, over a year up to the month's end.
    """
    trips = _named(_trips(_candidates(_flows(t)))).with_columns(
        period_start=pl.col("ended").dt.date().dt.truncate("1mo"),
        ratio=pl.col("back") / pl.col("out"),
        days=(pl.col("ended").dt.date() - pl.col("began").dt.date()).dt.total_days(),
    )
    order = ["subject_key", "period_start", "ratio", "days", "out", "first", "last"]
    best = trips.sort(order, descending=[False, False, True, False, True, False, False]).unique(
        ["subject_key", "period_start"], keep="first", maintain_order=True
    )
    rows = best.join(_repeats(best, trips), on=["subject_key", "period_start"], how="left")
    named = rows.rename({"out": "amount_out", "back": "amount_back"})
    return nw.from_native(named.lazy()).with_columns(
        month_end(nw.col("period_start")).alias("period_end")
    )


def _repeats(best: pl.DataFrame, trips: pl.DataFrame) -> pl.DataFrame:
    """Returns on the same path to the same origin in the year up to the end of each month."""
    past = trips.select("subject_key", "origin", "first", "last", _on="period_start")
    months = best.select("subject_key", "period_start")
    recent = (pl.col("_on") <= pl.col("period_start")) & (
        pl.col("_on") > pl.col("period_start") - timedelta(days=REPEAT_DAYS)
    )
    return (
        months.join(past, on="subject_key", how="inner")
        .filter(recent)
        .group_by("subject_key", "period_start", "origin")
        .agg(trips=pl.min_horizontal(pl.col("first").n_unique(), pl.col("last").n_unique()))
        .group_by("subject_key", "period_start")
        .agg(pl.col("trips").max().cast(pl.Int64))
    )


@feature(
    name="rt_return_ratio", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="ratio",
    direction="high", n="trips", source=_SOURCE,
    title={"en": "part of the money that came back", "zh": "资金回流比例"},
)  # fmt: skip
def rt_return_ratio() -> Measure:
    """What the origin got back over what it paid out, of the fullest return of the month.

    A return is a circle of two to four transfers, each later than the one before, each carrying
    half to 105 % of it, in one currency, within 90 days.
    """
    return measure(nw.col("ratio"), (nw.col("amount_out") <= 0, Reason.ZERO_DENOMINATOR))


@feature(
    name="rt_days", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="days",
    direction="low", n="trips", source=_SOURCE,
    title={"en": "days until the money was back", "zh": "回流天数"},
)  # fmt: skip
def rt_days() -> Measure:
    """Calendar days (UTC) from the first transfer of that return to its last."""
    return measure(nw.col("days"))


@feature(
    name="rt_hops", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="transfers",
    direction="none", n="trips", source=_SOURCE,
    title={"en": "transfers in the circle", "zh": "回流环节数"},
)  # fmt: skip
def rt_hops() -> Measure:
    """Number of transfers in that return, two to four."""
    return measure(nw.col("hops"))


@feature(
    name="rt_amount_match", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="yes/no",
    direction="high", n="trips", source=_SOURCE, kind="bool",
    title={"en": "the same amount all the way", "zh": "各环节金额相符"},
)  # fmt: skip
def rt_amount_match() -> Measure:
    """Whether every transfer of that return is within 5 % of the one before."""
    return measure(nw.col("matched").cast(nw.Float64))


@feature(
    name="rt_repetitions", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="returns",
    direction="high", n="trips", source=_SOURCE,
    title={"en": "returns on this path in a year", "zh": "一年内回流次数"},
)  # fmt: skip
def rt_repetitions() -> Measure:
    """Returns on the same path in the year up to the month, none sharing its ends with another."""
    return measure(nw.col("trips"))
