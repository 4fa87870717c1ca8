"""D12 and D13: what a rule shows and how it speaks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from features.contracts import CONTRACTS
from rules.errors import RuleIssue, nearest
from rules.lint.context import Check, Context
from rules.load import Rule
from rules.messages import placeholders, stray_braces
from rules.nodes import Compare, Member, Node, column_names, leaves
from rules.parameters import Words
from rules.reader import Place
from rules.wording import accusing_words, sentence_limit

_HAN = re.compile(r"[\u4e00-\u9fff]")


class Shown(Check):
    """D12: the evidence covers every figure that decides."""

    code = "D12"
    title = "The evidence covers every figure that decides"
    why = (
        "A reviewer sees the judged side of each comparison as a fact. What decides without being"
        " one (the other side of a comparison, a part of a formula, a band, a score) stands in"
        " `evidence.columns` or in the message. Columns and tables named there exist."
    )

    def check(self, rule: Rule, context: Context, /) -> Iterator[RuleIssue]:
        evidence = rule.spec.evidence
        for index, name in enumerate(evidence.columns):
            if name not in context.names.columns:
                hint = nearest(name, context.names.columns)
                message = f"unknown name `{name}` at grain {rule.spec.grain}"
                yield rule.issue(self.code, message, ("evidence", "columns", index), hint=hint)
        for index, name in enumerate(evidence.tables):
            if name not in CONTRACTS:
                hint = nearest(name, CONTRACTS)
                message = f"there is no table `{name}`"
                yield rule.issue(self.code, message, ("evidence", "tables", index), hint=hint)
        shown = {*evidence.columns, *_facts(rule.condition)}
        shown |= {hole.name for hole in placeholders(rule.spec.message.en)}
        told: set[str] = set()
        for place, tree in rule.trees():
            for name in column_names(tree) if place != ("scope",) else ():
                if name not in shown | told and name in context.names.columns:
                    told.add(name)
                    message = f"`{name}` decides and is shown nowhere"
                    hint = f"Add it to `evidence.columns`: [{name}]."
                    yield rule.issue(self.code, message, place, hint=hint)


def _facts(tree: Node) -> set[str]:
    """The first name of each comparison's judged side, as facts tell it."""
    found: set[str] = set()
    for leaf in leaves(tree):
        judged: Node = leaf
        if isinstance(leaf, Compare):
            judged = leaf.left if column_names(leaf.left) else leaf.right
        elif isinstance(leaf, Member):
            judged = leaf.value
        found |= set(column_names(judged)[:1])
    return found


class Wording(Check):
    """D13: messages are neutral, short and the same in both languages."""

    code = "D13"
    title = "Messages are neutral, short and the same in both languages"
    why = (
        "An alert is a suspicion. Titles, messages, harm, innocent explanations and triage steps"
        " describe what was seen and accuse nobody; a message is one short line, fills the same"
        " names in English and Chinese, and names only what the rule or its typology judges."
    )

    def check(self, rule: Rule, context: Context, /) -> Iterator[RuleIssue]:
        yield from self._message(rule, context)
        for place, words in _told(rule):
            for key, text in (("en", words.en), ("zh", words.zh)):
                for word in accusing_words(text):
                    message = f"`{word}` accuses; describe the observation instead"
                    yield rule.issue(self.code, message, (*place, key))
            if not _HAN.search(words.zh) or _HAN.search(words.en):
                message = "`en` is in English and `zh` in Chinese"
                yield rule.issue(self.code, message, place)
        for result in context.results or ():
            for key, sentence in (("en", result.message_en), ("zh", result.message_zh)):
                limit = sentence_limit(key)
                if sentence and len(sentence) > limit:
                    length = f"{len(sentence)} of {limit} characters"
                    message = f"the message of `{result.name}` has {length}"
                    yield rule.issue(self.code, message, ("message", key))

    def _message(self, rule: Rule, context: Context) -> Iterator[RuleIssue]:
        spec = rule.spec
        known = {*spec.parameters}.union(*(column_names(tree) for _, tree in rule.trees()))
        known |= {n for n, c in context.names.columns.items() if c.kind == "attribute"}
        own = context.catalogue.of_typology(spec.typology)
        known |= {f.name for f in own if f.grain == spec.grain}
        for key, text in (("en", spec.message.en), ("zh", spec.message.zh)):
            for hole in placeholders(text):
                if hole.name not in known:
                    message = f"`{{{hole.name}}}` is not used by this rule"
                    hint = nearest(hole.name, known)
                    yield rule.issue(self.code, message, ("message", key), hint=hint)
            if stray_braces(text) or "\n" in text.strip():
                message = "a message is one line, with braces only around names"
                yield rule.issue(self.code, message, ("message", key))
        told = [{h.name for h in placeholders(t)} for t in (spec.message.en, spec.message.zh)]
        for name in sorted(told[0] ^ told[1]):
            message = f"`{{{name}}}` stands in one language only"
            issue = rule.issue(self.code, message, ("message",), warning=True)
            yield replace(issue, hint="Both languages tell the same figures.")


def _told(rule: Rule) -> Iterator[tuple[Place, Words]]:
    spec = rule.spec
    yield from ((("title",), spec.title), (("message",), spec.message), (("harm",), spec.harm))
    for key in ("innocent_explanations", "triage"):
        for index, words in enumerate(getattr(spec, key)):
            yield (key, index), words
