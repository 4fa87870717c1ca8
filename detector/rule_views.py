"""Rules as the command line and the API show them: plain data."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from detector.rule_records import kept_events, kept_versions
from detector.rule_states import Text, standing
from detector.rule_texts import source_of, text_of

if TYPE_CHECKING:
    from detector.database import ReadConnection
    from detector.rule_records import RuleEvent, RuleVersion
    from detector.rulebook import Rulebook


def rule_object(book: Rulebook, rule_id: str) -> dict[str, Any]:
    """One rule: what is live, what is in shadow, what its file says.

    Raises:
        WardenError: `unknown_rule`.
    """
    candidate = book.candidate(rule_id)
    now = book.standing(rule_id)
    live = book.version(rule_id, now.live.version) if now.live is not None else None
    shown = live or candidate
    spec = shown.spec
    return {
        "id": rule_id,
        "title": {"en": spec.title.en, "zh": spec.title.zh},
        "version": shown.version,
        "status": book.status(shown).value,
        "source": book.source(shown),
        "typology": spec.typology,
        "grain": spec.grain,
        "lane": spec.lane.value,
        "severity": spec.severity,
        "owner": spec.owner,
        "live": _named(now.live),
        "shadow": _named(now.shadow),
        "candidate": {
            "version": candidate.version,
            "content_hash": candidate.content_hash,
            "status": book.status(candidate).value,
            "source": source_of(candidate),
        },
        "governed": now.governed,
        "number": now.number,
    }


def version_object(book: Rulebook, rule_id: str, version: str) -> dict[str, Any]:
    """One version of a rule, with its text; also one that this release cannot read any more.

    Raises:
        WardenError: `unknown_rule`, `unknown_version`.
    """
    kept = book.kept.get((rule_id, version))
    if kept is not None:
        text, source = Text(version, kept.content_hash), kept.source
        status, written = book.status_of(rule_id, text), kept.text
    else:
        rule = book.version(rule_id, version)
        text, source = text_of(rule), source_of(rule)
        status, written = book.status(rule), rule.text
    return {
        "id": rule_id,
        "version": version,
        "content_hash": text.content_hash,
        "status": status.value,
        "source": source,
        "first_seen": kept.first_seen.isoformat() if kept is not None else None,
        "text": written,
    }


def history(book: Rulebook, rule_id: str) -> list[dict[str, Any]]:
    """What was decided about a rule, oldest first; what the release brings counts already."""
    return [event_object(event) for event in book.events.get(rule_id, ())]


def event_object(event: RuleEvent) -> dict[str, Any]:
    """One decision."""
    return {
        "number": event.id,
        "rule": event.rule_id,
        "version": event.version,
        "content_hash": event.content_hash,
        "kind": event.kind.value,
        "actor": event.actor,
        "at": event.at.isoformat(),
        "note": event.note,
        "data": dict(event.data),
    }


def fired_texts(
    connection: ReadConnection, rules: Iterable[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """The texts the rules of an alert fired with, and what has changed in them since.

    Each has `id`, `version`, `text`, `today` (the live version now, None without one) and `diff`
    (from the text to today's, unified, without line ends). Rules whose text was never kept here
    are left out.
    """
    found = []
    for rule in rules:
        rule_id, version = str(rule["id"]), str(rule["version"])
        kept = kept_versions(connection, rule_id)
        fired = kept.get((rule_id, version))
        if fired is None:
            continue
        live = standing(kept_events(connection, rule_id)).live
        now = kept.get((rule_id, live.version)) if live is not None else None
        found.append(
            {
                "id": rule_id,
                "version": version,
                "text": fired.text,
                "today": now.version if now is not None else None,
                "diff": unified(fired, now) if now is not None else [],
            }
        )
    return found


def unified(old: RuleVersion, new: RuleVersion) -> list[str]:
    """From one kept text to another."""
    names = (f"{old.rule_id}@{old.version}", f"{new.rule_id}@{new.version}")
    texts = (old.text.splitlines(), new.text.splitlines())
    return list(difflib.unified_diff(*texts, *names, lineterm=""))


def _named(text: Text | None) -> dict[str, str] | None:
    if text is None:
        return None
    return {"version": text.version, "content_hash": text.content_hash}
