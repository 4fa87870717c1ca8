"""`rules lint|test|lock|docs`: what is known about rules without running them on filings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from detector.cli.output import STATE, note, opened, say, say_table
from features.errors import WardenError

if TYPE_CHECKING:
    from detector.linting import Surface
    from rules.load import Rule

FOUND = 3
"""Exit code of a check that found something."""

Paths = Annotated[
    list[Path] | None, typer.Argument(help="Files or folders; everything by default.")
]


def surface(paths: list[Path] | None) -> Surface:
    """The rules of the installation, or of its settings where there is none yet."""
    from detector.linting import of_files, of_installation
    from detector.settings import load_settings

    if (STATE.home / "config.toml").exists():
        return of_installation(opened(), paths or [])
    return of_files([*load_settings(STATE.home).rule_dirs, *(paths or [])])


def lint(paths: Paths = None) -> None:
    """Check rules without running them; exit code 3 when something is found."""
    from detector.linting import findings

    issues = findings(surface(paths), paths or [])
    rows: list[dict[str, Any]] = [
        {
            "place": f"{i.path}:{i.line}:{i.column}",
            "code": i.code,
            "severity": i.severity,
            "message": i.message,
            "hint": i.hint,
        }
        for i in issues
    ]
    say_table(rows, ("place", "code", "severity", "message", "hint"), "No issues.")
    if issues:
        raise typer.Exit(FOUND)


def test(
    paths: Paths = None,
    rule: Annotated[list[str] | None, typer.Option("--rule", help="Only this rule.")] = None,
    mutate: Annotated[
        bool, typer.Option("--mutate", help="Nudge every limit and operator too.")
    ] = False,
) -> None:
    """Run the examples inside the rules; exit code 3 when one fails or misses a nudge."""
    from features.catalogue import catalogue
    from rules.cases import run_cases

    known = surface(paths).library
    rules = chosen(known.rules, paths, rule)
    results = [r for one in rules for r in run_cases(one, known.parameters, catalogue())]
    failed = [r for r in results if not r.passed]
    if mutate:
        survived = nudge(rules, known.parameters)
    elif STATE.json or failed:
        rows = [
            {"rule": r.rule_id, "case": r.name, "level": r.level, "expected": r.expected,
             "got": r.outcome, "detail": r.detail}
            for r in failed
        ]  # fmt: skip
        say_table(rows, ("rule", "case", "expected", "got", "detail"), "")
    if mutate and failed:
        note("; ".join(f"{r.rule_id}, {r.name}: {r.detail}" for r in failed[:5]))
    note(f"{len(results)} cases in {len(rules)} rules, {len(failed)} failed.")
    if failed or (mutate and survived):
        raise typer.Exit(FOUND)


def chosen(rules: tuple[Rule, ...], paths: list[Path] | None, ids: list[str] | None) -> list[Rule]:
    """The rules of some files or of some ids, all by default.

    Raises:
        WardenError: `no_rules`, `unknown_rule`.
    """
    from detector.linting import files_at
    from rules.errors import nearest

    wanted = files_at(paths) if paths else None
    found = [r for r in rules if wanted is None or r.path in wanted]
    for name in ids or ():
        if name not in {r.id for r in found}:
            hint = nearest(name, (r.id for r in found)) or "See `warden rules list`."
            raise WardenError("unknown_rule", f"There is no rule {name}.", hint)
    return [r for r in found if not ids or r.id in ids]


def nudge(rules: list[Rule], parameters: Any) -> int:
    """Says which nudges the examples of each rule noticed; returns how many they did not."""
    from features.catalogue import catalogue
    from rules.mutation import mutate, survivors

    rows: list[dict[str, Any]] = []
    noticed = total = 0
    for rule in rules:
        tried = mutate(rule, parameters, catalogue())
        left = [m.change for m in survivors(tried)]
        noticed, total = noticed + len(tried) - len(left), total + len(tried)
        rows.append(
            {"rule": rule.id, "noticed": len(tried) - len(left), "nudges": len(tried),
             "survived": left if STATE.json else "; ".join(left)}
        )  # fmt: skip
    say_table(rows, ("rule", "noticed", "nudges", "survived"), "No rules.")
    share = noticed / total if total else 1.0
    note(f"{noticed} of {total} nudges noticed ({share:.1%}).")
    return total - noticed


def lock(
    folder: Annotated[
        Path | None, typer.Argument(help="Folder of rules; the shipped library by default.")
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Write nothing; compare.")] = False,
) -> None:
    """Write down version and hash of published rules; exit code 3 when one may not be so."""
    from detector.linting import files_at
    from rules.lock import LOCK_FILE, check_lock, forbidden, lock_text, read_lock
    from rules.ruleset import RuleSet, load_library

    own = load_library()
    path = LOCK_FILE
    if folder is not None:
        path, here = folder / LOCK_FILE.name, files_at([folder])
        known = load_library([folder])
        own = RuleSet(tuple(r for r in known.rules if r.path in here), "", known.parameters)
    before = read_lock(path.read_text(encoding="utf-8")) if path.exists() else {}
    issues = check_lock(own, before) if check else forbidden(own, before)
    rows = [
        {"place": f"{i.path}:{i.line}", "code": i.code, "message": i.message, "hint": i.hint}
        for i in issues
    ]
    if issues:
        say_table(rows, ("place", "code", "message", "hint"), "")
        raise typer.Exit(FOUND)
    text = lock_text(own)
    if not check:
        path.write_text(text, encoding="utf-8")
    locked = len(read_lock(text))
    say({"path": str(path), "locked": locked}, f"{locked} rules are as {path.name} says.")


def docs(
    paths: Paths = None,
    out: Annotated[Path, typer.Option(help="Folder for the pages.")] = Path("rule-pages"),
) -> None:
    """Write a page for every rule: method, law, innocent reasons, limits and an example."""
    from dataclasses import replace

    from detector.reference_rules import index_page, pages_of

    whole = surface(paths).library
    library = replace(whole, rules=tuple(chosen(whole.rules, paths, None)))
    pages = {"rules": index_page(library), **pages_of(library)}
    for name, text in pages.items():
        path = out / f"{name}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.strip() + "\n", encoding="utf-8")
    say({"out": str(out), "pages": len(pages)}, f"Wrote {len(pages)} pages to {out}.")
