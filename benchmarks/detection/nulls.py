"""`python -m benchmarks nulls`: do stated false alarm rates hold where nobody colludes?

Markets without a scheme (`benchmarks.detection.null_worlds`) go through the code of a run: models
are fitted, rows scored, firms and pairs counted, q-values taken. Over many draws

- the realised false discovery rate of firms, pairs and tenders must not exceed the stated one by
  more than two standard errors of the simulation; without a scheme it is the share of draws with
  any discovery at all;
- of the p-values no more than a share of 1 % may lie below 0.01, and so on.

With a ring planted, the share of its members that are found tells what the caution costs.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from multiprocessing import get_context

import numpy as np
import polars as pl

from benchmarks.detection.null_worlds import RINGS, WORLDS, Sample, World, draw

LEVELS = (0.01, 0.05, 0.1, 0.2, 0.5)
GRAINS = ("firm_y", "pair_y", "tender")
RATE = 0.1
FITTED_AT = datetime(2025, 1, 1, tzinfo=UTC)


def judged(sample: Sample, rate: float = RATE) -> pl.DataFrame:
    """Everything a run says about the second year: tenders, firms and pairs with p and q."""
    from detector import false_alarms, rollup, signals
    from detector.models.base import specs
    from detector.models.fit import fit_in_memory
    from detector.models.score import score_models
    from detector.results import shaped
    from rules.evaluate import RESULT_SCHEMA

    used = {spec.id for spec in specs() if spec.active and spec.grain == "tender"}
    fitted = fit_in_memory({"tender": sample.reference}, "simulated", FITTED_AT, used)
    scores = score_models({"tender": sample.judged}, fitted, alpha=0.0)
    rows = signals.combine(pl.DataFrame(schema=RESULT_SCHEMA), scores)
    parents, _ = rollup.roll_up(rows, sample.links, set(), {})
    together = pl.concat([shaped(rows, rollup.ROLLED), parents])
    return rollup.fire_excess(false_alarms.with_q_values(together), rate)


@dataclass(frozen=True)
class Run:
    """What one draw gave, by grain.

    Attributes:
        found, false: findings within the rate, and those among them about the innocent.
        fired: those of firms and pairs that also show a pattern and would raise an alert.
        power: share of the guilty found, of the guilty that were tested.
        below: share of p-values at most each of `LEVELS`.
    """

    found: dict[str, int] = field(default_factory=dict)
    false: dict[str, int] = field(default_factory=dict)
    fired: dict[str, int] = field(default_factory=dict)
    power: dict[str, float] = field(default_factory=dict)
    below: dict[str, tuple[float, ...]] = field(default_factory=dict)


def one_run(world: World, seed: int, rate: float = RATE) -> Run:
    """Draws a market, judges it and counts."""
    sample = draw(world, seed)
    rows = judged(sample, rate)
    run = Run()
    for grain in GRAINS:
        mine = rows.filter(pl.col("grain") == grain, pl.col("p_value").is_not_null())
        # A tender is judged with those of its month: one month is one family.
        if grain == "tender":
            everyone, mine = mine, mine.filter(pl.col("period_start") == mine["period_start"].max())
        else:
            everyone = mine
        guilty = guilt(mine, sample.guilty)
        hits = (mine["q_value"] <= rate).fill_null(value=False)
        run.found[grain] = int(hits.sum())
        run.false[grain] = int((hits & ~guilty).sum())
        run.fired[grain] = int((mine["outcome"] == "fired").sum())
        caught = mine.filter(guilty & hits)["subject_key"].n_unique()
        known = mine.filter(guilty)["subject_key"].n_unique()
        run.power[grain] = caught / known if known else float("nan")
        p = everyone["p_value"].to_numpy()
        run.below[grain] = tuple(float(np.mean(p <= level)) for level in LEVELS)
    return run


def guilt(rows: pl.DataFrame, guilty: frozenset[str]) -> pl.Series:
    """Whether all members of each subject are guilty."""
    return rows.select(
        pl.col("subject_key")
        .str.split("|")
        .list.eval(pl.element().is_in(sorted(guilty)))
        .list.all()
    ).to_series()


@dataclass(frozen=True)
class Finding:
    """A world over many draws: mean and standard error, by grain.

    Attributes:
        fdr: share of findings that are false, 0 where nothing was found.
        below: share of p-values at most each of `LEVELS`.
    """

    world: World
    runs: int
    fdr: dict[str, tuple[float, float]]
    power: dict[str, float]
    fired: dict[str, float]
    below: dict[str, tuple[tuple[float, float], ...]]

    def broken(self, rate: float = RATE) -> list[str]:
        """Promises that did not hold, by more than two standard errors of the simulation.

        The error of the rate is that of a procedure that just keeps it.
        """
        allowed = rate + 2 * float(np.sqrt(rate * (1 - rate) / self.runs))
        found = [
            f"{grain}: realised rate {mean:.3f} over {allowed:.3f}"
            for grain, (mean, _) in self.fdr.items()
            if mean > allowed
        ]
        if self.world.ring:
            return found  # p-values of the guilty are meant to be small
        return found + [
            f"{grain}: {mean:.4f} of the p-values at most {level}"
            for grain, shares in self.below.items()
            for level, (mean, error) in zip(LEVELS, shares, strict=True)
            if mean > level + 2 * error
        ]


def summed(world: World, runs: Sequence[Run]) -> Finding:
    """Means and standard errors over draws."""
    fdr, below, power, fired = {}, {}, {}, {}
    for grain in GRAINS:
        share = np.array([r.false[grain] / max(1, r.found[grain]) for r in runs])
        fdr[grain] = (float(share.mean()), _error(share))
        values = np.array([r.below[grain] for r in runs])
        below[grain] = tuple((float(v.mean()), _error(v)) for v in values.T)
        caught = np.array([r.power[grain] for r in runs])
        power[grain] = float(np.nanmean(caught)) if not np.isnan(caught).all() else float("nan")
        fired[grain] = float(np.mean([r.fired[grain] > 0 for r in runs]))
    return Finding(world, len(runs), fdr, power, fired, below)


def _error(values: np.ndarray) -> float:
    return float(values.std(ddof=1) / np.sqrt(values.size)) if values.size > 1 else 0.0


def study(world: World, seeds: Iterable[int], jobs: int = 1, rate: float = RATE) -> Finding:
    """A world over many draws, one a seed."""
    once = partial(one_run, world, rate=rate)
    if jobs == 1:
        return summed(world, [once(seed) for seed in seeds])
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        return summed(world, list(pool.map(once, seeds)))


def table(findings: Iterable[Finding]) -> str:
    """Markdown for people."""
    lines = [
        "| world | grain | realised rate | alerts in | found | p ≤ .01 | .05 | .1 | .2 | .5 |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for found in findings:
        for grain in GRAINS:
            mean, error = found.fdr[grain]
            power = "" if np.isnan(found.power[grain]) else f"{found.power[grain]:.2f}"
            shares = " | ".join(f"{m:.3f}" for m, _ in found.below[grain])
            lines.append(
                f"| {found.world.name} | {grain} | {mean:.3f} ± {error:.3f} | "
                f"{found.fired[grain]:.2f} | {power} | {shares} |"
            )
    return "\n".join(lines)


def main(arguments: Sequence[str]) -> None:
    """Prints the table; exits with 1 when a promise did not hold."""
    parser = argparse.ArgumentParser(prog="benchmarks nulls", description=__doc__)
    parser.add_argument("--runs", type=int, default=200, help="draws of each world")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--only", help="worlds whose name contains this")
    asked = parser.parse_args(arguments)
    worlds = [w for w in (*WORLDS, *RINGS) if not asked.only or asked.only in w.name]
    findings = []
    for world in worlds:
        findings.append(study(world, range(asked.runs), asked.jobs))
        for what in findings[-1].broken():
            sys.stdout.write(f"NOT KEPT, {world.name}: {what}\n")
        sys.stdout.flush()
    sys.stdout.write(table(findings) + "\n")
    sys.exit(any(found.broken() for found in findings))
