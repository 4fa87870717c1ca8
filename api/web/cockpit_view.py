"""The director's view as its page shows it: no number without its comparison."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from markupsafe import Markup

from api.web.cockpit_figures import days, key_figures
from api.web.figures import moment, percent, plain
from api.web.queue_view import typology_title
from api.web.wording import Lang, known_word, sayer, words

Row = Mapping[str, Any]
SPARK = (96, 20)
"""Width and height of the little line of a market."""
CONCENTRATED = 1800
"""HHI above which a market counts as highly concentrated (US Merger Guidelines 2023, 2.1)."""


def cockpit_view(found: Row, lang: Lang) -> dict[str, Any]:
    """Everything the template needs beside the frame."""
    return {
        "at": moment(found["at"], lang),
        "needs": _needs(found, lang),
        "figures": key_figures(found, lang),
        "markets": _markets(found["markets"], lang),
        "weeks": found["weekly"],
        "load_chart": _load_chart(found["weekly"], lang),
        "pace": found["pace"],
        "pace_chart": _pace_chart(found["pace"]["decided"], lang),
        "pace_said": _pace_said(found["pace"]["decided"], lang),
        "rules": _rules(found["rules"]),
        "rules_chart": _rules_chart(found["rules"], lang),
        "checked": _checked(found["checked"], lang),
        "freshness": _freshness(found["freshness"], found["at"], lang),
        "remedies": _remedies(found["remedies"], lang),
    }


def _needs(found: Row, lang: Lang) -> list[Markup]:
    """What asks for somebody now, as sentences with a way on."""
    say, load, told = sayer(lang), found["load"], []
    second = load["second_person"]
    if second["n"]:
        told.append(
            say("cockpit.need.second", n=plain(second["n"]), at=moment(second["since"], lang))
        )
    if load["overdue"]:
        told.append(say("cockpit.need.overdue", n=plain(load["overdue"])))
    late = [one for one in found["freshness"] if one.late_days > 0]
    if late:
        told.append(say("cockpit.need.late", n=plain(len(late))))
    errors = sum(row["error"] for row in found["checked"] or ())
    if errors:
        told.append(say("cockpit.need.errors", n=plain(errors)))
    return told


def _markets(rows: Sequence[Row] | None, lang: Lang) -> list[dict[str, Any]] | None:
    if rows is None:
        return None
    return [
        {
            "name": one["name"] or one["market"],
            "key": one["market"],
            "hhi": plain(round(one["hhi"])) if one["hhi"] is not None else "–",
            "high": (one["hhi"] or 0) > CONCENTRATED,
            "spark": spark(one["hhi_periods"]),
            "periods": len(one["hhi_periods"]),
            "cr4": f"{plain(one['cr4'])}\u00a0%" if one["cr4"] is not None else "–",
            "alerts": plain(one["alerts"]),
            "href": "/?" + urlencode({"subject": one["market"]}),
            "typology": typology_title(one["typology"], lang) if one["typology"] else "–",
        }
        for one in rows
    ]


def spark(values: Sequence[float | None]) -> str:
    """The path of a little line through values, in a box of `SPARK`; empty for fewer than two."""
    told = [(i, v) for i, v in enumerate(values) if v is not None]
    if len(told) < 2:
        return ""
    width, height = SPARK
    low, high = min(v for _, v in told), max(v for _, v in told)
    last = len(values) - 1
    points = [
        (
            round(2 + i / last * (width - 4), 1),
            round(height - 3 - (v - low) / ((high - low) or 1) * (height - 6), 1),
        )
        for i, v in told
    ]
    return "M" + "L".join(f"{x} {y}" for x, y in points)


def _load_chart(weeks: Sequence[Row], lang: Lang) -> str:
    say = words(lang)
    spec = {
        "kind": "lines",
        "label": say["cockpit.load.label"],
        "x": [week["end"].isoformat()[5:] for week in weeks],
        "y0": True,
        "series": [
            {
                "name": say[f"cockpit.{part}"],
                "role": role,
                "dashed": part == "closed",
                "values": [week[part] for week in weeks],
            }
            for part, role in (("open", "subject"), ("opened", "peer"), ("closed", "ink"))
        ],
    }
    return json.dumps(spec, ensure_ascii=False)


def _pace_chart(decided: Row, lang: Lang) -> str:
    if not decided["steps"]:
        return ""
    say = words(lang)
    spec = {
        "kind": "lines",
        "label": say["cockpit.pace.label"],
        "unit": "%",
        "y0": True,
        "x": [days(step["day"]) for step in decided["steps"]],
        "series": [
            {
                "name": say["cockpit.still"],
                "role": "subject",
                "step": True,
                "values": [round(100 * step["share"], 1) for step in decided["steps"]],
            }
        ],
    }
    return json.dumps(spec, ensure_ascii=False)


def _pace_said(decided: Row, lang: Lang) -> Markup:
    say = sayer(lang)
    if decided["median"] is None:
        closed = decided["n"] - decided["waiting"]
        return say("cockpit.pace.none", closed=plain(closed), n=plain(decided["n"]))
    if decided["low"] is None or decided["high"] is None:
        return say("cockpit.pace.median", median=days(decided["median"]))
    ends = {k: days(decided[k]) for k in ("median", "low", "high")}
    return say("cockpit.pace.interval", **ends)


def _rules(rows: Sequence[Row] | None) -> list[dict[str, str]]:
    return [
        {
            "id": str(row["id"]),
            "share": percent(row["precision"]["value"]),
            "low": percent(row["precision"]["low"]),
            "high": percent(row["precision"]["high"]),
            "n": plain(row["precision"]["n"]),
        }
        for row in rows or ()
    ]


def _rules_chart(rows: Sequence[Row] | None, lang: Lang) -> str:
    if not rows:
        return ""
    say = words(lang)
    told = [
        {
            "name": str(row["id"]),
            "value": round(100 * row["precision"]["value"], 1),
            "low": round(100 * row["precision"]["low"], 1),
            "high": round(100 * row["precision"]["high"], 1),
            "text": say["cockpit.of"].format(
                share=percent(row["precision"]["value"]), n=plain(row["precision"]["n"])
            ),
        }
        for row in rows
    ]
    spec = {"kind": "dots", "label": say["cockpit.rules.label"], "unit": "%", "rows": told}
    return json.dumps(spec, ensure_ascii=False)


def _checked(rows: Sequence[Row] | None, lang: Lang) -> list[dict[str, Any]] | None:
    if rows is None:
        return None
    told = [{**row, "family": known_word(lang, "family", row["family"])} for row in rows]
    return [
        {
            "family": row["family"],
            **{k: plain(row[k]) for k in ("judged", "fired", "clear", "not_evaluable", "error")},
            "share": percent(row["not_evaluable"] / row["judged"]) if row["judged"] else "–",
            "reason": known_word(lang, "why", row["reason"]) if row["reason"] else "–",
        }
        for row in told
    ]


def _freshness(rows: Sequence[Any], now: datetime, lang: Lang) -> list[dict[str, Any]]:
    told = []
    for one in sorted(rows, key=lambda one: (-one.late_days, one.table)):
        age = (now - one.last_at).total_seconds() / 86_400 if one.last_at else None
        told.append(
            {
                "table": one.table,
                "last": moment(one.last_at, lang),
                "age": days(age),
                "gap": days(one.usual_gap),
                "late": days(one.late_days) if one.late_days > 0 else "",
                "known": one.usual_gap is not None,
            }
        )
    return told


def _remedies(rows: Sequence[Row] | None, lang: Lang) -> list[dict[str, Any]] | None:
    if rows is None:
        return None
    told = []
    for row in rows:
        found, target = row["follow_up"], row["target"]
        effect = (found or {}).get("effect") or {}
        told.append(
            {
                "case": row["case"],
                "title": row["title"],
                "kind": known_word(lang, "cases.kind", row["kind"]),
                "decided_on": row["decided_on"],
                "feature": target["feature"],
                "subject": target["subject_key"],
                "verdict": _verdict(found, lang),
                "why": str((found or {}).get("reason") or ""),
                "effect": plain(effect["value"]) if "value" in effect else "",
            }
        )
    return told


def _verdict(found: Row | None, lang: Lang) -> str:
    if found is None:
        return words(lang)["cockpit.not_followed"]
    return known_word(lang, "cases.verdict", found["verdict"])
