"""Who asks and whether they may: one check before every address, refusing whatever it does not
know."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import APIKeyCookie, HTTPBearer
from starlette.responses import Response

from alerts.limits import NONE, Limits, of_person, require_visible
from api.permissions import OPEN, SIGNED_IN, needed
from api.rates import admit
from detector.database import ReadConnection, reading
from detector.people.keys import holder, holder_in
from detector.people.permissions import Permission
from detector.people.principal import Principal
from detector.people.sessions import LONGEST, recognised
from detector.system import System
from features.errors import WardenError

COOKIE = "session"

# they only tell the description of the interface how to sign in; the check is `authorized`
_bearer = HTTPBearer(auto_error=False, description="A key: `warden users key NAME`.")
_cookie = APIKeyCookie(name=COOKIE, auto_error=False, description="The session of a browser.")


def asker(request: Request) -> Principal | None:
    """Whose request it is: a key, else a session; None for nobody. Asked once a request."""
    if not hasattr(request.state, "asker"):
        request.state.asker = _recognised(request)
    found: Principal | None = request.state.asker
    return found


def seen_with(request: Request, connection: ReadConnection) -> None:
    """Looks whose key a request brings within a transaction that is open for it already."""
    text = key_of(request)
    if text is not None:
        now = request.app.state.system.clock()
        request.state.asker = holder_in(connection, text, now)


def key_of(request: Request) -> str | None:
    """The key a request brings: None without any, empty for what is none."""
    scheme, _, text = request.headers.get("authorization", "").partition(" ")
    if not text:
        return None
    return text.strip() if scheme.lower() == "bearer" else ""


def _recognised(request: Request) -> Principal | None:
    system: System = request.app.state.system
    text = key_of(request)
    if text is not None:
        # a key that does not hold is an error, not a reason to look for a session
        return holder(system, text)
    token = request.cookies.get(COOKIE)
    return recognised(system, token) if token else None


def authorized(
    request: Request,
    _key: Annotated[object, Depends(_bearer)] = None,
    _session: Annotated[object, Depends(_cookie)] = None,
) -> None:
    """Lets a request through, or says why not; runs before every address.

    Raises:
        WardenError: `sign_in_required`, `too_many_requests`, `not_permitted`,
            `no_permission_entry`.
    """
    need = needed(request.method, request.scope["route"].path)
    if need == OPEN:
        admit(request, None)
        return
    _within_limits(request, let_through(request, need))


def let_through(request: Request, need: Permission | str | None) -> Principal:
    """Whoever asks, if they may and do not ask too often.

    Raises:
        WardenError: as `authorized`.
    """
    who = asker(request)
    if who is None:
        raise WardenError(
            "sign_in_required",
            "Nobody is signed in, or the session has ended.",
            "Sign in at /sign-in, or send a key: Authorization: Bearer mw_...",
        )
    admit(request, who)
    if isinstance(need, Permission):
        who.require(need)
    elif need != SIGNED_IN:
        raise WardenError(
            "no_permission_entry",
            "Nobody has said who may use this address, so nobody may.",
            "Add it to api/permissions.py.",
        )
    return who


def _within_limits(request: Request, who: Principal) -> None:
    """Refuses every address below an alert of another unit or jurisdiction, whatever it does."""
    alert_id, limits = request.path_params.get("alert_id"), limits_of(request, who)
    if alert_id is not None and limits != NONE:
        with reading(request.app.state.system.engine) as connection:
            require_visible(connection, alert_id, limits)


def limits_of(request: Request, who: Principal) -> Limits:
    """What the person may see of the alerts."""
    system: System = request.app.state.system
    return of_person(who.units, who.jurisdictions, system.settings.units)


async def _limits(request: Request) -> Limits:
    return limits_of(request, somebody(request))


Within = Annotated[Limits, Depends(_limits)]
"""What whoever asks may see; every list of alerts is asked with it."""


def somebody(request: Request) -> Principal:
    """Who asks, where the address has let them through."""
    who = asker(request)
    if who is None:  # an address that is open to anybody has nobody to give
        raise WardenError("sign_in_required", "Nobody is signed in.", "Sign in at /sign-in.")
    return who


def keep_session(request: Request, response: Response, token: str) -> None:
    """Gives the browser its session: no script reads it, no other site sends it."""
    response.set_cookie(
        COOKIE,
        token,
        max_age=int(LONGEST.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
    )
