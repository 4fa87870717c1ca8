"""Every check trips on a rule that deserves it, at its place, and not on one that does not."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from features.catalogue import Base, FeatureCatalogue
from rules.lint import CHECKS, Around, ExceptionNote, lint_rules, lint_text
from rules.load import load_rule, load_table
from rules.overlays import read_overlay
from rules.parameters import ParameterBook
from rules.ruleset import RuleSet
from tests.rules.rule_frames import FEATURES, make_feature, rule_text

TESTS = """\
tests:
  - {name: beyond, given: {a: 2}, expect: fired}
  - {name: short of, given: {a: 0}, expect: clear}
  - {name: exactly, given: {a: 1}, expect: clear}
  - {name: nothing, given: {}, expect: not_evaluable}
"""
GOOD = rule_text("a > 1", TESTS)
LIMIT = "parameters:\n  k: {value: 1, class: ENG, unit: ratio, source: me, verified: false}\n"


def cat() -> FeatureCatalogue:
    """Features of a tender and of a market in a year, with one rate nobody bounds from below."""
    loose = replace(make_feature("loose"), min_n=0)
    yearly = [
        replace(make_feature(name), grain="market_y", typology="MON-STR-HHI") for name in ("m", "q")
    ]
    words = ("region", "flagged")
    bases = {"b": Base("b", "tender", ("tenders",), words, (), lambda t: None)}  # type: ignore[arg-type]
    features = {f.name: f for f in (*FEATURES, loose, *yearly)}
    return FeatureCatalogue(features=features, bases=bases)


def yearly(condition: str, extra: str, before: str = "", severity: int = 2) -> str:
    """A rule about a market in a year."""
    text = rule_text(condition, extra + TESTS.replace("a:", "m:")).replace("{{a}}", "{{m}}")
    text = text.replace("grain: tender", "grain: market_y").replace("{a}", "{m}")
    text = text.replace("typology: MON-BID-CV", "typology: MON-STR-HHI")
    text = text.replace("severity: 3", f"severity: {severity}")
    return text.replace("{name: beyond, ", f"{{name: beyond, {before}")


def book(first: str = "2000-01-01", last: str = "", where: str = "") -> ParameterBook:
    end = f', valid_to: "{last}"' if last else ""
    place = f"jurisdiction: {where}, " if where else ""
    text = (
        'table: lim\ntitle: {en: "tt", zh: "表"}\nunit: ratio\nrows:\n'
        f'  - {{{place}value: 1, comparator: ">", class: LIT, valid_from: "{first}"{end}, '
        "source: someone, verified: true}\n"
    )
    found, issues = load_table(text, "lim.yaml")
    assert found is not None, issues
    return ParameterBook({"lim": found})


def findings(
    text: str, code: str, *others: str, around: Around | None = None, tables: ParameterBook | None
    = None, path: str = "test-rule.yaml",
) -> list[tuple[str, str]]:  # fmt: skip
    """(message, line of the file it is at) of one code."""
    rules = []
    for other in others:
        rule, issues = load_rule(other, "other.yaml")
        assert rule is not None, issues
        rules.append(rule)
    known = RuleSet(tuple(rules), "", tables or ParameterBook())
    issues = lint_text(text, path, known, cat(), around=around or Around())
    lines = text.split("\n")
    assert all(i.line >= 1 and i.column >= 1 and i.message for i in issues)
    return [(i.message, lines[i.line - 1].strip()) for i in issues if i.code == code]


def test_there_are_twenty_two_checks_each_told_in_the_reference() -> None:
    assert [c.code for c in CHECKS] == [f"D{n}" for n in range(1, 23)]
    assert all(c.title and len(c.why) > 40 for c in CHECKS)
    assert len({c.title for c in CHECKS}) == 22


def test_the_good_rule_has_no_finding() -> None:
    assert lint_text(GOOD, "test-rule.yaml", RuleSet((), ""), cat(), around=Around()) == []


def added(text: str, line: str) -> str:
    return text.replace("message: {en", f"{line}\nmessage: {{en", 1)


def swapped(old: str, new: str, text: str = GOOD) -> str:
    assert old in text
    return text.replace(old, new, 1)


# ruff: noqa: E501
# fmt: off
TRIPS = [
    # code, text, line it is at
    ("D2", swapped("max_flag_rate: 0.1\n", ""), "status: active"),
    ("D2", swapped("status: active", "status: retired"), "status: retired"),
    ("D2", swapped("grain: tender", "grain: firm_q"), "grain: firm_q"),
    ("D2", added(GOOD, "supersedes: test-rul"), "supersedes: test-rul"),
    ("D4", swapped('in_force_from: "2009-12-01"', 'in_force_from: "2009-12-01", in_force_to: "2020-01-01"'), "legal_basis:"),
    ("D4", swapped('in_force_from: "2009-12-01"', 'in_force_from: "2027-01-01"'), "legal_basis:"),
    ("D5", swapped("  a > 1", "  aa > 1"), "aa > 1"),
    ("D5", swapped("  a > 1", "  a > 1 AND\n  wait > :k") + LIMIT, "wait > :k"),
    ("D5", GOOD + LIMIT, "k: {value: 1"),
    ("D5", added(GOOD, "min_support: {zz: 3}"), "min_support:"),
    ("D5", added(GOOD, "bands:\n  - {when: zz > 1, severity: 4}"), "- {when: zz > 1"),
    ("D5", added(GOOD, "score: zz * 10"), "score: zz"),
    ("D5", added(GOOD, "score: level"), "score: level"),
    ("D6", swapped("  a > 1", "  a > 1 AND\n  NOW() > 2"), "NOW() > 2"),
    ("D6", swapped("  a > 1", "  a > (SELECT 1)"), "a > (SELECT 1)"),
    ("D6", swapped("  a > 1", "  a > RANDOM()"), "a > RANDOM()"),
    ("D6", swapped("  a > 1", "  CURRENT_DATE > 1"), "CURRENT_DATE > 1"),
    ("D6", swapped("  a > 1", "  EXISTS(a)"), "EXISTS(a)"),
    ("D7", added(GOOD, "scope: 1 = 1"), "scope: 1 = 1"),
    ("D7", added(GOOD, "scope: region IS NULL OR region IS NOT NULL"), "scope: region"),
    ("D7", added(GOOD, "scope: b > 1 AND b < 0"), "scope: b > 1"),
    ("D8", swapped("  a > 1", "  pct_rank(a) > 0"), "pct_rank(a) > 0"),
    ("D8", swapped("  a > 1", "  a > 1 AND loose > 0"), "condition: |"),
    ("D8", added(GOOD, "min_support: {a: 2}"), "min_support: {a: 2}"),
    ("D9", swapped("  a > 1", "  1 > 0"), "condition: |"),
    ("D9", swapped("  a > 1", "  a > 1 AND a < 0"), "condition: |"),
    ("D9", swapped("  a > 1", "  a > 1 OR NOT (a > 1)"), "condition: |"),
    ("D9", swapped("  a > 1", "  a > 1 AND\n  a > 0"), "a > 0"),
    ("D9", swapped("  a > 1", "  a > 1 OR\n  (a > 1 AND b > 1)"), "(a > 1 AND b > 1)"),
    ("D9", swapped("  a > 1", "  a > 1 AND\n  TRUE = TRUE"), "a > 1 AND"),
    ("D9", added(GOOD, "bands:\n  - {when: a > 1 AND a < 1, severity: 4}"), "- {when: a > 1 AND"),
    ("D10", swapped("  a > 1", "  a > 1 AND\n  b > 2"), "b > 2"),
    ("D10", swapped("  a > 1", "  a > 3 * b"), "a > 3 * b"),
    ("D10", swapped("  a > 1", "  a IN (1, 5)"), "a IN (1, 5)"),
    ("D11", swapped("fired", "clear"), "- {name: beyond"),
    ("D11", swapped("{a: 2}", "{a: 0.5}"), "- {name: beyond"),
    ("D11", swapped("{a: 1}", "{a: 0.9}"), "- {name: beyond"),
    ("D11", swapped("given: {}, expect: not_evaluable", "given: {a: 0}, expect: clear"), "- {name: beyond"),
    ("D11", swapped("{a: 2}", "{zz: 2}"), "- {name: beyond"),
    ("D12", swapped("  a > 1", "  a > b"), "condition: |"),
    ("D12", added(GOOD, "bands:\n  - {when: b > 1, severity: 4}"), "- {when: b > 1"),
    ("D12", added(GOOD, "evidence: {columns: [zz]}"), "evidence: {columns: [zz]}"),
    ("D12", added(GOOD, "evidence: {tables: [bid]}"), "evidence: {tables: [bid]}"),
    ("D13", swapped("seen {a}", "caught {a}"), "message:"),
    ("D13", swapped("one reason", "an illegal reason"), '- {en: "an illegal reason"'),
    ("D13", swapped("复查", "查处违规行为"), "triage:"),
    ("D13", swapped("seen {a}", "seen"), "message:"),
    ("D13", swapped("seen {a}", "seen {a} and {b}"), "message:"),
    ("D13", swapped("见{a}", "seen {a}"), "message:"),
    ("D14", yearly("m > 1", "", severity=3), "severity: 3"),
    ("D14", added(GOOD, "bands:\n  - {when: a > 1, severity: 3}"), "- {when: a > 1"),
    ("D14", added(GOOD, "bands:\n  - {when: a > 1, severity: 5}\n  - {when: a > 0, severity: 5}"), "- {when: a > 0"),
    ("D15", added(GOOD, "suppress: {by: [bidder], periods: 3}"), "suppress:"),
    ("D15", added(GOOD, "suppress: {by: [tender_id], periods: 30}"), "suppress:"),
    ("D16", added(GOOD, "sustain: {k: 2, of: 3}"), "sustain: {k: 2, of: 3}"),
    ("D16", yearly("m > 1", "sustain: {k: 2, of: 12}\n", "before: [{m: 1}], "), "sustain: {k: 2, of: 12}"),
    ("D16", yearly("m > 1", "sustain: {k: 2, of: 3}\n", "before: [{m: 2}], "), "- {name: beyond"),
    ("D16", yearly("m > prev(m, 2)", ""), "- {name: beyond"),
    ("D22", swapped("{a: 2}", "{a: 2, region: someone@firm.com}"), "- {name: beyond"),
    ("D22", swapped("{a: 2}", "{a: 2, region: 'Jane +44 20 7946 0018'}").replace("Jane ", ""), "- {name: beyond"),
    ("D22", swapped("{a: 2}", "{a: 2, region: '11010519491231002X'}"), "- {name: beyond"),
    ("D22", swapped("{a: 2}", "{a: 2, region: '13912345678'}"), "- {name: beyond"),
    ("D22", swapped("{a: 2}", "{a: 2, region: '4111 1111 1111 1111'}"), "- {name: beyond"),
    ("D22", swapped("{a: 2}", "{a: 2, region: DE89370400440532013000}"), "- {name: beyond"),
]
PASSES = [
    ("D2", swapped("status: active", "status: retired\nretired_reason: no longer of use")),
    ("D4", swapped("status: active", "status: draft").replace('in_force_from: "2009-12-01"', 'in_force_from: "2027-01-01"')),
    ("D5", swapped("  a > 1", "  a > :k") + LIMIT),
    ("D6", swapped("  a > 1", "  a > :now").replace("message: {en", LIMIT.replace("k:", "now:") + "message: {en")),
    ("D5", added(GOOD, "score: a * 10")),
    ("D5", yearly("periods_missing = 1", "absence: {seen: 1}\n")),
    ("D6", added(GOOD, "scope: region <> 'select now'")),
    ("D7", added(GOOD, "scope: region IS NULL OR region <> 'x'")),
    ("D8", swapped("  a > 1", "  pct_rank(a) > 0 AND loose > 0\npeers: {min_n: 5}\nmin_support: {loose: 4}")),
    ("D8", swapped("  a > 1", "  pct_rank(loose) > 0\npeers: {min_n: 5}")),
    ("D9", swapped("  a > 1", "  a > 1 AND b > 1 OR a > 0 AND b IS NULL")),
    ("D9", swapped("  a > 1", "  a > 1 AND a IS NOT NULL")),
    ("D10", swapped("  a > 1", "  a * 100 > 1 AND b > 0")),
    ("D12", swapped("  a > 1", "  a > b").replace("message: {en", "evidence: {columns: [b], tables: [bids]}\nmessage: {en")),
    ("D12", swapped("  a > 1", "  a > b").replace("seen {a}", "seen {a} {b}")),
    ("D13", swapped("seen {a}", "seen {a} and {b}").replace("见{a}", "见{b}和{a}").replace("a > 1", "a > 1 AND b > 1")),
    ("D14", yearly("m > 1", "bands:\n  - {when: q > 1, severity: 1}\n")),
    ("D15", added(GOOD, "suppress: {by: [tender_id], periods: 3}")),
    ("D15", added(GOOD, "suppress: {by: [lot_id], periods: 30, reset_on: [severity_up]}")),
    ("D16", yearly("m > 1", "sustain: {k: 2, of: 3}\n", "before: [{m: 2}, {m: 2}], ")),
    ("D16", yearly("m > prev(m, 1)", "").replace("{m: 2}", "{m: 2, m__prev1: 1}")),
    ("D22", swapped("{a: 2}", "{a: 2, region: P1@example.org}")),
    ("D22", swapped("{a: 2}", "{a: 2, region: '110105194912310021'}")),
    ("D22", swapped("{a: 2}", "{a: 15000000000}")),
    ("D22", swapped("{a: 2}", "{a: 2, region: '+1 212 555 0142'}")),
]
# fmt: on


@pytest.mark.parametrize(("code", "text", "line"), TRIPS)
def test_a_check_trips_at_its_place(code: str, text: str, line: str) -> None:
    found = findings(text, code)
    assert found, code
    assert any(at.startswith(line) for _, at in found), found


@pytest.mark.parametrize(("code", "text"), PASSES)
def test_a_check_leaves_others_alone(code: str, text: str) -> None:
    assert findings(text, code) == []


def test_a_file_has_the_name_of_its_rule() -> None:
    at = "id: test-rule"
    assert findings(GOOD, "D1", path="another.yaml") == [
        ("the rule `test-rule` stands in a file named `another`", at)
    ]
    assert findings(GOOD, "D1", path="<typed>") == []


def test_the_second_of_two_rules_that_say_the_same_is_named() -> None:
    twin = swapped("id: test-rule", "id: a-twin")
    texts = [m for m, _ in findings(GOOD, "D3", twin)]
    assert texts == ["the title is that of `a-twin`", "the condition is that of `a-twin`"]
    assert findings(twin, "D3", GOOD) == []
    assert [at for _, at in findings(GOOD, "D3", twin)] == [
        'title: {en: "A test", zh: "测试"}', "condition: |",
    ]  # fmt: skip
    turned = swapped('"A test"', '"Test, a"', twin).replace("a > 1", "a > 1 AND b > 1")
    assert [m for m, _ in findings(GOOD, "D3", turned)] == ["the title is that of `a-twin`"]
    assert findings(added(GOOD, "supersedes: a-twin"), "D3", twin) == []


def test_the_same_words_over_other_limits_are_another_rule() -> None:
    text = swapped("  a > 1", "  a > :k").replace('"A test"', '"One"')
    twin = text.replace("id: test-rule", "id: a-twin").replace('"One"', '"Two"')
    mine = text + "parameters:\n  k: {table: lim}\n"
    assert findings(mine, "D3", twin + "parameters:\n  k: {table: other}\n") == []
    assert findings(mine, "D3", twin + "parameters:\n  k: {table: lim, jurisdiction: EU}\n") == []
    renamed = (twin + "parameters:\n  lim_k: {table: lim}\n").replace("> :k", "> :lim_k")
    assert len(findings(mine, "D3", renamed, tables=book())) == 1
    fixed = text + LIMIT
    assert len(findings(fixed, "D3", twin + LIMIT)) == 1
    assert findings(fixed, "D3", twin + LIMIT.replace("value: 1", "value: 2")) == []


@pytest.mark.parametrize(
    ("tables", "extra", "trips"),
    [
        (book(), "", False),
        (book("2027-01-01"), "", True),
        (book(last="2020-01-01"), "", True),
        (book(where="CN"), ", jurisdiction: EU", True),
        (book(where="CN"), ", jurisdiction: CN-11", False),
    ],
)
def test_tables_cover_the_day_of_the_rule(tables: ParameterBook, extra: str, trips: bool) -> None:
    text = swapped("  a > 1", "  a > :k") + f"parameters:\n  k: {{table: lim{extra}}}\n"
    found = findings(text, "D17", tables=tables)
    assert bool(found) is trips
    assert all(at.startswith("k: {table: lim") for _, at in found)


def test_exceptions_have_owner_reason_and_end() -> None:
    whole = ExceptionNote("test-rule", "T1", "somebody", "a known cause", date(2027, 1, 1))
    other = replace(whole, rule_id="another-rule", owner=None)
    assert findings(GOOD, "D20", around=Around(exceptions=(whole, other))) == []
    for lacking in ({"owner": None}, {"reason": " "}, {"expires": None}):
        noted = replace(whole, **lacking)  # type: ignore[arg-type]
        found = findings(GOOD, "D20", around=Around(exceptions=(noted,)))
        assert [at for _, at in found] == ["id: test-rule"]


def test_a_local_value_is_looked_at_again_when_the_shipped_one_moves(tmp_path: Path) -> None:
    text = swapped("  a > 1", "  a > :k") + LIMIT
    base, _ = load_rule(text, "test-rule.yaml")
    assert base is not None
    path = tmp_path / "test-rule.yaml"
    path.write_text(f"rule: test-rule\nbase_hash: {base.content_hash}\nparameters:\n  k: 3\n")
    overlay = read_overlay(path, [])
    assert overlay is not None
    around = Around(overlays=(replace(overlay, base=base),))

    def found(now: str) -> list[tuple[str, int, str]]:
        issues = lint_text(now, "test-rule.yaml", RuleSet((), ""), cat(), around=around)
        return [(i.path, i.line, i.message) for i in issues if i.code == "D21"]

    assert found(text) == []
    assert found(text.replace("owner: tester", "owner: another")) == []
    assert found(text.replace("value: 1", "value: 2")) == [
        (str(path), 4, "parameters.k: the release changed it from 1 to 2")
    ]
    gone = text.replace("  k: {", "  j: {").replace(":k", ":j")
    assert "no such parameter" in found(gone)[0][2]
    assert found(text.replace("id: test-rule", "id: another-rule")) == []


def test_events_that_name_persons_are_noticed() -> None:
    events = (
        "  - {name: made of events, level: events, subject: R1, period_start: '2026-01-01', "
        "expect: fired, tables: {bids: [{contact_hash: %s, bidder_id: ACME}]}}\n"
    )
    text = GOOD.replace("message: {en", events % "P1" + "message: {en", 1)
    assert findings(text, "D22") == []
    named = text.replace("P1", "Ada Lovelace")
    assert findings(named, "D22")[0][0] == "`contact_hash` looks like the name of a person"


def test_findings_of_chosen_files_only() -> None:
    bad = swapped("  a > 1", "  a > 2")
    rules = []
    for name in ("one", "two"):
        text = bad.replace("id: test-rule", f"id: {name}").replace("A test", name)
        rule, _ = load_rule(text, f"{name}.yaml")
        assert rule is not None
        rules.append(rule)
    whole = lint_rules(RuleSet(tuple(rules), ""), cat())
    assert {i.path for i in whole} == {"one.yaml", "two.yaml"}
    some = lint_rules(RuleSet(tuple(rules), ""), cat(), paths={"two.yaml"})
    assert some == [i for i in whole if i.path == "two.yaml"]


def test_typed_text_takes_the_place_of_the_rule_of_its_id() -> None:
    rule, _ = load_rule(GOOD, "test-rule.yaml")
    assert rule is not None
    assert lint_text(GOOD, "typed", RuleSet((rule,), ""), cat(), around=Around()) == []
    broken = lint_text("id: [", "typed", RuleSet((rule,), ""), cat())
    assert [i.code for i in broken] == ["yaml"]
