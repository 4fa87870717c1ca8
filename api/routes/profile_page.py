"""What a person may settle for themselves: language, colours, keys, password; and the help."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from api.auth import COOKIE as SESSION
from api.auth import keep_session, somebody
from api.deps import Form, SystemDep
from api.errors import status_of
from api.web import keymap
from api.web.render import remember, render
from api.web.wording import chosen_lang, words
from detector.database import reading, writing
from detector.people import accounts, sessions
from detector.people.keeping import change_password, end_sessions, sessions_of
from detector.people.principal import Principal
from detector.system import System
from features.errors import WardenError

router = APIRouter(include_in_schema=False, default_response_class=Response)

DONE = ("keys", "password", "sessions")


@router.get("/help")
def help_page(request: Request) -> Response:
    """All keys, and where to read on."""
    return render(request, "help.html", place="help")


@router.get("/profile")
def profile(request: Request, system: SystemDep) -> Response:
    """One's own account."""
    done = request.query_params.get("done")
    return _page(request, system, somebody(request), done=done if done in DONE else "")


@router.post("/profile/keys")
def choose_keys(request: Request, system: SystemDep, form: Form) -> Response:
    """Keys of one's own, kept in this browser; an empty field gives back ours."""
    wanted = {
        one.act: form[f"key.{one.act}"]
        for one in keymap.KEYS
        if not one.fixed and form.get(f"key.{one.act}")
    }
    try:
        chosen = keymap.checked_keys(wanted)
    except WardenError as error:
        return _page(request, system, somebody(request), refused=error, typed=wanted)
    response = RedirectResponse("/profile?done=keys", 303)
    remember(response, keymap.COOKIE, keymap.kept_keys(chosen))
    return response


@router.post("/profile/password")
def choose_password(request: Request, system: SystemDep, form: Form) -> Response:
    """A new password by whoever knows the old one; every other session ends."""
    who, old, new = somebody(request), form.get("old", ""), form.get("new", "")
    try:
        if new != form.get("again", ""):
            raise WardenError("passwords_differ", "The two new passwords are not the same.")
        change_password(system, who.name, old, new)
    except WardenError as error:
        if error.kind in ("unavailable", "integrity"):
            raise
        return _page(request, system, who, refused=error)
    return _signed_in_again(request, system, who, "password")


@router.post("/profile/sessions/end")
def end_others(request: Request, system: SystemDep) -> Response:
    """Ends every session of one's own, and opens one anew for this browser."""
    who = somebody(request)
    with writing(system.engine) as connection:
        end_sessions(connection, who.name, who.name, system.clock())
    return _signed_in_again(request, system, who, "sessions")


def _signed_in_again(request: Request, system: System, who: Principal, done: str) -> Response:
    response = RedirectResponse(f"/profile?done={done}", 303)
    if request.cookies.get(SESSION):
        with writing(system.engine) as connection:
            known = accounts.account(connection, who.name)
            token = sessions.open_session(
                connection, known.id, known.name, system.clock(), "password"
            )
        keep_session(request, response, token)
    return response


def _page(
    request: Request,
    system: System,
    who: Principal,
    *,
    done: str = "",
    refused: WardenError | None = None,
    typed: dict[str, str] | None = None,
) -> Response:
    lang = chosen_lang(request)
    with reading(system.engine) as connection:
        known = accounts.account(connection, who.name)
        open_ones = sessions_of(connection, who.name, system.clock())
    chosen = keymap.chosen_keys(request.cookies.get(keymap.COOKIE))
    shown: dict[str, Any] = {
        "account": known,
        "sessions": open_ones,
        "own_keys": [
            (one.act, one.key, (typed if typed is not None else chosen).get(one.act, ""))
            for one in keymap.KEYS
            if not one.fixed
        ],
        "done": done,
        "refused": words(lang).get(f"refused.{refused.code}", str(refused)) if refused else "",
    }
    return render(
        request, "profile.html", status_of(refused) if refused else 200, place="profile", **shown
    )
