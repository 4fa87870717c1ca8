"""The pages of people: accounts with roles and limits, passwords, keys and sessions."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from api.auth import somebody
from api.deps import Actor, Form, SystemDep, Who, expected_version
from api.errors import status_of
from api.web.render import render
from api.web.wording import chosen_lang, words
from detector.database import reading, writing
from detector.people import accounts, keeping, keys
from detector.people.permissions import GRANTS, Role, granted, roles_of
from detector.system import System
from features.errors import WardenError

router = APIRouter(include_in_schema=False, default_response_class=Response)

DONE = ("changed", "closed", "opened", "sessions", "revoked")
_ROLE, _SCOPE = "role.", "scope."
KEY_DAYS = 90


@router.get("/people")
def people(request: Request, system: SystemDep) -> Response:
    """Every account."""
    return _list(request, system)


@router.post("/people")
def new_person(request: Request, system: SystemDep, form: Form, actor: Actor) -> Response:
    """Makes an account; a password of this installation is shown this once."""
    name, local = form.get("name", ""), form.get("local") == "yes"
    password = keeping.new_password() if local else None
    try:
        with writing(system.engine) as connection:
            made = accounts.add(
                connection, name, _ticked(form, _ROLE), actor, system.clock(), password=password,
                units=_words(form.get("units")), jurisdictions=_words(form.get("jurisdictions")),
            )  # fmt: skip
    except WardenError as error:
        _only_what_a_form_mends(error)
        return _list(request, system, error, form)
    if password is None:
        return _to(made.name, "changed")
    return _person(request, system, made.name, secret=("password", password))


@router.get("/people/{name}")
def one_person(request: Request, system: SystemDep, name: str) -> Response:
    """One account with its keys and sessions."""
    return _person(request, system, name)


@router.post("/people/{name}/change")
def change_person(
    request: Request, system: SystemDep, name: str, form: Form, actor: Actor
) -> Response:
    """Roles and limits; sessions of the person end, so it holds at once."""
    asked: dict[str, Any] = {
        "roles": _ticked(form, _ROLE),
        "units": _words(form.get("units")),
        "jurisdictions": _words(form.get("jurisdictions")),
    }
    return _changed(request, system, name, form, actor, "changed", asked)


@router.post("/people/{name}/state")
def close_or_open(
    request: Request, system: SystemDep, name: str, form: Form, actor: Actor
) -> Response:
    """Closes the account, or opens it again."""
    enabled = form.get("enabled") == "yes"
    done = "opened" if enabled else "closed"
    return _changed(request, system, name, form, actor, done, {"enabled": enabled})


@router.post("/people/{name}/password")
def give_password(request: Request, system: SystemDep, name: str, actor: Actor) -> Response:
    """A new password, shown this once; sessions of the person end."""
    with writing(system.engine) as connection:
        password = keeping.give_password(connection, name, actor, system.clock())
    return _person(request, system, name, secret=("password", password))


@router.post("/people/{name}/sessions/end")
def end_sessions(system: SystemDep, name: str, actor: Actor) -> Response:
    """Signs the person out everywhere."""
    with writing(system.engine) as connection:
        keeping.end_sessions(connection, name, actor, system.clock())
    return _to(name, "sessions")


@router.post("/people/{name}/keys")
def new_key(request: Request, system: SystemDep, name: str, form: Form, who: Who) -> Response:
    """A key of one's own, shown this once; nobody makes a key that acts for somebody else."""
    try:
        if who.name != name or who.by != "session":
            raise WardenError(
                "not_permitted", "A key is made by the person it acts for, signed in.",
                "Ask the person to make it.",
            )  # fmt: skip
        days = int(form.get("days") or KEY_DAYS)
        with writing(system.engine) as connection:
            _, text = keys.add_key(
                connection, name, form.get("title", ""), _ticked(form, _SCOPE), days, who.name,
                system.clock(),
            )  # fmt: skip
    except WardenError as error:
        _only_what_a_form_mends(error)
        return _person(request, system, name, error=error)
    return _person(request, system, name, secret=("key", text))


@router.post("/people/{name}/keys/{key_id}/revoke")
def revoke_key(system: SystemDep, name: str, key_id: str, actor: Actor) -> Response:
    """Ends a key for good."""
    with writing(system.engine) as connection:
        if key_id not in {one.id for one in keys.keys_of(connection, name)}:
            raise WardenError("unknown_key", f"{name} has no key `{key_id}`.", kind="not_found")
        keys.revoke_key(connection, key_id, actor, system.clock())
    return _to(name, "revoked")


def _changed(
    request: Request,
    system: System,
    name: str,
    form: dict[str, str],
    actor: str,
    done: str,
    asked: dict[str, Any],
) -> Response:
    try:
        version = expected_version(form.get("version"), "account")
        with writing(system.engine) as connection:
            accounts.change(connection, name, actor, system.clock(), expected=version, **asked)
    except WardenError as error:
        _only_what_a_form_mends(error)
        return _person(request, system, name, error=error)
    return _to(name, done)


def _to(name: str, done: str) -> Response:
    return RedirectResponse(f"/people/{quote(name, safe='')}?done={done}", 303)


def _only_what_a_form_mends(error: WardenError) -> None:
    """Raises everything else."""
    if error.kind in ("not_found", "unavailable", "integrity") or error.code == "not_permitted":
        raise error


def _list(
    request: Request,
    system: System,
    error: WardenError | None = None,
    typed: dict[str, str] | None = None,
) -> Response:
    now = system.clock()
    with reading(system.engine) as connection:
        found = accounts.accounts(connection)
        used = keeping.in_use(connection, now)
    rows = []
    for one in found:
        held, mine = used.get(one.name, (0, 0))
        rows.append({"account": one, "sessions_open": held, "keys_held": mine})
    return render(
        request,
        "people.html",
        status_of(error) if error else 200,
        place="people",
        rows=rows,
        open=sum(one.enabled for one in found),
        all_roles=list(Role),
        grants={role: sorted(GRANTS[role]) for role in Role},
        typed=typed or {},
        refused=_said(request, error),
        units=sorted(system.settings.units),
    )


def _person(
    request: Request,
    system: System,
    name: str,
    *,
    error: WardenError | None = None,
    secret: tuple[str, str] | None = None,
) -> Response:
    now, who = system.clock(), somebody(request)
    with reading(system.engine) as connection:
        one = accounts.account(connection, name)
        kept = keys.keys_of(connection, name)
        held = keeping.sessions_of(connection, name, now)
    done = request.query_params.get("done", "")
    return render(
        request,
        "person.html",
        status_of(error) if error else 200,
        place="people",
        one=one,
        keys_kept=kept,
        held=held,
        now=now,
        secret=secret,
        all_roles=list(Role),
        grants={role: sorted(GRANTS[role]) for role in Role},
        scopes=sorted(granted(roles_of(one.roles))),
        mine=who.name == one.name and who.by == "session",
        key_days=KEY_DAYS,
        longest_days=keys.LONGEST_DAYS,
        units=sorted(system.settings.units),
        done=done if done in DONE else "",
        refused=_said(request, error),
    )


def _said(request: Request, error: WardenError | None) -> dict[str, str] | None:
    if error is None:
        return None
    own = words(chosen_lang(request)).get(f"people.refused.{error.code}")
    return {"text": own or str(error.message), "more": "" if own else error.hint or ""}


def _ticked(form: dict[str, str], prefix: str) -> list[str]:
    return [name.removeprefix(prefix) for name in form if name.startswith(prefix)]


def _words(text: str | None) -> list[str]:
    """Words parted by commas, each once."""
    parts = (part.strip() for part in (text or "").replace("，", ",").split(","))
    return list(dict.fromkeys(part for part in parts if part))
