"""Chips behind the reason of an alert: what must be known before anything is decided."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from markupsafe import Markup

from alerts.leads import IMPORTED
from alerts.store import STORM_KIND
from api.web.figures import day
from api.web.wording import Lang, sayer


@dataclass(frozen=True)
class Flag:
    """One chip; `tone` is `warn` where it changes what may be decided."""

    text: Markup
    tone: str = ""


def flags(alert: Mapping[str, Any], lang: Lang, moved: Mapping[str, datetime]) -> tuple[Flag, ...]:
    """The chips of an alert object.

    Args:
        moved: when a run last `updated` or `reopened` it.
    """
    say, unchecked = sayer(lang), len(alert["not_checked"])
    stale, reopened, updated = alert["stale_since"], moved.get("reopened"), moved.get("updated")
    found = [
        Flag(say("chip.second"), "warn") if alert["pending"] else None,
        Flag(say("chip.stale", day=day(stale, lang)), "warn") if stale else None,
        None if alert["firing"] else Flag(say("chip.quiet"), "warn"),
        Flag(say("chip.reopened", day=day(reopened, lang)), "new") if reopened else None,
        Flag(say("chip.restated", day=day(updated, lang)), "new") if updated else None,
        Flag(_tagged(alert, lang)) if alert["tags"] else None,
        Flag(say("chip.storm"), "warn") if alert["subject"]["kind"] == STORM_KIND else None,
        Flag(say("chip.lead")) if alert["run_id"] == IMPORTED else None,
        Flag(say("chip.blind")) if alert["blind"] else None,
        Flag(say("chip.unchecked", n=unchecked), "warn") if unchecked else None,
    ]
    return tuple(flag for flag in found if flag is not None)


def _tagged(alert: Mapping[str, Any], lang: Lang) -> Markup:
    names = ", ".join(tag_name(tag) for tag in alert["tags"])
    say = sayer(lang)
    return say("chip.set_aside", n=names) if alert["set_aside"] else say("chip.tagged", n=names)


def tag_name(tag: Mapping[str, Any]) -> str:
    """What a tag rests on: an exception by its number, a repeat by the alert it repeats."""
    return f"E-{tag['exception']}" if tag["kind"] == "exception" else str(tag["alert"])
