"""The rules that judge: files, what people decided about them, and figures of the installation.

A shipped rule has the status of its file, for which the review of the release stands, until a
person of the installation decides about it; a local one is a draft until then, whatever its file
says. What is live or in shadow is read by its text in the database, so a changed file changes
nothing by itself.
"""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from detector.database import reading
from detector.rule_drafts import kept_drafts
from detector.rule_records import RuleEvent, RuleVersion, Source, kept_events, kept_versions
from detector.rule_releases import released
from detector.rule_states import Standing, Text, by_rule, standing
from detector.rule_texts import (
    is_shipped,
    label_of,
    rule_of,
    source_of,
    stamped,
    text_of,
    unknown_rule,
)
from detector.rulebook_marks import mark_of, overlay_folder
from features.errors import WardenError
from rules.errors import RuleFilesError, RuleIssue
from rules.load import Rule
from rules.overlays import MARK, Overlay, merged, overlay_conflicts, read_overlays
from rules.ruleset import RuleSet, load_library
from rules.spec import Status

if TYPE_CHECKING:
    from collections.abc import Hashable

    from detector.database import ReadConnection
    from detector.system import System

MOST_KEPT = 8
_latest: dict[tuple[Path, str], tuple[Hashable, Rulebook]] = {}
"""By installation what was read last, with the mark it was read under."""


@dataclass(frozen=True)
class Rulebook:
    """Everything known about the rules of one installation at one moment.

    Attributes:
        files: rules as their files say, by id.
        merged: shipped rules with their overlay, by id.
        overlays: overlays by the id of their rule, with the text they were written against.
        kept: texts by (id, version).
        events: decisions by rule, oldest first.
        standings: where each rule stands, what comes with the release included.
        pending: what the release brings and nobody has kept yet.
        drafts: what is being written at the desk and can be read as a rule, by id.
    """

    library: RuleSet
    files: Mapping[str, Rule]
    merged: Mapping[str, Rule]
    overlays: Mapping[str, Overlay]
    kept: Mapping[tuple[str, str], RuleVersion]
    events: Mapping[str, Sequence[RuleEvent]]
    standings: Mapping[str, Standing]
    pending: Sequence[RuleEvent] = ()
    issues: Sequence[RuleIssue] = ()
    drafts: Mapping[str, Rule] = field(default_factory=dict)

    def ids(self) -> list[str]:
        """Every rule that has a file, a history or a draft that can be read."""
        return sorted({*self.files, *self.standings, *self.drafts})

    def texts_today(self, rule_id: str) -> list[Rule]:
        """Texts that are not for good yet: of the file, with its overlay, of the desk."""
        found = (self.files.get(rule_id), self.merged.get(rule_id), self.drafts.get(rule_id))
        return [rule for rule in found if rule is not None]

    def standing(self, rule_id: str) -> Standing:
        """Where a rule stands; nowhere when nothing was decided."""
        return self.standings.get(rule_id, Standing())

    def candidate(self, rule_id: str, version: str | None = None) -> Rule:
        """The text that may be promoted: with the overlay where there is one.

        Raises:
            WardenError: `unknown_rule`, `unknown_version`.
        """
        today = [r for r in (self.merged.get(rule_id), self.files.get(rule_id)) if r is not None]
        for rule in today:
            if version in (None, rule.version):
                return rule
        if version is None:
            live = self.standing(rule_id).live or self.standing(rule_id).shadow
            if live is None and rule_id in self.drafts:
                return self.drafts[rule_id]
            if live is None:
                self.refuse_faulty(rule_id)
                raise unknown_rule(rule_id, self.ids())
            version = live.version
        return self.version(rule_id, version)

    def refuse_faulty(self, rule_id: str) -> None:
        """Raises: RuleFilesError when the rule's file is there and cannot be used."""
        issues = [*self.library.issues, *self.issues]
        found = [i for i in issues if rule_id in (i.rule_id, Path(i.path).stem)]
        if found:
            raise RuleFilesError(found)

    def version(self, rule_id: str, version: str) -> Rule:
        """One version by its text: that kept, else that of a file.

        Raises:
            WardenError: `unknown_rule`, `unknown_version`.
        """
        kept = self.kept.get((rule_id, version))
        for rule in (r for r in self.texts_today(rule_id) if r.version == version):
            if kept is None:
                return rule
            if kept.text == rule.text:  # Read already; a kept text is named by its version.
                return replace(rule, path=label_of(kept))
        if kept is not None:
            return rule_of(kept)
        if rule_id not in self.ids():
            raise unknown_rule(rule_id, self.ids())
        known = ", ".join(self.versions(rule_id))
        raise WardenError(
            "unknown_version", f"{rule_id} has no version {version}.", f"Known: {known}.",
            "not_found",
        )  # fmt: skip

    def text(self, rule_id: str, version: str) -> str:
        """The text of a version, readable by this release or not.

        Raises:
            WardenError: `unknown_rule`, `unknown_version`.
        """
        kept = self.kept.get((rule_id, version))
        return kept.text if kept is not None else self.version(rule_id, version).text

    def today(self, rule_id: str) -> str:
        """The version that counts now: the live one, else that of the file or in shadow."""
        live = self.standing(rule_id).live
        return live.version if live is not None else self.candidate(rule_id).version

    def versions(self, rule_id: str) -> list[str]:
        """Versions of a rule, oldest first, those of its files and of the desk last."""
        found = [version for name, version in self.kept if name == rule_id]
        return list(dict.fromkeys([*found, *(r.version for r in self.texts_today(rule_id))]))

    def status(self, rule: Rule) -> Status:
        """What a version is at present."""
        found = self.status_of(rule.id, text_of(rule))
        gone = found is Status.DRAFT and rule.spec.status is Status.RETIRED
        return Status.RETIRED if gone else found

    def status_of(self, rule_id: str, text: Text) -> Status:
        """What a text is at present."""
        now = self.standing(rule_id)
        if text == now.live:
            return Status.ACTIVE
        if text == now.shadow:
            return Status.SHADOW
        return Status.RETIRED if now.use.retired else Status.DRAFT

    def source(self, rule: Rule) -> Source:
        """Where a text comes from."""
        kept = self.kept.get((rule.id, rule.version))
        return source_of(rule) if kept is None else kept.source

    def in_force(self) -> RuleSet:
        """Of every rule what is live, what is in shadow beside it, and else what its file says."""
        return self._in_force

    @cached_property
    def _in_force(self) -> RuleSet:
        found: list[Rule] = []
        issues = [*self.library.issues, *self.issues]
        for rule_id in self.ids():
            now = self.standing(rule_id)
            mine = {Status.ACTIVE: now.live, Status.SHADOW: now.shadow}
            for status, text in mine.items():
                if text is not None:
                    try:
                        found.append(stamped(self.version(rule_id, text.version), status))
                    except WardenError as error:
                        issues.append(_unreadable(rule_id, text, error))
            taken = {text.version for text in mine.values() if text is not None}
            files = (self.files.get(rule_id), self.merged.get(rule_id))
            rest = [r for r in files if r is not None and r.version not in taken]
            found += [stamped(rule, self.status(rule)) for rule in rest]
        digest = _digest(self.library, found)
        return RuleSet(tuple(found), digest, self.library.parameters, tuple(sorted(issues)))


def rules_in_force(system: System) -> RuleSet:
    """The rules of an installation with the status they have in it.

    One id may stand here several times: what is live first, then what is in shadow beside it,
    then what its file says when that is neither.
    """
    return rulebook(system).in_force()


def rulebook(system: System) -> Rulebook:
    """Files, decisions and overlays as they are now; changes nothing.

    Read anew only when one of them changed.
    """
    key = (system.home, str(system.engine.url))
    with reading(system.engine) as connection:
        mark = mark_of(connection, system)
        known = _latest.get(key)
        if known is not None and known[0] == mark:
            return known[1]
        book = read_rulebook(connection, system)
    if not book.pending:  # what is pending carries the moment it was read at
        if len(_latest) >= MOST_KEPT:
            _latest.clear()
        _latest[key] = (mark, book)
    return book


def read_rulebook(connection: ReadConnection, system: System) -> Rulebook:
    """The same inside a transaction."""
    library = load_library(system.settings.rule_dirs)
    kept, events = kept_versions(connection), kept_events(connection)
    overlays, issues = known_overlays(system, kept)
    grouped: dict[str, list[RuleEvent]] = {}
    for event in events:
        grouped.setdefault(event.rule_id, []).append(event)
    standings = by_rule(events)
    files, both = {}, {}
    for rule in library.rules:
        if not is_shipped(rule) and MARK in rule.version:
            message = f"a version with `{MARK}` is made of an overlay, not written"
            issues.append(rule.issue("D1", message, ("version",)))
            continue
        files[rule.id] = rule
        issues += _changed_text(rule, kept)
        overlay = overlays.get(rule.id)
        with_figures = _merged(rule, overlay, issues) if overlay is not None else None
        if with_figures is not None:
            both[rule.id] = with_figures
    pending = released(files, both, overlays, kept, standings, system.clock())
    for event in pending:
        grouped.setdefault(event.rule_id, []).append(event)
    moved = {name: standing(grouped[name]) for name in {e.rule_id for e in pending}}
    issues += overlay_conflicts(library, overlays.values())
    drafts = {name: draft.rule for name, draft in kept_drafts(connection).items()}
    return Rulebook(
        library, files, both, overlays, kept, grouped, {**standings, **moved}, pending, issues,
        {name: rule for name, rule in drafts.items() if rule is not None},
    )  # fmt: skip


def known_overlays(
    system: System, kept: Mapping[tuple[str, str], RuleVersion]
) -> tuple[dict[str, Overlay], list[RuleIssue]]:
    """Overlays by rule, each with the text it was written against where that is kept."""
    found, issues = read_overlays(overlay_folder(system.home))
    bases = {one.content_hash: one for one in kept.values()}
    placed = {}
    for overlay in found:
        base = bases.get(overlay.spec.base_hash)
        if base is not None and base.rule_id == overlay.rule:
            placed[overlay.rule] = replace(overlay, base=_readable(base))
        else:
            placed[overlay.rule] = overlay
    return placed, issues


def _readable(kept: RuleVersion) -> Rule | None:
    try:
        return rule_of(kept)
    except WardenError:
        return None


def _merged(rule: Rule, overlay: Overlay, issues: list[RuleIssue]) -> Rule | None:
    if not is_shipped(rule):
        message = "an overlay is for a shipped rule; change your own rule itself"
        issues.append(RuleIssue(overlay.path, 1, 1, "D21", "error", message, "", rule.id))
        return None
    try:
        return merged(rule, overlay)
    except WardenError as error:
        issues.append(
            RuleIssue(overlay.path, 1, 1, "D21", "error", error.message, error.hint, rule.id)
        )
        return None


def _changed_text(rule: Rule, kept: Mapping[tuple[str, str], RuleVersion]) -> list[RuleIssue]:
    """D18 in an installation: the text kept under the version stays in force."""
    known = kept.get((rule.id, rule.version))
    if known is None or known.content_hash == rule.content_hash:
        return []
    message = f"the rule changed and is still version {rule.version}; the text kept before counts"
    return [rule.issue("D18", message, ("version",), hint="Raise the version.")]


def _unreadable(rule_id: str, text: Text, error: WardenError) -> RuleIssue:
    message = f"{rule_id} {text.version} cannot be used: {error.message}"
    return RuleIssue(rule_id, 0, 0, "schema", "error", message, error.hint, rule_id)


def _digest(library: RuleSet, rules: Sequence[Rule]) -> str:
    parts = [[r.id, r.version, r.content_hash, r.spec.status.value] for r in rules]
    return hashlib.sha256(json.dumps([library.digest, parts]).encode()).hexdigest()


def rule_text(system: System, rule_id: str, version: str) -> str:
    """The text of a version, as it judged.

    Raises:
        WardenError: `unknown_rule`, `unknown_version`.
    """
    return rulebook(system).text(rule_id, version)


def text_diff(system: System, rule_id: str, version: str) -> list[str]:
    """From a version to today's, as a unified diff without line ends; empty when they are equal.

    Today's is what is live; where nothing is, what the file says.
    """
    book = rulebook(system)
    today = book.today(rule_id)
    old, new = book.text(rule_id, version), book.text(rule_id, today)
    names = (f"{rule_id}@{version}", f"{rule_id}@{today}")
    return list(difflib.unified_diff(old.splitlines(), new.splitlines(), *names, lineterm=""))
