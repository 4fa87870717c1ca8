"""An alert beside the queue: what weighs most, what is open, in the room of a side column."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from alerts.lifecycle import allowed_actions
from alerts.model import State
from api.web.facts_view import fact_rows, weight_rows
from api.web.queue_view import QueueRow
from api.web.wording import Lang, in_language, sayer

FACTS = 6
MEASURES = 4
DOUBTS = 3


def preview(alert: Mapping[str, Any], row: QueueRow, lang: Lang) -> dict[str, Any]:
    """What the side column shows of an alert object.

    Args:
        row: the same alert as a row of the queue.
    """
    title, title_lang = in_language(alert["title"], lang)
    rows = fact_rows(alert["facts"], lang, alert["rules"])
    facts = [one for one in rows if one.first and not one.beside]
    doubts = [in_language(one, lang) for one in alert["innocent_explanations"]]
    return {
        "row": row,
        "title": title[:1].upper() + title[1:],
        "title_lang": title_lang,
        "facts": facts[:FACTS],
        "more_facts": max(0, len(facts) - FACTS),
        "measures": weight_rows(alert["facts"], lang)[:MEASURES],
        "doubts": doubts[:DOUBTS],
        "more_doubts": max(0, len(doubts) - DOUBTS),
        "laws": [_law(one) for one in alert["legal_basis"][:2]],
        "possible": allowed_actions(State(row.state)),
        "unchecked": _unchecked(alert, lang),
    }


def _law(one: Mapping[str, Any]) -> str:
    return " ".join(
        str(one[key]) for key in ("jurisdiction", "instrument", "article") if one.get(key)
    )


def _unchecked(alert: Mapping[str, Any], lang: Lang) -> Markup:
    n, say = len(alert["not_checked"]), sayer(lang)
    return say("queue.preview.unchecked", n=n) if n else Markup()
