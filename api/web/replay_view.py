"""A replay in the reader's words: the outcome, each differing figure, causes, then and now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from alerts.model import Alert
from api.web.figures import moment
from api.web.wording import Lang, sayer

LONGEST = 160
"""Characters of a value; the interface gives all of it."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure, as recorded and as it comes out again."""

    field: str
    recorded: str
    replayed: str


@dataclass(frozen=True, slots=True)
class ReplayView:
    """What the page shows.

    Attributes:
        identical: None before the first replay.
        now: a sentence about what is known now; empty where that was not asked.
    """

    alert_id: str
    href: str
    title: str
    identical: bool | None
    outcome: str
    by: str
    blind: bool
    figures: tuple[Figure, ...]
    causes: tuple[str, ...]
    judges: tuple[str, ...]
    now: str
    now_figures: tuple[Figure, ...]


def replay_view(alert: Alert, found: Mapping[str, Any] | None, lang: Lang) -> ReplayView:
    """The view of an alert's last replay; of none, only the alert."""
    say, title = sayer(lang), alert.signal.title
    head = (alert.id, f"/alerts/{alert.id}", str(title.get(lang) or title.get("en", "")))
    if found is None:
        return ReplayView(*head, None, say("replay.never"), "", False, (), (), (), "", ())
    at = moment(datetime.fromisoformat(found["at"]), lang)
    now = found["as_known_now"]
    return ReplayView(
        *head,
        found["outcome"] == "identical",
        say(f"replay.{found['outcome']}", n=f"{found['compared']:,}"),
        say("replay.by", who=found["actor"], at=at, version=found["version"]),
        found["blind"],
        _figures(found["differences"]),
        tuple(str(cause["text"][lang]) for cause in found["causes"]),
        tuple(sorted(found["judges"])),
        _known_now(now, lang),
        _figures(now["differences"]) if now else (),
    )


def _known_now(now: Mapping[str, Any] | None, lang: Lang) -> str:
    say = sayer(lang)
    if now is None:
        return ""
    if now["same_filings"]:
        return say("replay.now.same")
    filed = ", ".join(f"{table} {n:,}" for table, n in now["filings"].items())
    told = "gone" if not now["raised"] else "other" if now["differences"] else "alike"
    return say(f"replay.now.{told}", filed=filed or say("replay.now.nothing"))


def _figures(rows: Iterable[Mapping[str, Any]]) -> tuple[Figure, ...]:
    return tuple(Figure(r["field"], _short(r["recorded"]), _short(r["replayed"])) for r in rows)


def _short(value: Any) -> str:
    text = "–" if value is None else f"{value:.10g}" if isinstance(value, float) else str(value)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
