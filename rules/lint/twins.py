"""Which rules of a library say the same, found by one look at each."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from rules.load import Rule
from rules.parameters import ParameterSpec
from rules.writing import write

_PARAMETER = re.compile(r":([a-z][a-z0-9_]*)")
_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Twins:
    """Ids of rules by the words of their title and by what they judge."""

    titles: dict[tuple[str, ...], list[str]]
    judgements: dict[str, list[str]]

    @classmethod
    def of(cls, rules: Iterable[Rule]) -> Twins:
        """Look at every rule of a library once."""
        titles: dict[tuple[str, ...], list[str]] = {}
        judgements: dict[str, list[str]] = {}
        for rule in rules:
            titles.setdefault(title_of(rule), []).append(rule.id)
            judgements.setdefault(judgement_of(rule), []).append(rule.id)
        return cls(titles, judgements)


def title_of(rule: Rule) -> tuple[str, ...]:
    """The words of a title in order of the alphabet, so that order and signs do not matter."""
    return tuple(sorted(_WORD.findall(rule.spec.title.en.casefold())))


def judgement_of(rule: Rule) -> str:
    """What decides the outcome, with the origin of each limit in place of its name."""
    spec = rule.spec
    origins = {name: _origin(entry) for name, entry in spec.parameters.items()}
    parts = [write(tree) for _, tree in rule.trees()]
    text = " ; ".join(_PARAMETER.sub(lambda m: origins.get(m[1], m[0]), part) for part in parts)
    return f"{spec.grain} {spec.sustain} {spec.absence} {text}"


def _origin(entry: ParameterSpec) -> str:
    if entry.table is None:
        return repr(entry.value)
    return f"table {entry.table} of {entry.jurisdiction or 'the subject'}"
