"""D4 and D17: the law and the limits hold while the rule judges."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import pairwise

from rules.errors import RuleIssue
from rules.lint.context import Check, Context
from rules.load import Rule
from rules.nodes import Compare, Parameter, walk
from rules.parameters import ParameterRow, ParameterSpec, ParameterTable
from rules.spec import LegalBasis, Status

_JUDGING = (Status.ACTIVE, Status.SHADOW)
_FLIPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


class LawInForce(Check):
    """D4: an article is in force while the rule judges."""

    code = "D4"
    title = "An article is in force while the rule judges"
    why = (
        "A suspicion without a norm in force is nobody's business. Of a rule that judges, at least"
        " one article holds on the day the rule was last changed; lint has no clock of its own."
    )

    def check(self, rule: Rule, _context: Context, /) -> Iterator[RuleIssue]:
        spec = rule.spec
        if spec.status not in _JUDGING or not spec.legal_basis:
            return
        if not any(_holds(basis, spec.modified) for basis in spec.legal_basis):
            message = f"no legal basis is in force on {spec.modified}"
            yield rule.issue(self.code, message, ("legal_basis",))


def _holds(basis: LegalBasis, day: date) -> bool:
    return basis.in_force_from <= day and (basis.in_force_to is None or day <= basis.in_force_to)


class DatedTables(Check):
    """D17: a dated table covers the time in which the rule judges."""

    code = "D17"
    title = "A dated table covers the time in which the rule judges"
    why = (
        "Where no limit is in force the rule is not evaluable. A table has no hole between its"
        " rows, a value on the day the rule was last changed, rows for the jurisdiction asked for,"
        " and is compared by the sign it was written for."
    )

    def check(self, rule: Rule, context: Context, /) -> Iterator[RuleIssue]:
        operators = _operators(rule)
        for name, spec in rule.spec.parameters.items():
            table = context.rules.parameters.tables.get(spec.table or "")
            if table is None:
                continue
            place = ("parameters", name)
            for message in _faults(table, spec, rule.spec.modified, operators.get(name)):
                yield rule.issue(self.code, message, place)
            for hole in holes(table.rows):
                message = f"table {table.table} has no value from {hole}"
                yield rule.issue(self.code, message, place, warning=True)


def _faults(
    table: ParameterTable, spec: ParameterSpec, day: date, operators: set[str] | None
) -> Iterator[str]:
    wrong = {row.comparator for row in table.rows} - (operators or set())
    if operators and wrong:
        yield f"table {table.table} is to be compared with `{sorted(wrong)[0]}`"
    here = spec.jurisdiction
    rows = [row for row in table.rows if here is None or _reaches(row.jurisdiction, here)]
    if not rows:
        yield f"table {table.table} has no row for {here}"
    elif not any(row.holds_on(day) for row in rows):
        yield f"table {table.table} has no value on {day}"


def _reaches(jurisdiction: str | None, asked: str) -> bool:
    return jurisdiction is None or asked == jurisdiction or asked.startswith(f"{jurisdiction}-")


def _operators(rule: Rule) -> dict[str, set[str]]:
    """Parameter to the operators it is compared by, as read from the other side."""
    found: dict[str, set[str]] = {}
    for node in (n for _, tree in rule.trees() for n in walk(tree)):
        if not isinstance(node, Compare):
            continue
        if isinstance(node.right, Parameter):
            found.setdefault(node.right.name, set()).add(node.op)
        if isinstance(node.left, Parameter):
            found.setdefault(node.left.name, set()).add(_FLIPPED.get(node.op, node.op))
    return found


def holes(rows: tuple[ParameterRow, ...]) -> list[date]:
    """First days on which a jurisdiction that had a value has none before its next row."""
    found: list[date] = []
    for where in {row.jurisdiction for row in rows}:
        own = sorted((r for r in rows if r.jurisdiction == where), key=lambda r: r.valid_from)
        for row, following in pairwise(own):
            if row.valid_to is not None and (following.valid_from - row.valid_to).days > 1:
                found.append(date.fromordinal(row.valid_to.toordinal() + 1))
    return sorted(found)
