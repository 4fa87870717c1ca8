"""The pages of the reference that explain rules and lint: one a rule, an index by family."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import PurePath
from typing import TYPE_CHECKING

from detector.markdown import table
from features.catalogue import catalogue
from features.vocabulary import GRAINS, TYPOLOGIES
from rules.spec import Status

if TYPE_CHECKING:
    from rules.cases import CaseResult
    from rules.clauses import RuleTest
    from rules.load import Rule
    from rules.parameters import ParameterSpec, Words
    from rules.ruleset import RuleSet

FAMILIES = {
    "bidding": "Bids and tenders",
    "structure": "Market structure and mergers",
    "prices": "Prices",
    "conduct": "Conduct of one firm",
    "trading": "Trade, reviews and payments",
    "privacy": "Personal data",
    "filings": "Filings about themselves",
}
"""Folder of the library to the title of its part of the index, in order."""
STATES = {
    Status.DRAFT: "A draft: it judges nobody until somebody checked its limits and promoted it.",
    Status.SHADOW: "In shadow: its firings are stored apart and raise no alert.",
    Status.ACTIVE: "Active: what it fires for may raise an alert.",
    Status.RETIRED: "Retired: it judges nobody and explains old alerts.",
}
LEVELS = {"row": "feature values", "events": "source tables", "golden": "a frozen slice"}


def rule_pages() -> dict[str, str]:
    """Text by page name: the index, `rules/<id>` for every shipped rule, and lint."""
    from rules.ruleset import load_library

    library = load_library()
    return {"rules": index_page(library), **pages_of(library), "lint": lint_page()}


def pages_of(library: RuleSet) -> dict[str, str]:
    """A page for every rule of a library."""
    return {f"rules/{rule.id}": rule_page(rule, library) for rule in library.rules}


def family_of(rule: Rule) -> str:
    """The folder a rule stands in."""
    return PurePath(rule.path).parent.name


def index_page(library: RuleSet, folder: str = "rules/") -> str:
    """Every rule by family, with what it is about and whether it judges."""
    total = sum(rule.spec.status is Status.ACTIVE for rule in library.rules)
    parts = [
        "# Rules",
        f"{len(library.rules)} rules, {total} of them active. A rule states a suspicion to look"
        " into, never a finding. How to write one: [add a rule](../howto/add-a-rule.md); what is"
        " checked before anything runs: [lint](lint.md).",
    ]
    known = dict(FAMILIES)
    for rule in library.rules:
        known.setdefault(family_of(rule), family_of(rule).capitalize() or "Rules")
    for family, title in known.items():
        rows = [
            (
                f"[`{rule.id}`]({folder}{rule.id}.md)", rule.spec.title.en, rule.spec.title.zh,
                rule.spec.typology, f"`{rule.spec.grain}`", rule.spec.lane.value,
                rule.spec.severity, rule.spec.status.value,
            )
            for rule in library.rules
            if family_of(rule) == family
        ]  # fmt: skip
        if rows:
            head = ("rule", "suspicion", "中文", "typology", "grain", "lane", "severity", "status")
            parts += [f"## {title}", table(head, rows)]
    return "\n\n".join(parts)


def rule_page(rule: Rule, library: RuleSet) -> str:
    """One rule: method, why, law, innocent reasons, triage, limits, an example, its state."""
    spec = rule.spec
    basis = TYPOLOGIES[spec.typology]
    grain = GRAINS[spec.grain]
    parts = [
        f"# {spec.title.en}",
        spec.title.zh,
        "[All rules](../rules.md)",
        table(
            ("rule", "version", "status", "typology", "about", "lane", "severity"),
            [(f"`{spec.id}`", spec.version, spec.status.value,
              f"{spec.typology}: {basis.title['en']}", f"`{grain.code}`", spec.lane.value,
              spec.severity)],
        ),
        STATES[spec.status] + (f" {spec.retired_reason}" if spec.retired_reason else ""),
        "## Method",
        *_method(rule),
        "## Limits and where they come from",
        _parameters(rule, library),
        "## Why it matters",
        _both(spec.harm),
        "## Law",
        _law(rule),
        "## Innocent explanations",
        _list(spec.innocent_explanations),
        "## What a reviewer does first",
        _list(spec.triage),
        "## What it cannot see",
        "\n".join(f"- {text}" for text in spec.limits),
        "## Worked example",
        _worked(rule, library),
        "## About this rule",
        _about(rule),
    ]  # fmt: skip
    return "\n\n".join(part for part in parts if part)


def _titles(rule: Rule) -> dict[str, str]:
    return {f.name: f.title["en"] for f in catalogue().of_grain(rule.spec.grain)}


def _method(rule: Rule) -> list[str]:
    from rules.spoken import outline

    spec, titles = rule.spec, _titles(rule)
    parts = []
    if rule.scope is not None:
        parts += ["It is asked only where", "\n".join(outline(rule.scope, titles))]
    if spec.absence is None or spec.condition.strip() != "TRUE":
        parts += ["It fires when", "\n".join(outline(rule.condition, titles))]
    for band, tree in zip(spec.bands, rule.bands, strict=True):
        parts.append(f"Its severity is {band.severity}, not {spec.severity}, where")
        parts.append("\n".join(outline(tree, titles)))
    parts.append("\n".join(f"- {text}" for text in _clauses(rule)))
    sql = "\n\n".join(
        part.strip()
        for part in (
            f"-- scope\n{spec.scope}" if spec.scope else "",
            f"-- condition\n{spec.condition}",
            *(f"-- severity {band.severity}\n{band.when}" for band in spec.bands),
            f"-- score\n{spec.score}" if spec.score else "",
        )
        if part.strip()
    )
    return [*parts, f"```sql\n{sql}\n```"]


def _clauses(rule: Rule) -> Iterable[str]:
    """What else decides, a sentence each."""
    spec = rule.spec
    if (s := spec.sustain) is not None:
        yield f"It must hold now and in {s.k} of the last {s.of} periods."
    if (a := spec.absence) is not None:
        yield (
            f"It is about silence: who filed in {a.seen} periods in a row and then in none of"
            f" {a.missing}, while others filed."
        )
    for name, least in spec.min_support.items():
        what = "Every figure" if name == "n" else f"`{name}`"
        yield f"{what} counts only from {least} cases on."
    if spec.peers is not None:
        yield f"Ranks among peers count only from {spec.peers.min_n} peers on."
    missing = "not evaluable" if spec.on_missing == "not_evaluable" else "clear"
    yield f"Where a figure it needs is missing, the subject is {missing}."
    if spec.max_flag_rate is not None:
        yield f"Above a share of {spec.max_flag_rate:.0%} of all subjects it alerts nobody."


def _parameters(rule: Rule, library: RuleSet) -> str:
    if rule.spec.disclosure == "restricted":
        return "The limits of this rule are not published."
    rows: list[tuple[object, ...]] = []
    for name, spec in rule.spec.parameters.items():
        rows += _values(name, spec, library)
    head = ("limit", "value", "unit", "class", "holds", "source", "verified")
    return table(head, rows) if rows else "It has none."


def _values(name: str, spec: ParameterSpec, library: RuleSet) -> list[tuple[object, ...]]:
    if spec.table is None:
        kind = spec.class_.value if spec.class_ else ""
        verified = "yes" if spec.verified else "no"
        return [(f"`{name}`", spec.value, spec.unit, kind, "always", spec.source, verified)]
    found: list[tuple[object, ...]] = []
    dated = library.parameters.table(spec.table)
    for row in dated.rows:
        if spec.jurisdiction and row.jurisdiction not in (None, spec.jurisdiction):
            continue
        until = f" to {row.valid_to}" if row.valid_to else " on"
        where = f"{row.jurisdiction}, " if row.jurisdiction else ""
        found.append(
            (f"`{name}`", row.value, dated.unit, row.class_.value,
             f"{where}{row.valid_from}{until}", row.source, "yes" if row.verified else "no")
        )  # fmt: skip
    return found


def _law(rule: Rule) -> str:
    rows = [
        (b.jurisdiction, b.instrument, b.article,
         f"{b.in_force_from} to {b.in_force_to}" if b.in_force_to else f"{b.in_force_from} on")
        for b in rule.spec.legal_basis
    ]  # fmt: skip
    head = ("where", "instrument", "article", "in force")
    return table(head, rows) if rows else "No norm is named: the rule is about the filings alone."


def _worked(rule: Rule, library: RuleSet) -> str:
    """The first example that fires, with the sentence an alert would show, and all the others."""
    if rule.spec.disclosure == "restricted":
        return "The examples of this rule are not published."
    results = results_of(rule, library)
    parts = []
    fired = next((n for n, r in enumerate(results) if r.outcome == "fired" and r.passed), None)
    if fired is not None:
        test, result = rule.spec.tests[fired], results[fired]
        parts += [f"**{test.name.capitalize()}.** {_story(test)}"]
        parts += [f"> {result.message_en}", f"> {result.message_zh}"]
    rows = [
        (test.name, LEVELS[test.level], test.expect.replace("_", " "), result.reason or "")
        for test, result in zip(rule.spec.tests, results, strict=True)
    ]
    head = ("example", "made of", "ends", "because")
    return "\n\n".join([*parts, table(head, rows)] if rows else ["It has none."])


def _story(test: RuleTest) -> str:
    if test.level == "events":
        tables = ", ".join(f"{len(rows)} of `{name}`" for name, rows in test.tables.items())
        return f"From source rows, {tables}, about {test.subject}:"
    if test.level == "golden":
        return "From a frozen slice of history:"
    told = _given(test.given)
    before = "".join(f" Before that: {_given(row)}." for row in reversed(test.before))
    return f"Given {told}.{before}"


def _given(given: Mapping[str, object] | None) -> str:
    if given is None:
        return "nothing filed"
    return ", ".join(f"`{k}` {v}" for k, v in given.items()) or "no figure"


_KNOWN: dict[tuple[str, str, str], tuple[CaseResult, ...]] = {}
"""Results by rule text, file and library: running every example takes seconds."""


def results_of(rule: Rule, library: RuleSet) -> tuple[CaseResult, ...]:
    """How the examples of a rule end."""
    from rules.cases import run_cases

    key = (rule.content_hash, rule.path, library.digest)
    if key not in _KNOWN:
        _KNOWN[key] = tuple(run_cases(rule, library.parameters, catalogue()))
    return _KNOWN[key]


def _about(rule: Rule) -> str:
    spec = rule.spec
    rows = [
        ("owner", spec.owner),
        ("written", spec.created),
        ("last changed", spec.modified),
        ("replaces", f"[`{spec.supersedes}`]({spec.supersedes}.md)" if spec.supersedes else ""),
        ("after", "; ".join(spec.references)),
    ]
    return table(("what", "value"), [row for row in rows if row[1]])


def _both(words: Words) -> str:
    return f"{words.en}\n\n{words.zh}"


def _list(texts: Iterable[Words]) -> str:
    return "\n".join(f"- {text.en} · {text.zh}" for text in texts)


def lint_page() -> str:
    """Every check: its code, what it looks at and why."""
    from rules.lint import CHECKS

    rows = [(f"`{check.code}`", check.title, check.why) for check in CHECKS]
    return "\n\n".join(
        [
            "# Lint",
            "What is known about a rule without data. `warden rules lint` and the HTTP interface"
            " give the same findings, each with file, line and column; any finding ends the"
            " command with exit code 3. Codes never change their meaning.",
            table(("code", "what holds", "why"), rows),
            "Before these, reading a file finds `yaml` (what is no plain YAML), `schema` (a key or"
            " value the format does not know) and `condition` (what is no part of the condition"
            " language).",
        ]
    )
