"""`rules`: list, show, lint and test the detection rules."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from detector.cli import lifecycle
from detector.cli.output import STATE, note, opened, say, say_table
from features.errors import WardenError

if TYPE_CHECKING:
    from rules.ruleset import RuleSet

app = typer.Typer(help="Detection rules.", no_args_is_help=True)
Dirs = Annotated[list[Path] | None, typer.Option("--rules", help="Folder with rules of your own.")]


def rule_dirs(extra: list[Path] | None) -> list[Path]:
    """Folders named on the line, else those of the settings, which need no home."""
    if extra:
        return extra
    from detector.settings import load_settings

    return list(load_settings(STATE.home).rule_dirs)


def known_rules(extra: list[Path] | None) -> RuleSet:
    """The rules of the installation; without one, or of folders named on the line, their files."""
    if extra or not (STATE.home / "config.toml").exists():
        from rules.ruleset import load_library

        return load_library(rule_dirs(extra))
    from detector.rulebook import rules_in_force

    return rules_in_force(opened())


@app.command("list")
def list_rules(rules: Dirs = None) -> None:
    """Shipped and local rules, with the status they have in the installation."""
    rows = [
        {
            "id": r.id,
            "version": r.version,
            "status": r.spec.status.value,
            "typology": r.spec.typology,
            "grain": r.spec.grain,
            "lane": r.spec.lane.value,
            "severity": r.spec.severity,
            "title": r.spec.title.en,
        }
        for r in known_rules(rules).rules
    ]
    say_table(
        rows, ("id", "version", "status", "typology", "grain", "lane", "severity"), "No rules."
    )


@app.command("lint")
def lint(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Folders; the library by default.")
    ] = None,
) -> None:
    """Check rules without running them; exit code 3 when something is found."""
    from features.catalogue import catalogue
    from rules.lint import lint_rules
    from rules.ruleset import load_library

    issues = lint_rules(load_library(rule_dirs(paths)), catalogue())
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
        raise typer.Exit(3)


@app.command("test")
def test(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Folders; the library by default.")
    ] = None,
) -> None:
    """Run the cases inside the rules; exit code 3 when one fails."""
    from features.catalogue import catalogue
    from rules.cases import run_cases
    from rules.ruleset import load_library

    ruleset = load_library(rule_dirs(paths))
    results = [
        r for rule in ruleset.rules for r in run_cases(rule, ruleset.parameters, catalogue())
    ]
    failed = [r for r in results if not r.passed]
    rows = [
        {"rule": r.rule_id, "case": r.name, "expected": r.expected, "got": r.outcome}
        for r in failed
    ]
    if STATE.json or failed:
        say_table(rows, ("rule", "case", "expected", "got"), "")
    note(f"{len(results)} cases in {len(ruleset.rules)} rules, {len(failed)} failed.")
    if failed:
        raise typer.Exit(3)


@app.command("new")
def new(
    rule_id: Annotated[str, typer.Argument(help="Slug, for example `bid-very-low-cv`.")],
    out: Annotated[Path, typer.Option(help="Folder to write into.")] = Path(),
) -> None:
    """Write a skeleton of a rule, ready to be filled in."""
    from detector.system import utc_now
    from rules.skeleton import new_rule_text

    path = out / f"{rule_id}.yaml"
    if path.exists():
        raise WardenError("exists", f"{path} is already there.", "Choose another id or folder.")
    path.write_text(new_rule_text(rule_id, utc_now().date()))
    say({"path": str(path)}, f"Wrote {path}. Fill it in, then: warden rules lint {out}")


for act in (lifecycle.show, lifecycle.promote, lifecycle.retire, lifecycle.rollback):
    app.command(act.__name__)(act)
