"""What can be wrong with a rule, always with a place in a file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Literal

from features.errors import WardenError

IssueSeverity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True, order=True)
class RuleIssue:
    """One finding of the loader or of lint.

    Attributes:
        path: the file, as it was given to the loader.
        line: 1-based line; 0 when the finding has no place in the file.
        column: 1-based column.
        code: stable name: ``yaml``, ``schema``, ``condition``, ``parameters`` or ``D1``..``D22``.
        severity: ``error`` findings stop a rule from being used, warnings do not.
        message: what is wrong, in one sentence.
        hint: what to do about it; may be empty.
        rule_id: the rule, when known.
    """

    path: str
    line: int
    column: int
    code: str
    severity: IssueSeverity
    message: str
    hint: str = ""
    rule_id: str = ""

    def __str__(self) -> str:
        text = f"{self.path}:{self.line}:{self.column}: {self.severity} {self.code}: {self.message}"
        return f"{text} {self.hint}".strip()


class RuleFilesError(WardenError):
    """Raised when rule files must all be good and some are not; carries every finding."""

    def __init__(self, issues: Iterable[RuleIssue]) -> None:
        self.issues = tuple(sorted(issues))
        shown = "; ".join(str(issue) for issue in self.issues[:3])
        super().__init__(
            "invalid_rules",
            f"{len(self.issues)} problem(s) in rule files: {shown}",
            "Run `warden rules lint` for the whole list.",
        )


class ExpressionError(WardenError):
    """A condition that is not part of the language.

    Attributes:
        line: 1-based line inside the condition text.
        column: 1-based column inside the condition text.
    """

    def __init__(self, message: str, line: int = 1, column: int = 1, hint: str = "") -> None:
        super().__init__("invalid_condition", message, hint)
        self.line = line
        self.column = column


def place(text: str, offset: int) -> tuple[int, int]:
    """1-based (line, column) of a character offset of a text."""
    before = text[: max(offset, 0)]
    return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint naming the closest known word, or the empty text."""
    found = get_close_matches(word, sorted(known), n=1, cutoff=0.6)
    return f"Did you mean `{found[0]}`?" if found else ""


def with_rule(issue: RuleIssue, rule_id: str) -> RuleIssue:
    """The same finding under the id of its rule."""
    return replace(issue, rule_id=rule_id)
