"""`python -m benchmarks calibration`: is a chance of 30 % right three times in ten, unseen?

Simulated markets are judged by the product. On the first half of them reviewers look at alerts and
at a blind sample of what has none, and answer from what was planted; a posterior is fitted on their
answers about all schemes but one. On the other half, every judged subject of the scheme left out
gets its chance. So neither the market nor the scheme was seen. All schemes are left out in turn,
and slope (1 is right, below 1 too sure), Brier score and ECE are taken over all of them together.

Labels are read here and nowhere else; a subject counts once in a market, with its most suspicious
period, as in `warden models evaluate`: the answers do not say when a scheme was at work.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import sqlalchemy as sa
from numpy.typing import NDArray

from alerts.likelihood import evidence_of, reckon
from alerts.model import Signal
from alerts.tables import alert as alert_table
from detector.database import reading
from detector.demo.size import Size
from detector.demo.world import generate
from detector.extracts import manifest_of
from detector.ingest.load import load_files
from detector.models.posterior import Reviews, calibration_slope, fit
from detector.results import Results
from detector.run import run_detection
from detector.sampling import IDENTITY, STRATUM, draw
from detector.system import System, open_system
from features.vocabulary import TYPOLOGIES, Lane

NOW = datetime(2026, 11, 1, 6, tzinfo=UTC)
SCHEMES = {
    "complete ring": ("MON-BID-CV", "MON-BID-DISTANCE", "MON-BID-KS", "MON-BID-SHAPE"),
    "incomplete ring": ("MON-BID-SUBGROUP",),
    "patterned ring": ("MON-BID-IDENTICAL",),
    "dominance": ("MON-DOMINANCE-CN",),
    "merger": ("MON-HHI-MERGER",),
    "price cartel": ("MON-PRICE-VARIANCE",),
    "leaky app": ("PRIV-UNDECLARED-COLLECTION",),
    "wash trade": ("TRX-WASH-SCC",),
}
"""What is planted, by the typologies it should show under."""
REVIEWED, SAMPLED = 300, 300
"""Alerts and drawn subjects reviewed before a fit."""
BINS, RESAMPLES = 10, 200

Floats = NDArray[np.float64]


def sized(scale: float) -> Size:
    """The small market with more of every scheme, times `scale`."""
    grown = replace(
        Size.small(), firms=600, tenders=450, rings=2, ring_tenders=15, markets=10, regions=4,
        listings=24, price_cartels=3, apps=300, leaky_apps=20, deals=20, wash_loops=6, goods=600,
        transactions=80_000, consumers=12_000, breaches=20,
    )  # fmt: skip
    grows = ("firms", "tenders", "listings", "apps", "transactions", "goods", "consumers")
    values = {name: max(1, round(getattr(grown, name) * scale)) for name in grows}
    return replace(grown, **values)


def market(seed: int, size: Size, folder: Path) -> pl.DataFrame:
    """Every judged subject of one simulated market: evidence, additive chance, answer."""
    world = generate(folder / "filings", seed=seed, size=size, labels_path=folder / "answers.csv")
    system = open_system(folder / "home", create=True, clock=lambda: NOW)
    for table in world.load_order:
        load_files(
            home=system.home, engine=system.engine, table=table, files=world.files[table],
            mapping=None, recorded_at=NOW, progress=None,
        )  # fmt: skip
    run_detection(system)
    rows = judged(system).with_columns(seed=pl.lit(seed))
    planted = (
        pl.read_csv(world.labels, infer_schema=False)
        .filter(pl.col("label") == "1")
        .select("typology", "subject_kind", "subject_key", label=pl.lit(1))
        .unique()
    )
    found = rows.join(planted, on=["typology", "subject_kind", "subject_key"], how="left")
    return found.with_columns(pl.col("label").fill_null(0))


def judged(system: System) -> pl.DataFrame:
    """What the run judged of the schemes' typologies, one row a subject."""
    results = Results(system.home)
    about = [(t, g) for ts in SCHEMES.values() for t in ts for g in TYPOLOGIES[t].alerts_on]
    pairs = pl.DataFrame(about, schema=STRATUM, orient="row")
    frame = (
        results.judged(manifest_of(system, results, None))
        .filter(pl.col("outcome").is_in(["clear", "fired"]), pl.col("lane") == Lane.SCREEN.value)
        .join(pairs.lazy(), on=STRATUM, how="semi")
        .collect()
    )
    columns = [alert_table.c[name] for name in IDENTITY]
    with reading(system.engine) as connection:
        raised = {tuple(row) for row in connection.execute(sa.select(*columns))}
    scheme = {t: name for name, ts in SCHEMES.items() for t in ts}
    rows = [
        weighed(row) | {
            "scheme": scheme[row["typology"]],
            "alerted": tuple(row[name] for name in IDENTITY) in raised,
        }
        for row in frame.iter_rows(named=True)
    ]  # fmt: skip
    return (
        pl.DataFrame(rows)
        .sort("additive", "alerted", descending=True)
        .unique([*STRATUM, "subject_key"], keep="first", maintain_order=True)
    )


def weighed(row: dict[str, Any]) -> dict[str, Any]:
    """The evidence of one judged row and its chance by the additive form."""
    rules = [{"id": name, "strength": row["strength"]} for name in row["fired_rules"] or ()]
    signal = Signal(
        typology=row["typology"], subject_kind=row["subject_kind"],
        subject_key=row["subject_key"], period_start=row["period_start"] or date.min,
        period_end=row["period_end"], suspicion=row["suspicion"] or 0.0, p_value=row["p_value"],
        q_value=None, severity=3, lane="screen", rules=rules, models=(), facts=(), title={},
        message={}, legal_basis=(), innocent=(), not_checked=(), run_id="", snapshot_id=None,
    )  # fmt: skip
    reckoned = reckon(signal)
    kept = ("typology", "grain", "subject_kind", "subject_key")
    return {name: row[name] for name in kept} | {
        "evidence": list(evidence_of(reckoned.prior, reckoned.pieces)),
        "additive": reckoned.likely,
    }


def reviews(frame: pl.DataFrame, seed: int) -> Reviews:
    """What reviewers of some markets answered: alerts by chance, and the blind sample."""
    alerts = frame.filter("alerted")
    looked = alerts.sample(min(REVIEWED, alerts.height), seed=seed, shuffle=True)
    rest = frame.filter(~pl.col("alerted")).with_columns(population=pl.len().over(STRATUM))
    drawn = draw(rest.sort(*STRATUM, "seed", "subject_key"), SAMPLED, f"calibration:{seed}")
    share = alerts.height / max(looked.height, 1)
    both = pl.concat(
        [
            looked.with_columns(weight=pl.lit(share)),
            drawn.with_columns(weight=1 / pl.col("probability")),
        ],
        how="diagonal",
    )
    return Reviews(
        evidence=both["evidence"].to_list(),
        labels=both["label"].to_list(),
        subjects=both.select(pl.format("{}/{}", "seed", "subject_key")).to_series().to_list(),
        typologies=both["typology"].to_list(),
        weights=both["weight"].to_list(),
    )


def unseen(frame: pl.DataFrame, seed: int, schemes: Iterable[str] = SCHEMES) -> pl.DataFrame:
    """The rows of the held-out markets with their chance by a curve that saw neither.

    Half of the markets, the ones with the lower seeds, are reviewed. The curve is used where it
    beats the additive form on what was left out of its own reviews, as `--use` asks; column
    `fitted` is the curve's chance whether or not it is.
    """
    seeds = sorted(frame["seed"].unique())
    known = pl.col("seed").is_in(seeds[: len(seeds) // 2])
    parts = []
    for scheme in schemes:
        learnt = fit(reviews(frame.filter(known, pl.col("scheme") != scheme), seed))
        rows = frame.filter(~known, pl.col("scheme") == scheme)
        fitted = [learnt.curve.likely(tuple(x)) for x in rows["evidence"]]
        used = fitted if learnt.better() else rows["additive"]
        parts.append(
            rows.with_columns(
                fitted=pl.Series(fitted, dtype=pl.Float64),
                used=pl.Series(used, dtype=pl.Float64),
            )
        )
    return pl.concat(parts)


@dataclass(frozen=True)
class Figures:
    """How well chances are calibrated; the interval of the slope is a bootstrap over subjects."""

    n: int
    cases: int
    mean: float
    slope: float
    low: float
    high: float
    brier: float
    ece: float


def figures(frame: pl.DataFrame, column: str, resamples: int = RESAMPLES) -> Figures:
    """Figures of one column of chances."""
    y, p = frame["label"].to_numpy().astype(float), frame[column].to_numpy()
    who = frame.select(pl.struct("seed", "subject_key").rank("dense"))
    subjects = who.to_series().to_numpy().astype(np.int64) - 1
    chance = np.random.default_rng(0)
    slopes = []
    for _ in range(resamples):
        times = np.bincount(chance.integers(subjects.max() + 1, size=subjects.max() + 1),
                            minlength=subjects.max() + 1)  # fmt: skip
        slopes.append(calibration_slope(y, p, times[subjects].astype(float)))
    low, high = np.nanquantile(slopes, [0.025, 0.975]) if slopes else (np.nan, np.nan)
    return Figures(
        len(y), int(y.sum()), float(p.mean()), calibration_slope(y, p), float(low), float(high),
        float(np.mean((y - p) ** 2)), expected_error(y, p),
    )  # fmt: skip


def expected_error(y: Floats, p: Floats) -> float:
    """Expected calibration error over `BINS` equal bins."""
    bins = np.minimum((p * BINS).astype(int), BINS - 1)
    gaps = [abs(y[bins == b].mean() - p[bins == b].mean()) * (bins == b).mean()
            for b in range(BINS) if (bins == b).any()]  # fmt: skip
    return float(sum(gaps))


def markets(seeds: Sequence[int], size: Size) -> pl.DataFrame:
    """Several simulated markets in one frame."""
    parts = []
    for seed in seeds:
        with tempfile.TemporaryDirectory() as folder:
            parts.append(market(seed, size, Path(folder)))
    return pl.concat(parts)


def line(name: str, one: Figures) -> str:
    """One row of the table."""
    return (
        f"{name:34}{one.n:>8,}{one.cases:>7,}{one.mean:>8.3f}{one.slope:>8.2f}"
        f"   {one.low:5.2f} to {one.high:5.2f}{one.brier:>8.4f}{one.ece:>8.4f}\n"
    )


def main(arguments: Sequence[str]) -> None:
    """Prints the figures for all judged subjects, for alerts alone, and for each scheme."""
    parser = argparse.ArgumentParser(prog="benchmarks calibration", description=__doc__)
    parser.add_argument("--markets", type=int, default=8)
    parser.add_argument("--lessons", type=int, default=3, help="sets of reviews drawn anew")
    parser.add_argument("--scale", type=float, default=1.0)
    asked = parser.parse_args(arguments)
    frame = markets(range(101, 101 + asked.markets), sized(asked.scale))
    sys.stdout.write(
        f"{'':34}{'subjects':>8}{'cases':>7}{'mean':>8}{'slope':>8}   interval      "
        f"{'Brier':>8}{'ECE':>8}\n"
    )
    for lesson in range(asked.lessons):
        held_out = unseen(frame, lesson)
        for column in ("additive", "fitted", "used"):
            sys.stdout.write(line(f"lesson {lesson}, {column}", figures(held_out, column)))
        alerts = held_out.filter("alerted")
        sys.stdout.write(line(f"lesson {lesson}, used, alerts alone", figures(alerts, "used")))
    for scheme in SCHEMES:
        rows = held_out.filter(pl.col("scheme") == scheme)
        sys.stdout.write(line(f"last lesson, {scheme}", figures(rows, "used", 0)))
