"""Quarantined rows as their page shows them, and the corrections a form of it holds."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from api.web.wording import HTML_LANG, Lang, sayer, words
from detector.quarantine import Place, Rejected
from features.contracts import contract
from features.errors import WardenError

_ROW, _VALUE = "row.", "value."
LONG = 60
"""A cell that takes more than a short field."""


def rejected_row(number: int, one: Rejected, lang: Lang) -> dict[str, Any]:
    """One row: what is wrong, and a field for each column the sentence speaks of."""
    says, html_lang = _says(one, lang)
    person = set(contract(one.table).persons)
    filed = one.row or {}
    first = one.named()
    cells = [_cell(number, name, filed, person, one) for name in first] if one.row else []
    others = [name for name in filed if name not in first and name not in person]
    return {
        "number": number,
        "line": one.line,
        "file": one.source_file,
        "place": json.dumps(one.place, ensure_ascii=False),
        "rule": one.rule.replace("|", "."),
        "says": says,
        "says_lang": html_lang,
        "cells": cells,
        "others": [_cell(number, name, filed, person, one) for name in others],
        "text": one.text,
        "waits": one.waits,
        "retry": (one.retry_batch_id or "")[:8],
        "retry_href": f"/quarantine?batch={one.retry_batch_id}&all=yes",
        "refused": one.refused,
    }


def _cell(
    number: int, name: str, filed: Mapping[str, str | None], person: set[str], one: Rejected
) -> dict[str, Any]:
    hidden = name in person
    value = "" if hidden else filed.get(name) or ""
    return {
        "field": f"{_VALUE}{number}.{name}",
        "column": name,
        "filed": value,
        "value": value,
        "hidden": hidden,
        "cut": one.cut(name),
        "wide": len(value) > LONG,
    }


def _says(one: Rejected, lang: Lang) -> tuple[str, str]:
    """The sentence in the reader's language where there are words for its rule, else as kept."""
    rule = one.rule.split("|")[-1].replace("check__", "")
    phrase = words(lang).get(f"fault.{rule}")
    if lang == "en" or phrase is None or one.column is None:
        return one.message.split(": ", 1)[-1].replace("`", ""), HTML_LANG["en"]
    column = contract(one.table).column(one.column)
    allowed = ", ".join(column.allowed or ()) or column.span
    return str(sayer(lang)(f"fault.{rule}", column=one.column, wanted=allowed)), HTML_LANG[lang]


def with_typed(rows: Sequence[dict[str, Any]], typed: Mapping[str, str]) -> list[dict[str, Any]]:
    """The rows with what was typed before a refusal."""
    for row in rows:
        if typed.get(f"{_ROW}{row['number']}") == row["place"]:
            for cell in (*row["cells"], *row["others"]):
                cell["value"] = typed.get(cell["field"], cell["value"])
    return list(rows)


def corrections_of_form(form: Mapping[str, str]) -> dict[Place, dict[str, str]]:
    """By row the values of its fields, changed or not; an empty field of a person is none.

    Raises:
        WardenError: `bad_correction` for a form that is not of this page.
    """
    found: dict[Place, dict[str, str]] = {}
    places: dict[str, Place] = {}
    try:
        for name, value in form.items():
            if name.startswith(_ROW):
                file, line = json.loads(value)
                places[name.removeprefix(_ROW)] = (str(file), int(line))
        for name, value in form.items():
            if name.startswith(_VALUE):
                number, column = name.removeprefix(_VALUE).split(".", 1)
                found.setdefault(places[number], {})[column] = value
    except (ValueError, TypeError, KeyError) as error:
        raise WardenError(
            "bad_correction", "The corrections cannot be read.", "Load the page again."
        ) from error
    return found
