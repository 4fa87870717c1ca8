"""`rules`: list, show, lint and test the detection rules."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from detector.cli import backtest, lifecycle, rule_checks
from detector.cli.output import STATE, opened, say, say_table
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


@app.command("new")
def new(
    rule_id: Annotated[str, typer.Argument(help="Slug, for example `bid-very-low-cv`.")],
    out: Annotated[Path, typer.Option(help="Folder to write into.")] = Path(),
) -> None:
    """Write a skeleton of a rule, ready to be filled in, where no rule stands yet."""
    from detector.system import utc_now
    from rules.skeleton import new_rule_text

    path = out / f"{rule_id}.yaml"
    if path.exists() and path.stat().st_size:
        raise WardenError("exists", f"{path} is already there.", "Choose another id or folder.")
    path.write_text(new_rule_text(rule_id, utc_now().date()))
    say({"path": str(path)}, f"Wrote {path}. Fill it in, then: warden rules lint {out}")


for act in (
    rule_checks.lint, rule_checks.test, rule_checks.lock, rule_checks.docs,
    backtest.backtest, backtest.diff,
    lifecycle.show, lifecycle.promote, lifecycle.retire, lifecycle.rollback,
):  # fmt: skip
    app.command(act.__name__)(act)
