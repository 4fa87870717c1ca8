"""The peer of the load: a bare FastAPI route that answers a constant body of the same size."""

from __future__ import annotations

import os

from fastapi import FastAPI, Response

BODY = b'"' + b"x" * (int(os.environ.get("PEER_BYTES", "2")) - 2) + b'"'


def application() -> FastAPI:
    """One route, without anybody signed in, without a database."""
    app = FastAPI()

    @app.get("/")
    async def constant() -> Response:
        return Response(BODY, media_type="application/json")

    return app
