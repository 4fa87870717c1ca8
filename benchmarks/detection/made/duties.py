"""Honest filings about duties of operators: requests, leaks, transfers, releases, tests, audits.

Drawn, with a plausible spread and some honest subjects that look a little odd: a long request told
of in time, a leak recycled from an old one, a release for internal use, a campaign of complaints.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, timedelta

import numpy as np
import polars as pl

from benchmarks.detection.schemes import duties, duties_tested
from benchmarks.detection.schemes.planting import World

Filings = Mapping[str, pl.DataFrame]
LAST = date(2026, 10, 31)
"""The last day anything honest happened; the judgement is on the next."""
PLACES = ("US-CA", "EU", "CN")


def named(stem: str, count: int) -> np.ndarray:
    """Ids of operators."""
    return np.array([f"{stem}-{k:03d}" for k in range(count)])


def days(first: date, offsets: np.ndarray) -> pl.Series:
    """Days so many days after the first; null where the offset is not a number."""
    base = pl.lit(pl.Series(np.where(np.isnan(offsets), 0, offsets).astype(np.int64)))
    known = pl.lit(pl.Series(~np.isnan(offsets)))
    return pl.select(
        pl.when(known).then(pl.lit(first) + pl.duration(days=base)).cast(pl.Date)
    ).to_series()


def requests(seed: int, operators: int = 150) -> Filings:
    """A year of requests to operators of three places, each with a pace and strictness of its own.

    One in thirty is extended with notice and takes up to 75 days; one in a hundred of those under
    European or Chinese rules comes a few days late; one in ten is refused.
    """
    rng = np.random.default_rng([seed, 1])
    ids, place = named("requests", operators), np.arange(operators) % 3
    yearly = np.exp(rng.normal(np.log(150), 0.4, operators)).astype(int).clip(100, 400)
    own = np.repeat(np.arange(operators), yearly)
    law, n = place[own], own.size
    median = np.array([18.0, 14.0, 8.0])[law] * np.exp(rng.normal(0, 0.15, operators))[own]
    limit = np.array([44.0, 28.0, 19.0])[law]
    took = np.minimum(median * np.exp(rng.normal(0, 0.4, n)), limit).round()
    longer = (rng.random(n) < 1 / 30) & (law < 2)
    took = np.where(longer, rng.integers(30, 76, n), took)
    late = (rng.random(n) < 0.01) & (law > 0) & ~longer
    took = np.where(late, limit + 4 + rng.integers(1, 10, n), took)
    got = rng.integers(0, 365, n)
    first = date(2025, 10, 1)
    over = (LAST - first).days
    strict = rng.beta(5, 45, operators)[own]
    luck = rng.random(n)
    answer = np.where(
        luck < strict, "refused", np.where(luck < strict + 0.08, "partial", "granted")
    )
    grounds = np.array(["unfounded", "identity", "rights of others", "law"])
    frame = pl.DataFrame(
        {
            "request_id": [f"r{k:06d}" for k in range(n)],
            "operator_id": ids[own],
            "type": rng.choice(["access", "delete", "correct"], n, p=[0.5, 0.4, 0.1]),
            "jurisdiction": np.array(PLACES)[law],
            "received_on": days(first, got.astype(float)),
            "extended": longer,
            "closed_on": days(first, np.where(got + took <= over, got + took, np.nan)),
            "outcome": pl.Series(answer).set(pl.Series(got + took > over), None),
            "refusal_ground": pl.Series(rng.choice(grounds, n)).set(
                pl.Series((answer != "refused") | (got + took > over)), None
            ),
        }
    )
    return {"dsar_requests": frame}


def leaks(seed: int, operators: int = 240) -> Filings:
    """Two years of incidents, most told of, and of leaks others saw; incidents go with users.

    One operator in twelve a year has a leak recycled from an old one, rightly not told of; half of
    the others name their notice, the rest was seen within two months of it.
    """
    rng = np.random.default_rng([seed, 2])
    ids = named("leaks", operators)
    users = np.exp(rng.normal(np.log(6e6), 1.2, operators)).clip(3e5, 3e7).round()
    size, notices, seen = [], [], []
    for year in (2025, 2026):
        size += [(i, f"{year}", u) for i, u in zip(ids, users, strict=True)]
        told = rng.poisson(users / 1e6 * 0.25 * rng.gamma(5, 0.2, operators))
        for operator, number in zip(ids, told, strict=True):
            for k, at in enumerate(np.sort(rng.integers(60, 290, number))):
                incident = f"{operator}-{year}-{k}"
                aware = date(year, 1, 1) + timedelta(days=int(at))
                notices.append((incident, operator, aware, aware + timedelta(days=2)))
                if rng.random() < 0.8:
                    known = aware + timedelta(days=int(rng.integers(-20, 60)))
                    name = incident if rng.random() < 0.5 else None
                    seen.append((f"l-{incident}", operator, known, rng.uniform(0.75, 1.0), name))
        for operator in ids[rng.random(operators) < 0.08]:
            known = date(year, 1, 1) + timedelta(days=int(rng.integers(0, 300)))
            seen.append((f"l-{operator}-{year}-old", operator, known, rng.uniform(0.5, 0.95), None))
    return {
        "breach_notifications": pl.DataFrame(
            notices, ["incident_id", "operator_id", "aware_at", "notified_at"], orient="row"
        ),
        "external_leaks": pl.DataFrame(
            seen, ["leak_id", "operator_id", "first_seen", "confidence", "incident_id"],
            orient="row", infer_schema_length=None,
        ),
        "market_positions": pl.DataFrame(
            size, ["firm_id", "period", "value"], orient="row"
        ).with_columns(market_id=pl.lit("all users"), metric=pl.lit("active_users")),
    }  # fmt: skip


def transfers(seed: int, operators: int = 180) -> Filings:
    """Ten months of transfers out of China: small ones without a mechanism, others with theirs.

    Seven in ten stay below 85,000 persons in the year; one in five files a standard contract and
    stays below 800,000; the others were assessed. Some of the small also send staff data, exempt.
    """
    rng = np.random.default_rng([seed, 3])
    ids = named("transfers", operators)
    kind = rng.choice(3, operators, p=[0.7, 0.2, 0.1])
    low, high = np.log([5e3, 1.2e5, 1.1e6])[kind], np.log([8.5e4, 8e5, 6e6])[kind]
    year = np.exp(rng.uniform(low, high))
    mechanism = np.array(["none", "standard_contract", "security_assessment"])
    rows: list[tuple[str, date, str, str, int, str, str | None]] = []
    for k, operator in enumerate(ids):
        partners = int(rng.integers(1, 4))
        parts = rng.dirichlet(np.full(10 * partners, 4.0)) * year[k]
        for j, part in enumerate(parts):
            day = date(2026, 1 + j // partners, 5 + j % partners)
            row = (operator, day, f"{operator}-to-{j % partners}", "device_id", int(part),
                   mechanism[kind[k]], None)  # fmt: skip
            rows.append(row)
        if kind[k] == 0 and rng.random() < 0.15:
            staff = (operator, date(2026, 2, 1), "head office", "staff", 60_000, "none", "staff")
            rows.append(staff)
    frame = pl.DataFrame(
        rows, ["operator_id", "date", "recipient", "data_type", "persons_new", "mechanism",
               "exemption_ground"], orient="row", infer_schema_length=None,
    )  # fmt: skip
    owners = pl.DataFrame(
        {"firm_id": ids, "group_id": np.repeat(named("group", operators // 3), 3)}
    )
    return {
        "firms": owners.with_columns(jurisdiction=pl.lit("CN")),
        "crossborder_transfers": frame.with_columns(
            country=pl.lit("SG"), jurisdiction=pl.lit("CN"), sensitive=pl.lit(value=False)
        ),
    }


def releases(seed: int, datasets: int = 90) -> Filings:
    """Released data sets by age band, sex and region, with small classes suppressed.

    Two in three suppress below 20 records, one in five below 11; the rest are for internal use and
    suppress below 5.
    """
    rng = np.random.default_rng([seed, 4])
    cells = [json.dumps({"age": f"{10 * a}-{10 * a + 9}", "region": f"R{r}", "sex": s})
             for a in range(2, 8) for r in range(6) for s in "FM"]  # fmt: skip
    parts = []
    for name in named("release", datasets):
        least = int(rng.choice([20, 11, 5], p=[0.66, 0.2, 0.14]))
        records = int(np.exp(rng.uniform(np.log(1_500), np.log(5_000))))
        counts = rng.multinomial(records, rng.dirichlet(np.full(len(cells), 2.0)))
        kept = counts >= least
        rows = pl.DataFrame({"quasi": np.array(cells)[kept], "records": counts[kept]})
        parts.append(
            rows.with_row_index("record_no", offset=1).select(
                pl.col("record_no").cast(pl.Int64), "quasi", "records", dataset_id=pl.lit(name),
                operator_id=pl.lit(f"of-{name}"),
                released_on=pl.lit(date(2026, int(rng.integers(1, 11)), 15)),
            )
        )  # fmt: skip
    return {"released_datasets": pl.concat(parts)}


def optout(seed: int, platforms: int = 90) -> Filings:
    """Six months of tests on platforms: personalised, after opting out, and neutral.

    After opting out a tenth to three tenths of the personalisation stay (context). One platform in
    ten personalises very little.
    """
    rng = np.random.default_rng([seed, 5])
    ids, items = named("platform", platforms), 8
    rows = []
    for operator in ids:
        neutral = rng.dirichlet(np.full(items, 6.0))
        taste = rng.dirichlet(np.full(items, 0.8))
        pull = rng.uniform(0.02, 0.04) if rng.random() < 0.1 else rng.uniform(0.4, 0.8)
        left = rng.uniform(0.1, 0.3)
        shown = {"personalised": pull, "optout": pull * left, "neutral": 0.0}
        for month in range(5, 11):
            for arm, weight in shown.items():
                total = int(rng.integers(600, 2_000))
                counts = rng.multinomial(total, (1 - weight) * neutral + weight * taste)
                rows += [(operator, f"{operator}-{month}", arm, f"class {i}", date(2026, month, 12),
                          int(c), True) for i, c in enumerate(counts)]  # fmt: skip
    names = ["platform_id", "test_id", "arm", "item", "tested_on", "exposures", "optout_available"]
    places = pl.Series(np.where(np.arange(platforms) % 2 == 0, "CN", "EU"))
    return {
        "firms": pl.DataFrame({"firm_id": ids, "jurisdiction": places}),
        "adm_tests": pl.DataFrame(rows, names, orient="row"),
    }


def complaints(seed: int, operators: int = 100) -> Filings:
    """Seventy weeks of complaints about operators, of one or two topics each.

    Weeks vary somewhat more than chance. One series in twenty grows by two fifths in the time; one
    in thirty has a week of equal texts sent by many; one in fifty a week twice as lively.
    """
    rng = np.random.default_rng([seed, 6])
    first, weeks = date(2025, 6, 23), 70
    series = [(o, t) for o in named("complaints", operators)
              for t in ("privacy", "billing")[: 1 + int(rng.random() < 0.5)]]  # fmt: skip
    n = len(series)
    usual = np.exp(rng.normal(np.log(6), 0.4, n))[:, None] * np.ones(weeks)
    usual[rng.random(n) < 0.05] *= np.linspace(1, 1.4, weeks)
    lively = np.nonzero(rng.random(n) < 0.02)[0]
    usual[lively, rng.integers(0, weeks, lively.size)] *= 2
    counts = rng.poisson(usual * rng.gamma(30, 1 / 30, usual.shape))
    line, week = (np.repeat(i.ravel(), counts.ravel()) for i in np.indices(counts.shape))
    text = np.array([f"{k:016x}" for k in range(line.size)], dtype=object)
    alike = np.nonzero(rng.random(n) < 1 / 30)[0]
    many, when = np.repeat(alike, 40), np.repeat(rng.integers(0, weeks, alike.size), 40)
    line, week = np.concatenate([line, many]), np.concatenate([week, when])
    text = np.concatenate([text, np.array([f"same-{k}" for k in many], dtype=object)])
    names = np.array(series)
    frame = pl.DataFrame(
        {
            "complaint_id": [f"c{k:06d}" for k in range(line.size)],
            "operator_id": names[line, 0],
            "topic": names[line, 1],
            "received_on": days(first, 7.0 * week + rng.integers(0, 7, line.size)),
            "text_simhash": text.astype(str),
        }
    )
    return {"complaints": frame}


def audits(seed: int, operators: int = 150) -> Filings:
    """Duties of operators in China of all sizes: audits, yearly reports and officers, in time.

    The large audit every second year, one in five yearly by order; the last audit was one to
    nineteen twentieths of its time ago. Small operators audit when they like.
    """
    rng = np.random.default_rng([seed, 7])
    rows: list[tuple[str, str, date, int, int | None]] = []
    for operator in named("audits", operators):
        persons = int(np.exp(rng.uniform(np.log(5e5), np.log(9e7))))
        cycle = 12 if rng.random() < 0.2 else None
        length = 365 if cycle else 730
        bound = persons > 10_000_000 or cycle is not None
        ago = rng.uniform(0.05, 0.95) * length if bound else rng.uniform(30, 1_200)
        if bound or rng.random() < 0.4:
            done = LAST - timedelta(days=int(ago))
            rows.append((operator, "audit", done, persons, cycle))
        told = LAST - timedelta(days=int(rng.uniform(20, 340)))
        rows.append((operator, "annual_report", told, persons, cycle))
        rows.append((operator, "officer_registration", date(2024, 3, 1), persons, cycle))
    names = ["operator_id", "event_type", "date", "persons_processed", "cycle_months"]
    frame = pl.DataFrame(rows, names, orient="row", infer_schema_length=None)
    return {"compliance_events": frame.with_columns(jurisdiction=pl.lit("CN"))}


WORLDS: tuple[World, ...] = (
    World(
        "requests", requests, duties.request_schemes(12), drawn=True, order=("dsar_requests",)
    ),
    World(
        "refusals", requests, duties.refusal_schemes(10), drawn=True, order=("dsar_requests",)
    ),
    World(
        "leaks", leaks, duties.leak_schemes(12), drawn=True,
        order=("breach_notifications", "external_leaks", "market_positions"),
    ),
    World(
        "transfers", transfers, duties.transfer_schemes(12), drawn=True,
        order=("firms", "crossborder_transfers"),
    ),
    World(
        "split transfers", transfers, duties.split_schemes(10), drawn=True,
        order=("firms", "crossborder_transfers"),
    ),
    World(
        "releases", releases, duties_tested.release_schemes(10), drawn=True,
        order=("released_datasets",),
    ),
    World(
        "opting out", optout, duties_tested.optout_schemes(10), drawn=True,
        order=("firms", "adm_tests"),
    ),
    World(
        "complaints", complaints, duties_tested.complaint_schemes(10), drawn=True,
        order=("complaints",),
    ),
    World(
        "audits", audits, duties.audit_schemes(12), drawn=True, order=("compliance_events",)
    ),
)  # fmt: skip
