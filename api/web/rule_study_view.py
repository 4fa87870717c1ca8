"""A backtest in the editor: what history says of the text, and of its limits moved."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from api.web.figures import moment, plain
from api.web.rule_view import features_of
from api.web.rules_list import share
from api.web.wording import Lang, known_word, sayer
from detector.rule_moves import Facts, movable, scale_of
from detector.rule_studies import Studies, Study, study_id
from detector.rulebook import Rulebook
from features.errors import WardenError
from rules.load import Rule

MOVE = "p."
"""Begins the name of a moved limit in the address."""


def study_view(
    studies: Studies, rule: Rule, query: Mapping[str, str], lang: Lang
) -> dict[str, Any]:
    """The study of a text as the editor shows it; `state` is `none` where nobody asked for one."""
    study = studies.of(study_id(rule))
    shown: dict[str, Any] = {
        "id": study_id(rule), "rule": rule.id, "version": rule.version, "state": "none",
        "report": None, "moved": None, "sliders": [], "stale": "",
    }  # fmt: skip
    if study is None:
        return shown
    shown |= {
        "state": study.state,
        "started": moment(study.started, lang),
        "finished": moment(study.finished, lang) if study.finished else "",
        "error": study.error,
    }
    if study.report is None:
        return shown
    shown["report"] = report_view(study, lang)
    try:
        facts = studies.facts(rule)
        shown["sliders"] = sliders(facts, query, lang)
        given = {one["name"]: one["at"] for one in shown["sliders"] if one["moved"]}
        along = query.get("along", "")
        names = [one["name"] for one in shown["sliders"]]
        if names:
            along = along if along in names else next(iter(given), names[0])
            found = studies.moved(rule, given, along)
            shown["moved"] = moved_view(facts, found, given, lang)
    except WardenError as error:
        shown["stale"] = str(error)
    return shown


def asked_of_history(
    book: Rulebook, rule: Rule, studies: Studies, lang: Lang
) -> dict[str, Any] | None:
    """The backtest a text was proposed with, else the last one asked for at the desk."""
    mine = (rule.version, rule.content_hash)
    for event in reversed(book.events.get(rule.id, ())):
        kept = event.data.get("report")
        if kept and (event.version, event.content_hash) == mine:
            return {
                "at": moment(event.at, lang),
                "by": event.actor,
                "rows": kept.get("rows"),
                "rate": share(kept.get("flag_rate")),
                "hours": (kept.get("review_hours") or {}).get("value"),
                "snapshot": kept.get("snapshot_id", ""),
            }
    study = studies.of(study_id(rule))
    if study is None or study.report is None:
        return None
    report = study.report
    return {
        "at": moment(study.finished, lang),
        "by": study.asked_by,
        "rows": report["rows"],
        "rate": share(report["flag_rate"]["value"]),
        "hours": report["review_hours"]["value"],
        "snapshot": report["snapshot_id"],
    }


def report_view(study: Study, lang: Lang) -> dict[str, Any]:
    """Figures of a report."""
    report = dict(study.report or {})
    rate, cap = report["flag_rate"], report["max_flag_rate"]
    periods = report["by_period"]
    return {
        "outcomes": report["outcomes"],
        "rows": report["rows"],
        "subjects": report["subjects"],
        "rate": share(rate["value"]),
        "interval": (share(rate["low"]), share(rate["high"])) if rate["n"] else None,
        "cap": share(cap) if cap is not None else "",
        "kept": report["max_flag_rate_kept"],
        "hours": plain(report["review_hours"]["value"]),
        "minutes": plain(report["review_hours"]["minutes_per_firing"]),
        "snapshot": report["snapshot_id"],
        "known": moment(report["known_as_of"], lang),
        "notes": report["notes"],
        "from": periods[0]["period_start"] if periods else "",
        "to": periods[-1]["period_end"] if periods else "",
        "overlap": report["overlap"][:3],
    }


def sliders(facts: Facts, query: Mapping[str, str], lang: Lang) -> list[dict[str, Any]]:
    """The limits of the text's own, each where the address moved it."""
    titles = {f.name: f.title.get(lang) or f.title["en"] for f in features_of(facts.rule)}
    found = []
    for name in movable(facts.rule, facts.parameters):
        spec, scale = facts.rule.spec.parameters[name], scale_of(facts, name)
        value = float(spec.value or 0)
        at = _number(query.get(f"{MOVE}{name}", ""), value)
        found.append(
            {
                "name": name,
                "title": titles.get(_base(facts, name), ""),
                "unit": known_word(lang, "unit", spec.unit or ""),
                "class": spec.class_.value if spec.class_ else "",
                "value": value,
                "value_text": f"{value:g}",
                "at": at,
                "at_text": f"{at:g}",
                "moved": at != value,
                "low": f"{min(scale.low, at):g}",
                "high": f"{max(scale.high, at):g}",
                "step": f"{scale.step:g}",
            }
        )
    return found


def _base(facts: Facts, name: str) -> str:
    from detector.rule_moves import compared

    return (compared(facts.rule, name) or "").partition("__")[0]


def _number(text: str, otherwise: float) -> float:
    try:
        found = float(text.replace("−", "-").replace(",", ""))
    except ValueError:
        return otherwise
    return found if abs(found) < 1e15 else otherwise


def moved_view(
    facts: Facts, found: Mapping[str, Any], given: Mapping[str, float], lang: Lang
) -> dict[str, Any]:
    """The effect of a move: a curve, a table of effects, who leaves and who enters."""
    say, curve = sayer(lang), found["curve"]
    name, against = curve["parameter"], found["against"]
    old_name = str(say("studio.curve.live", v=against)) if against else ""
    new_name = str(say("studio.curve.text", v=facts.rule.version))
    xs = [f"{x:g}" for x in curve["x"]]
    series: list[dict[str, Any]] = [
        {"name": new_name, "values": curve["new"], "role": "subject", "step": False}
    ]
    if curve["old"]:
        old = {"name": old_name, "values": curve["old"], "role": "ink", "dashed": True}
        series.append(old)
    now = given.get(name, float(facts.rule.spec.parameters[name].value or 0))
    spec = {
        "kind": "lines", "x": xs, "series": series, "y0": True, "digits": 8, "height": 260,
        "events": _marks(facts, name, now, say),
        "label": str(say("studio.curve.label", name=name)),
    }  # fmt: skip
    return {
        "parameter": name,
        "figure": _base(facts, name) or name,
        "chart": json.dumps(spec, ensure_ascii=False),
        "rows": list(zip(xs, curve["new"], curve["old"] or [None] * len(xs), strict=True)),
        "old_name": old_name or str(say("studio.curve.written")),
        "new_name": new_name,
        "has_old": bool(curve["old"]),
        "old": found["old"],
        "new": found["new"],
        "changes": {
            key: found["new"][key] - found["old"][key] for key in ("fired", "confirmed", "hours")
        },
        "left": [_row(one, lang) for one in found["examples"]["left"]],
        "left_n": found["left"],
        "entered": [_row(one, lang) for one in found["examples"]["entered"]],
        "entered_n": found["entered"],
        "kind": _kind(facts.rule),
        "given": given,
    }


def _marks(facts: Facts, name: str, now: float, say: Any) -> list[dict[str, str]]:
    """The old value and the new one on the curve; one mark where they are the same."""
    marks = [{"x": f"{now:g}", "text": str(say("studio.curve.now", x=f"{now:g}"))}]
    live = facts.live
    if live is not None and name in movable(live, facts.parameters):
        value = float(live.spec.parameters[name].value or 0)
        if value != now:
            marks.append({"x": f"{value:g}", "text": str(say("studio.curve.was", x=f"{value:g}"))})
    return marks


def _kind(rule: Rule) -> str:
    from features.vocabulary import GRAINS

    return GRAINS[rule.spec.grain].subject_kind


def _row(one: Mapping[str, Any], lang: Lang) -> dict[str, Any]:
    value, state = one.get("value"), one.get("state")
    ended = ""
    if one.get("close_reason"):
        ended = known_word(lang, "reason", str(one["close_reason"]))
    elif state:
        ended = known_word(lang, "state", str(state))
    return {
        "key": one["subject_key"],
        "period": one["period_start"],
        "value": plain(float(value)) if isinstance(value, int | float) else "–",
        "ended": ended,
    }
