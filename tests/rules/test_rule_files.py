"""Rule and table files: strict YAML, every fault at once, each with line and column."""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from pathlib import Path

import pytest

from features.catalogue import catalogue
from features.errors import WardenError
from rules.cases import failed, run_cases
from rules.errors import RuleFilesError
from rules.lint import lint_rules
from rules.load import load_rule, load_table
from rules.mutation import mutate, survivors
from rules.parameters import ParameterBook
from rules.reader import MAX_BYTES, read_yaml
from rules.ruleset import SHIPPED_RULES, RuleSet, load_library, named_files
from rules.skeleton import new_rule_text
from tests.rules.rule_frames import make_rule, rule_text, tiny_catalogue

GOOD = rule_text("a > 1")


def faults(text: str) -> list[tuple[str, int, int, str, str]]:
    rule, issues = load_rule(text, "r.yaml")
    assert (rule is None) == bool(issues)
    return [(i.code, i.line, i.column, i.message, i.hint) for i in issues]


def test_the_base_text_is_good() -> None:
    assert faults(GOOD) == []


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("owner: tester", "owner: &x tester", "anchors"),
        ("owner: tester", "owner: *x", "aliases"),
        ("owner: tester", "owner: !!str tester", "tags"),
        ("owner: tester", "owner: !python/object tester", "tags"),
        ("owner: tester", "owner: tester\nowner: other", "stands twice"),
        ("owner: tester", "<<: {owner: x}\nowner: tester", "none is merged"),
        ("owner: tester", "owner: [tester", "not valid YAML"),
        ("owner: tester", "owner: tester\n---\nid: b", "document"),
        ("owner: tester", "owner: tester\n\ttab: 1", "not valid YAML"),
        ("owner: tester", "owner: tester\n? [a, b]\n: 1", "keys are plain words"),
        ("owner: tester", "owner: \x00", "U+0000 is not allowed"),
        ("severity: 3", "severity: .inf", "read in different ways"),
        ("severity: 3", "severity: 1e400", "finite"),
        ("severity: 3", "severity: true", "severity"),
        ("severity: 3", "severity: 6", "severity"),
        ("severity: 3", "severity: '3'", "severity"),
        ('version: "1.0.0"', "version: 1.0", "version"),
        ('version: "1.0.0"', 'version: "1.0"', "version"),
        ("id: test-rule", "id: Test_Rule", "id"),
        ("status: active", "status: live", "status"),
        ("typology: MON-BID-CV", "typology: MON-BID-CW", "typology"),
        ("grain: tender", "grain: tneder", "grain"),
        ("lane: screen", "lane: fast", "lane"),
        ('created: "2026-01-01"', 'created: "2026-13-45"', "created"),
        ('created: "2026-01-01"', 'created: "2027-01-01"', "modified lies before created"),
        ("owner: tester", "owner: tester\nsevrity: 3", "unknown key `sevrity`"),
        ("owner: tester\n", "", "`owner` is missing"),
        ('  - {en: "two reasons", zh: "理由二"}\n', "", "innocent_explanations"),
        ("a > 1", "a >", "condition"),
        ("a > 1", "SUM(a) > 1", "unknown function"),
    ],
)
def test_each_fault_is_found_with_a_place(old: str, new: str, message: str) -> None:
    text = GOOD.replace(old, new, 1)
    assert text != GOOD
    found = faults(text)
    assert any(message in f[3] for f in found), found
    lines = text.split("\n")
    assert all(1 <= line <= len(lines) + 1 and column >= 1 for _, line, column, _, _ in found)


def test_all_faults_of_a_file_at_once_in_their_places() -> None:
    text = (
        GOOD.replace("severity: 3", "severity: 9")
        .replace("owner: tester", "ownr: tester")
        .replace("a > 1", "a > 1 AND\n  NOW() > 2")
    )
    found = faults(text)
    lines = text.split("\n")
    where = {f[3].split(":")[0]: (lines[f[1] - 1], f[2]) for f in found}
    assert where["severity"] == ("severity: 9", 11)
    assert where["ownr"][0] == "ownr: tester"
    assert where["condition"] == ("  NOW() > 2", 3)
    assert [f[4] for f in found if "ownr" in f[3]] == ["Did you mean `owner`?"]
    assert any("`owner` is missing" in f[3] for f in found)


def test_sizes_are_capped_before_anything_is_built() -> None:
    assert faults("x" * (MAX_BYTES + 1))[0][3].startswith("the file is larger")
    assert "nested too deeply" in faults("a: " + "[" * 500 + "]" * 500)[0][3]
    assert "too many values" in faults("a: [" + "1, " * 6000 + "1]")[0][3]
    bomb = "a: &a [x, x]\n" + "".join(f"{c}: &{c} [*{p}, *{p}]\n" for p, c in pairwise("abcdefgh"))
    assert all("allowed" in f[3] for f in faults(bomb))
    assert faults("") and faults("- a\n- b") and faults("just text") and faults("1")


def test_words_are_not_turned_into_other_things() -> None:
    document, issues = read_yaml("b: 2026-01-01\ne: '1.10'\nf: 'no'\ng: nobody\n", "x")
    assert not issues
    assert document.data == {"b": "2026-01-01", "e": "1.10", "f": "no", "g": "nobody"}


@pytest.mark.parametrize(
    "word", ["yes", "No", "ON", "off", "True", "NULL", "010", "0o17", "0x1F", "1_0", "1:30", ".nan"]
)
def test_words_other_readers_turn_into_something_else_are_refused(word: str) -> None:
    _, issues = read_yaml(f"a: {word}\n", "x")
    assert [(i.line, i.column) for i in issues] == [(1, 4)]


def test_tables_refuse_overlaps_and_disorder() -> None:
    row = (
        '  - {{jurisdiction: EU, value: {v}, comparator: ">", class: LEGAL, valid_from: "{a}", '
        "{b}source: law, verified: true}}\n"
    )
    head = 'table: t\ntitle: {en: "tt", zh: "表"}\nunit: h\nrows:\n'

    def messages(*rows: tuple[str, str, str]) -> str:
        text = head + "".join(row.format(v=v, a=a, b=b) for v, a, b in rows)
        return "; ".join(i.message for i in load_table(text, "t.yaml")[1])

    assert messages(("1", "2020-01-01", "")) == ""
    assert "two rows hold" in messages(("1", "2020-01-01", ""), ("2", "2021-01-01", ""))
    assert "one type" in messages(
        ("1", "2020-01-01", 'valid_to: "2020-12-31", '), ("'x'", "2021-01-01", "")
    )
    assert "lies before" in messages(("1", "2020-01-01", 'valid_to: "2019-01-01", '))


def write(folder: Path, name: str, text: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")


def test_a_library_of_local_rules(tmp_path: Path) -> None:
    write(tmp_path / "family", "test-rule.yaml", GOOD)
    write(tmp_path, "other-name.yaml", GOOD.replace("id: test-rule", "id: third"))
    write(tmp_path, "broken.yaml", "id: [")
    write(tmp_path, "again.yaml", GOOD)
    (tmp_path / "latin.yaml").write_bytes(b"owner: \xff")
    found = load_library([tmp_path], shipped=False)
    assert [r.id for r in found.rules] == ["test-rule", "third"]
    text = " | ".join(i.message for i in found.issues)
    for part in ("is taken by", "UTF-8", "not valid YAML"):
        assert part in text
    told = [i.message for i in lint_rules(found, tiny_catalogue()) if i.code == "D1"]
    assert any("`third` stands in a file named `other-name`" in message for message in told)
    with pytest.raises(RuleFilesError) as caught:
        load_library([tmp_path], shipped=False, strict=True)
    assert len(caught.value.issues) == len(found.issues)
    assert load_library([tmp_path / "absent"], shipped=False).rules == ()
    with pytest.raises(WardenError) as missing:
        found.get("test-rul")
    assert missing.value.hint == "Did you mean `test-rule`?"


def test_the_digest_names_the_content(tmp_path: Path) -> None:
    write(tmp_path, "test-rule.yaml", GOOD)
    first = load_library([tmp_path], shipped=False).digest
    assert first == load_library([tmp_path], shipped=False).digest
    write(tmp_path, "test-rule.yaml", GOOD.replace("a > 1", "a > 2"))
    assert first != load_library([tmp_path], shipped=False).digest


def test_a_folder_of_the_library_may_be_named_again_and_a_file_alone(tmp_path: Path) -> None:
    family = SHIPPED_RULES / "bidding"
    named = load_library([family, family / "mon-bid-cv-low.yaml"])
    assert named.issues == ()
    assert named.digest == load_library().digest
    write(tmp_path, "test-rule.yaml", GOOD)
    alone = load_library([tmp_path / "test-rule.yaml"], shipped=False)
    assert [r.id for r in alone.rules] == ["test-rule"]
    files = named_files([family, tmp_path])
    assert {"rules/library/bidding/mon-bid-cv-low.yaml", str(tmp_path / "test-rule.yaml")} <= files
    assert not any("trading" in name for name in files)


def test_a_new_rule_loads_lints_and_passes_its_own_examples() -> None:
    rule, issues = load_rule(new_rule_text("my-rule", date(2026, 1, 1)), "my-rule.yaml")
    assert rule is not None, issues
    assert rule.spec.status == "draft"
    assert failed(run_cases(rule, ParameterBook(), catalogue())) == []
    assert lint_rules(RuleSet((rule,), ""), catalogue()) == []
    assert survivors(mutate(rule, ParameterBook(), catalogue())) == []


def test_examples_fail_when_they_should() -> None:
    tests = (
        "tests:\n"
        "  - {name: right one, given: {a: 2}, expect: fired}\n"
        "  - {name: wrong one, given: {a: 0}, expect: fired}\n"
        "  - {name: wrong reason, given: {a__reason: constant}, expect: not_evaluable, "
        "reason: censored}\n"
        "  - {name: at threshold, given: {a: 1}, expect: clear}\n"
    )
    results = run_cases(make_rule("a > 1", tests), ParameterBook(), tiny_catalogue())
    assert [r.passed for r in results] == [True, False, False, True]
    assert [r.at_threshold for r in results] == [False, False, False, True]
    assert "expected fired, got clear" in results[1].detail
    bad = make_rule("a > 1", "tests:\n  - {name: unknown name, given: {zz: 2}, expect: fired}\n")
    with pytest.raises(WardenError):
        run_cases(bad, ParameterBook(), tiny_catalogue())
