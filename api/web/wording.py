"""The words of the pages, flat JSON catalogues by language, loaded once.

`en.json` holds the phrases of the frame and the first pages, `codes.en.json` the words of codes
(units, kinds, statutes), `NAME.en.json` those of one page; Chinese beside each.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files
from typing import Literal

from markupsafe import Markup, escape
from starlette.requests import Request

Lang = Literal["en", "zh"]
LANGS: tuple[Lang, ...] = ("en", "zh")
HTML_LANG: dict[Lang, str] = {"en": "en", "zh": "zh-Hans"}

Say = Callable[..., Markup]


@cache
def words(lang: Lang) -> Mapping[str, str]:
    """All phrases of a language by key.

    Raises:
        ValueError: two catalogues give one phrase.
    """
    found: dict[str, str] = {}
    for part in sorted(files("api.web").joinpath("words").iterdir(), key=lambda one: one.name):
        if part.name == f"{lang}.json" or part.name.endswith(f".{lang}.json"):
            phrases = json.loads(part.read_text(encoding="utf-8"))
            if twice := phrases.keys() & found.keys():
                raise ValueError(f"{part.name} repeats {', '.join(sorted(twice))}")
            found |= phrases
    return found


def sayer(lang: Lang) -> Say:
    """`say(key, name=value)`: the phrase with its values filled in, escaped for HTML.

    Phrases are ours and may hold `<b>`; values are never trusted.

    Raises:
        KeyError: no such phrase; tests hold both catalogues complete.
    """
    phrases = words(lang)

    def say(key: str, **values: object) -> Markup:
        return Markup(phrases[key]).format(**values) if values else Markup(phrases[key])  # noqa: S704

    return say


def known_word(lang: Lang, group: str, code: str) -> str:
    """The phrase of a code such as a state or a unit; the code itself when it has none."""
    return words(lang).get(f"{group}.{code}", code)


def in_language(texts: object, lang: Lang) -> tuple[str, str]:
    """A text filed by language as (text, HTML language), the other language when one is missing."""
    if not isinstance(texts, Mapping):
        return str(texts or ""), "en"
    other: Lang = "en" if lang == "zh" else "zh"
    for one in (lang, other):
        if texts.get(one):
            return str(texts[one]), HTML_LANG[one]
    return "", HTML_LANG[lang]


def chosen_lang(request: Request) -> Lang:
    """Language of a request: `?lang=`, else the cookie, else what the browser prefers."""
    for asked in (request.query_params.get("lang"), request.cookies.get("lang")):
        for lang in LANGS:
            if asked == lang:
                return lang
    return accepted_lang(request.headers.get("accept-language", ""))


def accepted_lang(header: str) -> Lang:
    """The best of our languages in an `Accept-Language` header; English without one."""
    best: tuple[float, Lang] = (0.0, "en")
    for part in header.split(","):
        tag, _, quality = part.strip().partition(";q=")
        try:
            weight = float(quality or 1)
        except ValueError:
            continue
        for lang in LANGS:
            if tag.lower().split("-")[0] == lang and weight > best[0]:
                best = (weight, lang)
    return best[1]


def one_bold(text: str) -> Markup:
    """A reason with exactly one number bold: the one marked `**so**`, else the first measure."""
    before, mark, rest = text.partition("**")
    inner, mark_2, after = rest.partition("**")
    if mark and mark_2:
        return escape(before) + Markup("<b>{}</b>").format(inner) + escape(after.replace("**", ""))
    from api.web.figures import first_measure

    found = first_measure(text)
    if found is None:
        return escape(text)
    start, end = found
    bold = Markup("<b>{}</b>").format(text[start:end])
    return escape(text[:start]) + bold + escape(text[end:])
