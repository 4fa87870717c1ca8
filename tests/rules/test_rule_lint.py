"""Every lint code is raised by a rule that deserves it and by no other."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rules.lint import lint_rules
from rules.load import Rule, load_table
from rules.parameters import ParameterBook
from rules.ruleset import RuleSet
from rules.spec import Status
from tests.rules.rule_frames import make_rule, tiny_catalogue

TESTS = """\
tests:
  - {name: beyond, given: {a: 2}, expect: fired}
  - {name: short of, given: {a: 0}, expect: clear}
  - {name: exactly, given: {a: 1}, expect: clear}
  - {name: nothing, given: {}, expect: not_evaluable}
"""

ABOVE_TWO = TESTS.replace("{a: 2}", "{a: 3}").replace("{a: 1}", "{a: 2}")
OWN = "parameters:\n  {name}: {{value: 1, class: ENG, unit: {unit}, source: me, verified: true}}\n"


def table(rows: str) -> ParameterBook:
    text = f'table: lim\ntitle: {{en: "tt", zh: "表"}}\nunit: ratio\nrows:\n{rows}'
    found, issues = load_table(text, "lim.yaml")
    assert found is not None, issues
    return ParameterBook({"lim": found})


def row(first: str, last: str, comparator: str = ">") -> str:
    end = f', valid_to: "{last}"' if last else ""
    return (
        f'  - {{value: 1, comparator: "{comparator}", class: LIT, valid_from: "{first}"{end}, '
        "source: someone, verified: true}\n"
    )


def codes(*rules: Rule, book: ParameterBook | None = None) -> set[str]:
    issues = lint_rules(RuleSet(rules, "", book or ParameterBook()), tiny_catalogue())
    assert all(i.line >= 1 and i.column >= 1 and i.message and i.rule_id for i in issues)
    return {i.code for i in issues}


def changed(rule: Rule, **update: object) -> Rule:
    return replace(rule, spec=rule.spec.model_copy(update=update))


def test_a_good_rule_has_no_findings() -> None:
    assert codes(make_rule("a > 1", TESTS)) == set()


@pytest.mark.parametrize(
    ("condition", "extra", "code"),
    [
        ("nope > 1", TESTS, "D5"), ("a > 'x'", TESTS, "D5"), ("wait > :k", TESTS, "D5"),
        ("a > 1", TESTS + OWN.format(name="k", unit="h"), "D5"),
        ("a > :k", TESTS + "parameters:\n  k: {table: nope}\n", "D5"),
        ("a > :b", TESTS + OWN.format(name="b", unit="ratio"), "D5"),
        ("a > 1", TESTS + "min_support: {zz: 3}\n", "D5"),
        ("a > 1", TESTS + "scope: 1 = 1\n", "D7"), ("1 > 0", TESTS, "D9"),
        ("a > 1 AND a > 1", TESTS, "D9"),
        ("a > 1 AND TRUE = TRUE", TESTS, "D9"), ("a > 2", ABOVE_TWO, "D10"),
        ("a > 1", TESTS.replace("expect: not_evaluable", "expect: clear"), "D11"),
        ("a > 1", TESTS.replace("{a: 1}", "{a: 0.9}"), "D11"),
        ("a > 1", TESTS.replace("fired", "clear"), "D11"),
        ("a > 1", "", "D11"), ("a > 1", TESTS.replace("{a: 2}", "{zz: 2}"), "D11"),
    ],
)  # fmt: skip
def test_findings_of_condition_and_examples(condition: str, extra: str, code: str) -> None:
    assert code in codes(make_rule(condition, extra))


def test_findings_of_metadata() -> None:
    good = make_rule("a > 1", TESTS)
    words = good.spec.message
    assert codes(changed(good, max_flag_rate=None)) == {"D2"}
    assert codes(changed(good, status=Status.RETIRED)) == {"D2"}
    assert codes(changed(good, legal_basis=())) == {"D2"}
    assert codes(changed(good, typology="MON-STR-HHI", severity=1)) == {"D2"}
    twin = changed(good, id="a-twin")
    assert codes(good, replace(twin, path="a-twin.yaml")) == {"D3"}
    old = good.spec.legal_basis[0].model_copy(
        update={"in_force_to": good.spec.modified.replace(2020)}
    )
    assert codes(changed(good, legal_basis=(old,))) == {"D4"}
    for text in ("caught at {a}", "a clear violation {a}", "{zz} seen", "{a seen", "x" * 111):
        assert codes(changed(good, message=words.model_copy(update={"en": text}))) == {"D13"}, text
    for text in ("违法{a}", "见" * 56):
        assert codes(changed(good, message=words.model_copy(update={"zh": text}))) == {"D13"}, text
    context = changed(good, typology="MON-STR-HHI", severity=4)
    assert "D14" in codes(context)


def test_findings_of_tables() -> None:
    rule = make_rule("a > :k", TESTS + "parameters:\n  k: {table: lim}\n")
    whole = row("1990-01-01", "1999-12-31") + row("2000-01-01", "")
    assert codes(rule, book=table(whole)) == set()
    assert codes(rule, book=table(row("1990-01-01", "1998-12-31") + row("2000-01-01", ""))) == {
        "D17"
    }
    assert codes(rule, book=table(row("1990-01-01", "", ">="))) == {"D17"}
