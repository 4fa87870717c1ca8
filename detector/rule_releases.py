"""What the shipped files bring to the rules of an installation, and keeping it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from detector.database import WriteConnection, writing
from detector.rule_records import (
    RELEASE,
    RuleAct,
    RuleEvent,
    RuleVersion,
    keep_events,
    keep_versions,
    lock,
)
from detector.rule_states import Standing
from detector.rule_texts import event_of, is_shipped, text_of, version_of
from rules.load import Rule
from rules.overlays import Overlay, conflicts, kept
from rules.spec import Status

if TYPE_CHECKING:
    from detector.rulebook import Rulebook
    from detector.system import System


def released(
    files: Mapping[str, Rule],
    both: Mapping[str, Rule],
    overlays: Mapping[str, Overlay],
    texts: Mapping[tuple[str, str], RuleVersion],
    standings: Mapping[str, Standing],
    at: datetime,
) -> list[RuleEvent]:
    """What the shipped files bring that is not kept yet."""
    found = []
    for rule_id in sorted({*files, *standings}):
        now, rule = standings.get(rule_id, Standing()), files.get(rule_id)
        if rule is not None and not is_shipped(rule):
            continue
        known = texts.get((rule_id, rule.version)) if rule is not None else None
        if rule is not None and known is not None and known.content_hash != rule.content_hash:
            continue  # told as an issue; the text kept stays in force
        if now.governed:
            event = _carried(rule, both.get(rule_id), overlays.get(rule_id), now, at)
        else:
            event = _shipped(rule_id, rule, now, at)
        found += [event] if event is not None else []
    return found


def _shipped(rule_id: str, rule: Rule | None, now: Standing, at: datetime) -> RuleEvent | None:
    """The status of the file, where nobody of the installation decided otherwise."""
    status = rule.spec.status if rule is not None else Status.DRAFT
    if rule is not None and status is Status.ACTIVE and now.live != text_of(rule):
        return event_of(rule, RuleAct.ACTIVATED, RELEASE, at)
    if rule is not None and status is Status.SHADOW and now.shadow != text_of(rule):
        return event_of(rule, RuleAct.SHADOWED, RELEASE, at)
    left = now.live or now.shadow
    if status in (Status.DRAFT, Status.RETIRED) and left is not None:
        why = "no longer shipped" if rule is None else f"shipped as {status.value}"
        return RuleEvent(
            rule_id, left.version, left.content_hash, RuleAct.RETIRED, RELEASE, at, why
        )
    return None


def _carried(
    rule: Rule | None, both: Rule | None, overlay: Overlay | None, now: Standing, at: datetime
) -> RuleEvent | None:
    """An approved overlay on a new release: the release's review and the approval stand.

    A figure that the release itself changed is the release's from now on; to set it again takes
    a new approval.
    """
    approved = now.use.overlay
    if rule is None or overlay is None or approved is None or now.live is None:
        return None
    holding = kept(rule, overlay)
    fine = holding.items() <= approved.items() and rule.spec.status is Status.ACTIVE
    after = both or rule
    if not fine or now.live == text_of(after):
        return None
    data = {"overlay": holding, "left_out": sorted(conflicts(rule, overlay))}
    note = f"the overlay approved before, on {rule.version}"
    return event_of(after, RuleAct.ACTIVATED, RELEASE, at, note, data)


def remember(system: System) -> Rulebook:
    """Keeps the texts that judge and what the release brings; harmless when repeated."""
    from detector.rulebook import read_rulebook, rulebook

    book = rulebook(system)
    if not book.pending and not unkept(book, system.clock()):
        return book
    with writing(system.engine) as connection:
        lock(connection)
        settle(connection, read_rulebook(connection, system), system.clock())
    return rulebook(system)


def settle(connection: WriteConnection, book: Rulebook, at: datetime) -> None:
    """Writes what is pending, in the caller's transaction."""
    keep_versions(connection, unkept(book, at))
    keep_events(connection, book.pending)


def unkept(book: Rulebook, at: datetime) -> list[RuleVersion]:
    """Texts to keep: those the release brings, and those overlays were written against."""
    bases = {overlay.spec.base_hash for overlay in book.overlays.values()}
    news = {(event.rule_id, event.version) for event in book.pending}
    found = []
    for rule in [*book.files.values(), *book.merged.values()]:
        label = (rule.id, rule.version)
        if label not in book.kept and (label in news or rule.content_hash in bases):
            found.append(version_of(rule, at))
    return found
