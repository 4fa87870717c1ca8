"""Made-up features and rules of every shape the language has; nothing here is a market."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from features.catalogue import Feature
from features.compute import FeatureFrame
from rules.load import Rule, load_rule

GRAIN = "operator_m"
KINDS = ("goods", "works", "services")
_RULE = """\
id: made-up-{number}
title: {{en: "Made-up rule {number}", zh: "虚构规则{number}"}}
version: "1.0.0"
status: active
owner: benchmark
created: "2026-01-01"
modified: "2026-01-01"
typology: PRIV-COMPLAINT-SPIKE
grain: operator_m
lane: screen
severity: 3
legal_basis: [{{jurisdiction: EU, instrument: none, article: "1", in_force_from: "2020-01-01"}}]
harm: {{en: "nobody at all", zh: "无"}}
scope: kind <> '{kind}'
condition: |
  {condition}
parameters:
{parameters}min_support: {{{first}: 5}}
message: {{en: "{{{first}}} against {{low}}", zh: "{{{first}}}对{{low}}"}}
innocent_explanations:
  - {{en: "one reason", zh: "理由一"}}
  - {{en: "two reasons", zh: "理由二"}}
triage: [{{en: "look again", zh: "复查"}}]
limits: ["made up from nothing"]
references: ["none at all"]
max_flag_rate: 0.5
"""
_LIMIT = "  {}: {{value: {}, class: ENG, unit: ratio, source: made up, verified: true}}\n"
SHAPES = (
    "{a} >= :high AND {b} < :low",
    "{a} >= :high AND {b} < :low AND {c} > 0.2",
    "{a} >= :high AND ({b} < :low OR {c} < :low)",
    "{a} / {b} > 40 AND {c} < :low",
    "{a} >= :high AND {b} BETWEEN :low AND 0.3 AND {c} < 0.1",
)


@dataclass(frozen=True)
class Made:
    """One rule in figures, for those who write it by hand."""

    shape: int
    features: tuple[str, str, str]
    kind: str
    high: float
    low: float


def made_rules(count: int, features: int) -> list[Made]:
    """Rules that take every shape in turn and every feature about equally often."""
    made = []
    for number in range(count):
        names = tuple(f"x{(number * step + step) % features}" for step in (7, 11, 13))
        kind = KINDS[number % len(KINDS)]
        high, low = 0.9 + (number % 7) / 100, 0.05 + (number % 5) / 100
        made.append(Made(number % len(SHAPES), (names[0], names[1], names[2]), kind, high, low))
    return made


def written(made: Made, number: int) -> Rule:
    """The rule as an author writes it."""
    a, b, c = made.features
    condition = SHAPES[made.shape].format(a=a, b=b, c=c)
    values = {"high": made.high, "low": made.low}
    told = "".join(_LIMIT.format(n, v) for n, v in values.items() if f":{n}" in condition)
    text = _RULE.format(
        number=number, kind=made.kind, condition=condition, parameters=told, first=a
    )
    rule, issues = load_rule(text, f"made-up-{number}.yaml")
    if rule is None:
        raise ValueError(str(issues[0]))
    return rule


def made_frame(rows: int, features: int, seed: int = 1) -> FeatureFrame:
    """Uniform features, one in twenty null with a reason, and their sample sizes."""
    random = np.random.default_rng(seed)
    kinds = pl.Series(KINDS, dtype=pl.String).gather(random.integers(0, len(KINDS), rows))
    columns: dict[str, pl.Series] = {
        "subject_key": pl.Series(np.arange(rows)).cast(pl.String),
        "period_start": pl.repeat(date(2026, 1, 1), rows, eager=True),
        "period_end": pl.repeat(date(2026, 1, 31), rows, eager=True),
        "kind": kinds,
    }
    for number in range(features):
        missing = pl.Series(random.random(rows) < 0.05)
        values = pl.DataFrame({"v": random.random(rows), "missing": missing})
        found = values.select(
            value=pl.when(~pl.col("missing")).then("v"),
            reason=pl.when("missing").then(pl.lit("too_few")),
        )
        columns[f"x{number}"] = found["value"]
        columns[f"x{number}__reason"] = found["reason"]
        columns[f"x{number}__n"] = pl.Series(random.integers(3, 60, rows))
    made = tuple(_feature(f"x{number}") for number in range(features))
    return FeatureFrame(GRAIN, pl.DataFrame(columns), made, ("kind",), ())


def _feature(name: str) -> Feature:
    return Feature(
        name, "PRIV-COMPLAINT-SPIKE", GRAIN, "made_up", (), "ratio", "high", 3, "n", "made up",
        {"en": name, "zh": name}, "made up", False, False, "number",
        lambda: (_ for _ in ()).throw(NotImplementedError),
    )  # fmt: skip
