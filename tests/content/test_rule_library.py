"""Every shipped rule: readable, clean, tested, and its examples notice every nudge."""

from __future__ import annotations

from functools import cache
from pathlib import PurePath

import pytest

from features.catalogue import catalogue
from features.vocabulary import TYPOLOGIES
from rules.cases import failed, run_cases
from rules.lint import lint_rules
from rules.lock import check_lock, forbidden, shipped_lock
from rules.mutation import Mutant, mutate, score, survivors
from rules.parameters import ThresholdClass
from rules.ruleset import load_library
from rules.schema import SCHEMA_FILE, schema_text

LIBRARY = load_library()
SPINE = {
    "MON-STR-HHI",
    "MON-HHI-MERGER",
    "MON-DOMINANCE-CN",
    "MON-BID-CV",
    "MON-BID-DISTANCE",
    "MON-BID-SHAPE",
    "MON-BID-KS",
    "MON-BID-SUBGROUP",
    "MON-BID-IDENTICAL",
    "MON-PRICE-VARIANCE",
    "TRX-WASH-SCC",
    "PRIV-UNDECLARED-COLLECTION",
    "PRIV-BREACH-LATE",
}
IDS = [rule.id for rule in LIBRARY.rules]


def test_all_files_load_and_lint_has_nothing_to_say() -> None:
    assert [str(issue) for issue in LIBRARY.issues] == []
    assert [str(issue) for issue in lint_rules(LIBRARY, catalogue())] == []


def test_there_is_a_rule_for_every_typology_of_the_spine() -> None:
    assert len(IDS) >= 15
    judged = {rule.spec.typology for rule in LIBRARY.rules}
    assert judged <= set(TYPOLOGIES)
    assert judged >= SPINE


@pytest.mark.parametrize("rule_id", IDS)
def test_examples_pass(rule_id: str) -> None:
    results = run_cases(LIBRARY.get(rule_id), LIBRARY.parameters, catalogue())
    assert [(r.name, r.detail) for r in failed(results)] == []
    assert {"fired", "clear", "not_evaluable"} <= {r.outcome for r in results}
    assert any(r.at_threshold for r in results)
    told = [(r.message_en or "–", r.message_zh or "–") for r in results if r.outcome == "fired"]
    assert any("–" not in en and "–" not in zh for en, zh in told), told


@cache
def mutants_of(rule_id: str) -> list[Mutant]:
    return mutate(LIBRARY.get(rule_id), LIBRARY.parameters, catalogue())


@pytest.mark.parametrize("rule_id", IDS)
def test_every_nudge_of_threshold_or_operator_is_noticed(rule_id: str) -> None:
    mutants = mutants_of(rule_id)
    assert mutants
    assert [m.change for m in survivors(mutants)] == []


def test_rules_of_every_family_start_from_source_tables() -> None:
    """Through the contracts and the features to the sentence, in each folder of the library; and
    one at least is held to a frozen slice.
    """
    families = {PurePath(rule.path).parent.name for rule in LIBRARY.rules}
    shown = [r for r in LIBRARY.rules if any(t.level == "events" for t in r.spec.tests)]
    assert {PurePath(rule.path).parent.name for rule in shown} == families
    assert len(shown) >= 8
    assert any(t.level == "golden" for r in LIBRARY.rules for t in r.spec.tests)


def test_the_library_notices_nine_of_ten_nudges_and_more() -> None:
    mutants = [mutant for rule_id in IDS for mutant in mutants_of(rule_id)]
    assert len(mutants) > 1000
    assert score(mutants) >= 0.9


def test_published_rules_changed_only_with_a_new_version() -> None:
    """Drafts change freely; see the decision on locked rules."""
    assert [str(issue) for issue in forbidden(LIBRARY, shipped_lock())] == []
    assert [str(issue) for issue in check_lock(LIBRARY, shipped_lock())] == [], "warden rules lock"


def test_thresholds_that_were_not_verified_say_so() -> None:
    """Engineering starting points never claim to be verified; law always names its source."""
    for rule in LIBRARY.rules:
        for name, spec in rule.spec.parameters.items():
            if spec.class_ is ThresholdClass.ENG:
                assert spec.verified is False, (rule.id, name)
            assert spec.class_ is not ThresholdClass.LEGAL, (rule.id, name, "belongs in a table")
    for table in LIBRARY.parameters.tables.values():
        for row in table.rows:
            assert row.source and row.class_ in set(ThresholdClass)


def test_no_parameter_table_is_unused() -> None:
    used = {s.table for rule in LIBRARY.rules for s in rule.spec.parameters.values()}
    assert set(LIBRARY.parameters.tables) <= used


def test_the_published_schema_is_the_one_of_the_format() -> None:
    assert SCHEMA_FILE.read_text(encoding="utf-8") == schema_text(), "run `python -m rules.schema`"
