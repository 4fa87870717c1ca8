"""A few thousand of the million conditions of `tests.rules.fuzz`, and the same made smaller."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.expression import parse_condition
from rules.limits import MAX_WORK
from tests.rules.fuzz import Access, Guard, Tally, bare, judge
from tests.rules.grammar import Grammar

COUNT = 2000
ROOT = Path(__file__).resolve().parents[2]


def test_some_thousand_conditions_do_nothing_but_run_or_be_refused() -> None:
    """In a process of its own, since an audit hook cannot be taken off again."""
    ran = subprocess.run(
        [sys.executable, "-m", "tests.rules.fuzz", "--count", str(COUNT), "--seed", "7"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.stdout, ran.stderr
    found = json.loads(ran.stdout)
    assert found["failures"] == found["outside"] == []
    assert ran.returncode == 0
    counts = found["counts"]
    assert counts["refused"] > COUNT / 4
    assert counts["compiled"] > COUNT / 4
    assert counts["computed"] > 0


@settings(max_examples=150, deadline=None)
@given(st.randoms(use_true_random=False), st.booleans())
def test_what_chance_draws_is_judged_without_surprise(chance: Random, sound: bool) -> None:
    grammar = Grammar(chance)
    judge(grammar.condition() if sound else grammar.damaged(), Tally(), sound=sound)


@pytest.mark.parametrize("event", ["open", "socket.connect", "subprocess.Popen", "exec", "import"])
def test_the_guard_bites(event: str) -> None:
    guard = Guard(armed=True)
    with pytest.raises(Access):
        guard(event, ("x",))
    assert guard.seen
    Guard(armed=False)(event, ("x",))


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("a BETWEEN 1 AND 2 AND b > 1", "a >= 1 AND a <= 2 AND b > 1"),
        ("(a > 1 AND b > 1) AND c > 1", "a > 1 AND b > 1 AND c > 1"),
        ("CASE a WHEN 1 THEN 2 END = 2", "CASE WHEN a = 1 THEN 2 END = 2"),
        ("a NOT IN (1)", "NOT a IN (1)"), ("-(-5) > a", "5 > a"), ("+a > 1", "a > 1"),
        ("a > 1e0", "a > 1"), ("a != 1", "a <> 1"), ("a > : k", "a > :k"),
    ],
)  # fmt: skip
def test_two_ways_of_writing_one_tree(text: str, other: str) -> None:
    assert bare(parse_condition(text)) == bare(parse_condition(other))


def test_the_cap_on_work_is_far_above_what_rules_ask() -> None:
    from rules.cost import work
    from rules.nodes import walk
    from rules.ruleset import load_library

    trees = [tree for rule in load_library([]).rules for _, tree in rule.trees()]
    assert trees
    assert max(map(work, trees)) * 10 < MAX_WORK
    assert max(sum(1 for _ in walk(tree)) for tree in trees) < 100
