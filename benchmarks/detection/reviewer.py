"""`python -m benchmarks reviewer`: what reviews bring, with a reviewer who knows the answers.

Five rounds of twenty reviews: ten from the top of the queue as it then stands and ten drawn blind
from the rest. After each round the queue is ordered anew. Shown is the average precision on the
tenders *not* reviewed, of the prior and of the new order on the same tenders.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict, dataclass

import numpy as np

from benchmarks.detection.real import Findings, present, tenders
from detector.inference import Floats, average_precision, roc_auc
from detector.models.rerank import rerank

SETS = ("bids-japan", "bids-ticino")
ROUNDS, FROM_TOP, BLIND = 5, 10, 10


@dataclass(frozen=True)
class Round:
    """The state after one round, mean over the seeds where several were run."""

    name: str
    reviews: float
    confirmed: float
    weight: float
    prior_ap: float
    learnt_ap: float
    ratio: float
    prior_auc: float
    learnt_auc: float


def review(findings: Findings, seed: int, rounds: int = ROUNDS) -> list[Round]:
    """One reviewer: which tenders are drawn blind depends on the seed."""
    rng = np.random.default_rng(seed)
    evidence, keys = findings.learnable(), findings.frame.frame["subject_key"]
    prior = np.where(np.isnan(findings.prior), np.nanmedian(findings.prior), findings.prior)
    order, known = prior, np.full(prior.size, np.nan)
    found = []
    for _ in range(rounds):
        rest = np.flatnonzero(np.isnan(known))
        top = rest[np.argsort(-order[rest], kind="stable")[:FROM_TOP]]
        blind = rng.choice(np.setdiff1d(rest, top), BLIND, replace=False)
        for chosen in (top, blind):
            known[chosen] = findings.labels[chosen]
        learnt = rerank(evidence, prior, known, keys)
        order = learnt.order
        found.append(_state(findings, prior, order, known, learnt.weight))
    return found


def _state(findings: Findings, prior: Floats, order: Floats, known: Floats, weight: float) -> Round:
    rest = np.isnan(known)
    y = findings.labels[rest]
    before, after = average_precision(y, prior[rest]), average_precision(y, order[rest])
    aucs = roc_auc(y, prior[rest]), roc_auc(y, order[rest])
    if before is None or after is None or aucs[0] is None or aucs[1] is None:
        raise ValueError("no finding of both kinds is left unreviewed")
    return Round(
        findings.name, float((~rest).sum()), float(np.nansum(known)), weight, before, after,
        after / before, aucs[0], aucs[1],
    )  # fmt: skip


def curve(name: str, seeds: int) -> list[Round]:
    """Mean over seeds of each round; the ratio is of the mean precisions."""
    runs = [review(tenders(name), seed) for seed in range(seeds)]
    means = []
    for states in zip(*runs, strict=True):
        columns = {
            key: float(np.mean([asdict(s)[key] for s in states]))
            for key in asdict(states[0])
            if key != "name"
        }
        columns["ratio"] = columns["learnt_ap"] / columns["prior_ap"]
        means.append(Round(name, **columns))
    return means


def main(arguments: list[str]) -> None:
    """Prints the learning curve of every set that is there."""
    parser = argparse.ArgumentParser(prog="benchmarks reviewer", description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args(arguments)
    if not asked.json:
        sys.stdout.write(
            f"{'set':12}{'reviews':>8}{'confirmed':>10}{'weight':>8}{'AP prior':>10}{'learnt':>8}"
            f"{'ratio':>7}{'AUC prior':>11}{'learnt':>8}\n"
        )
    for name in (s for s in SETS if present(s)):
        for r in curve(name, asked.seeds):
            text = json.dumps(asdict(r)) if asked.json else (
                f"{r.name:12}{r.reviews:8.0f}{r.confirmed:10.1f}{r.weight:8.2f}{r.prior_ap:10.3f}"
                f"{r.learnt_ap:8.3f}{r.ratio:7.2f}{r.prior_auc:11.3f}{r.learnt_auc:8.3f}"
            )  # fmt: skip
            sys.stdout.write(text + "\n")
