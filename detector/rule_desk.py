"""Writing a rule at the desk: what it starts from, what is wrong with it, what comes next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from detector.linting import of_installation, typed
from detector.promotion import to_shadow
from detector.rule_checks import read_report
from detector.rule_drafts import Draft, draft_of
from detector.rulebook import Rulebook
from features.catalogue import catalogue
from features.errors import WardenError
from rules.errors import RuleIssue
from rules.load import Rule, load_rule

if TYPE_CHECKING:
    from detector.system import System
    from rules.cases import CaseResult

NAME = "typed"


@dataclass(frozen=True)
class Checked:
    """A text with what lint says of it and how its examples end.

    Attributes:
        rule: None while it cannot be read.
        issues: in the order of the text.
        cases: empty where it cannot be read.
        broken: why the examples could not be run, empty when they were.
    """

    rule: Rule | None
    issues: tuple[RuleIssue, ...]
    cases: tuple[CaseResult, ...] = ()
    broken: str = ""

    @property
    def errors(self) -> int:
        return sum(issue.severity == "error" for issue in self.issues)

    @property
    def failed(self) -> int:
        return sum(not one.passed for one in self.cases)

    @property
    def ready(self) -> bool:
        """Whether nothing but a backtest stands between the text and shadow."""
        return bool(self.rule and self.cases) and not (self.errors or self.failed or self.broken)


def checked(system: System, book: Rulebook, text: str, rule_id: str) -> Checked:
    """Lint and examples of a text as it was typed for a rule."""
    from rules.cases import run_cases

    issues = list(typed(of_installation(system), text, NAME))
    rule = load_rule(text, NAME)[0]
    if rule is None:
        return Checked(None, tuple(issues))
    issues += _of_desk(book, rule, rule_id)
    try:
        cases = tuple(run_cases(rule, book.library.parameters, catalogue()))
    except WardenError as error:
        return Checked(rule, tuple(sorted(issues)), broken=str(error))
    return Checked(rule, tuple(sorted(issues)), cases)


def _of_desk(book: Rulebook, rule: Rule, rule_id: str) -> list[RuleIssue]:
    """What only the installation knows: whose id it is, and which versions are taken."""
    found = []
    if rule.id != rule_id:
        message = f"this draft is of `{rule_id}`; the text says `{rule.id}`"
        found.append(rule.issue("D1", message, ("id",), hint=f"Write `{rule_id}`."))
    others = [r for r in (book.files.get(rule.id), book.merged.get(rule.id)) if r is not None]
    taken = {(r.version, r.content_hash) for r in others}
    taken |= {(v, one.content_hash) for (i, v), one in book.kept.items() if i == rule.id}
    if any(v == rule.version and digest != rule.content_hash for v, digest in taken):
        message = f"version {rule.version} is taken by another text"
        hint = f"Write version {following(book, rule.id)}."
        found.append(rule.issue("D18", message, ("version",), hint=hint))
    return found


def following(book: Rulebook, rule_id: str) -> str:
    """The next version nobody has used."""
    known = [v.partition("+")[0] for v in _decided(book, rule_id)]
    numbers = [tuple(int(part) for part in v.split(".")) for v in known]
    if not numbers:
        return "0.1.0"
    first, second, *_ = max(numbers)
    return f"{first}.{second + 1}.0"


def _decided(book: Rulebook, rule_id: str) -> list[str]:
    """Versions kept or filed; a draft is neither."""
    kept = [version for name, version in book.kept if name == rule_id]
    files = (book.files.get(rule_id), book.merged.get(rule_id))
    return [*kept, *(rule.version for rule in files if rule is not None)]


def proposed(
    system: System, rule_id: str, report: bytes, actor: str, note: str | None, revision: int
) -> Rulebook:
    """Puts the draft of a rule into shadow with a backtest of exactly its text.

    Args:
        report: the JSON of the backtest.
        revision: of the draft the actor has seen.

    Raises:
        WardenError: `unknown_draft`, `draft_unreadable`, `stale_version`, and those of
            `detector.promotion.to_shadow`.
    """
    draft = draft_of(system, rule_id)
    if draft is None:
        raise WardenError("unknown_draft", f"Nobody is writing on {rule_id}.", kind="not_found")
    if draft.revision != revision:
        raise WardenError(
            "stale_version", f"Somebody saved the draft of {rule_id} meanwhile.",
            "Read it, then submit again.", "conflict",
        )  # fmt: skip
    rule = readable(draft)
    return to_shadow(
        system, rule_id, actor, report=read_report(report), note=note, version=rule.version,
        content_hash=rule.content_hash,
    )  # fmt: skip


def readable(draft: Draft) -> Rule:
    """The rule a draft is. Raises: WardenError `draft_unreadable`."""
    rule = draft.rule
    if rule is None:
        raise WardenError(
            "draft_unreadable", f"The draft of {draft.rule_id} cannot be read as that rule yet.",
            "Mend what lint finds.",
        )  # fmt: skip
    return rule
