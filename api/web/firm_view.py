"""The first page of a dossier: who, key figures with what they are compared with, alerts,
markets, filings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from markupsafe import Markup

from api.visits import firm_address
from api.web.figures import as_moment, measure, moment, percent, period, plain, spaced
from api.web.firms_view import both_names
from api.web.queue_view import state_words, typology_title
from api.web.wording import HTML_LANG, Lang, in_language, known_word, one_bold, sayer
from detector.firm_index import KNOWN_AS
from detector.markdown import safe_html

Row = dict[str, Any]
ALERTS = 10
"""Alerts on the first page; the rest stands on a page of its own."""
MARKETS = 6
TABLES = 10
REGISTER = ("recorded_at", "group_id", "sector", "country")
"""Columns of the register that are shown elsewhere."""


def head(told: Mapping[str, Any], lang: Lang) -> Row:
    """Names in both scripts, and one line of who it is."""
    firm = told["firm"]
    filed = firm["filed"]
    say = sayer(lang)
    said = [known_word(lang, "firms.sector", filed["sector"])] if filed.get("sector") else []
    said += [filed["country"]] if filed.get("country") else []
    said += [known_word(lang, "firms.size", filed["size_class"])] if filed.get("size_class") else []
    if not firm["name"] and not firm["name_zh"]:
        said = [str(say("firms.unregistered"))]
    names = [alias["name"] for alias in firm["aliases"] if alias["kind"] == "earlier_name"]
    group = firm["group"]
    return both_names(firm, lang) | {
        "said": said,
        "aliases": names,
        "group": group and {"id": group["group_id"], "n": group["n"],
                            "href": firm_address(group["group_id"])},
        "is_group": bool(group) and group["group_id"] == firm["firm_id"],
    }  # fmt: skip


def who(told: Mapping[str, Any], lang: Lang) -> Row:
    """Register, group, owners, shops and apps."""
    firm = told["firm"]
    stakes = [*firm["owners"]["stakes"], *firm["owned"]["stakes"]]
    owner = firm["ultimate_owner"]
    return {
        "register": [
            (known_word(lang, "firms.register", name), _filed(name, value, firm["filed"], lang))
            for name, value in firm["filed"].items()
            if name not in (*REGISTER, "currency", "year", "size_class")
        ],
        "members": [both_names(one, lang) for one in (firm["group"] or {}).get("others", [])],
        "stakes": [_stake(one, firm["firm_id"], lang) for one in stakes],
        "more_stakes": firm["owners"]["n"] + firm["owned"]["n"] - len(stakes),
        "ultimate": owner and owner | {"href": firm_address(owner["firm_id"])},
        "shops": firm["shops"],
        "apps": firm["apps"],
        "judged_as": firm["judged_as"],
    }


def _filed(name: str, value: Any, filed: Mapping[str, Any], lang: Lang) -> str:
    if name.startswith("turnover"):
        year = f" ({filed['year']})" if filed.get("year") else ""
        return f"{filed.get('currency') or ''} {plain(value, 6)}{year}".strip()
    if isinstance(value, int | float) and not isinstance(value, bool):
        return plain(value, 6)
    return measure(value, None, lang)


def _stake(stake: Mapping[str, Any], own: str, lang: Lang) -> Row:
    owned = stake["owned_id"] == own
    other = stake["owner_id"] if owned else stake["owned_id"]
    ends = [stake["from"].isoformat() if stake["from"] else "…",
            "" if stake["current"] and not stake["to"] else str(stake["to"] or "…")]  # fmt: skip
    return {
        "kind": "owner" if owned else "holding",
        "other": other,
        "href": firm_address(other),
        "pct": measure(stake["pct"], "%", lang),
        "from": ends[0],
        "to": ends[1],
        "current": stake["current"],
    }


def figures(told: Mapping[str, Any], lang: Lang) -> list[Row]:
    """The six key figures, each with its one comparison; where there is none, why not."""
    return [_figure(one, told, lang) for one in told["figures"]]


def _figure(one: Mapping[str, Any], told: Mapping[str, Any], lang: Lang) -> Row:
    say, name = sayer(lang), one["figure"]
    beside = say(f"firms.of.{one['of']}", n=_count(one["beside"]))
    value, unit = _count(one["value"]), ""
    if name == "best_share":
        value, beside = _share(one, told, lang)
    elif name == "open_alerts" and 0 < one["value"] <= one["beside"] <= len(
        told["alerts"]["items"]
    ):
        waiting = (a for a in told["alerts"]["items"] if a["state"] != "closed")
        grave = Counter(a["severity"] for a in waiting)
        words = [f"{n} {known_word(lang, 'severity', str(s))}" for s, n in sorted(grave.items())]
        unit = ("、" if lang == "zh" else ", ").join(reversed(words))
    elif name == "confirmed" and not one["beside"]:
        beside = say("firms.of.none_closed")
    return {"name": say(f"firms.figure.{name}"), "value": value, "more": unit, "beside": beside}


def _share(one: Mapping[str, Any], told: Mapping[str, Any], lang: Lang) -> tuple[str, Markup]:
    """The largest share, beside what each would have if all were alike."""
    say = sayer(lang)
    if one["value"] is None or not one["beside"]:
        return "–", say("firms.of.no_share")
    market = told["markets"]["items"][0]
    latest = market["latest"]
    return measure(one["value"], "0-1", lang), say(
        "firms.of.market",
        n=int(one["beside"]),
        equal=percent(1 / one["beside"]),
        market=market["product"] or market["market_id"],
        period=period(latest["period_start"], latest["period_end"], lang),
    )


def _count(value: Any) -> str:
    return "–" if value is None else f"{int(value):,}"


def alert_rows(alerts: Sequence[Row], own: str, now: datetime, lang: Lang) -> list[Row]:
    """Alerts with how they ended: those that wait first, the most severe and latest on top."""
    latest = sorted(alerts, key=lambda a: str(a["period"]["start"]), reverse=True)
    ordered = sorted(latest, key=lambda a: (a["state"] == "closed", -a["severity"]))
    return [_alert(one, own, now, lang) for one in ordered]


def _alert(alert: Row, own: str, now: datetime, lang: Lang) -> Row:
    reason, reason_lang = in_language(alert["message"], lang)
    if reason_lang == HTML_LANG["zh"]:
        reason = spaced(reason)
    subject, span = alert["subject"], alert["period"]
    opened = as_moment(alert["opened_at"])
    days = alert["days"]
    if days is None and opened is not None:
        days = (now - opened).total_seconds() / 86_400
    return {
        "id": alert["id"],
        "severity": alert["severity"],
        "lane": alert["lane"],
        "typology": typology_title(alert["typology"], lang),
        "reason": one_bold(reason),
        "reason_lang": reason_lang,
        # what else than the firm itself the alert is about
        "about": "" if subject["key"] == own else known_word(lang, "kind", subject["kind"]),
        "key": subject["key"],
        "period": period(span["start"], span["end"], lang),
        "state": state_words(alert["state"], alert["close_reason"] or "", lang),
        "owner": alert["assignee"] or "",
        "closed": alert["state"] == "closed",
        "days": "–" if days is None else f"{days:,.0f}" if days >= 1 else "<1",
        "quiet": not alert["firing"],
    }


def market_rows(items: Sequence[Row], lang: Lang) -> list[Row]:
    """Markets, the largest share first, each with its change over the periods filed."""
    told = []
    for one in items[:MARKETS]:
        latest, first = one["latest"], one["points"][0]
        both = latest["share"] is not None and first["share"] is not None
        told.append(
            {
                "name": one["product"] or one["market_id"],
                "place": one["geography"] or "",
                "share": measure(latest["share"], "0-1", lang),
                "basis": latest["basis"],
                "firms": latest["firms"],
                "period": period(latest["period_start"], latest["period_end"], lang),
                "then": measure(first["share"], "0-1", lang) if both else "",
                "since": period(first["period_start"], first["period_end"], lang),
            }
        )
    return told


def table_rows(items: Sequence[Row], firm_id: str, lang: Lang) -> list[Row]:
    """Tables that name the firm."""
    return [
        {
            "table": one["table"],
            "title": known_word(lang, "firms.table", one["table"]),
            "href": firm_address(firm_id, f"filings/{one['table']}"),
            "roles": [
                known_word(lang, "firms.role", KNOWN_AS.get(name, name)) for name in one["roles"]
            ],
            "rows": f"{one['rows']:,}",
            "amended": one["amended"],
            "first": one["first_happened"] or "–",
            "last": one["last_happened"] or "–",
            "learned": moment(as_moment(one["last_learned"]), lang),
        }
        for one in items
    ]


def note_rows(notes: Sequence[Row], lang: Lang) -> list[Row]:
    """Notes with their Markdown as HTML that is safe to show."""
    return [
        {
            "html": Markup(safe_html(one["text"])),  # noqa: S704  cleaned of all but plain marks
            "author": one["author"],
            "case": one["case"],
            "at": moment(one["at"], lang),
        }
        for one in notes
    ]
