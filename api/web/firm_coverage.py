"""What was checked about a firm, rule by period, and why not where it was not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date
from typing import Any

from api.web.figures import period
from api.web.wording import Lang, in_language, known_word, sayer
from detector.dossier.coverage import NOT_RUN

Row = dict[str, Any]
ORDER = ("month", "quarter", "year", "week", "day")
SEEN = ("fired", "clear", "not_evaluable", "out_of_scope", "error", NOT_RUN)


def coverage_view(told: Mapping[str, Any], lang: Lang) -> Row:
    """By length of period a table of the rules that ran, and the rules that never ran with why."""
    totals: Counter[str] = Counter()
    maps, idle = [], []
    for one in sorted(told["maps"], key=lambda m: ORDER.index(m["period"])):
        ran = [rule for rule in one["rules"] if any(c["outcome"] != NOT_RUN for c in rule["cells"])]
        totals.update(cell["outcome"] for rule in ran for cell in rule["cells"])
        idle += [_idle(rule, lang) for rule in one["rules"] if rule not in ran]
        if ran:
            maps.append(_map(one, ran, lang))
    return {
        "maps": maps,
        "idle": sorted(idle, key=lambda rule: (rule["why"], rule["title"])),
        "totals": [(name, _outcome(name, lang), totals[name]) for name in SEEN],
        "rules": sum(len(one["rules"]) for one in maps) + len(idle),
        "reason": told["reason"] and known_word(lang, "firms.empty", told["reason"]),
    }


def _map(one: Mapping[str, Any], ran: list[Row], lang: Lang) -> Row:
    return {
        "period": one["period"],
        "title": known_word(lang, "firms.length", one["period"]),
        "columns": [
            _column(start, one["period"], lang, first=at == 0)
            for at, start in enumerate(one["columns"])
        ],
        "hidden": one["hidden"],
        "rules": [_rule(rule, lang) for rule in ran],
    }


def _column(start: date, length: str, lang: Lang, *, first: bool) -> Row:
    """Head of a column in two short lines, the year where it begins, and its full name."""
    quarter = (start.month + 2) // 3
    short, full = {
        "year": ("", str(start.year)),
        "quarter": (f"Q{quarter}", f"{start.year}-Q{quarter}"),
        "month": (f"{start:%m}", f"{start:%Y-%m}"),
    }.get(length, (f"{start:%m-%d}", period(start, start, lang)))
    begins = first or length == "year" or start.month == 1
    return {"year": str(start.year) if begins else "", "short": short, "full": full}


def _rule(rule: Row, lang: Lang) -> Row:
    title, title_lang = in_language(rule["title"], lang)
    return {
        "id": rule["rule_id"],
        "version": rule["rule_version"],
        "title": title[:1].upper() + title[1:],
        "title_lang": title_lang,
        "cells": [_cell(cell, lang) for cell in rule["cells"]],
        "why": _why(rule["why_not"], lang),
    }


def _cell(cell: Row, lang: Lang) -> Row:
    """The gravest outcome, and in words how many subjects ended how."""
    many = [
        f"{_outcome(name, lang)} {n}" for name, n in cell["subjects"].items()
    ] if sum(cell["subjects"].values()) > 1 else []  # fmt: skip
    words = _outcome(cell["outcome"], lang)
    joint = "，" if lang == "zh" else ", "
    return {
        "outcome": cell["outcome"],
        "words": joint.join(many) or words,
        "why": _why(cell["reason"], lang),
    }


def _outcome(name: str, lang: Lang) -> str:
    say = sayer(lang)
    return str(say("firms.not_run")) if name == NOT_RUN else known_word(lang, "outcome", name)


def _idle(rule: Row, lang: Lang) -> Row:
    shown = _rule(rule, lang)
    return {name: shown[name] for name in ("id", "version", "title", "title_lang", "why")}


def _why(reason: str | None, lang: Lang) -> str:
    """A reason in words: of our vocabulary, or which tables were not filed."""
    say = sayer(lang)
    if not reason:
        return ""
    if reason.startswith("no filings: "):
        tables = reason.removeprefix("no filings: ").split(", ")
        named = [known_word(lang, "firms.table", table) for table in tables]
        joint = "、" if lang == "zh" else ", "
        return str(say("firms.why.no_filings", tables=joint.join(named)))
    if reason == "no_subject":
        return str(say("firms.why.no_subject"))
    return known_word(lang, "why", reason)
