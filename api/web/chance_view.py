"""What an alert's q-value means, in one plain sentence, and whether the long run bears it out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from api.web.figures import plain
from api.web.wording import Lang, sayer


def chance_lines(alert: Mapping[str, Any], lang: Lang) -> list[str]:
    """Sentences about false alarms; none in the legal lane, where nothing is estimated."""
    q, budget = alert["q_value"], alert.get("budget")
    if q is None or alert["lane"] == "legal":
        return []
    say = sayer(lang)
    lines = [str(say("chance.q", q=plain(float(q), 2), n=plain(100 * float(q), 2)))]
    if budget:
        level = plain(float(budget["level"]), 2)
        place = say("chance.inside", level=level), say("chance.outside", level=level)
        lines.append(str(place[0] if budget["inside"] else place[1]))
    return lines
