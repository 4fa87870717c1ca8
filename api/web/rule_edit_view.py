"""The editor of rules as its page shows it."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from api.web.figures import moment
from api.web.rule_form import fields_of, with_head
from api.web.rule_view import case_rows, diff_lines, features_of
from api.web.wording import Lang
from detector.rule_desk import Checked, following
from features.vocabulary import GRAINS, TYPOLOGIES
from rules.skeleton import new_rule_text

if TYPE_CHECKING:
    from detector.rule_drafts import Draft
    from detector.rulebook import Rulebook

SPECIMEN = "MON-BID-CV"
"""Typology of the text a new rule starts from."""


def first_text(rule_id: str, today: date) -> str:
    """What a rule nobody has written yet starts from; it lints and its examples pass."""
    return new_rule_text(rule_id, today)


def text_like(book: Rulebook, rule_id: str, like: str, today: date) -> str:
    """A rule that begins as a copy of another."""
    text = book.candidate(like).text
    head = {"id": rule_id, "version": "0.1.0", "status": "draft",
            "created": today.isoformat(), "modified": today.isoformat()}  # fmt: skip
    return with_head(text, head)


def next_text(book: Rulebook, rule_id: str, today: date) -> str:
    """The text of the next version: what counts today under a number nobody has used."""
    text = book.version(rule_id, book.today(rule_id)).text
    head = {"version": following(book, rule_id), "modified": today.isoformat()}
    return with_head(text, head)


def editor(
    book: Rulebook, rule_id: str, text: str, draft: Draft | None, checked: Checked, lang: Lang
) -> dict[str, Any]:
    """Everything of the editor that hangs on the text."""
    rule = checked.rule
    known = rule_id in {*book.files, *book.standings}
    base = book.today(rule_id) if known else None
    return {
        "id": rule_id,
        "text": text,
        "lines": text.count("\n") + 1,
        "revision": draft.revision if draft else 0,
        "saved": {"by": draft.saved_by, "at": moment(draft.saved_at, lang)} if draft else None,
        "version": rule.version if rule else "",
        "hash": rule.content_hash if rule else "",
        "grain": rule.spec.grain if rule else "",
        "base": base,
        "diff": diff_lines(book.text(rule_id, base), text) if base else [],
        "fields": fields_of(text),
        "titles": titles_of(checked, lang),
        **checks(checked, lang),
    }


def titles_of(checked: Checked, lang: Lang) -> dict[str, str]:
    """Short names of the features the text reads, by code."""
    if checked.rule is None:
        return {}
    return {f.name: f.title.get(lang) or f.title["en"] for f in features_of(checked.rule)}


def checks(checked: Checked, lang: Lang) -> dict[str, Any]:
    """What lint says, how the examples end, and whether the text may go on."""
    return {
        "issues": checked.issues,
        "errors": checked.errors,
        "warnings": len(checked.issues) - checked.errors,
        "cases": case_rows(checked.cases, lang),
        "failed": checked.failed,
        "broken": checked.broken,
        "ready": checked.ready,
        "readable": checked.rule is not None,
    }


def typologies(lang: Lang) -> list[tuple[str, str]]:
    """Typologies with their name."""
    return [(one.id, one.title.get(lang) or one.title["en"]) for one in TYPOLOGIES.values()]


GRAIN_CODES = tuple(GRAINS)
"""Grains in the order of the catalogue."""
