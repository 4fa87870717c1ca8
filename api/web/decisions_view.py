"""What was decided in a case and what came of it: figures, picture, and the words beside them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from api.web.figures import as_moment, measure, moment, period, plain
from api.web.wording import Lang, known_word, sayer
from features.catalogue import catalogue

Row = dict[str, Any]
SHARES = frozenset({"share", "0-1", "probability", "%", "percent", "per cent"})


def decision_rows(found: Sequence[Mapping[str, Any]], lang: Lang) -> list[Row]:
    """Decisions, the newest first."""
    return [_decision(one, lang) for one in reversed(found)]


def _decision(one: Mapping[str, Any], lang: Lang) -> Row:
    return {
        "id": one["id"],
        "version": one["version"],
        "kind": one["kind"],
        "decided": period(one["decided_on"], None, lang),
        "decided_on": one["decided_on"],
        "text": one["text"],
        "legal_basis": one["legal_basis"],
        "amount": one["amount"],
        "currency": one["currency"] or "",
        "money": f"{plain(one['amount'], 12)} {one['currency']}" if one["currency"] else "",
        "added": moment(as_moment(one["added_at"]), lang),
        "added_by": one["added_by"],
        "targets": [target_row(target, lang) for target in one["targets"]],
        "typed_targets": "\n".join(typed_target(target) for target in one["targets"]),
        "earlier": [_earlier(old, lang) for old in reversed(one["earlier"])],
    }


def _earlier(old: Mapping[str, Any], lang: Lang) -> Row:
    told = old["corrected"]
    money = f"{plain(old['amount'], 12)} {old['currency']}" if old["currency"] else ""
    return {
        "version": old["version"],
        "kind": old["kind"],
        "decided": period(old["decided_on"], None, lang),
        "text": old["text"],
        "legal_basis": old["legal_basis"],
        "money": money,
        "targets": [typed_target(target) for target in old["targets"]],
        "why": told["why"],
        "by": told["by"],
        "at": moment(as_moment(told["at"]), lang),
    }


def typed_target(target: Mapping[str, Any]) -> str:
    """A target as the form and the command line take it."""
    return f"{target['feature']}:{target['direction']}:{target['by']}:{target['subject_key']}"


def target_row(target: Mapping[str, Any], lang: Lang) -> Row:
    """A figure that is to move, and what was found about it."""
    feature = catalogue().features.get(target["feature"])
    title = feature.title[lang] if feature else target["feature"]
    title = title[:1].upper() + title[1:]
    found, unit = target["follow_up"], feature.unit if feature else ""
    row: Row = {
        "id": target["id"],
        "code": target["feature"],
        "title": title,
        "subject": target["subject_key"],
        "wanted": known_word(lang, "cases.direction", target["direction"]),
        "by": period(target["by"], None, lang),
        "found": found is not None,
    }
    if found is None:
        return row
    reason = found["reason"]
    row |= {
        "verdict": found["verdict"],
        "why": known_word(lang, "cases.cannot", reason) if reason else "",
        "at": moment(as_moment(found["at"]), lang),
        "run": found["run_id"] or "–",
        "cautions": [known_word(lang, "cases.caution", one) for one in found.get("cautions", ())],
        "figures": _figures(found, unit, lang) if found.get("subject") else None,
    }
    if row["figures"]:
        row["chart"] = _chart(found, title, unit, row["figures"], lang)
    return row


def _figures(found: Mapping[str, Any], unit: str, lang: Lang) -> Row:
    interval = found.get("interval")
    return {
        "before": _days(found.get("before"), lang),
        "after": _days(found.get("after"), lang),
        "subject": [measure(value, unit, lang) for value in found["subject"]],
        "peers": [measure(value, unit, lang) for value in found["peers_median"]],
        "effect": _difference(found["effect"], unit, lang),
        "interval": [_difference(end, unit, lang) for end in interval] if interval else None,
        "n_peers": found["n_peers"],
        "n_before": found["n_before"],
        "n_after": found["n_after"],
        "level": found.get("level") or "",
    }


def _days(days: Sequence[str] | None, lang: Lang) -> str:
    return period(days[0], days[1], lang) if days else "–"


def _difference(value: float, unit: str, lang: Lang) -> Markup | str:
    """How far one value lies from another: of shares in percentage points."""
    if unit not in SHARES:
        return measure(value, unit, lang)
    points = value if unit in ("%", "percent", "per cent") else value * 100
    say = sayer(lang)
    return say("cases.points", n=plain(points))


def _chart(
    found: Mapping[str, Any], title: str, unit: str, figures: Mapping[str, Any], lang: Lang
) -> str:
    """What the script draws: before and after of the subject, and of its peers' median."""
    say = sayer(lang)
    share = unit in ("share", "0-1", "probability")
    factor = 100.0 if share else 1.0
    rows = [
        (say("cases.follow.peers"), found["peers_median"], False),
        (say("cases.follow.subject"), found["subject"], True),
    ]
    label = say(
        "cases.follow.label", feature=title, before=figures["subject"][0],
        after=figures["subject"][1], peers_before=figures["peers"][0],
        peers_after=figures["peers"][1],
    )  # fmt: skip
    largest = max(abs(value) * factor for _, pair, _ in rows for value in pair) or 1.0
    spec = {
        "kind": "slope",
        "label": label.unescape(),
        "unit": "%" if unit in SHARES else "",
        "digits": 4 if largest < 0.1 else 2 if largest < 100 else 0,
        "ends": [str(say("cases.follow.before")), str(say("cases.follow.after"))],
        "rows": [
            {
                "name": str(name),
                "before": pair[0] * factor,
                "after": pair[1] * factor,
                "subject": own,
            }
            for name, pair, own in rows
        ],
    }
    return json.dumps(spec, ensure_ascii=False)
