"""The words of the report, a flat JSON catalogue a language, and texts that come in both."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Literal

from features.catalogue import catalogue

Lang = Literal["en", "zh"]
LANGS: tuple[Lang, ...] = ("en", "zh")
HTML_LANG: Mapping[Lang, str] = {"en": "en", "zh": "zh-Hans"}


@cache
def words(lang: Lang) -> Mapping[str, str]:
    """All phrases of a language by key."""
    place = files("detector.bundle").joinpath("words", f"{lang}.json")
    found: dict[str, str] = json.loads(place.read_text(encoding="utf-8"))
    return found


def in_language(texts: object, lang: Lang) -> str:
    """A text filed by language, in the other where this one is missing, without marks of bold."""
    if not isinstance(texts, Mapping):
        return str(texts or "")
    found = texts.get(lang) or texts.get("zh" if lang == "en" else "en") or ""
    return str(found).replace("**", "")


def titled(row: Mapping[str, object], lang: Lang) -> str:
    """The name of what was compared: of a feature its title, else the expression as written."""
    code, expression = str(row.get("feature") or ""), str(row.get("expression") or "")
    feature = catalogue().features.get(code)
    title = in_language(row.get("title"), lang) or (feature.title[lang] if feature else "")
    title = title or words(lang).get(f"attribute.{code}", "")
    if not title:
        return expression or code
    title = title[:1].upper() + title[1:]
    if expression in ("", code):
        return title
    call = re.fullmatch(r"(pct_rank|peer_z|peer_median)\((\w+)\)", expression)
    return words(lang)[f"of.{call[1]}"].format(title=title) if call else f"{title} [{expression}]"
