"""A tiny catalogue and frames for rule tests, independent of the shipped features."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl

from features.catalogue import Feature, FeatureCatalogue
from features.compute import FeatureFrame
from rules.load import Rule, load_rule

GRAIN = "tender"


def make_feature(name: str, unit: str = "ratio", kind: str = "number") -> Feature:
    return Feature(
        name, "MON-BID-CV", GRAIN, "b", (), unit, "low", 3, "n", "test", {"en": name, "zh": name},
        "doc", False, False, kind, lambda: None,
    )  # fmt: skip


NUMBERS = ("a", "b", "c")
FEATURES = (
    *(make_feature(name) for name in NUMBERS),
    make_feature("part", "0-1"),
    make_feature("wait", "hours"),
    make_feature("level", kind="class", unit=""),
)


def tiny_catalogue() -> FeatureCatalogue:
    return FeatureCatalogue(features={f.name: f for f in FEATURES})


def frame_of(rows: list[dict[str, Any]], **attributes: Any) -> FeatureFrame:
    """Rows of features by name; attributes are constant columns."""
    columns: dict[str, pl.Series] = {
        "subject_key": pl.Series([f"t{i}" for i in range(len(rows))]),
        "period_start": pl.Series([row.get("day", date(2026, 1, 1)) for row in rows]),
        "period_end": pl.Series([date(2026, 1, 31)] * len(rows)),
    }
    for feature in FEATURES:
        dtype = pl.String if feature.kind == "class" else pl.Float64
        columns[feature.name] = pl.Series([r.get(feature.name) for r in rows], dtype=dtype)
        for suffix, kind in (("reason", pl.String), ("n", pl.Int64)):
            name = f"{feature.name}__{suffix}"
            columns[name] = pl.Series([r.get(name) for r in rows], dtype=kind)
        for suffix in ("pct", "median", "z"):
            name = f"{feature.name}__{suffix}"
            if any(name in row for row in rows):
                columns[name] = pl.Series([r.get(name) for r in rows], dtype=pl.Float64)
    frame = pl.DataFrame(columns).with_columns(pl.lit(v).alias(k) for k, v in attributes.items())
    return FeatureFrame(GRAIN, frame, FEATURES, tuple(attributes), ())


RULE = """\
id: test-rule
title: {{en: "A test", zh: "测试"}}
version: "1.0.0"
status: {status}
owner: tester
created: "2026-01-01"
modified: "2026-01-01"
typology: MON-BID-CV
grain: tender
lane: screen
severity: 3
legal_basis: [{{jurisdiction: EU, instrument: TFEU, article: "101", in_force_from: "2009-12-01"}}]
harm: {{en: "buyers", zh: "买方"}}
condition: |
  {condition}
{extra}message: {{en: "seen {{a}}", zh: "见{{a}}"}}
innocent_explanations:
  - {{en: "one reason", zh: "理由一"}}
  - {{en: "two reasons", zh: "理由二"}}
triage: [{{en: "look again", zh: "复查"}}]
limits: ["only a test rule"]
references: ["none at all"]
max_flag_rate: 0.1
"""


def rule_text(condition: str, extra: str = "", status: str = "active") -> str:
    return RULE.format(condition=condition.replace("\n", "\n  "), extra=extra, status=status)


def make_rule(
    condition: str,
    extra: str = "",
    status: str = "active",
    *,
    grain: str = GRAIN,
    rule_id: str = "test-rule",
) -> Rule:
    text = rule_text(condition, extra, status).replace("id: test-rule", f"id: {rule_id}")
    rule, issues = load_rule(text.replace(f"grain: {GRAIN}", f"grain: {grain}"), f"{rule_id}.yaml")
    assert rule is not None, [str(i) for i in issues]
    return rule
