"""Consent, children, combination and retention: honest filings of operators over a year."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl

from benchmarks.detection.made.apps import operators
from benchmarks.detection.schemes import consent as schemes
from benchmarks.detection.schemes import consent_operators as operator_schemes
from benchmarks.detection.schemes.planting import Random, World

KINDS = ("online_shopping", "news", "instant_messaging")
BANNERS = ("two_buttons", "layered")
LOCALES = {"CN": ("zh-CN",), "EU": ("de-DE", "fr-FR"), "US": ("en-US",)}
MONTHS = tuple(f"{2025 + (9 + n) // 12}-{(9 + n) % 12 + 1:02d}" for n in range(12))
"""October 2025 to September 2026."""
LIMITS = {"order": 1095.0, "location": 90.0, "contact": 365.0}
QUARTERS = (date(2025, 11, 17), date(2026, 2, 16), date(2026, 5, 18), date(2026, 8, 17))
SAMPLES = 40


def dialogues(seed: int) -> Mapping[str, pl.DataFrame]:
    """240 apps with a dialogue in each of their languages and months.

    Acceptance centres on 57 of 100 and differs from app to app. One refusal in seven is asked
    again, everybody in a month of two hundred, in which the terms changed; a tenth of the apps need
    a step more to withdraw or refuse than to agree; in three months of a hundred an outage stops a
    few who refused.
    """
    rng = np.random.default_rng([seed, 21])
    count = 240
    owners = operators(rng, 120)
    owner = rng.integers(0, owners.height, count)
    apps = pl.DataFrame(
        {
            "app_id": [f"app-{n:04d}" for n in range(count)],
            "version": "1.0",
            "operator_id": owners["firm_id"].gather(owner),
            "app_type": rng.choice(KINDS, count),
            "released_at": datetime(2025, 9, 1, tzinfo=UTC),
        }
    )
    place = owners["jurisdiction"].gather(owner)
    taste = pl.Series(rng.normal(0.3, 0.5, count))
    clumsy = pl.Series(np.where(rng.random(count) < 0.1, 1, 0))
    rows = apps.select("app_id").with_columns(
        banner_class=pl.Series(rng.choice(BANNERS, count)),
        locale=pl.Series([list(LOCALES[p]) for p in place]),
        _taste=taste, _clumsy=clumsy, period=pl.lit(list(MONTHS)),
        _size=pl.Series(rng.normal(8.8, 0.8, count)),
    ).explode("locale").explode("period")  # fmt: skip
    return {"firms": owners, "apps": apps, "consent_metrics": _counts(rng, rows)}


def _counts(rng: Random, rows: pl.DataFrame) -> pl.DataFrame:
    """Counts of each dialogue and month."""
    n = rows.height
    shown = np.maximum(400, np.exp(rows["_size"].to_numpy() + rng.normal(0, 0.1, n))).astype(int)
    logit = rows["_taste"].to_numpy() + rng.normal(0, 0.12, n)
    accepted = rng.binomial(shown, 1 / (1 + np.exp(-logit)))
    refused = rng.binomial(shown - accepted, 0.6)
    persons = rng.binomial(refused, 0.9)
    withdrawn = 60 + rng.binomial(accepted, 0.02)
    stopped = np.where(rng.random(n) < 0.03, rng.integers(1, 4, n), 0)
    clumsy = rows["_clumsy"].to_numpy()
    anew = np.where(rng.random(n) < 0.005, 1.3, 1 / 7)
    return rows.select("app_id", "period", "locale", "banner_class").with_columns(
        shown=pl.Series(shown),
        accepted=pl.Series(accepted),
        refused=pl.Series(refused),
        clicks_accept=pl.Series(1 + clumsy),
        clicks_reject=pl.Series(1 + 2 * clumsy),
        prechecked=pl.lit(0),
        prompts_after_refusal=pl.Series(rng.poisson(persons * anew)),
        refusing_users=pl.Series(persons),
        denied_after_refusal=pl.Series(stopped),
        withdrawn=pl.Series(withdrawn),
        flows_after_withdrawal=pl.Series(rng.binomial(withdrawn, 0.004)),
        service_cut=pl.lit(value=False),
        steps_give=pl.Series(2 + clumsy),
        steps_withdraw=pl.Series(2 + 2 * clumsy),
    )


def children(seed: int) -> Mapping[str, pl.DataFrame]:
    """90 operators with minors among their users, twelve months, audited once a year.

    Two in a thousand consents are out of date; audits come 300 to 360 days after the last.
    """
    rng = np.random.default_rng([seed, 22])
    owners = operators(rng, 90)
    rows = (
        owners.select(pl.col("firm_id").alias("operator_id"), "jurisdiction")
        .with_columns(month=pl.lit(list(MONTHS)), age_band=pl.lit(["0-12", "14-17"]),
                      _size=pl.Series(rng.normal(8.0, 1.0, owners.height)))
        .explode("month").explode("age_band")
    )  # fmt: skip
    accounts = np.maximum(100, np.exp(rows["_size"].to_numpy())).astype(int)
    young = (rows["age_band"] == "0-12").to_numpy()
    rows = rows.with_columns(
        accounts=pl.Series(accounts),
        guardian_consented=pl.Series(np.where(young, rng.binomial(accounts, 0.998), 0)),
        profiled_ads=pl.Series(rng.binomial(accounts, 0.001)),
    ).with_columns(guardian_consented=pl.when(pl.col("age_band") == "0-12").then(
        "guardian_consented"))  # fmt: skip
    audits = []
    for operator in owners["firm_id"]:
        day = date(2025, 1, 1) + timedelta(days=int(rng.integers(0, 270)))
        while day < date(2026, 10, 1):
            audits.append((operator, "minors_audit", day))
            day += timedelta(days=int(rng.integers(300, 361)))
    events = pl.DataFrame(audits, schema=("operator_id", "event_type", "date"), orient="row")
    return {"firms": owners, "minor_metrics": rows.drop("_size"), "compliance_events": events}


def linked(seed: int) -> Mapping[str, pl.DataFrame]:
    """Fourteen designated and 40 other operators, three pairs of services each, twelve months.

    Designated ones combine nothing without consent and ask once a year; the others lack it from up
    to two in a hundred, where an account was opened for both.
    """
    rng = np.random.default_rng([seed, 23])
    owners = operators(rng, 54).with_columns(
        is_gatekeeper=pl.int_range(pl.len()) < 14,
        jurisdiction=pl.when(pl.int_range(pl.len()) < 14).then(pl.lit("EU"))
        .otherwise("jurisdiction"),
    )  # fmt: skip
    rows = []
    for operator, named in owners.select("firm_id", "is_gatekeeper").iter_rows():
        for pair in range(3):
            share = 0.0 if named else float(rng.uniform(0, 0.02))
            users = int(np.exp(rng.normal(13, 1)))
            asked = int(rng.integers(0, 2))
            for month in MONTHS:
                count = int(users * np.exp(rng.normal(0, 0.05)))
                rows.append((operator, f"{operator}-s{2 * pair}", f"{operator}-s{2 * pair + 1}",
                             month, count, int(rng.binomial(count, share)), asked))  # fmt: skip
    names = ("operator_id", "service_a", "service_b", "month", "linked_users",
             "linked_without_specific_consent", "reprompts")  # fmt: skip
    return {"firms": owners, "linkage_metrics": pl.DataFrame(rows, schema=names, orient="row")}


def kept(seed: int) -> Mapping[str, pl.DataFrame]:
    """60 operators, three types of data, four quarters, 40 sampled records each.

    Four in a thousand wait some days in a backup beyond the limit; one in fifty is held by law.
    """
    rng = np.random.default_rng([seed, 24])
    owners = operators(rng, 60)
    rows = (
        owners.select(pl.col("firm_id").alias("operator_id"))
        .with_columns(data_type=pl.lit(list(LIMITS)), sampled_on=pl.lit(list(QUARTERS)),
                      _n=pl.lit(list(range(SAMPLES))))
        .explode("data_type").explode("sampled_on").explode("_n")
    )  # fmt: skip
    limit = rows["data_type"].replace_strict(LIMITS, return_dtype=pl.Float64).to_numpy()
    age = rng.uniform(0, 1, rows.height) * limit
    late, held = rng.random(rows.height) < 0.004, rng.random(rows.height) < 0.02
    age = np.where(late, limit + rng.uniform(1, 20, rows.height), age)
    age = np.where(held, limit + rng.uniform(1, 700, rows.height), age)
    state = np.where(rng.random(rows.height) < 0.2, "archived", "active")
    return {
        "firms": owners,
        "retention_samples": rows.select(
            "operator_id", "data_type",
            pl.format("{}-{}-{}-{}", "operator_id", "data_type", "sampled_on", "_n")
            .alias("sample_id"),
            "sampled_on",
            pl.Series("age_days", age.round(1)), pl.Series("limit_days", limit),
            pl.Series("state", state), pl.Series("legal_hold", held),
        ),
    }  # fmt: skip


ORDER = ("firms", "apps", "consent_metrics", "minor_metrics", "compliance_events",
         "linkage_metrics", "retention_samples")  # fmt: skip
WORLDS = (
    World("consent dialogues", dialogues, schemes.schemes(12), drawn=True, order=ORDER),
    World("children online", children, operator_schemes.minors(12), drawn=True, order=ORDER),
    World("linked services", linked, operator_schemes.combination(10), drawn=True, order=ORDER),
    World("kept records", kept, operator_schemes.retention(12), drawn=True, order=ORDER),
)
