"""D1 to D3: what a rule is called, what is said about it, and whether it is new."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath

from features.vocabulary import TYPOLOGIES, Lane
from rules.errors import RuleIssue, nearest
from rules.lint.context import Check, Context
from rules.lint.twins import judgement_of, title_of
from rules.load import Rule
from rules.spec import Status


class FileName(Check):
    """D1: the id is unique and names the file."""

    code = "D1"
    title = "The id is unique and names the file"
    why = (
        "Firings, alerts and exceptions point at an id for years. A second rule of the same id is"
        " set aside when the files are read; a file of another name would not be found again."
    )

    def check(self, rule: Rule, _context: Context, /) -> Iterator[RuleIssue]:
        path = PurePath(rule.path)
        if path.suffix in (".yaml", ".yml") and path.stem != rule.id:
            message = f"the rule `{rule.id}` stands in a file named `{path.stem}`"
            yield rule.issue(self.code, message, ("id",), hint="File and id have one name.")


class Metadata(Check):
    """D2: what the status asks for is there."""

    code = "D2"
    title = "What the status asks for is there"
    why = (
        "A rule that judges needs a legal basis; a screen that alerts needs the largest share of"
        " subjects it may fire for; a retired rule says why; the grain is one at which the"
        " typology has features; a rule that replaces another names one that exists."
    )

    def check(self, rule: Rule, context: Context, /) -> Iterator[RuleIssue]:
        spec = rule.spec
        expected = TYPOLOGIES[spec.typology].grain
        if spec.grain != expected and not _has_features(spec.typology, spec.grain, context):
            message = f"typology {spec.typology} has no features at grain {spec.grain}"
            yield rule.issue(self.code, message, ("grain",), hint=f"Its grain is {expected}.")
        if spec.status is Status.RETIRED and not spec.retired_reason:
            yield rule.issue(self.code, "a retired rule needs `retired_reason`", ("status",))
        if spec.status in (Status.ACTIVE, Status.SHADOW) and not spec.legal_basis:
            yield rule.issue(self.code, "a judging rule needs a legal basis", ("legal_basis",))
        if spec.status is Status.ACTIVE and spec.lane is Lane.SCREEN and spec.max_flag_rate is None:
            yield rule.issue(self.code, "an active screen needs `max_flag_rate`", ("status",))
        others = [other.id for other in context.rules.rules]
        if spec.supersedes is not None and spec.supersedes not in others:
            message = f"`{spec.supersedes}`, which this rule replaces, is not known"
            hint = nearest(spec.supersedes, others)
            yield rule.issue(self.code, message, ("supersedes",), hint=hint)


def _has_features(typology: str, grain: str, context: Context) -> bool:
    return any(f.grain == grain for f in context.catalogue.of_typology(typology))


class Duplicates(Check):
    """D3: no other rule has the title or the judgement."""

    code = "D3"
    title = "No other rule has the title or the judgement"
    why = (
        "Two rules that judge alike count one observation twice. Titles are compared without"
        " order, case and signs; judgements by scope, condition, bands and time with the origin of"
        " every limit, so the same words over different tables are different rules. Of two twins"
        " the one later in the alphabet is named; a rule may equal the one it replaces."
    )

    def check(self, rule: Rule, context: Context, /) -> Iterator[RuleIssue]:
        twin = self._first(rule, context.twins.titles.get(title_of(rule), []))
        if twin:
            yield rule.issue(self.code, f"the title is that of `{twin}`", ("title", "en"))
        twin = self._first(rule, context.twins.judgements.get(judgement_of(rule), []))
        if twin:
            yield rule.issue(self.code, f"the condition is that of `{twin}`", ("condition",))

    @staticmethod
    def _first(rule: Rule, ids: list[str]) -> str | None:
        earlier = sorted(i for i in ids if i < rule.id and i != rule.spec.supersedes)
        return earlier[0] if earlier else None
