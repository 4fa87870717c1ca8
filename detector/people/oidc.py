"""Signing in through the authority's identity provider: OpenID Connect, code flow with PKCE.

What belongs to one attempt (state, nonce, verifier) waits here, under a hash of the state, for ten
minutes and for one use. The provider says who it is and, where groups are mapped to roles, what
the person may do; nobody gets an account by it without a role.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.httpx_client import OAuth2Client
from httpx2 import Client, HTTPError
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from detector.database import WriteConnection, writing
from detector.people import accounts
from detector.people.sessions import open_session
from detector.people.tables import person, sign_in_attempt
from detector.settings import Oidc
from detector.system import System
from features.errors import WardenError

WAIT = timedelta(minutes=10)
ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA")
"""Signatures accepted; never `none`, never one made with the shared secret."""
LEEWAY = 60
SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Provider:
    """What the provider says of itself at its well-known address."""

    issuer: str
    authorize: str
    token: str
    keys: str


def begin(system: System, back: str) -> str:
    """Opens an attempt; the address of the provider to send the browser to.

    Raises:
        WardenError: `no_provider` where none is set, `provider_unavailable`.
    """
    settings = _settings(system)
    provider = _provider(settings)
    state, nonce, verifier = (secrets.token_urlsafe(48) for _ in range(3))
    with writing(system.engine) as connection:
        now = system.clock()
        connection.execute(sa.delete(sign_in_attempt).where(sign_in_attempt.c.expires_at < now))
        row = {
            "id": _hash(state), "nonce": nonce, "verifier": verifier, "back": back,
            "expires_at": now + WAIT,
        }  # fmt: skip
        connection.execute(sa.insert(sign_in_attempt), row)
    with _client(settings) as client:
        url, _ = client.create_authorization_url(
            provider.authorize, state=state, code_verifier=verifier, nonce=nonce
        )
    return str(url)


def finish(system: System, state: str, code: str) -> tuple[str, str]:
    """Closes an attempt: the session's token, and where the browser wanted to go.

    Raises:
        WardenError: `sign_in_refused` (no such attempt, a code or token that does not hold, an
            account that is closed, nobody without a role), `provider_unavailable`.
    """
    settings = _settings(system)
    attempt = _taken(system, state)
    claims = _claims(settings, code, attempt, system.clock())
    with writing(system.engine) as connection:
        row = _known(connection, settings, claims, system.clock())
        token = open_session(connection, row.id, row.name, system.clock(), "provider")
    return token, str(attempt["back"])


def _settings(system: System) -> Oidc:
    if system.settings.oidc is None:
        raise WardenError(
            "no_provider",
            "No identity provider is set for this installation.",
            "Sign in with a password, or set [oidc] in config.toml.",
            "not_found",
        )
    return system.settings.oidc


def _client(settings: Oidc) -> OAuth2Client:
    return OAuth2Client(
        client_id=settings.client_id,
        client_secret=settings.client_secret or None,
        redirect_uri=settings.redirect,
        scope=settings.scope,
        code_challenge_method="S256",
        token_endpoint_auth_method="client_secret_basic" if settings.client_secret else "none",
        timeout=SECONDS,
        follow_redirects=False,
    )


def _provider(settings: Oidc) -> Provider:
    found = _fetched(settings.issuer.rstrip("/") + "/.well-known/openid-configuration")
    if found.get("issuer") != settings.issuer:
        raise _away("it names itself otherwise than the settings do")
    try:
        return Provider(
            settings.issuer, str(found["authorization_endpoint"]), str(found["token_endpoint"]),
            str(found["jwks_uri"]),
        )  # fmt: skip
    except KeyError as error:
        raise _away(f"it does not tell its {error.args[0]}") from None


def _fetched(url: str) -> dict[str, Any]:
    try:
        with Client(timeout=SECONDS, follow_redirects=False) as client:
            answer = client.get(url)
        answer.raise_for_status()
        found = answer.json()
    except (HTTPError, ValueError) as error:
        raise _away(type(error).__name__) from error
    if not isinstance(found, dict):
        raise _away("its answer is no object")
    return found


def _taken(system: System, state: str) -> Mapping[str, Any]:
    """The attempt of a state, which is used up by this."""
    now, mark = system.clock(), _hash(state)
    with writing(system.engine) as connection:
        mine = sign_in_attempt.c.id == mark
        row = connection.execute(sa.select(sign_in_attempt).where(mine)).mappings().first()
        gone = connection.execute(sa.delete(sign_in_attempt).where(mine)).rowcount
    if row is None or gone != 1 or row["expires_at"] < now:
        raise _refused("the attempt is too old or was not made here")
    return dict(row)


def _claims(settings: Oidc, code: str, attempt: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    provider = _provider(settings)
    try:
        with _client(settings) as client:
            answer = client.fetch_token(
                provider.token, code=code, code_verifier=attempt["verifier"]
            )
        keys = KeySet.import_key_set(_fetched(provider.keys))  # type: ignore[arg-type]
        token = jwt.decode(str(answer["id_token"]), keys, algorithms=list(ALGORITHMS))
        rules = jwt.JWTClaimsRegistry(
            now=int(now.timestamp()), leeway=LEEWAY,
            iss={"essential": True, "value": settings.issuer},
            aud={"essential": True, "value": settings.client_id},
            exp={"essential": True}, sub={"essential": True},
            nonce={"essential": True, "value": attempt["nonce"]},
        )  # fmt: skip
        rules.validate(token.claims)
    except (AuthlibBaseError, JoseError, KeyError, ValueError) as error:
        raise _refused(f"its answer does not hold ({type(error).__name__})") from error
    except HTTPError as error:
        raise _away(type(error).__name__) from error
    return dict(token.claims)


def _known(
    connection: WriteConnection, settings: Oidc, claims: Mapping[str, Any], now: datetime
) -> Any:
    """The account of who the provider named; made, or brought up to date, by its groups."""
    issuer, subject = settings.issuer, str(claims["sub"])
    mine = sa.and_(person.c.issuer == issuer, person.c.subject == subject)
    row = connection.execute(sa.select(person).where(mine)).first()
    groups = claims.get(settings.groups_claim) or []
    listed = [groups] if isinstance(groups, str) else [str(group) for group in groups]
    roles = sorted({role for group in listed for role in settings.roles.get(group, ())})
    if row is None:
        if not roles:
            raise _refused("no group of yours has a role here")
        name = str(claims.get(settings.name_claim) or subject)
        accounts.add(connection, name, roles, "provider", now, issuer=issuer, subject=subject)
    elif not row.enabled:
        raise _refused("the account is closed here")
    elif settings.roles and sorted(row.roles) != roles:
        accounts.change(connection, row.name, "provider", now, roles=roles)
        if not roles:
            raise _refused("no group of yours has a role here any more")
    return connection.execute(sa.select(person).where(mine)).one()


def _hash(state: str) -> str:
    return hashlib.sha256(state.encode()).hexdigest()


def _refused(why: str) -> WardenError:
    return WardenError(
        "sign_in_refused", f"Signing in through the provider failed: {why}.", "Try once more."
    )


def _away(why: str) -> WardenError:
    return WardenError(
        "provider_unavailable",
        f"The identity provider cannot be used: {why}.",
        "Try again; accounts with a password can still sign in.",
        "unavailable",
    )
