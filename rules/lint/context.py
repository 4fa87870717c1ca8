"""What a check may look at, and what every check is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import ClassVar

from features.catalogue import FeatureCatalogue
from rules.cases import CaseResult
from rules.checking import Vocabulary
from rules.errors import RuleIssue
from rules.lint.twins import Twins
from rules.load import Rule
from rules.lock import LockEntry
from rules.overlays import Overlay
from rules.ruleset import RuleSet


@dataclass(frozen=True, slots=True)
class ExceptionNote:
    """An exception somebody granted from a rule, as far as lint looks at it."""

    rule_id: str
    subject: str
    owner: str | None
    reason: str | None
    expires: date | None


@dataclass(frozen=True, slots=True)
class Around:
    """What stands around the files: plain data from the lock, exceptions and overlays."""

    lock: Mapping[str, LockEntry] = field(default_factory=dict)
    exceptions: tuple[ExceptionNote, ...] = ()
    overlays: tuple[Overlay, ...] = ()


@dataclass(frozen=True)
class Context:
    """What a check may look at besides the rule itself.

    Attributes:
        names: what a rule of the grain may name.
        results: how the rule's examples ended; None while its names do not fit.
        twins: titles and judgements of the whole library.
    """

    rules: RuleSet
    names: Vocabulary
    catalogue: FeatureCatalogue
    results: tuple[CaseResult, ...] | None
    twins: Twins
    around: Around = Around()


class Check(ABC):
    """One check: a stable code, what it looks at, and why that matters."""

    code: ClassVar[str]
    title: ClassVar[str]
    why: ClassVar[str]

    @abstractmethod
    def check(self, rule: Rule, context: Context, /) -> Iterator[RuleIssue]:
        """Findings about one rule, each at its place in the file."""
