"""An identity provider for tests: codes with PKCE, signed tokens, and faults on demand."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import uvicorn
from joserfc import jwt
from joserfc.jwk import ECKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse
from starlette.routing import Route

CLIENT = "warden"


@dataclass
class Provider:
    """What the provider knows, and how it is to misbehave.

    Attributes:
        claims: put into the token, over the right ones.
        key: signs; another than the published one when `forged`.
    """

    issuer: str
    now: int
    claims: dict[str, Any] = field(default_factory=dict)
    forged: bool = False
    algorithm: str = "ES256"
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256", auto_kid=True))

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self.configuration),
                Route("/authorize", self.authorize),
                Route("/token", self.token, methods=["POST"]),
                Route("/keys", self.keys),
            ]
        )

    def configuration(self, _: Request) -> JSONResponse:
        at = self.issuer
        return JSONResponse(
            {
                "issuer": at,
                "authorization_endpoint": f"{at}/authorize",
                "token_endpoint": f"{at}/token",
                "jwks_uri": f"{at}/keys",
            }
        )

    def keys(self, _: Request) -> JSONResponse:
        return JSONResponse({"keys": [self.key.as_dict(private=False)]})

    def authorize(self, request: Request) -> RedirectResponse:
        asked = dict(request.query_params)
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        return RedirectResponse(f"{asked['redirect_uri']}?code={code}&state={asked['state']}", 303)

    async def token(self, request: Request) -> JSONResponse:
        form = dict(parse_qsl((await request.body()).decode()))
        asked = self.codes.pop(str(form["code"]), None)
        digest = hashlib.sha256(str(form.get("code_verifier", "")).encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        if asked is None or challenge != asked["code_challenge"]:
            return JSONResponse({"error": "invalid_grant"}, 400)
        claims = {
            "iss": self.issuer, "aud": CLIENT, "sub": "s-1", "nonce": asked["nonce"],
            "iat": self.now, "exp": self.now + 300, "preferred_username": "mei",
            "groups": ["market-desk"],
        } | self.claims  # fmt: skip
        return JSONResponse(
            {"access_token": "x", "token_type": "Bearer", "id_token": self._signed(claims)}
        )

    def _signed(self, claims: dict[str, Any]) -> str:
        if self.algorithm == "HS256":
            return self._signed_with_what_is_public(claims)
        key = ECKey.generate_key("P-256") if self.forged else self.key
        return jwt.encode({"alg": "ES256", "kid": self.key.kid}, claims, key)

    def _signed_with_what_is_public(self, claims: dict[str, Any]) -> str:
        """The published key taken for a shared secret, as some libraries could be made to."""

        def part(data: bytes) -> str:
            return base64.urlsafe_b64encode(data).decode().rstrip("=")

        head = part(json.dumps({"alg": "HS256", "kid": self.key.kid}).encode())
        text = f"{head}.{part(json.dumps(claims).encode())}"
        mark = hmac.new(self.key.as_pem(private=False), text.encode(), "sha256").digest()
        return f"{text}.{part(mark)}"


@contextmanager
def running(now: int) -> Iterator[Provider]:
    """The provider on a port of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    provider = Provider(f"http://127.0.0.1:{port}", now)
    server = uvicorn.Server(uvicorn.Config(provider.app(), port=port, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.02)
    yield provider
    server.should_exit = True
    thread.join(10)
