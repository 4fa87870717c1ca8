"""Why a replay differs, and what else has changed since: never more than can be told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import polars as pl

from detector.database import reading
from detector.models.versions import read_versions
from detector.replay_compare import Difference
from detector.replay_judgement import Past, family_of
from detector.rule_records import kept_events
from detector.rule_states import by_rule

if TYPE_CHECKING:
    from detector.lake import Snapshot
    from detector.system import System

TEXTS: Mapping[str, tuple[str, str]] = {
    "rule_changed": (
        "The kept text of a rule is not the one that judged.",
        "所存规则文本已非当时据以评判的文本。",
    ),
    "models_missing": (
        "The models that judged are no longer in the folder of models.",
        "当时所用模型已不在模型目录中。",
    ),
    "filings_lost": (
        "Batches of filings that the run read are no longer known.",
        "该次运行所读取的申报批次已不复存在。",
    ),
    "code_changed": (
        "The code or a library is another one than the run's.",
        "程序代码或所依赖的库与当时不同。",
    ),
    "filings_changed": (
        "The filings kept under this snapshot give other features: they were changed in place.",
        "同一快照下的申报数据得出不同特征：数据曾被就地改动。",
    ),
    "record_changed": (
        "The alert does not say what its run stored: its row was changed in the database.",
        "告警与其运行所存结果不符：数据库中的记录曾被改动。",
    ),
    "results_changed": (
        "The stored results of the run were changed; the alert itself still says what it said.",
        "该次运行所存结果曾被改动；告警本身未变。",
    ),
    "unknown": ("No cause was found.", "未找到原因。"),
}
PACKAGES = ("release", "features", "rules", "detector", "alerts")


def causes(
    past: Past, found: Sequence[Difference], code: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """The likeliest causes of differences, the surest first."""
    fields = [one.field for one in found]
    codes = [
        ("rule_changed", any(f.startswith("rules.") and f.endswith(".text") for f in fields)),
        ("models_missing", any(f == "models" for f in fields) and past.fitted is None),
        ("filings_lost", any(one in past.faults for one in found if one.field == "snapshot_id")),
    ]
    told = [cause(name) for name, holds in codes if holds]
    moved = code_changes(past.pins.code, code)
    if moved:
        told.append(cause("code_changed", {"changed": moved}))
    if told:
        return told
    stored = [f for f in fields if f.startswith("results.")]
    if any(".features." in f for f in stored):
        return [cause("filings_changed")]
    if stored and len(stored) == len(fields):
        return [cause("results_changed")]
    return [cause("record_changed" if not stored else "unknown")]


def cause(code: str, data: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """A cause in words."""
    en, zh = TEXTS[code]
    return {"code": code, "text": {"en": en, "zh": zh}, **(data or {})}


def code_changes(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Packages and libraries that are others now, with both versions where they have one."""
    moved = [name for name in PACKAGES if then.get(name) != now.get(name)]
    if "release" in moved:
        moved[moved.index("release")] = f"release {then.get('release')} -> {now.get('release')}"
    old, new = then.get("libraries", {}), now.get("libraries", {})
    return moved + [
        f"{name} {old.get(name)} -> {new.get(name)}"
        for name in sorted({*old, *new})
        if old.get(name) != new.get(name)
    ]


def judges_today(system: System, past: Past, code: Mapping[str, Any]) -> dict[str, Any]:
    """What a run of today would judge by instead; empty where nothing is another one."""
    found: dict[str, Any] = {}
    moved = code_changes(past.pins.code, code)
    if moved:
        found["code"] = moved
    in_force = read_versions(system.home / "models").in_force
    now, then = (in_force or {}).get("digest"), past.manifest.judges.get("models")
    if now != then:
        found["models"] = {"then": then, "now": now}
    with reading(system.engine) as connection:
        standings = by_rule(kept_events(connection))
    live = {rule: one.live.version for rule, one in standings.items() if one.live is not None}
    rules = {r.id: {"then": r.version, "now": live.get(r.id)} for r in past.ruleset}
    others = {rule: both for rule, both in rules.items() if both["then"] != both["now"]}
    if others:
        found["rules"] = others
    tables = changed_tables(system, past)
    if tables:
        found["parameters"] = tables
    return found


def changed_tables(system: System, past: Past) -> list[str]:
    """Dated tables the family's rules read that are others today."""
    from rules.ruleset import load_library

    used = {s.table for r in past.ruleset for s in r.spec.parameters.values() if s.table}
    today = load_library(system.settings.rule_dirs).parameters.tables
    return sorted(
        name
        for name in used
        if past.pins.parameters.get(name)
        != (today[name].model_dump_json(by_alias=True) if name in today else None)
    )


def filed_since(system: System, past: Past, old: Snapshot, new: Snapshot) -> dict[str, int]:
    """By table the family's features look at, how many rows were filed or corrected since."""
    wanted = tables_read(past)
    changed = system.lake.changed_since(old, new)
    return {
        table: int(rows.select(pl.col("_key").n_unique()).collect().item())
        for table, rows in changed.items()
        if table in wanted
    }


def tables_read(past: Past) -> set[str]:
    """Tables the features of the family looked at."""
    from features.catalogue import catalogue

    typologies: Iterable[str] = {t for r in past.ruleset for t in family_of(r.spec.typology)}
    names = {base.name for base in catalogue().bases_for(sorted(typologies))}
    reads = past.manifest.reads
    return {"firms"} | {table for name in names for table in reads.get(name, ())}
