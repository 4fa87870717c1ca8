"""Jobs and runs as their pages show them: a calendar of slots, and what a failure means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from api.web.figures import day as day_text
from api.web.figures import moment
from api.web.wording import Lang, in_language, known_word, sayer
from detector.job_calendar import Calendar, Line
from detector.jobs import all_jobs
from detector.leases import MANUAL
from detector.ledger import Run
from detector.slots import slot_time

MARKS = {
    "done": "✓", "late": "+", "failed": "!", "running": "▸", "waiting": "", "planned": "",
    "missed": "–", "skipped": "»", "none": "·",
}  # fmt: skip
LEGEND = ("done", "late", "failed", "running", "planned", "missed", "none")
_MEANS = frozenset(("detect", "ingest-folder", "audit-checkpoint", "notify", "refit"))
_CAUSES = ("lost_lease", "overtaken", "audit_broken", "lake_behind_database", "the lease ended")
BIG = 12
"""Entries of a part of the counts shown before the rest is folded."""


def calendar_view(found: Calendar, lang: Lang) -> dict[str, Any]:
    """The calendar with a word for each slot."""
    heads = [
        {"text": _head(on, lang), "title": day_text(on, lang), "weekend": on.weekday() >= 5}
        for on in found.days
    ]
    return {"heads": heads, "lines": [_line(one, found, lang) for one in found.lines]}


def _head(on: date, lang: Lang) -> str:
    weekday = day_text(on, lang).split("\u00a0")[-1] if lang == "zh" else f"{on:%a}"[:2]
    return f"{weekday} {on.day}"


def _line(one: Line, found: Calendar, lang: Lang) -> dict[str, Any]:
    say = sayer(lang)
    days = []
    for on, slot in zip(found.days, one.days, strict=True):
        word = known_word(lang, "slot", slot.state)
        many = say("job.slots_of", failed=slot.failed, n=slot.slots) if slot.failed else ""
        days.append(
            {
                "state": slot.state,
                "mark": MARKS[slot.state],
                "word": f"{word} {many}".strip(),
                "href": f"/jobs/{slot.run_id}" if slot.run_id else None,
                "title": day_text(on, lang),
                "weekend": on.weekday() >= 5,
            }
        )
    return {
        "name": one.job.name,
        "title": in_language(one.job.title, lang)[0],
        "schedule": one.schedule,
        "next": one.next_slot,
        "days": days,
        "p50": duration(one.p50_s, lang),
        "n": one.n,
    }


def duration(seconds: float | None, lang: Lang) -> str:
    """A duration as people read it."""
    if seconds is None:
        return "–"
    say = sayer(lang)
    if seconds < 1:
        return str(say("job.under_second"))
    if seconds < 120:
        return str(say("job.seconds", n=f"{seconds:.0f}"))
    if seconds < 7200:
        return str(say("job.minutes", n=f"{seconds / 60:.0f}"))
    return str(say("job.hours", n=f"{seconds / 3600:.1f}"))


def slot_text(slot: str, lang: Lang) -> str:
    """The name of a slot: its moment, or that it was asked for by hand."""
    if slot.startswith(MANUAL):
        say = sayer(lang)
        return str(say("job.by_hand"))
    return moment(slot_time(slot), lang)


def failure_view(one: Run, lang: Lang) -> dict[str, Any]:
    """A failed run in three sentences: what happened, what it means, what to do next."""
    say, error = sayer(lang), one.error or ""
    cause = next((c for c in _CAUSES if c in error), "other").replace("the lease ended", "no_word")
    means = one.job if one.job in _MEANS else "other"
    return {
        "run_id": one.run_id,
        "job": in_language(all_jobs()[one.job].title, lang)[0]
        if one.job in all_jobs()
        else one.job,
        "slot": slot_text(one.slot, lang),
        "at": one.finished_at,
        "error": error,
        "means": say(f"job.means.{means}"),
        "next": say(f"job.next.{cause}"),
        "attempt": one.attempt,
    }


def failures_view(runs: Sequence[Run], lang: Lang) -> list[dict[str, Any]]:
    """Failed runs, the latest of each job and error, with how many more there are of it."""
    alike: dict[tuple[str, str | None], list[Run]] = {}
    for one in runs:
        alike.setdefault((one.job, one.error), []).append(one)
    return [failure_view(same[0], lang) | {"more": len(same) - 1} for same in alike.values()]


def run_view(one: Run, lang: Lang) -> dict[str, Any]:
    """One run: its stages with their times, and what it counted."""
    known = all_jobs().get(one.job)
    counts = dict(one.counts or {})
    plain = {k: v for k, v in counts.items() if isinstance(v, int | float) and k != "judged"}
    parts = {
        name: value for name, value in counts.items()
        if isinstance(value, Mapping) and name not in ("outcomes", "rule_outcomes", "skipped")
    }  # fmt: skip
    return {
        "title": in_language(known.title, lang)[0] if known else one.job,
        "slot": slot_text(one.slot, lang),
        "stages": _stages(one, lang),
        "outcomes": counts.get("outcomes"),
        "rule_outcomes": counts.get("rule_outcomes"),
        "judged": counts.get("judged"),
        "plain": list(plain.items()),
        "parts": [(name, _pairs(value)) for name, value in parts.items()],
        "skipped": sorted(counts.get("skipped", {}).items()),
        "marks": [(n, counts[n]) for n in ("snapshot", "weights", "target") if n in counts],
        "failure": failure_view(one, lang) if one.state == "failed" else None,
    }


def _pairs(value: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(str(k), _plain(v)) for k, v in value.items()]


def _plain(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{k} {_plain(v)}" for k, v in value.items())
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _stages(one: Run, lang: Lang) -> list[dict[str, Any]]:
    """What happened to a run, in order; a stage that did not come has no time."""
    waited = _seconds(one.planned_at, one.started_at)
    took = _seconds(one.started_at, one.finished_at)
    return [
        {"name": "planned", "at": one.planned_at, "took": ""},
        {"name": "started", "at": one.started_at, "took": duration(waited, lang)},
        {"name": "ended", "at": one.finished_at, "took": duration(took, lang)},
    ]


def _seconds(start: datetime | None, end: datetime | None) -> float | None:
    if start is None or end is None:
        return None
    return (end.astimezone(UTC) - start.astimezone(UTC)).total_seconds()
