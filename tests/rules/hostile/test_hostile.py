"""Attacks on the language and the format: each refused, with a place and a reason, in a moment."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from rules.checking import Quantity, check_condition
from rules.errors import ExpressionError, RuleIssue
from rules.expression import parse_condition
from rules.load import load_rule, load_table
from rules.schema import schema_text
from tests.rules.grammar import NAMES
from tests.rules.hostile.corpus import Attack, conditions, files

PARAMETERS = {
    "k": Quantity("number", "ratio"), "word": Quantity("text"), "span": Quantity("number", "days")
}  # fmt: skip
GOOD = """\
id: test-rule
title: {en: "A test", zh: "测试"}
version: "1.0.0"
status: active
owner: tester
created: "2026-01-01"
modified: "2026-01-02"
typology: MON-BID-CV
grain: tender
lane: screen
severity: 3
legal_basis: [{jurisdiction: EU, instrument: TFEU, article: "101", in_force_from: "2009-12-01"}]
harm: {en: "the buyers", zh: "买方"}
condition: |
  a > 1
message: {en: "seen {a}", zh: "见{a}"}
innocent_explanations:
  - {en: "one reason", zh: "理由一"}
  - {en: "two reasons", zh: "理由二"}
triage: [{en: "look again", zh: "复查"}]
limits: ["only a test rule"]
references: ["none at all"]
max_flag_rate: 0.1
"""
GOOD_TABLE = """\
table: limits
title: {en: "A limit", zh: "限值"}
unit: days
rows:
  - {value: 5, comparator: ">", class: LEGAL, valid_from: "2020-01-01", valid_to: "2024-12-31",
     source: law, verified: true}
  - {value: 7, comparator: ">", class: LEGAL, valid_from: "2025-01-01", source: law, verified: true}
"""
CONDITIONS, FILES, TABLES = conditions(), files(GOOD), files(GOOD_TABLE, "tables.yaml")
SECONDS = 5.0
"""For one attack on a machine that does other things too; alone it takes under 0.05."""


def test_the_good_file_is_good_and_the_corpus_is_large() -> None:
    rule, issues = load_rule(GOOD, "good.yaml")
    assert rule is not None, [str(i) for i in issues]
    table, issues = load_table(GOOD_TABLE, "good.yaml")
    assert table is not None, [str(i) for i in issues]
    assert len({a.text for a in CONDITIONS}) == len(CONDITIONS) >= 600
    assert len({a.text for a in FILES}) == len(FILES) >= 250


@pytest.mark.parametrize("attack", CONDITIONS, ids=lambda a: a.name)
def test_a_condition_is_refused(attack: Attack) -> None:
    started = time.thread_time()
    if attack.types:
        faults = check_condition(parse_condition(attack.text), NAMES, PARAMETERS)
        assert all(0 <= f.at < len(attack.text) for f in faults)
        told = [f.message for f in faults]
    else:
        with pytest.raises(ExpressionError) as caught:
            parse_condition(attack.text)
        lines = attack.text.split("\n")
        assert 1 <= caught.value.line <= len(lines)
        assert 1 <= caught.value.column <= len(lines[caught.value.line - 1]) + 1
        told = [caught.value.message]
    assert time.thread_time() - started < SECONDS
    assert any(word in " ".join(told) for word in attack.say), told


@pytest.mark.parametrize("attack", FILES, ids=lambda a: a.name)
def test_a_file_is_refused(attack: Attack) -> None:
    started = time.thread_time()
    rule, issues = load_rule(attack.text, "r.yaml")
    assert time.thread_time() - started < SECONDS
    assert rule is None
    placed(attack.text, issues)
    assert any(word in i.message for i in issues for word in attack.say), [str(i) for i in issues]


@pytest.mark.parametrize("attack", TABLES, ids=lambda a: a.name)
def test_a_table_is_refused(attack: Attack) -> None:
    table, issues = load_table(attack.text, "t.yaml")
    assert table is None
    placed(attack.text, issues)
    assert any(word in i.message for i in issues for word in attack.say), [str(i) for i in issues]


def placed(text: str, issues: list[RuleIssue]) -> None:
    """Each finding says something and lies inside the text."""
    assert issues
    lines = text.split("\n")
    for issue in issues:
        assert issue.message
        assert 1 <= issue.line <= len(lines), str(issue)
        assert 1 <= issue.column <= len(lines[issue.line - 1]) + 1, str(issue)


def test_the_verdict_does_not_depend_on_how_deep_the_caller_is() -> None:
    deep = "NULLIF(" * 25 + "a" + ", 1)" * 25 + " > 1"

    def at(levels: int) -> object:
        return at(levels - 1) if levels else parse_condition(deep)

    frame, here = sys._getframe(), 0
    while frame.f_back is not None:
        frame, here = frame.f_back, here + 1
    assert at(sys.getrecursionlimit() - here - 120) == parse_condition(deep)


# --- every key of the published schema with every kind of value it does not take

WRONG: dict[str, str] = {
    "null": "null", "boolean": "true", "integer": "7", "number": "7.5", "string": "some words",
    "array": "[[[]]]", "object": "{zz_unknown: {zz: 1}}",
}  # fmt: skip
SCHEMA: dict[str, Any] = json.loads(schema_text())


def kinds(part: dict[str, Any]) -> set[str]:
    """JSON types a part of the schema takes."""
    if "$ref" in part:
        return kinds(SCHEMA["$defs"][part["$ref"].rpartition("/")[2]])
    if "anyOf" in part or "oneOf" in part:
        return {kind for one in part.get("anyOf", part.get("oneOf")) for kind in kinds(one)}
    if "const" in part:
        return {type(part["const"]).__name__.replace("str", "string").replace("int", "integer")}
    found = {part["type"]} if "type" in part else set(WRONG)
    return found | {"integer"} if "number" in found else found


def swapped() -> Iterator[tuple[str, str, str]]:
    """A key, the kind of its value and a file with that value."""
    keys = {line.partition(":")[0]: line for line in GOOD.splitlines() if line[0].isalpha()}
    for key, part in SCHEMA["properties"].items():
        for kind in WRONG.keys() - kinds(part):
            yield key, kind, with_key(keys, key, WRONG[kind])
    for name, model in SCHEMA["$defs"].items():
        home = HOMES.get(name)
        for key, part in model.get("properties", {}).items() if home else ():
            for kind in WRONG.keys() - kinds(part):
                top, before, behind = home or ("", "", "")
                value = f"{before}{key}: {WRONG[kind]}{behind}"
                yield f"{name}.{key}", kind, with_key(keys, top, value)


HOMES = {
    "Absence": ("absence", "{", "}"), "Band": ("bands", "[{", "}]"),
    "Evidence": ("evidence", "{", "}"), "LegalBasis": ("legal_basis", "[{", "}]"),
    "ParameterSpec": ("parameters", "{k: {", "}}"), "PeerNeed": ("peers", "{", "}"),
    "RuleTest": ("tests", "[{", "}]"), "Suppression": ("suppress", "{", "}"),
    "Sustain": ("sustain", "{", "}"), "Words": ("harm", "{", "}"),
}  # fmt: skip
"""Where a part of the schema stands in a file."""


def with_key(keys: dict[str, str], key: str, value: str) -> str:
    line = f"{key}: {value}"
    if key not in keys:
        return GOOD + line + "\n"
    start = GOOD.index("\n" + keys[key]) + 1 if not GOOD.startswith(keys[key]) else 0
    following = [GOOD.index("\n" + other) + 1 for other in keys.values() if "\n" + other in GOOD]
    end = min((f for f in following if f > start), default=len(GOOD))
    return GOOD[:start] + line + "\n" + GOOD[end:]


SWAPPED = sorted(swapped())


def test_every_part_of_the_schema_is_tried() -> None:
    objects = {n for n, m in SCHEMA["$defs"].items() if m.get("type") == "object"}
    assert objects == set(HOMES), "a new part of the format: say where it stands"
    assert len(SWAPPED) > 300


@pytest.mark.parametrize(("key", "kind", "text"), SWAPPED, ids=lambda v: v[:40])
def test_a_value_of_another_kind_is_refused(key: str, kind: str, text: str) -> None:
    rule, issues = load_rule(text, "r.yaml")
    assert rule is None, f"{key} takes {kind}"
    placed(text, issues)
    model, _, _ = key.rpartition(".")
    top = HOMES[model][0] if model else key
    assert any(top in i.message for i in issues), [str(i) for i in issues]
