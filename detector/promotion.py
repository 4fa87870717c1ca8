"""Moves a version of a rule through its life: into shadow, live, back, and out of use.

Every refusal says what is missing and which command comes next. What is decided is bound to the
hash of a text: another text, however small the change, needs a decision of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from alerts.changing import same_person as same_person
from detector.database import ReadConnection, WriteConnection, reading, writing
from detector.planning import LIVE
from detector.rule_records import RuleAct, RuleEvent, keep_events, keep_versions, lock
from detector.rule_releases import settle
from detector.rule_states import Standing, proposers, rolled_back
from detector.rule_texts import event_of, text_of, version_of
from detector.rulebook import Rulebook, read_rulebook, rulebook
from detector.tables import run as run_table
from features.errors import WardenError
from rules.overlays import MARK, kept
from rules.spec import Status

if TYPE_CHECKING:
    from datetime import datetime

    from detector.rule_checks import Report
    from detector.system import System
    from rules.load import Rule

LONGEST_NAME = 80
LONGEST_NOTE = 10_000


def named(actor: str) -> str:
    """The name to write beside an act.

    Raises:
        WardenError: `actor_required`, `bad_actor`.
    """
    name = actor.strip()
    if not name:
        raise WardenError(
            "actor_required",
            "Nobody is named for this act, so it was not done.",
            "Say who you are: --actor NAME, or WARDEN_ACTOR.",
        )
    if len(name) > LONGEST_NAME or not name.isprintable():
        raise WardenError("bad_actor", f"A name is 1 to {LONGEST_NAME} characters of plain text.")
    return name


def to_shadow(
    system: System,
    rule_id: str,
    actor: str,
    *,
    report: Report | None = None,
    note: str | None = None,
    version: str | None = None,
    expected: int | None = None,
    content_hash: str | None = None,
) -> Rulebook:
    """Puts today's text of a rule into shadow: it is judged in every run and never alerts.

    A live version put into shadow stops being live; that needs a note and no report.

    Args:
        report: of a backtest of exactly this text.
        version: another version than today's.
        expected: number of the last decision the actor has seen.
        content_hash: of the text the actor has read.

    Raises:
        WardenError: `unknown_rule`, `unknown_version`, `already_there`, `version_taken`,
            `lint_failed`, `cases_failed`, `report_required`, `report_mismatch`, `note_required`,
            `stale_version`.
    """
    from detector.rule_checks import ready_for_shadow

    actor, note = named(actor), _note(note)
    book = _opened(system, rule_id, expected)
    rule = _chosen(book, rule_id, version, content_hash)
    status = book.status(rule)
    if status is Status.SHADOW:
        raise WardenError(
            "already_there", f"{rule_id} {rule.version} is in shadow already.",
            f"Next, by another person: warden rules promote {rule_id} --to active.", "conflict",
        )  # fmt: skip
    if status is Status.ACTIVE:
        _need_note(note, "taking a live version back into shadow")
        data: dict[str, Any] = {"was": "active"}
    else:
        data = ready_for_shadow(book, rule, report)
    overlay = book.overlays.get(rule_id)
    if overlay is not None and MARK in rule.version:
        data["overlay"] = kept(book.files[rule_id], overlay)

    def decide(now: Rulebook, at: datetime) -> Sequence[RuleEvent]:
        _same_stand(book, now, rule)
        kinds = (RuleAct.PROPOSED, RuleAct.SHADOWED)
        return [event_of(rule, kind, actor, at, note, data) for kind in kinds]

    return _decided(system, rule, expected, decide)


def to_active(
    system: System,
    rule_id: str,
    actor: str,
    *,
    note: str | None = None,
    version: str | None = None,
    expected: int | None = None,
    content_hash: str | None = None,
) -> Rulebook:
    """Makes the version in shadow live; a second person does that.

    Raises:
        WardenError: `unknown_rule`, `unknown_version`, `already_there`, `shadow_required`,
            `version_taken`, `shadow_run_required`, `second_person`, `stale_version`.
    """
    actor, note = named(actor), _note(note)
    book = _opened(system, rule_id, expected)
    shadow = book.standing(rule_id).shadow
    wanted = version or (shadow.version if shadow is not None else None)
    rule = _chosen(book, rule_id, wanted, content_hash)
    _must_be_shadow(book, rule)
    if any(same_person(actor, one) for one in proposers(book.events[rule_id], text_of(rule))):
        raise WardenError(
            "second_person",
            f"{actor} put {rule_id} {rule.version} into shadow; making it live takes another "
            "person.",
            f"Next, by another person: warden rules promote {rule_id} --to active --actor NAME.",
            "conflict",
        )

    with reading(system.engine) as connection:
        seen = shadow_runs(connection, book.standing(rule_id), f"{rule_id}@{rule.version}")
    if not seen["judged"]:
        raise WardenError(
            "shadow_run_required",
            f"{rule_id} {rule.version} has not judged a single subject in shadow.",
            "Next: warden detect; then look at what it would have raised.",
            "conflict",
        )

    def decide(now: Rulebook, at: datetime) -> Sequence[RuleEvent]:
        _same_stand(book, now, rule)
        data = {**seen, **_overlay_of(now, rule)}
        kinds = (RuleAct.APPROVED, RuleAct.ACTIVATED)
        return [event_of(rule, kind, actor, at, note, data) for kind in kinds]

    return _decided(system, rule, expected, decide)


def retire(
    system: System,
    rule_id: str,
    actor: str,
    *,
    note: str | None = None,
    version: str | None = None,
    expected: int | None = None,
) -> Rulebook:
    """Takes a rule out of use, or only the version in shadow when that is named.

    Raises:
        WardenError: `unknown_rule`, `not_in_use`, `note_required`, `stale_version`.
    """
    actor, note = named(actor), _note(note)
    _need_note(note, "taking a rule out of use")
    book = _opened(system, rule_id, expected)
    now = book.standing(rule_id)
    used = [text for text in (now.live, now.shadow) if text is not None]
    text = next((t for t in used if version in (None, t.version)), None)
    if text is None:
        what = f"{rule_id} {version}" if version else rule_id
        raise WardenError(
            "not_in_use", f"{what} is neither live nor in shadow.",
            f"See `warden rules show {rule_id}`.", "conflict",
        )  # fmt: skip
    rule = book.version(rule_id, text.version)

    def decide(later: Rulebook, at: datetime) -> Sequence[RuleEvent]:
        _same_stand(book, later, rule)
        return [event_of(rule, RuleAct.RETIRED, actor, at, note)]

    return _decided(system, rule, expected, decide)


def roll_back(
    system: System,
    rule_id: str,
    actor: str,
    *,
    note: str | None = None,
    expected: int | None = None,
) -> Rulebook:
    """Makes live again what was live before; it was approved then, so one person may do it.

    Raises:
        WardenError: `unknown_rule`, `nothing_to_roll_back`, `unreadable_version`,
            `stale_version`.
    """
    actor, note = named(actor), _note(note)
    book = _opened(system, rule_id, expected)
    earlier = rolled_back(book.standing(rule_id))
    if earlier is None or earlier.live is None:
        raise WardenError(
            "nothing_to_roll_back",
            f"No other version of {rule_id} was live before.",
            f"To take it out of use: warden rules retire {rule_id} --note WHY.",
            "conflict",
        )
    rule = book.version(rule_id, earlier.live.version)

    def decide(later: Rulebook, at: datetime) -> Sequence[RuleEvent]:
        _same_stand(book, later, rule)
        left = later.standing(rule_id).live
        data = {"from": left.version if left else None, "overlay": earlier.use.overlay}
        return [event_of(rule, RuleAct.ROLLED_BACK, actor, at, note, data)]

    return _decided(system, rule, expected, decide)


def shadow_runs(connection: ReadConnection, now: Standing, label: str) -> dict[str, Any]:
    """What a version judged in the live runs since it was put into shadow."""
    found = {"runs": 0, "judged": 0, "fired": 0}
    if now.shadowed_at is None:
        return found
    query = sa.select(run_table.c.counts).where(
        run_table.c.job == "detect",
        run_table.c.state == "done",
        run_table.c.finished_at >= now.shadowed_at,
    )
    for counts in connection.scalars(query):
        if not counts or counts.get("target") != LIVE:
            continue
        told = (counts.get("shadows") or {}).get(label)
        if told is not None:
            found["runs"] += 1
            found["judged"] += told["judged"]
            found["fired"] += told["fired"]
    return found


def _opened(system: System, rule_id: str, expected: int | None) -> Rulebook:
    """What is known before a decision, if it is what the actor has seen."""
    book = rulebook(system)
    if rule_id not in book.ids():
        book.candidate(rule_id)
    _as_seen(book, rule_id, expected)
    return book


def _chosen(book: Rulebook, rule_id: str, version: str | None, content_hash: str | None) -> Rule:
    """The text decided about, which must be the one kept and the one that was read."""
    from detector.rule_records import version_taken

    rule = book.candidate(rule_id, version)
    text = book.kept.get((rule.id, rule.version))
    if text is not None and text.content_hash != rule.content_hash:
        raise version_taken(rule.id, rule.version)
    if content_hash is not None and content_hash != rule.content_hash:
        raise WardenError(
            "content_changed",
            f"{rule_id} {rule.version} is another text than the one decided about.",
            "Read it again.",
            "conflict",
        )
    return rule


def _must_be_shadow(book: Rulebook, rule: Rule) -> None:
    status = book.status(rule)
    if status is Status.ACTIVE:
        raise WardenError(
            "already_there", f"{rule.id} {rule.version} is live already.",
            f"See `warden rules show {rule.id}`.", "conflict",
        )  # fmt: skip
    if status is not Status.SHADOW:
        raise WardenError(
            "shadow_required",
            f"{rule.id} {rule.version} is {status.value}; nothing goes live without a shadow "
            "stage.",
            f"Next: warden rules backtest {rule.id} --json --out report.json, then "
            f"warden rules promote {rule.id} --to shadow --report report.json.",
            "conflict",
        )


def _overlay_of(book: Rulebook, rule: Rule) -> dict[str, Any]:
    """The overlay that was put into shadow with this text."""
    text = text_of(rule)
    for event in reversed(book.events.get(rule.id, ())):
        same = (event.version, event.content_hash) == (text.version, text.content_hash)
        if event.kind is RuleAct.SHADOWED and same and event.data.get("overlay"):
            return {"overlay": event.data["overlay"]}
    return {}


Decide = Callable[[Rulebook, "datetime"], Sequence[RuleEvent]]


def _decided(system: System, rule: Rule, expected: int | None, decide: Decide) -> Rulebook:
    """Writes a decision with everything it stands on, or nothing."""
    with writing(system.engine) as connection:
        lock(connection)
        now, at = read_rulebook(connection, system), system.clock()
        _as_seen(now, rule.id, expected)
        events = decide(now, at)
        _write(connection, now, rule, events, at)
    return rulebook(system)


def _write(
    connection: WriteConnection,
    now: Rulebook,
    rule: Rule,
    events: Sequence[RuleEvent],
    at: datetime,
) -> None:
    settle(connection, now, at)
    keep_versions(connection, [version_of(rule, at)])
    keep_events(connection, events)


def _as_seen(now: Rulebook, rule_id: str, expected: int | None) -> None:
    number = now.standing(rule_id).number
    if expected is not None and expected != number:
        raise WardenError(
            "stale_version",
            f"The last decision about {rule_id} is number {number}, not {expected}.",
            "Read what was decided, then decide again.",
            "conflict",
        )


def _same_stand(before: Rulebook, now: Rulebook, rule: Rule) -> None:
    """What was checked outside the transaction must still be so inside."""
    if before.standing(rule.id).number != now.standing(rule.id).number:
        raise WardenError(
            "stale_version", f"Somebody decided about {rule.id} meanwhile.",
            "Read what was decided, then decide again.", "conflict",
        )  # fmt: skip


def _note(note: str | None) -> str | None:
    if note and len(note) > LONGEST_NOTE:
        raise WardenError("note_too_long", f"The note is over {LONGEST_NOTE:,} characters.")
    return (note or "").strip() or None


def _need_note(note: str | None, act: str) -> None:
    if note is None:
        raise WardenError("note_required", f"To say why is part of {act}.", "Add --note WHY.")
