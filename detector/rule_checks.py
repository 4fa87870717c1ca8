"""What a version of a rule must have before it may run in shadow: lint, cases, a backtest."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from features.errors import WardenError
from rules.ruleset import RuleSet

if TYPE_CHECKING:
    from detector.rulebook import Rulebook
    from rules.load import Rule

MAX_REPORT = 8 * 1024 * 1024
FIGURES = ("snapshot_id", "from", "to", "rows", "firing_hash", "review_hours")
"""What of a report is kept beside its hash."""


@dataclass(frozen=True)
class Report:
    """A backtest report as it was handed in."""

    digest: str
    data: dict[str, Any]


def read_report(content: bytes) -> Report:
    """The report of a file.

    Raises:
        WardenError: `bad_report` when it is none.
    """
    try:
        if len(content) > MAX_REPORT:
            raise ValueError("too large")
        data = json.loads(content)
        if not isinstance(data, dict):
            raise TypeError("not an object")
    except (ValueError, TypeError, RecursionError) as error:
        raise WardenError(
            "bad_report",
            "The report is not the JSON of a backtest.",
            "Write it with: warden rules backtest RULE --json --out FILE.",
        ) from error
    return Report(hashlib.sha256(content).hexdigest(), data)


def ready_for_shadow(book: Rulebook, rule: Rule, report: Report | None) -> dict[str, Any]:
    """What the proposal rests on.

    Raises:
        WardenError: `lint_failed`, `cases_failed`, `report_required`, `report_mismatch`.
    """
    warnings = checked_lint(book, rule)
    cases = checked_cases(book, rule)
    return {"warnings": warnings, "cases": cases, "report": checked_report(rule, report)}


def checked_lint(book: Rulebook, rule: Rule) -> int:
    """Number of warnings; errors refuse. Raises: WardenError `lint_failed`."""
    from features.catalogue import catalogue
    from rules.lint import lint_rule

    found = lint_rule(rule, around(book, rule), catalogue())
    errors = [issue for issue in found if issue.severity == "error"]
    if errors:
        more = f" and {len(errors) - 3} more" if len(errors) > 3 else ""
        told = "; ".join(f"{i.line}:{i.column} {i.code} {i.message}" for i in errors[:3])
        raise WardenError(
            "lint_failed",
            f"{rule.id} {rule.version} is not lint clean: {told}{more}.",
            "Next: warden rules lint, and mend what it finds.",
        )
    return len(found) - len(errors)


def around(book: Rulebook, rule: Rule) -> RuleSet:
    """The library with this text in the place of its rule's file."""
    others = [r for r in book.library.rules if r.id != rule.id]
    rules = tuple(sorted([*others, rule], key=lambda r: r.id))
    return replace(book.library, rules=rules, issues=())


def checked_cases(book: Rulebook, rule: Rule) -> int:
    """Number of cases, all passed. Raises: WardenError `cases_failed`."""
    from features.catalogue import catalogue
    from rules.cases import run_cases

    results = run_cases(rule, book.library.parameters, catalogue())
    failed = [r for r in results if not r.passed]
    if failed or not results:
        told = ", ".join(f"`{r.name}`" for r in failed[:3]) or "it has none"
        raise WardenError(
            "cases_failed",
            f"{len(failed)} of {len(results)} cases of {rule.id} {rule.version} fail: {told}.",
            "Next: warden rules test, and mend the rule or its cases.",
        )
    return len(results)


def checked_report(rule: Rule, report: Report | None) -> dict[str, Any]:
    """Hash and figures of a report on exactly this text.

    Raises:
        WardenError: `report_required`, `report_mismatch`.
    """
    again = f"warden rules backtest {rule.id} --json --out report.json"
    if report is None:
        raise WardenError(
            "report_required",
            f"{rule.id} {rule.version} needs a backtest report before it runs in shadow.",
            f"Next: {again}, then promote with --report report.json.",
        )
    wanted = {"rule": rule.id, "version": rule.version, "content_hash": rule.content_hash}
    for name, value in wanted.items():
        if report.data.get(name) != value:
            raise WardenError(
                "report_mismatch",
                f"The report is of {name} {report.data.get(name)!s:.80}, not {value}.",
                f"Next: {again}.",
            )
    if not isinstance(report.data.get("snapshot_id"), str):
        raise WardenError(
            "report_mismatch", "The report names no snapshot of the filings.", f"Next: {again}."
        )
    kept = {name: report.data[name] for name in FIGURES if name in report.data}
    rate = report.data.get("flag_rate")
    if isinstance(rate, dict):
        kept["flag_rate"] = rate.get("value")
    return {"sha256": report.digest, **kept}
