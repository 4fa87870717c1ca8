"""Turns a template and what it shows into a page, in the reader's language and colours."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import quote, urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from api.auth import asker
from api.known import OUTCOMES, Known, known_facts
from api.schemas.problem import Problem
from api.segments import address_of
from api.web.figures import moment, short_run
from api.web.keymap import COOKIE, GO, chosen_keys, groups, keymap, keys_of, shown_key
from api.web.places import places_for
from api.web.queue_view import state_words, typology_title
from api.web.wording import HTML_LANG, Lang, chosen_lang, known_word, sayer, words
from detector.people.principal import Principal
from features.errors import WardenError

CHOICES: dict[str, tuple[str, ...]] = {
    "lang": ("en", "zh"),
    "theme": ("system", "light", "dark"),
    "keys": ("on", "off"),
}
"""What a reader may choose through the address; remembered in a cookie of the same name."""

YEAR = 365 * 24 * 3600


@cache
def templates() -> Environment:
    """The page templates; every value is escaped and a name not given is an error."""
    made = Environment(
        loader=FileSystemLoader(str(files("api.web").joinpath("templates"))),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # one segment or one value: a slash of an id is no slash of the address
    made.filters["urlencode"] = lambda value: quote(str(value), safe="")
    return made


def render(request: Request, name: str, status: int = 200, **shown: Any) -> Response:
    """One page, with everything the frame around it needs."""
    response = HTMLResponse(part(request, name, **shown), status)
    for choice, values in CHOICES.items():
        chosen = request.query_params.get(choice)
        if chosen in values:
            remember(response, choice, chosen)
    return response


def part(request: Request, name: str, **shown: Any) -> str:
    """A template as text, for a page that brings a part of itself anew."""
    lang = chosen_lang(request)
    known = known_facts(request.app.state.known)
    return templates().get_template(name).render(_frame(request, lang, known) | shown)


def remember(response: Response, name: str, value: str) -> None:
    """Sets a cookie that no script reads and no other site sends."""
    response.set_cookie(name, value, max_age=YEAR, httponly=True, samesite="lax")


def _frame(request: Request, lang: Lang, known: Known) -> dict[str, Any]:
    who, own = _reader(request), chosen_keys(request.cookies.get(COOKIE))
    return {
        "lang": lang,
        "html_lang": HTML_LANG[lang],
        "theme": _chosen(request, "theme"),
        "keys": _chosen(request, "keys"),
        "say": sayer(lang),
        "word": lambda group, code: known_word(lang, group, code),
        "moment": lambda value: moment(value, lang),
        "short_run": short_run,
        "count": lambda value: f"{int(value):,}",
        "state_words": lambda state, closing: state_words(state, closing, lang),
        "here": _here(request),
        "keymap": keymap(own),
        "key_groups": groups(own),
        "key_of": keys_of(own).__getitem__,
        "shown_key": shown_key,
        "go_keys": GO,
        "actor": who.name if who else None,
        "roles": ", ".join(known_word(lang, "role", role) for role in who.roles) if who else "",
        "places": places_for(who.may) if who else [],
        "may": who.may if who else frozenset(),
        "place": "",
        "query": request.query_params.get("q", ""),
        "known": _known_view(known, lang),
        "outcome_codes": OUTCOMES,
    }


def _reader(request: Request) -> Principal | None:
    """Who reads; nobody where the database is away, which the page is about to say."""
    try:
        return asker(request)
    except WardenError:
        return None


def _known_view(known: Known, lang: Lang) -> dict[str, Any]:
    lines = [
        {"title": typology_title(typology, lang), "outcomes": counts}
        for typology, counts in sorted(known.by_typology.items())
    ]
    return {
        "data_as_of": known.data_as_of,
        "run_id": known.run_id,
        "run_finished_at": known.run_finished_at,
        "outcomes": known.outcomes,
        "judged": known.judged,
        "quarantined": known.quarantined,
        "by_typology": lines,
    }


def _chosen(request: Request, choice: str) -> str:
    for asked in (request.query_params.get(choice), request.cookies.get(choice)):
        if asked in CHOICES[choice]:
            return str(asked)
    return CHOICES[choice][0]


def _here(request: Request) -> Callable[..., str]:
    def here(**changes: str) -> str:
        kept = {k: v for k, v in request.query_params.items() if k not in CHOICES}
        asked = urlencode(kept | changes)
        return address_of(request) + (f"?{asked}" if asked else "")

    return here


def problem_page(request: Request, problem: Problem) -> Response:
    """An error as a page: what happened, what it means, where to go on."""
    lang = chosen_lang(request)
    own = words(lang).get(f"error.{problem.status}")
    return render(
        request, "problem.html", problem.status, problem=problem, text=own or problem.detail
    )
