"""Examples: rows with earlier periods, silence, source tables; and the nudges they notice."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from features.catalogue import FeatureCatalogue, catalogue
from features.errors import WardenError
from rules.case_frames import period_of
from rules.cases import CaseResult, failed, run_cases
from rules.golden import freeze, write_golden
from rules.load import Rule, load_rule
from rules.mutation import mutate, score, survivors
from rules.parameters import ParameterBook
from tests.rules.rule_frames import FEATURES, frame_of, make_feature, make_rule, rule_text

BOOK = ParameterBook()


def yearly_catalogue() -> FeatureCatalogue:
    yearly = [
        replace(make_feature(n), grain="market_y", typology="MON-STR-HHI") for n in ("m", "q")
    ]
    return FeatureCatalogue(features={f.name: f for f in (*FEATURES, *yearly)})


def yearly(condition: str, extra: str, tests: str) -> Rule:
    text = rule_text(condition, f"{extra}tests:\n{tests}")
    text = text.replace("grain: tender", "grain: market_y").replace("{a}", "{m}")
    rule, issues = load_rule(text.replace("MON-BID-CV", "MON-STR-HHI"), "test-rule.yaml")
    assert rule is not None, issues
    return rule


def ran(rule: Rule) -> dict[str, CaseResult]:
    return {r.name: r for r in run_cases(rule, BOOK, yearly_catalogue())}


@pytest.mark.parametrize(
    ("day", "letter", "first", "last"),
    [
        ("2024-02-29", "d", "2024-02-29", "2024-02-29"),
        ("2026-11-23", "w", "2026-11-23", "2026-11-29"),
        ("2027-01-01", "w", "2026-12-28", "2027-01-03"),
        ("2024-02-10", "m", "2024-02-01", "2024-02-29"),
        ("2025-12-31", "m", "2025-12-01", "2025-12-31"),
        ("2025-12-31", "q", "2025-10-01", "2025-12-31"),
        ("2026-05-01", "q", "2026-04-01", "2026-06-30"),
        ("2026-05-01", "y", "2026-01-01", "2026-12-31"),
    ],
)
def test_periods_of_the_calendar(day: str, letter: str, first: str, last: str) -> None:
    found = period_of(date.fromisoformat(day), letter)  # type: ignore[arg-type]
    assert found == (date.fromisoformat(first), date.fromisoformat(last))


def test_earlier_periods_of_an_example_are_read_by_prev() -> None:
    rule = yearly(
        "m > prev(m, 2)", "",
        "  - {name: grew, before: [{m: 1}, {m: 9}], given: {m: 2}, expect: fired}\n"
        "  - {name: shrank, before: [{m: 3}, {m: 0}], given: {m: 2}, expect: clear}\n"
        "  - {name: one year only, before: [{m: 3}], given: {m: 2}, expect: not_evaluable}\n"
        "  - {name: nothing then, before: [null, {m: 1}], given: {m: 2}, expect: not_evaluable}\n"
        "  - {name: a gap between, before: [{m: 1}, null], given: {m: 2}, expect: not_evaluable}\n"
        "  - {name: given at once, given: {m: 2, m__prev2: 1}, expect: fired}\n",
    )  # fmt: skip
    assert failed(ran(rule).values()) == []


def test_a_sustained_rule_is_told_by_its_earlier_periods() -> None:
    rule = yearly(
        "m > 1", "sustain: {k: 2, of: 3}\n",
        "  - {name: twice of three, before: [{m: 2}, {m: 0}], given: {m: 2}, expect: fired}\n"
        "  - {name: only now, before: [{m: 0}, {m: 1}], given: {m: 2}, expect: clear}\n"
        "  - {name: not now, before: [{m: 2}, {m: 2}], given: {m: 0}, expect: clear}\n"
        "  - {name: too long ago, before: [{m: 2}, {m: 0}, {m: 0}], given: {m: 2}, expect: clear}\n"
        "  - {name: not known, before: [{m: 0}], given: {m: 2}, expect: not_evaluable}\n",
    )  # fmt: skip
    assert failed(ran(rule).values()) == []
    assert survivors(mutate(rule, BOOK, yearly_catalogue())) == []
    weak = replace(rule, spec=rule.spec.model_copy(update={"tests": rule.spec.tests[2:3]}))
    told = {m.change for m in survivors(mutate(weak, BOOK, yearly_catalogue()))}
    assert {"sustain k down", "sustain of up"} <= told


def test_a_rule_about_silence_is_told_by_what_others_file() -> None:
    rule = yearly(
        "TRUE", "absence: {seen: 2, missing: 1}\n",
        "  - {name: fell silent, before: [{m: 1}, {m: 1}], given: null, expect: fired}\n"
        "  - {name: filed again, before: [{m: 1}, {m: 1}], given: {m: 1}, expect: clear}\n"
        "  - {name: seen but once, before: [{m: 1}], given: null, expect: out_of_scope}\n"
        "  - {name: silent long, before: [{m: 1}, {m: 1}, null], given: null,"
        " expect: out_of_scope}\n",
    )  # fmt: skip
    assert failed(ran(rule).values()) == []
    told = {m.change: m.noticed for m in mutate(rule, BOOK, yearly_catalogue())}
    assert told == {"absence seen down": True, "absence seen up": True,
                    "absence missing up": True}  # fmt: skip


def test_severity_of_an_example_is_that_of_the_band() -> None:
    tests = (
        "tests:\n"
        "  - {name: far beyond, given: {a: 9}, expect: fired, severity: 5}\n"
        "  - {name: at the band, given: {a: 5}, expect: fired, severity: 5}\n"
        "  - {name: below the band, given: {a: 4}, expect: fired, severity: 3}\n"
        "  - {name: just above, given: {a: 1.5}, expect: fired}\n"
        "  - {name: none, given: {a: 1}, expect: clear}\n"
    )
    limit = (
        "parameters:\n  k: {value: 5, class: ENG, unit: ratio, source: me, verified: false}\n"
        "bands: [{when: 'a >= :k', severity: 5}]\n"
    )
    rule = make_rule("a > 1", tests + limit)
    results = {r.name: r for r in run_cases(rule, BOOK, yearly_catalogue())}
    assert failed(results.values()) == []
    assert [r.severity for r in results.values()] == [5, 5, 3, 3, 3]
    mutants = mutate(rule, BOOK, yearly_catalogue())
    assert survivors(mutants) == []
    assert {"band: a > :k", ":k up", ":k down", "band 1 severity down"} <= {
        m.change for m in mutants
    }
    loose = make_rule(
        "a > 1", tests.replace(", severity: 5", "").replace(", severity: 3", "") + limit
    )
    told = {m.change for m in survivors(mutate(loose, BOOK, yearly_catalogue()))}
    assert {"band 1 severity down", ":k up", ":k down"} <= told
    wrong = make_rule("a > 1", tests.replace("severity: 3", "severity: 4") + limit)
    detail = [r.detail for r in failed(run_cases(wrong, BOOK, yearly_catalogue()))]
    assert detail == ["expected severity 4, got 3"]


def test_every_kind_of_nudge_is_tried() -> None:
    text = (
        "NOT (a > :k AND b <> 2) OR (level IN ('x', 'y') AND a + b * 2 >= 3)\n"
        "AND c IS NULL AND pct_rank(a) < 1"
    )
    extra = (
        "parameters:\n  k: {value: 1, class: ENG, unit: ratio, source: me, verified: false}\n"
        "min_support: {a: 2, b: 1}\npeers: {min_n: 5}\n"
        "tests:\n  - {name: only one, given: {a: 2}, expect: fired}\n"
    )
    mutants = mutate(make_rule(text, extra), BOOK, yearly_catalogue())
    changes = {m.change.removeprefix("condition: ") for m in mutants}
    assert {":k up", ":k down", "min_support a up", "min_support a down", "min_support b up",
            "peers min_n up", "peers min_n down"} <= changes  # fmt: skip
    assert "min_support b down" not in changes
    whole = "\n".join(changes)
    for part in ("b = 2", "b <> 1", "b <> 3", "a >= :k", "a <= :k", "(a > :k) OR (b <> 2)",
                 "NOT (level IN ('x', 'y'))", "a - (b * 2)", "a + (b / 2)", "NOT (c IS NULL)",
                 "pct_rank(a) <= 1", "pct_rank(a) >= 1"):  # fmt: skip
        assert part in whole, part
    assert score(mutants) < 1.0


def test_text_and_truth_parameters_are_nudged_too() -> None:
    tests = "tests:\n  - {name: equal, given: {level: x}, expect: fired}\n"
    limit = "parameters:\n  k: {value: x, class: ENG, unit: '', source: me, verified: false}\n"
    mutants = mutate(make_rule("level = :k", limit + tests), BOOK, yearly_catalogue())
    assert survivors(mutants) == []
    assert {m.change for m in mutants} == {":k up", "condition: level <> :k"}


BIDS = """\
tests:
  - name: four bids
    level: events
    tables:
      tenders: [{tender_id: T1, awarded_at: "2026-03-04"}]
      bids:
        - {tender_id: T1, bidder_id: A, amount: %s}
        - {tender_id: T1, bidder_id: B, amount: 101000}
        - {tender_id: T1, bidder_id: C, amount: 102500}
        - {tender_id: T1, bidder_id: D, amount: 103000}
    subject: T1
    period_start: "2026-03-01"
    expect: %s
"""
SPREAD = (
    "parameters:\n"
    "  k: {value: 0.04, class: ENG, unit: ratio, source: me, verified: false}\n"
)  # fmt: skip


def of_events(tests: str) -> Rule:
    text = rule_text("bid_spread <= :k", SPREAD + tests).replace("{a}", "{bid_spread}")
    rule, issues = load_rule(text, "test-rule.yaml")
    assert rule is not None, issues
    return rule


def test_events_run_through_the_features_to_the_rule() -> None:
    (narrow,) = run_cases(of_events(BIDS % (100000, "fired")), BOOK, catalogue())
    assert narrow.passed and narrow.level == "events" and narrow.message_en is not None
    assert "0.03" in narrow.message_en
    (wide,) = run_cases(of_events(BIDS % (90000, "fired")), BOOK, catalogue())
    assert wide.detail == "expected fired, got clear"
    (exact,) = run_cases(of_events(BIDS % ("99038.461538461538", "fired")), BOOK, catalogue())
    assert exact.outcome in ("fired", "clear")
    mutants = mutate(of_events(BIDS % (100000, "fired")), BOOK, catalogue())
    assert {m.change: m.noticed for m in mutants} == {
        ":k down": False, ":k up": False, "condition: bid_spread < :k": False,
        "condition: bid_spread > :k": True,
    }  # fmt: skip


def test_too_few_bids_are_too_few_in_an_example_as_in_life() -> None:
    kept = [
        line for line in (BIDS % (1, "not_evaluable")).split("\n") if "bidder_id: A" not in line
    ]
    lone = [line for line in kept if "bidder_id: B" not in line and "bidder_id: C" not in line]
    (found,) = run_cases(of_events("\n".join(lone)), BOOK, catalogue())
    assert (found.outcome, found.reason) == ("not_evaluable", "too_few")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("      bids:", "      bid:", "there is no table `bid`"),
        ("bidder_id: A", "biddr_id: A", "has no column `biddr_id`"),
        ("subject: T1", "subject: T2", "no row of T2 on 2026-03-01"),
        ('period_start: "2026-03-01"', 'period_start: "2026-04-01"', "no row of T1 on 2026-04-01"),
        ('"2026-03-04"', "soon", "do not fit"),
        ("amount: 101000", "amount: many", "does not fit"),
    ],
)
def test_slips_in_source_tables_are_told(old: str, new: str, message: str) -> None:
    with pytest.raises(WardenError) as caught:
        run_cases(of_events((BIDS % (100000, "fired")).replace(old, new)), BOOK, catalogue())
    assert message in caught.value.message
    assert "four bids" in caught.value.message


def test_a_table_that_is_missing_is_told() -> None:
    tests = BIDS % (100000, "fired")
    tests = tests[: tests.index("      bids:")] + tests[tests.index("    subject:") :]
    with pytest.raises(WardenError) as caught:
        run_cases(of_events(tests), BOOK, catalogue())
    assert "nothing is computed at grain tender" in caught.value.message


def test_a_frozen_slice_beside_the_rule_is_judged_again(tmp_path: Path) -> None:
    tests = "tests:\n  - {name: as it was, level: golden, golden: slice.json, expect: fired}\n"
    path = tmp_path / "test-rule.yaml"

    def rule(condition: str, more: str = tests) -> Rule:
        found, issues = load_rule(rule_text(condition, more), str(path))
        assert found is not None, issues
        return found

    rows = [{"a": float(n)} for n in range(5)]
    head = {"snapshot_id": "s", "known_as_of": None}
    write_golden(freeze(rule("a > 1"), frame_of(rows), BOOK, head), tmp_path / "slice.json")
    (same,) = run_cases(rule("a > 1"), BOOK, yearly_catalogue())
    assert same.passed and same.level == "golden"
    (moved,) = run_cases(rule("a > 2"), BOOK, yearly_catalogue())
    assert not moved.passed and "fired (severity 3) when frozen, clear now" in moved.detail
    (other,) = run_cases(
        rule("a > 1", tests.replace("fired", "not_evaluable")), BOOK, yearly_catalogue()
    )
    assert other.detail == "no row of the slice ends not_evaluable"
    with pytest.raises(WardenError):
        run_cases(rule("a > 1", tests.replace("slice", "none")), BOOK, yearly_catalogue())


def test_a_day_that_is_none_is_told() -> None:
    tests = "tests:\n  - {name: bad day, given: {a: 2, period_start: soon}, expect: fired}\n"
    with pytest.raises(WardenError) as caught:
        run_cases(make_rule("a > 1", tests), BOOK, yearly_catalogue())
    assert caught.value.code == "bad_test_day"
