"""The OpenAPI text: what FastAPI writes, with our one shape of errors in place of its own."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api.schemas.problem import MEDIA_TYPE, Problem

SUMMARY = "Alerts, evidence and decisions of one installation, with the runs behind them."


def describe(app: FastAPI) -> None:
    """Makes the application describe itself in OpenAPI 3.1."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _described(app)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _described(app: FastAPI) -> dict[str, Any]:
    text = get_openapi(
        title=app.title,
        version=app.version,
        openapi_version="3.1.0",
        description=SUMMARY,
        routes=app.routes,
    )
    schemas = text["components"]["schemas"]
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    schemas["Problem"] = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas |= schemas["Problem"].pop("$defs", {})
    ours = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for path in text["paths"].values():
        for operation in path.values():
            for status, answer in operation["responses"].items():
                # readiness answers 503 in its own shape, with the checks
                if int(status) >= 400 and operation["operationId"] != "readyz_readyz_get":
                    answer["content"] = ours
    return text
