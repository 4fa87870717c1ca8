"""`python -m benchmarks.incremental`: what one more month costs on a home of 24 months.

The simulated market is filed whole and judged; then its 25th month is filed and judged. Month 25 is
made of a late month of every table, moved in time and under new names, with a new quarter of
market positions. The ratio is the time of the second judgement over a month's share (a 24th) of
the first. `--check` judges a copy of the home anew from the whole history and compares.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl

from detector import increments
from detector.demo.labels import Labels
from detector.demo.size import Size
from detector.demo.timeline import MONTHS
from detector.demo.world import LOAD_ORDER, simulate
from detector.demo.write import write_table
from detector.extracts import extract
from detector.ingest.load import load_files
from detector.run import run_detection
from detector.system import System, open_system

FILED, NEXT = datetime(2026, 11, 1, 6, tzinfo=UTC), datetime(2026, 12, 1, 6, tzinfo=UTC)
LATE, RELEASES = date(2026, 10, 1), date(2026, 8, 1)
"""The month copied, and a month with releases of apps."""
AGAIN = "-n"
KINDS = ("scores", "outcomes", "alerts")


def sized(scale: float) -> Size:
    """The demonstration's market times `scale`; platforms, rings and schemes stay as they are."""
    full = Size.full()
    grows = ("firms", "tenders", "transactions", "consumers", "goods", "listings",
             "apps", "breaches", "deals")  # fmt: skip
    values = {name: round(getattr(full, name) * scale) for name in grows}
    # The simulation draws account numbers from a range that holds no more consumers.
    values["consumers"] = min(values["consumers"], 4 * full.consumers)
    return replace(full, **values)


def month_25(tables: Mapping[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """The filings of the month after the simulated two years."""
    tenders = _moved(_of(tables["tenders"], "awarded_at", LATE), "tender_id")
    bids = tables["bids"].with_columns(pl.col("tender_id") + AGAIN)
    apps = _of(tables["apps"], "released_at", RELEASES).select("app_id", "version")
    deals = _of(tables["merger_notifications"], "signed_on", LATE).head(3)
    parties = tables["deal_parties"].join(deals.select("deal_id"), on="deal_id", how="semi")
    versions = {
        name: _moved(tables[name].join(apps, on=["app_id", "version"], how="semi"), "version", 3)
        for name in ("apps", "data_declarations", "observed_flows")
    }
    positions = tables["market_positions"]
    last = positions.filter(pl.col("period") == positions["period"].max())
    return {
        "firms": tables["firms"].head(20).with_columns(
            pl.col("firm_id") + AGAIN, group_id=pl.lit(None, dtype=pl.String)
        ),
        "market_positions": last.with_columns(period=pl.lit("2026-Q4")),
        "tenders": tenders,
        # Bids for a lot that was awarded in another month are not of this filing.
        "bids": _moved(
            bids.join(tenders, on=["tender_id", "lot_id"], how="semi", nulls_equal=True),
            "bid_id" if "bid_id" in bids.columns else None,
        ),
        "transactions": _moved(_of(tables["transactions"], "ts", LATE), "tx_id"),
        "listing_prices": _moved(_of(tables["listing_prices"], "ts", LATE)),
        **versions,
        "breach_notifications": _moved(
            _of(tables["breach_notifications"], "aware_at", LATE), "incident_id"
        ),
        "merger_notifications": _moved(deals, "deal_id"),
        "deal_parties": _moved(parties, "deal_id"),
    }  # fmt: skip


def _of(frame: pl.DataFrame, column: str, month: date) -> pl.DataFrame:
    return frame.filter(pl.col(column).cast(pl.Date).dt.truncate("1mo") == month)


def _moved(frame: pl.DataFrame, name: str | None = None, months: int = 1) -> pl.DataFrame:
    """The rows some months later, under a new name."""
    times = [c for c, t in frame.schema.items() if t.is_temporal()]
    later = frame.with_columns(pl.col(times).dt.offset_by(f"{months}mo"))
    return later if name is None else later.with_columns(pl.col(name) + AGAIN)


def file_all(system: System, folder: Path, tables: Mapping[str, pl.DataFrame]) -> None:
    """Files the tables through the door every filing takes."""
    for name in LOAD_ORDER:
        frame = tables.get(name)
        if frame is not None and frame.height:
            load_files(
                home=system.home, engine=system.engine, table=name, mapping=None, progress=None,
                files=write_table(folder, name, frame), recorded_at=system.clock(),
            )  # fmt: skip


def judged(home: Path, now: datetime) -> tuple[System, float]:
    """Judges a home; the system and the seconds it took."""
    system = open_system(home, clock=lambda: now)
    began = time.perf_counter()
    run_detection(system)
    return system, time.perf_counter() - began


def same(one: System, other: System) -> bool:
    """Whether both homes publish the same; identifiers of runs aside."""

    def shown(system: System, kind: str) -> pl.DataFrame:
        return extract(system, kind).drop("run_id", "created_at", "updated_at", strict=False)

    return all(shown(one, kind).equals(shown(other, kind)) for kind in KINDS)


def main() -> None:
    """Prints both times and the ratio."""
    parser = argparse.ArgumentParser(prog="benchmarks.incremental", description=__doc__)
    parser.add_argument("--scale", type=float, default=4.0, help="size of the market")
    parser.add_argument("--check", action="store_true", help="compare with a run from scratch")
    parser.add_argument("--keep", type=Path, help="work in this folder and leave it there")
    asked = parser.parse_args()
    folder = asked.keep or Path(tempfile.mkdtemp(prefix="incremental-"))
    try:
        measure(folder, asked.scale, check=asked.check)
    finally:
        if not asked.keep:
            shutil.rmtree(folder, ignore_errors=True)


def measure(folder: Path, scale: float, *, check: bool) -> None:
    """Makes the home below `folder` (or takes the one left there), judges twice, prints."""
    home, later = folder / "home", folder / "month-25"
    if not home.exists():
        tables = simulate(20260101, sized(scale), Labels())
        file_all(open_system(home, create=True, clock=lambda: FILED), folder / "filings", tables)
        for name, frame in month_25(tables).items():
            later.mkdir(exist_ok=True)
            frame.write_parquet(later / f"{name}.parquet")
        del tables
    work = folder / "judged"
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(home, work)
    system, full = judged(work, FILED)
    sys.stdout.write(f"full run over {MONTHS} months: {full:.1f} s\n")
    fresh = {p.stem: pl.read_parquet(p) for p in later.glob("*.parquet")}
    file_all(open_system(work, clock=lambda: NEXT), folder / "filings-25", fresh)
    copy = folder / "anew"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(work, copy)
    system, month = judged(work, NEXT)
    ratio = month / (full / MONTHS)
    sys.stdout.write(f"run after month {MONTHS + 1}: {month:.1f} s, {ratio:.2f} months' share\n")
    if check:
        increments.moved_since = lambda *_: None
        other, anew = judged(copy, NEXT)
        verdict = "equal" if same(system, other) else "DIFFERENT"
        sys.stdout.write(f"the same from the whole history: {anew:.1f} s, {verdict}\n")


if __name__ == "__main__":
    main()
