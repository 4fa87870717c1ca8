"""Published figures tampered with: changed later, dropped, understated, guessed, not filed."""

from __future__ import annotations

from functools import partial

import polars as pl

from benchmarks.detection.schemes.duties import alone, picked
from benchmarks.detection.schemes.planting import Planted, Random, Scheme, Tables

SERIES = ["service_id", "metric"]
CELL = [*SERIES, "period_start"]
FIGURES = "metric_filings"
THIRD, HALF = 1 / 3, 1 / 2
STEP = 0.1
"""How much every later publication lowers a figure, at full strength."""
QUARTERS = 4
PLACEHOLDERS = (999, 9_999, 1_234)


def _order(rows: pl.DataFrame) -> pl.DataFrame:
    """Figures with the place of their publication and how often their cell was filed before."""
    return rows.with_columns(
        at=pl.col("vintage").rank("dense").cast(pl.Int64) - 1
    ).with_columns(
        before=pl.col("value").is_not_null().cum_sum().over(CELL, order_by="at")
        - pl.col("value").is_not_null(),
        last=pl.col("at") == pl.col("at").max(),
    )  # fmt: skip


def _calm(rows: pl.DataFrame, least: int) -> pl.DataFrame:
    """The four latest cells of series of which nothing was ever restated or dropped.

    Of cells with a figure above zero in the last publication, filed in at least so many before;
    the first period of a series is left alone.
    """
    value, at = pl.col("value"), pl.col("at")
    still = rows.filter(value.is_not_null()).group_by(CELL).agg(
        same=value.max() - value.min() <= 1e-9 * value.abs().max(),
        kept=at.n_unique() == rows["at"].max() - at.min() + 1,
    )  # fmt: skip
    calm = still.group_by(SERIES).agg(calm=(pl.col("same") & pl.col("kept")).all()).filter("calm")
    known = rows.filter(pl.col("last"), value > 0, pl.col("before") >= least)
    known = known.join(calm.drop("calm"), on=SERIES, how="semi")
    begun = rows.group_by(SERIES).agg(begun=pl.col("period_start").min())
    later = known.join(begun, on=SERIES).filter(pl.col("period_start") > pl.col("begun"))
    newest = pl.col("period_start").rank("ordinal", descending=True).over(SERIES) <= QUARTERS
    return later.filter(newest).filter(pl.len().over(SERIES) >= 2).select(CELL).sort(CELL)


def _chosen(
    rows: pl.DataFrame, least: int, count: int, rng: Random, third: int
) -> tuple[pl.DataFrame, tuple[frozenset[str], ...]]:
    """Cells of so many calm series, of every third one by number: schemes never meet."""
    number = pl.col("metric").str.extract(r"(\d+)$").cast(pl.Int64)
    cells = _calm(rows, least).filter(number % 3 == third)
    mine = cells.filter(pl.col("metric").is_in(picked(cells["metric"], count, rng)))
    names = mine.select(SERIES).unique().sort(SERIES)
    return mine, tuple(frozenset(row) for row in names.iter_rows())


def _filed(value: pl.Expr, like: pl.Expr) -> pl.Expr:
    """A figure as coarse as the one it stands for: to the same power of ten."""
    step = pl.lit(1e-6)
    for power in range(-5, 6):
        size = like / 10.0**power
        whole = (size >= 0.5) & ((size - size.round()).abs() < 1e-6)
        step = pl.when(whole).then(10.0**power).otherwise(step)
    return (value / step).round() * step


def _changed(tables: Tables, rows: pl.DataFrame, cases: tuple[frozenset[str], ...]) -> Planted:
    return Planted({**tables, FIGURES: rows.select(tables[FIGURES].columns)}, cases)


def lowered(tables: Tables, strength: float, rng: Random, *, count: int) -> Planted:
    """Lowers, in the last publication, figures of `count` series that were filed before."""
    rows = _order(tables[FIGURES])
    mine, cases = _chosen(rows, 1, count, rng, 0)
    hit = rows.join(mine.with_columns(hit=True), on=CELL, how="left").with_columns(
        pl.col("hit").fill_null(value=False) & pl.col("last")
    )
    value = pl.col("value")
    lower = _filed(value * THIRD**strength, value) if strength else value
    new = pl.when("hit").then(lower).otherwise(value)
    return _changed(tables, hit.with_columns(value=new), cases)


def again(tables: Tables, strength: float, rng: Random, *, count: int) -> Planted:
    """Lowers the same figures of `count` series in every publication after the first."""
    rows = _order(tables[FIGURES])
    mine, cases = _chosen(rows, 2, count, rng, 1)
    hit = rows.join(mine.with_columns(hit=True), on=CELL, how="left")
    value = pl.col("value")
    kept = (1 - STEP * strength) ** pl.col("before")
    smaller = _filed(value * kept, value) if strength else value
    new = pl.when(pl.col("hit").fill_null(value=False)).then(smaller).otherwise(value)
    return _changed(tables, hit.with_columns(value=new), cases)


def dropped(tables: Tables, strength: float, rng: Random, *, count: int) -> Planted:
    """Leaves out, in the last publication, a share of the same figures, one at least above 0."""
    rows = _order(tables[FIGURES])
    mine, cases = _chosen(rows, 1, count, rng, 2)
    luck = pl.Series(rng.random(mine.height))
    place = pl.col("luck").rank("ordinal").over(SERIES) - 1
    gone = mine.sort(CELL).with_columns(luck=luck).filter(
        place < (pl.len().over(SERIES) * strength).ceil()
    )  # fmt: skip
    hit = rows.join(gone.select(*CELL, hit=True), on=CELL, how="left")
    kept = hit.filter(~(pl.col("hit").fill_null(value=False) & pl.col("last")))
    return _changed(tables, kept, cases)


def understated(tables: Tables, strength: float, rng: Random, *, count: int) -> Planted:
    """Lowers the own figures of `count` operators of the last four quarters towards half."""
    rows = tables[FIGURES]
    own = pl.col("reporter_id").is_null()
    chosen = picked(rows["operator_id"], count, rng)
    late = pl.col("period_start") >= pl.col("period_start").unique().sort().gather(-QUARTERS)
    mine = own & late & pl.col("operator_id").is_in(chosen)
    new = pl.when(mine).then((pl.col("value") * HALF**strength).round()).otherwise("value")
    return Planted({**tables, FIGURES: rows.with_columns(value=new)}, alone(chosen))


def guessed(
    tables: Tables, strength: float, rng: Random, *, count: int, how: str, every: int, first: int
) -> Planted:
    """Puts guesses for a share of the persons filed by `count` operators in their last year.

    Of operators with twenty filings in it and thirty before: `rounds` are whole hundreds,
    `placeholders` 999 and the like, or the legal floor where one is on file.
    """
    rows = tables["breach_notifications"].with_columns(
        luck=pl.Series(rng.random(tables["breach_notifications"].height)),
        year=pl.col("notified_at").dt.year(),
    )
    latest = pl.col("year") == pl.col("year").max().over("jurisdiction")
    large = pl.col("persons") >= 100
    by = rows.group_by("operator_id").agg(
        now=(latest & large).sum(), past=(~latest & large).sum()
    ).filter(pl.col("now") >= 20, pl.col("past") >= 30)  # fmt: skip
    chosen = picked(by["operator_id"].sort().gather_every(every, first), count, rng)
    mine = latest & pl.col("operator_id").is_in(chosen) & (pl.col("luck") < strength)
    persons = pl.col("persons")
    guess = (persons / 100).round().clip(lower_bound=1).cast(pl.Int64) * 100
    if how == "placeholders":
        words = pl.Series(rng.choice(PLACEHOLDERS, rows.height))
        guess = pl.when(pl.col("jurisdiction").str.starts_with("US")).then(500).otherwise(words)
    changed = rows.with_columns(persons=pl.when(mine).then(guess).otherwise(persons))
    filed = changed.drop("luck", "year")
    # Guesses of its filers show in the table of their place, too.
    places = rows.filter(pl.col("operator_id").is_in(chosen))["jurisdiction"].unique().sort()
    return Planted({**tables, "breach_notifications": filed}, alone(chosen), tuple(places))


def withheld(
    tables: Tables, strength: float, rng: Random, *, count: int, table: str, filer: str, at: str,
    empty: bool = False,
) -> Planted:  # fmt: skip
    """Leaves out, or empties, a share of what `count` filers filed: one at least above 0."""
    rows = tables[table].with_row_index("_row")
    owing = tables["expected_filings"]["operator_id"].unique().sort()
    half = owing.gather_every(2, int(empty))
    whole = rows.join(tables["expected_filings"].group_by(pl.col("operator_id").alias(filer)).agg(
        due=pl.len()), on=filer).filter(pl.len().over(filer) >= pl.col("due"))  # fmt: skip
    chosen = picked(half.filter(half.is_in(whole[filer].implode())), count, rng)
    mine = rows.filter(pl.col(filer).is_in(chosen)).sort(filer, at, "_row")
    place = pl.col("luck").rank("ordinal").over(filer) - 1
    gone = mine.with_columns(luck=pl.Series(rng.random(mine.height))).filter(
        place < (pl.len().over(filer) * strength).ceil()
    )["_row"]
    hit = pl.col("_row").is_in(gone.implode())
    changed = (
        rows.with_columns(value=pl.when(~hit).then(pl.col("value"))) if empty else rows.filter(~hit)
    )
    return Planted({**tables, table: changed.drop("_row")}, alone(chosen))


def restatement_schemes(count: int) -> tuple[Scheme, ...]:
    """Figures changed or dropped later."""
    cells, typology = (FIGURES, ("operator_id", *CELL)), ("DATA-RESTATEMENT",)
    return (
        Scheme(
            "figures lowered later", typology,
            "figures of up to four quarters in the last publication, from those filed to a third",
            cells, partial(lowered, count=count),
        ),
        Scheme(
            "figures lowered again and again", typology,
            "by how much each later publication lowers the same figures, 1 is a tenth each time",
            cells, partial(again, count=count),
        ),
        Scheme(
            "figures dropped later", typology,
            "share of up to four quarters the last publication leaves out, one at least above 0",
            cells, partial(dropped, count=count),
        ),
    )  # fmt: skip


def understating_schemes(count: int) -> tuple[Scheme, ...]:
    """Figures lower than others count."""
    return (
        Scheme(
            "understated figures", ("DATA-RECONCILE",),
            "own figures of four quarters, from as others count (sd 0.03) to half of that",
            (FIGURES, ("operator_id",)), partial(understated, count=count),
        ),
    )  # fmt: skip


def guess_schemes(count: int, every: int = 2) -> tuple[Scheme, ...]:
    """Guesses for counts, of one filer in so many."""
    return (
        Scheme(
            "guesses in whole hundreds", ("DATA-HEAPING",),
            "share of the persons filed in the last year that are guesses in whole hundreds",
            ("breach_notifications", ("operator_id",)),
            partial(guessed, count=count, how="rounds", every=every, first=0),
        ),
    )  # fmt: skip


def placeholder_schemes(count: int, every: int = 2) -> tuple[Scheme, ...]:
    """Numbers typed where none is known, of one filer in so many."""
    return (
        Scheme(
            "placeholders for counts", ("DATA-HEAPING",),
            "share of the persons filed in the last year that are 999 and the like, or the floor",
            ("breach_notifications", ("operator_id",)),
            partial(guessed, count=count, how="placeholders", every=every, first=every - 1),
        ),
    )  # fmt: skip


def missing_schemes(
    count: int, table: str = FIGURES, filer: str = "operator_id", at: str = "period_start"
) -> tuple[Scheme, ...]:
    """Filings that do not come."""
    return (
        Scheme(
            "filings that did not come", ("DATA-MISSING",),
            "share of a filer's expected filings that did not come, one at least above 0",
            ("expected_filings", ("operator_id",)),
            partial(withheld, count=count, table=table, filer=filer, at=at),
        ),
    )  # fmt: skip


def empty_schemes(count: int) -> tuple[Scheme, ...]:
    """Filings that say nothing."""
    return (
        Scheme(
            "filings without a figure", ("DATA-MISSING",),
            "share of an operator's expected filings that hold no figure, one at least above 0",
            ("expected_filings", ("operator_id",)),
            partial(withheld, count=count, table=FIGURES, filer="operator_id", at="period_start",
                    empty=True),
        ),
    )  # fmt: skip
