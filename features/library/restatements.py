"""Published figures that a later publication changes or drops (DATA-RESTATEMENT)."""

from __future__ import annotations

import re

import narwhals as nw
import polars as pl

from features.catalogue import Measure, base, feature, measure, view
from features.operators import Lazy
from features.parameters.screens import screen_limit
from features.tables import Tables, collect
from features.vocabulary import Reason

_TYPOLOGY, _BASE = "DATA-RESTATEMENT", "metric_cells"
_INPUTS = ("metric_filings.value", "metric_filings.vintage", "metric_filings.filed_on")
_SOURCE = "interface: further typologies"
SERIES = ["operator_id", "service_id", "metric"]
CELL = [*SERIES, "period_start"]
NOISE = 1e-9
"""Relative difference below which two figures are one figure written twice."""
LARGE = screen_limit("restate_large")
_EXPONENTS = range(-6, 7)


def vintage_order(names: list[str]) -> dict[str, int]:
    """Place of each publication: by its text, numbers inside it compared as numbers."""

    def parts(name: str) -> list[tuple[int, int, str]]:
        split = re.findall(r"\d+|\D+", name)
        return [(0, int(p), "") if p.isdigit() else (1, 0, p) for p in split]

    return {name: k for k, name in enumerate(sorted(set(names), key=parts))}


@view("own_figures")
def own_figures(t: Tables) -> Lazy:
    """One row per cell and publication of the operator's own figures, publications numbered.

    Columns: the cell, `period_end`, `value`, `unit`, `vintage`, `filed_on`, `at` (place of the
    publication among the operator's). Two different figures for one cell in one publication leave
    neither known. A publication without a name is named by its day.
    """
    vintage = nw.coalesce(
        nw.col("vintage"), nw.col("filed_on").cast(nw.String),
        nw.col("recorded_at").cast(nw.Date).cast(nw.String),
    )  # fmt: skip
    filed = (
        t["metric_filings"]
        .filter(nw.col("reporter_id").is_null() | (nw.col("reporter_id") == nw.col("operator_id")))
        .with_columns(vintage.alias("vintage"), nw.col("service_id").fill_null(""))
        .group_by(*CELL, "vintage")
        .agg(
            nw.col("period_end").max(),
            nw.col("value").min().alias("_low"),
            nw.col("value").max().alias("value"),
            nw.col("unit").max(),
            nw.col("filed_on").min(),
        )
    )
    one = nw.when(nw.col("_low") == nw.col("value")).then(nw.col("value"))
    rows = collect(filed.with_columns(one.alias("value")).drop("_low"))
    order = vintage_order(rows["vintage"].to_list())
    places = pl.DataFrame(
        {"vintage": list(order), "_place": list(order.values())},
        schema={"vintage": pl.String, "_place": pl.Int64},
    )
    numbered = rows.join(places, on="vintage", how="left").with_columns(
        at=pl.col("_place").rank("dense").over("operator_id").cast(pl.Int64)
    )
    return nw.from_native(numbered.drop("_place").sort(*CELL, "at").lazy())


def _precision(rows: pl.DataFrame) -> pl.DataFrame:
    """The power of ten all figures of one unit in one publication are multiples of."""
    size = [pl.col("value") / 10.0**k for k in _EXPONENTS]
    whole = [(s - s.round()).abs() <= 1e-6 * pl.max_horizontal(s.abs() * 1e-6, 1.0) for s in size]
    return (
        rows.filter(pl.col("value").is_not_null() & (pl.col("value") != 0))
        .group_by("operator_id", "unit", "at")
        .agg(w.all().alias(f"w{k}") for k, w in zip(_EXPONENTS, whole, strict=True))
        .select(
            "operator_id", "unit", "at",
            step=pl.max_horizontal(
                pl.when(pl.col(f"w{k}")).then(10.0**k).otherwise(0.0) for k in _EXPONENTS
            ),
        )
    )  # fmt: skip


def figure_pairs(rows: pl.DataFrame) -> pl.DataFrame:
    """Each figure beside the one last filed for its cell: `before`, `value`, `changed`, `size`.

    Empty values are skipped: they are neither zero nor a restatement. A difference within half
    of the coarser of two different precisions is rounding; equal precisions are compared exactly.
    """
    keys = ["operator_id", "unit", "at"]
    filed = rows.filter(pl.col("value").is_not_null())
    filed = filed.join(_precision(rows), on=keys, how="left", nulls_equal=True).sort(*CELL, "at")
    pairs = filed.with_columns(
        before=pl.col("value").shift().over(CELL), _step=pl.col("step").shift().over(CELL)
    ).filter(pl.col("before").is_not_null())
    gap = (pl.col("value") - pl.col("before")).abs()
    scale = pl.max_horizontal(pl.col("value").abs(), pl.col("before").abs())
    coarser = pl.max_horizontal("step", "_step")
    rounding = (pl.col("step") != pl.col("_step")).fill_null(value=False) & (
        gap <= coarser / 2 * (1 + 1e-6)
    )
    changed = (gap > NOISE * scale) & ~rounding
    return pairs.with_columns(
        changed=changed,
        size=pl.when(changed & (pl.col("before") != 0)).then(gap / pl.col("before").abs()),
        large=changed & (gap >= LARGE * pl.col("before").abs()),
    )


def absences(rows: pl.DataFrame) -> pl.DataFrame:
    """Cells of a publication that the operator's next one lacks.

    Columns: the cell, `at` and `vintage` of the publication that lacks it, `dropped`: it held a
    figure, and that publication still gives an earlier period of the same series.
    """
    named = rows.select("operator_id", "at", "vintage").unique()
    last = pl.col("at").max().over("operator_id")
    due = rows.filter(pl.col("at") < last).with_columns(at=pl.col("at") + 1)
    gone = due.join(rows, on=[*CELL, "at"], how="anti").drop("vintage")
    still = rows.group_by(*SERIES, "at").agg(_first=pl.col("period_start").min())
    withdrawn = _withdrawn(rows)
    found = (
        gone.join(still, on=[*SERIES, "at"], how="left")
        .join(named, on=["operator_id", "at"], how="left")
        .with_columns(
            vanished=pl.lit(value=True),
            dropped=(
                pl.col("value").is_not_null() & (pl.col("_first") < pl.col("period_start"))
            ).fill_null(value=False),
        )
    )
    columns = [*CELL, "at", "vintage", "vanished", "dropped"]
    return pl.concat([found.select(columns), withdrawn.select(columns)])


def _withdrawn(rows: pl.DataFrame) -> pl.DataFrame:
    """Figures whose cell the next publication keeps and says nothing in."""
    empty = rows.sort(*CELL, "at").with_columns(
        _before=pl.col("value").shift().over(CELL), _at=pl.col("at").shift().over(CELL)
    )
    return empty.filter(
        pl.col("value").is_null()
        & pl.col("_before").is_not_null()
        & (pl.col("_at") == pl.col("at") - 1)
    ).with_columns(vanished=pl.lit(value=False), dropped=pl.lit(value=True))


def _of_cells(rows: pl.DataFrame) -> pl.DataFrame:
    """All counts by cell."""
    pairs, gone = figure_pairs(rows), absences(rows)
    changed = pl.col("changed")
    last = pl.col("value").last() / pl.col("before").first() - 1
    changes = pairs.sort(*CELL, "at").group_by(CELL, maintain_order=True).agg(
        pairs=pl.len(),
        changes=changed.sum(),
        large=pl.col("large").sum(),
        biggest=pl.col("size").max(),
        net=pl.when(pl.col("before").first() != 0).then(last),
        vintages=pl.col("vintage").filter(changed).str.join(" "),
    )  # fmt: skip
    gaps = gone.sort(*CELL, "at").group_by(CELL, maintain_order=True).agg(
        vanished=pl.col("vanished").sum(),
        dropped=pl.col("dropped").sum(),
        gone_vintages=pl.col("vintage").filter(pl.col("vanished")).str.join(" "),
    )  # fmt: skip
    seen = rows.group_by(CELL).agg(
        pl.col("period_end").max(),
        pl.col("unit").max(),
        chances=(pl.col("at") < pl.col("last_at")).sum(),
    )
    habit = pairs.group_by("operator_id").agg(habit=changed.mean(), habit_n=pl.len())
    counts = ["pairs", "changes", "large", "vanished", "dropped", "chances", "habit_n"]
    return (
        seen.join(changes, on=CELL, how="left")
        .join(gaps, on=CELL, how="left")
        .join(habit, on="operator_id", how="left")
        .with_columns(pl.col(counts).cast(pl.Int64).fill_null(0))
        .with_columns(pl.col("vintages", "gone_vintages").fill_null(""))
    )


@base(
    name=_BASE,
    grain="metric_cell",
    tables=("metric_filings",),
    attributes=("operator_id", "service_id", "metric", "unit"),
    peers=("metric",),
)
def metric_cells(t: Tables) -> Lazy:
    """One row per cell, in the period the figure is about, over all publications."""
    rows = collect(t.view("own_figures")).with_columns(
        last_at=pl.col("at").max().over("operator_id")
    )
    cells = _of_cells(rows)
    parts = [pl.col("operator_id"), pl.col("service_id"), pl.col("metric")]
    key = pl.concat_str(*parts, pl.col("period_start").dt.to_string("%Y-%m-%d"), separator="/")
    end = pl.max_horizontal(pl.coalesce("period_end", "period_start"), "period_start")
    return nw.from_native(cells.with_columns(subject_key=key, period_end=end).lazy())


_ONCE = (nw.col("pairs") < 1, Reason.TOO_FEW)
_LAST = (nw.col("chances") < 1, Reason.TOO_FEW)
_CALM = (nw.col("changes") < 1, Reason.NOT_APPLICABLE)


@feature(
    name="restate_changes", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="changes",
    direction="high", n="pairs", source=_SOURCE, retrospective=True,
    title={"en": "changes of a published figure", "zh": "已公布数值被更改次数"},
)  # fmt: skip
def restate_changes() -> Measure:
    """How often a publication gives another figure than the last one filed for the same cell.

    Differences of rounding or below one part in 10^9 do not count, nor do empty values.
    """
    return measure(nw.col("changes"), _ONCE)


@feature(
    name="restate_pairs", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="pairs",
    direction="none", min_n=0, n="pairs", source=_SOURCE, retrospective=True,
    title={"en": "figures that could be compared", "zh": "可比较的数值对数"},
)  # fmt: skip
def restate_pairs() -> Measure:
    """Figures of the cell that follow an earlier figure of it."""
    return measure(nw.col("pairs"))


@feature(
    name="restate_large", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="changes",
    direction="high", n="pairs", source=_SOURCE, retrospective=True,
    title={"en": "changes by half or more", "zh": "变动达五成以上次数"},
)  # fmt: skip
def restate_large() -> Measure:
    """Changes by at least half of the figure before; any change from zero is one."""
    return measure(nw.col("large"), _ONCE)


@feature(
    name="restate_max_change", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="ratio",
    direction="high", n="pairs", source=_SOURCE, retrospective=True,
    title={"en": "largest change of a figure", "zh": "最大更改幅度"},
)  # fmt: skip
def restate_max_change() -> Measure:
    """Largest |new - old| / |old| of the cell's changes; changes from zero have no size."""
    return measure(
        nw.col("biggest"), _ONCE, _CALM, (nw.col("biggest").is_null(), Reason.ZERO_DENOMINATOR)
    )


@feature(
    name="restate_net_change", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="ratio - 1",
    direction="none", n="pairs", source=_SOURCE, retrospective=True,
    title={"en": "last figure against the first", "zh": "末次与首次数值之比"},
)  # fmt: skip
def restate_net_change() -> Measure:
    """Last figure filed over the first, less 1, where it was changed: which way it went."""
    return measure(nw.col("net"), _ONCE, _CALM, (nw.col("net").is_null(), Reason.ZERO_DENOMINATOR))


@feature(
    name="restate_vanished", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="times",
    direction="none", n="chances", source=_SOURCE, retrospective=True,
    title={"en": "times the cell vanished", "zh": "数据项消失次数"},
)  # fmt: skip
def restate_vanished() -> Measure:
    """How often the next publication lacks the cell, its value empty or not.

    Context only: most cells vanish because a series ends, is renamed or rolls on.
    """
    return measure(nw.col("vanished"), _LAST)


@feature(
    name="restate_dropped", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="times",
    direction="high", n="chances", source=_SOURCE, retrospective=True,
    title={"en": "figures dropped from a living series", "zh": "在续报序列中被删除的数值"},
)  # fmt: skip
def restate_dropped() -> Measure:
    """How often a figure is gone or empty in the next publication although its series goes on.

    A series goes on when that publication still gives an earlier period of it: neither the end of
    a series nor a window that moves on counts.
    """
    return measure(nw.col("dropped"), _LAST)


@feature(
    name="restate_operator_rate", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="0-1",
    direction="none", n="habit_n", source=_SOURCE, retrospective=True,
    title={"en": "how often the operator changes figures", "zh": "该主体更改数据的频率"},
)  # fmt: skip
def restate_operator_rate() -> Measure:
    """Share of the operator's comparable figures that were changed."""
    return measure(nw.col("habit"), (nw.col("habit_n") < 1, Reason.TOO_FEW))


@feature(
    name="restate_vintages", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS, unit="names",
    direction="none", n="pairs", source=_SOURCE, retrospective=True, kind="class",
    title={"en": "publications that changed it", "zh": "更改该数值的公布期次"},
)  # fmt: skip
def restate_vintages() -> Measure:
    """Names of the publications that changed the figure, in their order."""
    return measure(nw.col("vintages"), _ONCE, _CALM)


@feature(
    name="restate_vanished_vintages", typology=_TYPOLOGY, base=_BASE, inputs=_INPUTS,
    unit="names", direction="none", n="chances", source=_SOURCE, retrospective=True, kind="class",
    title={"en": "publications that lack it", "zh": "缺失该数据项的公布期次"},
)  # fmt: skip
def restate_vanished_vintages() -> Measure:
    """Names of the publications in which the cell was missing for the first time."""
    return measure(nw.col("gone_vintages"), _LAST, (nw.col("vanished") < 1, Reason.NOT_APPLICABLE))
