"""Why a dossier was opened, kept for the pages of one firm until the session ends.

Kept by the browser in a cookie of that firm's addresses alone, bound to the session it was said
in: whoever signs in after that at the same machine is asked anew.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from urllib.parse import quote

from fastapi import Request
from starlette.responses import Response

from api.auth import somebody
from detector.dossier.access import Visit, visit_of
from detector.people.principal import Principal
from features.errors import WardenError

COOKIE = "visit"


def firm_address(firm_id: str, part: str = "") -> str:
    """Where the dossier of a firm, or a part of it, stands."""
    return f"/firms/{quote(firm_id, safe='')}{f'/{part}' if part else ''}"


def kept_visit(request: Request, firm_id: str) -> Visit | None:
    """The purpose said for this firm in this session; None where none was."""
    told, who = _read(request.cookies.get(COOKIE, "")), somebody(request)
    if told.get("for") != _mark(who, firm_id):
        return None
    try:
        return visit_of(who.name, told.get("purpose"), told.get("case"))
    except WardenError:
        return None


def keep_visit(request: Request, response: Response, firm_id: str, visit: Visit) -> None:
    """Remembers it: no script reads the cookie, no other site sends it, no other firm gets it."""
    mark = _mark(somebody(request), firm_id)
    told = {"purpose": visit.purpose, "case": visit.case, "for": mark}
    text = base64.urlsafe_b64encode(json.dumps(told).encode()).decode()
    secure = request.url.scheme == "https"
    response.set_cookie(
        COOKIE, text, path=firm_address(firm_id), httponly=True, samesite="lax", secure=secure
    )


def _mark(who: Principal, firm_id: str) -> str:
    """The session (or key) and the firm a purpose was said for."""
    return hashlib.sha256(f"{who.by}\n{who.by_id}\n{firm_id}".encode()).hexdigest()


def _read(text: str) -> dict[str, str]:
    try:
        told = json.loads(base64.urlsafe_b64decode(text.encode()))
    except (binascii.Error, ValueError):
        return {}
    return {n: v for n, v in told.items() if isinstance(v, str)} if isinstance(told, dict) else {}
