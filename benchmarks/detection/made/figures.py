"""Honest figures of operators about themselves, drawn, and real ones of their publishers.

Drawn figures are republished, corrected a little, rounded by some, and counted otherwise by others.
Ids of real series are replaced by numbers: a name with a stroke in it would look like two ids.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date

import numpy as np
import polars as pl

from benchmarks.detection.filings import widened
from benchmarks.detection.real import DATA, present
from benchmarks.detection.schemes import figures
from benchmarks.detection.schemes.planting import Scheme, World

Filings = Mapping[str, pl.DataFrame]
QUARTERS = [date(y, m, 1) for y in (2023, 2024, 2025, 2026) for m in (1, 4, 7, 10)]
METRICS = ("active_users", "videos_removed", "orders")


def quarter_end(first: pl.Expr) -> pl.Expr:
    """Last day of the quarter that begins on a day."""
    return first.dt.offset_by("3mo").dt.offset_by("-1d")


def restated(seed: int, operators: int = 60, series: int = 6) -> Filings:
    """Four yearly publications by operators, each with the whole history of six series.

    One figure in a hundred of those first filed in the last publication is corrected by up to
    three per cent; one operator in ten files thousands at first, and exact figures later.
    """
    rng = np.random.default_rng([seed, 11])
    parts = []
    for k in range(operators):
        coarse = rng.random() < 0.1
        for m in range(series):
            level = np.exp(rng.normal(11, 1.0) + np.cumsum(rng.normal(0.02, 0.05, 14)))
            figure = level.round()
            for at, year in enumerate((2023, 2024, 2025, 2026)):
                upto = 4 * (at + 1) - 2
                shown = figure[:upto].copy()
                if coarse and at == 0:
                    shown = (shown / 1000).round() * 1000
                parts.append(pl.DataFrame({
                    "operator_id": f"figures-{k:03d}", "service_id": f"service-{k:03d}-{m}",
                    "metric": f"metric-{k:03d}-{m}", "period_start": QUARTERS[:upto],
                    "value": shown, "unit": "count", "vintage": str(year),
                }))  # fmt: skip
                mended = rng.random(upto) < 0.01 * (np.arange(upto) >= upto - 4)
                figure[:upto] = np.where(
                    mended, figure[:upto] * (1 + rng.uniform(-0.03, 0.03, upto)), figure[:upto]
                ).round()
    rows = pl.concat(parts).with_columns(period_end=quarter_end(pl.col("period_start")))
    return {"metric_filings": rows}


def reconciled(seed: int, operators: int = 120) -> Filings:
    """Two years of figures of services, and what a panel and market filings count for the operator.

    Counts differ by 3 %. One operator in twenty is counted otherwise by the panel throughout, by 7
    to 14 %.
    """
    rng = np.random.default_rng([seed, 12])
    quarters = QUARTERS[6:14]
    n = len(quarters)
    own: list[tuple[str, str | None, str, str | None, list[date], list[float]]] = []
    sizes = []
    for k in range(operators):
        operator = f"reconciled-{k:03d}"
        method = rng.uniform(1.07, 1.14) if rng.random() < 0.05 else 1.0
        for metric in METRICS:
            level = np.exp(rng.normal(13, 1.2) + np.cumsum(rng.normal(0.02, 0.03, n)))
            parts = rng.dirichlet(np.full(int(rng.integers(1, 4)), 5.0))
            for s, part in enumerate(parts):
                own.append((operator, f"service {s}", metric, None, quarters,
                            (level * part).round().tolist()))  # fmt: skip
            panel = (level * method * np.exp(rng.normal(0, 0.03, n))).round().tolist()
            own.append((operator, None, metric, "panel", quarters, panel))
            if metric == "active_users":
                counted = (level * np.exp(rng.normal(0, 0.03, n))).round().tolist()
                sizes.append((operator, [f"{q.year}-Q{(q.month + 2) // 3}" for q in quarters],
                              counted))  # fmt: skip
    names = ["operator_id", "service_id", "metric", "reporter_id", "period_start", "value"]
    rows = pl.DataFrame(own, names, orient="row", infer_schema_length=None)
    positions = pl.DataFrame(sizes, ["firm_id", "period", "value"], orient="row")
    return {
        "metric_filings": rows.explode("period_start", "value").with_columns(
            period_end=quarter_end(pl.col("period_start")),
            unit=pl.lit("count"), vintage=pl.lit("2026"),
        ),
        "market_positions": positions.explode("period", "value").with_columns(
            market_id=pl.lit("all"), metric=pl.lit("active_users")
        ),
    }  # fmt: skip


def counted(seed: int, operators: int = 120) -> Filings:
    """Three years of incidents of large operators with the persons affected.

    Each has a habit of rounding of its own, about one figure in ten; one in a hundred is a
    placeholder.
    """
    rng = np.random.default_rng([seed, 13])
    parts = []
    for k in range(operators):
        habit = rng.beta(4, 36)
        for year in (2024, 2025, 2026):
            n = int(rng.integers(25, 60))
            persons = np.exp(rng.normal(8, 1.3, n)).round().clip(120)
            persons = np.where(rng.random(n) < habit, (persons / 100).round() * 100, persons)
            persons = np.where(rng.random(n) < 0.01, rng.choice([999, 9_999], n), persons)
            day = pl.lit(pl.Series(rng.integers(0, 270, n)))
            parts.append(pl.DataFrame({
                "incident_id": [f"counted-{k:03d}-{year}-{i}" for i in range(n)],
                "operator_id": f"counted-{k:03d}", "persons": persons.astype(np.int64),
            }).with_columns(
                notified_at=(pl.lit(date(year, 1, 3)) + pl.duration(days=day)).cast(pl.Date)
            ))  # fmt: skip
    return {"breach_notifications": pl.concat(parts).with_columns(jurisdiction=pl.lit("CN"))}


def expected(seed: int, operators: int = 120) -> Filings:
    """A calendar of three quarterly figures over two years, and the figures.

    One filing in a thousand was lost on the way.
    """
    rng = np.random.default_rng([seed, 14])
    cells = pl.DataFrame({"operator_id": [f"expected-{k:03d}" for k in range(operators)]}).join(
        pl.DataFrame({"metric": METRICS}), how="cross"
    ).join(pl.DataFrame({"period_start": QUARTERS[6:14]}), how="cross").with_columns(
        period_end=quarter_end(pl.col("period_start"))
    )  # fmt: skip
    due = cells.rename({"metric": "filing"}).with_columns(
        due_on=pl.col("period_end").dt.offset_by("45d")
    )
    value = pl.Series(np.exp(rng.normal(12, 1, cells.height)).round())
    rows = cells.with_columns(value=value, unit=pl.lit("count"), vintage=pl.lit("2026"))
    lost = pl.Series(rng.random(cells.height) < 0.001)
    return {"expected_filings": due, "metric_filings": rows.filter(~lost)}


def published(name: str) -> Filings:
    """All publications of a set of figures, series by number."""
    files = sorted((DATA / name).glob("metric_filings_*.csv"))
    parts = [pl.read_csv(f, infer_schema_length=None, try_parse_dates=True) for f in files]
    rows = pl.concat([widened("metric_filings", p) for p in parts], how="vertical_relaxed")
    series = pl.concat_str("operator_id", "service_id", "metric", separator="/")
    number = series.rank("dense").cast(pl.Int64)
    named = rows.with_columns(
        service_id=pl.format("service {}", number), metric=pl.format("series {}", number)
    )
    return {"metric_filings": named.unique(maintain_order=True)}


def due_figures(name: str) -> Filings:
    """The last publication of a set, and a calendar that expects every figure it holds."""
    rows = published(name)["metric_filings"]
    last = rows.filter(
        pl.col("vintage") == pl.col("vintage").max(), pl.col("value").is_not_null()
    ).unique(["metric", "period_start"], keep="first", maintain_order=True)
    long = last.filter(pl.len().over("metric") >= 4).with_columns(operator_id=pl.col("metric"))
    due = long.select("operator_id", pl.col("metric").alias("filing"), "period_start", "period_end")
    return {
        "expected_filings": due.with_columns(
            due_on=pl.col("period_end").dt.offset_by("3mo")
        ),
        "metric_filings": long,
    }  # fmt: skip


def vendors(copies: int = 12) -> Filings:
    """The one vendor list there is, filed each month of a year, and a calendar that expects it."""
    rows = widened(
        "vendor_declarations",
        pl.read_csv(DATA / "vendors-v139" / "vendor_declarations.csv", infer_schema_length=None),
    )
    active = rows.filter(pl.col("deleted_on").is_null()).with_columns(
        vendor_id=pl.format("vendor-{}", "vendor_id"), name=pl.lit(None, pl.String)
    )
    months = [date(2025 + (m + 9) // 12, (m + 9) % 12 + 1, 1) for m in range(copies)]
    filed = pl.concat([
        active.with_columns(filed_on=pl.lit(m).dt.offset_by("13d"), vintage=pl.lit(f"{139 + k}"))
        for k, m in enumerate(months)
    ])  # fmt: skip
    first = pl.col("filed_on").dt.month_start()
    due = filed.select(
        pl.col("vendor_id").alias("operator_id"), filing=pl.lit("vendor_declarations"),
        period_start=first, period_end=pl.col("filed_on").dt.month_end(),
        due_on=pl.col("filed_on").dt.month_end(),
    )  # fmt: skip
    return {"expected_filings": due, "vendor_declarations": filed}


def incidents() -> Filings:
    """Notices of two authorities; filers are the states, and the trades, of those who filed."""
    parts = []
    for name, file, filer in (
        ("breaches-hhs", "breach_notifications_archive.csv", "state"),
        ("breaches-wa", "breach_notifications.csv", "industry"),
    ):
        rows = pl.read_csv(DATA / name / file, try_parse_dates=True).unique("incident_id")
        told = pl.read_csv(DATA / name / "incident_details.csv", infer_schema_length=None)
        both = rows.join(told.select("incident_id", filer), on="incident_id").sort("incident_id")
        parts.append(both.select(
            "incident_id", "notified_at", pl.col("persons").cast(pl.Int64), "jurisdiction",
            operator_id=pl.format("{} {}", "jurisdiction", filer),
        ))  # fmt: skip
    whole = pl.concat(parts, how="vertical_relaxed")
    # The last year of one set is only begun.
    return {"breach_notifications": whole.filter(
        (pl.col("jurisdiction") != "US-HIPAA") | (pl.col("notified_at").dt.year() < 2021)
    )}  # fmt: skip


def _drawn(
    name: str, file: Callable[[int], Filings], schemes: tuple[Scheme, ...], *order: str
) -> World:
    return World(name, file, schemes, drawn=True, order=order)


def _real(
    name: str, sets: tuple[str, ...], file: Callable[[], Filings], schemes: tuple[Scheme, ...],
    *order: str,
) -> tuple[World, ...]:  # fmt: skip
    world = World(name, lambda _: file(), schemes, drawn=True, order=order)
    return (world,) if all(map(present, sets)) else ()


_FIGURES, _DUE = "metric_filings", "expected_filings"
WORLDS: tuple[World, ...] = (
    _drawn("republished figures", restated, figures.restatement_schemes(10), _FIGURES),
    _drawn("figures counted twice", reconciled, figures.understating_schemes(12), _FIGURES,
           "market_positions"),
    _drawn("counts of persons", counted,
           (*figures.guess_schemes(8), *figures.placeholder_schemes(8)), "breach_notifications"),
    _drawn("calendar of filings", expected,
           (*figures.missing_schemes(12), *figures.empty_schemes(12)), _DUE, _FIGURES),
    *_real("metrics-tiktok", ("metrics-tiktok",), lambda: published("metrics-tiktok"),
           figures.restatement_schemes(12), _FIGURES),
    *_real("metrics-meta", ("metrics-meta",), lambda: published("metrics-meta"),
           figures.restatement_schemes(8), _FIGURES),
    *_real("metrics-tiktok, as a calendar", ("metrics-tiktok",),
           lambda: due_figures("metrics-tiktok"), figures.missing_schemes(12), _DUE, _FIGURES),
    # One kind at a time: of few filers judged, several cases at once are a rule storm.
    *_real("breaches-hhs and breaches-wa", ("breaches-hhs", "breaches-wa"), incidents,
           figures.guess_schemes(3, every=1), "breach_notifications"),
    *_real("breaches-hhs and breaches-wa", ("breaches-hhs", "breaches-wa"), incidents,
           figures.placeholder_schemes(3, every=1), "breach_notifications"),
    *_real("vendors-v139", ("vendors-v139",), vendors,
           figures.missing_schemes(20, "vendor_declarations", "vendor_id", "filed_on"),
           _DUE, "vendor_declarations"),
)  # fmt: skip
