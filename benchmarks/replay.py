"""`python -m benchmarks replay`: alerts judged again, after whatever has happened since.

The demonstration's market and four public sets are filed and judged; then more is filed, filings
are corrected, a rule is changed by two persons, and the models are fitted anew and put into force,
with a run after each. After each step alerts are drawn by chance from all there are, those of
incremental runs among them, and judged again from what their runs recorded. Every one must come out
identical; what does not is printed with its differences.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import sqlalchemy as sa

from alerts.tables import alert as alert_table
from benchmarks.detection.filings import filed
from benchmarks.detection.real import present
from benchmarks.incremental import FILED, file_all, month_25
from detector import promotion, shadow_models
from detector.backtesting import backtest
from detector.database import reading
from detector.demo.labels import Labels
from detector.demo.size import Size
from detector.demo.world import simulate
from detector.replay import Replayer
from detector.rule_checks import read_report
from detector.rulebook import rulebook
from detector.run import refit, run_detection
from detector.system import System, open_system

Tables = Mapping[str, pl.DataFrame]
SEED = 20260101
LATE, WRONG = 6, 20
"""One subject in six is filed late; one row in twenty is corrected."""
OVERLAID = ("mon-bid-cv-very-low", "max_cv", 0.03)
"""A rule, one of its parameters, and what an office sets it to."""
REAL: Mapping[str, tuple[str, ...]] = {
    "bids-japan": ("tenders", "bids"),
    "bids-ticino": ("tenders", "bids"),
    "app-labels-android-2022": ("data_type_map", "apps", "data_declarations", "observed_flows"),
    "breaches-wa": ("breach_notifications",),
}
KEYS = ("tender_id", "app_id", "incident_id")
CORRECTIONS: Mapping[str, pl.Expr] = {
    "bids": pl.col("amount") * 1.04,
    "market_positions": pl.col("value") * 1.1,
    "data_declarations": ~pl.col("declared"),
    "breach_notifications": pl.col("notified_at").dt.offset_by("20d"),
}
"""By table, what a corrected row says instead; the name of the expression is the column."""


@dataclass
class Desk:
    """One installation whose days go by."""

    name: str
    folder: Path
    first: Tables
    later: Tables
    now: datetime = FILED
    filed: int = 0
    seconds: list[float] = field(default_factory=list)
    bad: int = 0

    def system(self) -> System:
        """The installation at the present day."""
        return open_system(self.folder / "home", create=True, clock=lambda: self.now)

    def file(self, tables: Tables) -> None:
        """Files tables on the next day."""
        self.now += timedelta(days=1)
        self.filed += 1
        file_all(self.system(), self.folder / f"filings-{self.filed}", tables)

    def run(self) -> None:
        """Judges on the next day."""
        self.now += timedelta(days=1)
        run_detection(self.system())

    def alerts(self) -> list[str]:
        """Ids of all alerts there are."""
        with reading(self.system().engine) as connection:
            query = sa.select(alert_table.c.id).order_by(alert_table.c.id)
            return list(connection.scalars(query))


def judged(desk: Desk) -> None:
    """The first filings and the first run."""
    desk.file(desk.first)
    desk.run()


def more_filed(desk: Desk) -> None:
    """Further subjects, judged by an incremental run."""
    desk.file(desk.later)
    desk.run()


def corrected(desk: Desk) -> None:
    """Some rows of before say something else."""
    some = pl.int_range(pl.len()) % WRONG == 0
    tables = {
        name: desk.first[name].filter(some).with_columns(new)
        for name, new in CORRECTIONS.items()
        if name in desk.first
    }
    desk.file(tables)
    desk.run()


def rule_changed(desk: Desk) -> None:
    """An overlay through shadow and a second person; where bids are not judged, a rule retires."""
    system = desk.system()
    rule, parameter, value = OVERLAID
    if "bids" not in desk.first:
        fired = most_frequent_rule(system)
        promotion.retire(system, fired, "Ann", note="To be looked at again.")
        desk.run()
        return
    folder = system.home / "rules" / "overlays"
    folder.mkdir(parents=True, exist_ok=True)
    base = rulebook(system).files[rule].content_hash
    text = f"rule: {rule}\nbase_hash: {base}\nparameters: {{{parameter}: {value}}}\n"
    (folder / f"{rule}.yaml").write_text(text + "owner: Ann\nreason: This market is calmer.\n")
    candidate = rulebook(system).candidate(rule)
    report = json.dumps(backtest(system, candidate).as_dict(), default=str).encode()
    promotion.to_shadow(system, rule, "Ann", report=read_report(report))
    desk.file({name: t.head(1).with_columns(new) for name, t, new in _touched(desk)})
    desk.run()
    promotion.to_active(desk.system(), rule, "Ben")
    desk.run()


def _touched(desk: Desk) -> Iterator[tuple[str, pl.DataFrame, pl.Expr]]:
    """One row of a table, so that a run has something to judge in shadow."""
    yield "bids", desk.first["bids"], pl.col("amount") * 1.01


def most_frequent_rule(system: System) -> str:
    """The live rule most alerts name."""
    with reading(system.engine) as connection:
        named = connection.scalars(sa.select(alert_table.c.rules)).all()
    ids = [str(rule["id"]) for rules in named for rule in rules]
    return max(sorted(set(ids)), key=ids.count)


def refitted(desk: Desk) -> None:
    """Models fitted on what is known now, put into force by another person."""
    desk.now += timedelta(days=1)
    refit(desk.system(), actor="Ann")
    shadow_models.promote(desk.system(), None, "Ben", "Newer peers.")
    desk.run()


STEPS: Mapping[str, Callable[[Desk], None]] = {
    "judged": judged,
    "more filed": more_filed,
    "corrected": corrected,
    "rule changed": rule_changed,
    "refitted": refitted,
}


def split(tables: Tables) -> tuple[Tables, Tables]:
    """A set as filed at first, and the subjects filed later."""
    first, later = dict(tables), {}
    for name, rows in tables.items():
        key = next((k for k in KEYS if k in rows.columns), None)
        if key is not None:
            late = rows[key].hash(seed=7) % LATE == 0
            first[name], later[name] = rows.filter(~late), rows.filter(late)
    return first, later


def desks(folder: Path, size: Size) -> Iterator[Desk]:
    """The installations, each below the folder."""
    market = simulate(SEED, size, Labels())
    yield Desk("demo", folder / "demo", market, month_25(market))
    for name, tables in REAL.items():
        if present(name):
            yield Desk(name, folder / name, *split(filed(name, *tables)))


def replayed(desk: Desk, n: int, seed: str) -> int:
    """Judges some alerts again; how many were not identical."""
    ids = desk.alerts()
    chosen = random.Random(seed).sample(ids, min(n, len(ids)))
    replayer, bad = Replayer(desk.system()), 0
    for alert_id in chosen:
        began = time.perf_counter()
        found = replayer.replay(alert_id, as_known_now=False)
        desk.seconds.append(time.perf_counter() - began)
        if found.outcome != "identical":
            bad += 1
            told = [one.as_dict() for one in found.differences[:5]]
            codes = [cause["code"] for cause in found.causes]
            sys.stdout.write(f"  {desk.name} {alert_id}: {told} {codes}\n")
    desk.bad += bad
    desk.seconds.sort()
    sys.stdout.write(f"{desk.name:26}{seed.partition(':')[2]:14}{len(ids):>8}{len(chosen):>10}"
                     f"{len(chosen) - bad:>11}\n")  # fmt: skip
    sys.stdout.flush()
    return bad


def main(words: list[str]) -> None:
    """Prints a line an installation and step; ends with 1 where an alert did not come out again."""
    parser = argparse.ArgumentParser(prog="benchmarks replay", description=__doc__)
    parser.add_argument("--alerts", type=int, default=200, help="drawn after each step")
    parser.add_argument("--small", action="store_true", help="a twentieth of the market")
    parser.add_argument("--only", help="one installation")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args(words)
    folder = Path(tempfile.mkdtemp(prefix="replay-"))
    sys.stdout.write(
        f"{'installation':26}{'after':14}{'alerts':>8}{'replayed':>10}{'identical':>11}\n"
    )
    bad, seconds = 0, []
    try:
        for desk in desks(folder, Size.small() if asked.small else Size.full()):
            if asked.only in (None, desk.name):
                n = asked.alerts // 2 if desk.name == "demo" else asked.alerts // 6
                bad += sum(_step(desk, name, n, asked.seed) for name in STEPS)
                seconds += desk.seconds
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    seconds.sort()
    if seconds:
        median, most = seconds[len(seconds) // 2], seconds[int(0.95 * (len(seconds) - 1))]
        sys.stdout.write(f"{len(seconds)} replays, {bad} not identical; median {median:.2f} s, "
                         f"95 % within {most:.2f} s\n")  # fmt: skip
    sys.exit(1 if bad else 0)


def _step(desk: Desk, name: str, n: int, seed: int) -> int:
    STEPS[name](desk)
    return replayed(desk, n, f"{seed}:{name}")
