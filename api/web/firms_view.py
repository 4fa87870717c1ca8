"""What the page of firms shows: hits of a search, saved searches, dossiers opened last."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from api.visits import firm_address
from api.web.figures import moment
from api.web.wording import HTML_LANG, Lang, known_word

Row = dict[str, Any]
FIELDS = ("q", "country", "sector", "group", "role")
"""What the address may ask for; `q` are the words."""


def both_names(row: Mapping[str, Any], lang: Lang) -> Row:
    """A firm's name in the reader's language and in the other script, with their languages.

    A firm no register names is called by its id.
    """
    own, other = ("name_zh", "name") if lang == "zh" else ("name", "name_zh")
    first = own if row.get(own) else other
    shown = row.get(first) or row["firm_id"]
    beside = row.get(other) if first == own and row.get(other) != shown else None
    return {
        "firm_id": row["firm_id"],
        "href": firm_address(row["firm_id"]),
        "name": shown,
        "name_lang": HTML_LANG["zh" if first == "name_zh" and row.get(first) else "en"],
        "other": beside or "",
        "other_lang": HTML_LANG["zh" if other == "name_zh" else "en"],
        "named": bool(row.get(first)),
    }


def hit_rows(items: Sequence[Row], waiting: Mapping[str, int], lang: Lang) -> list[Row]:
    """Firms a search found, each with its alerts that are not closed."""
    return [
        both_names(item, lang)
        | {
            "aliases": item["aliases"][:3],
            "roles": [known_word(lang, "firms.role", role) for role in item["roles"]],
            "group": item["group_id"],
            "group_href": firm_address(item["group_id"]) if item["group_id"] else "",
            "country": item["country"] or "",
            "sector": known_word(lang, "firms.sector", item["sector"]) if item["sector"] else "",
            "open": waiting.get(item["firm_id"], 0),
        }
        for item in items
    ]


def search_rows(kept: Sequence[Row], hits: Sequence[Row], lang: Lang) -> list[Row]:
    """Saved searches, each with its new hits and the address that looks for it now."""
    found: dict[str, list[Row]] = {}
    for hit in hits:
        found.setdefault(hit["search_id"], []).append(_hit(hit, lang))
    return [
        {
            "id": one["id"],
            "name": one["name"],
            "about": one["about"],
            "href": address_of(one),
            "words": [str(v) if not isinstance(v, list) else ", ".join(map(str, v))
                      for v in one["query"].values()],
            "enabled": one["enabled"],
            "version": one["version"],
            "run_at": moment(one["run_at"], lang),
            "new": one["new_hits"],
            "hits": found.get(one["id"], [])[:10],
        }
        for one in kept
    ]  # fmt: skip


def address_of(search: Mapping[str, Any]) -> str:
    """The page that shows what a saved search finds now."""
    asked = dict(search["query"])
    if search["about"] == "firms":
        query = {"q" if name == "text" else name: value for name, value in asked.items()}
        return f"/firms?{urlencode(query)}"
    named = {"text": "q", "states": "state", "lanes": "lane", "typologies": "typology",
             "severities": "severity", "subject": "subject"}  # fmt: skip
    query = {
        to: min(asked[name]) if name == "severities" else asked[name][0]
        if isinstance(asked[name], list) else asked[name]
        for name, to in named.items()
        if asked.get(name)
    }  # fmt: skip
    return f"/?{urlencode(query)}"


def _hit(hit: Row, lang: Lang) -> Row:
    about_firm = hit["about"] == "firms"
    href = firm_address(hit["key"]) if about_firm else f"/alerts/{hit['key']}"
    title = hit["title"].get(lang) or hit["title"].get("en") or hit["key"]
    return {"key": hit["key"], "title": title, "href": href, "at": moment(hit["found_at"], lang)}


def visit_rows(visits: Sequence[Row], lang: Lang) -> list[Row]:
    """Dossiers the reader opened last."""
    return [
        both_names(one, lang)
        | {"at": moment(one["at"], lang), "purpose": one["purpose"], "case": one["case"]}
        for one in visits
    ]
