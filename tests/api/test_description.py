"""The description says of every operation who may, what goes in, what comes out and what fails."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
from starlette.testclient import TestClient

from api.description import operations
from api.permissions import NEEDS, OPEN
from api.repeats import SHOWN_ONCE
from detector.people.permissions import Permission

SECRETS = {"key", "secret", "token", "password"}


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    from tests.api.conftest import client_of, make_system

    system = make_system(tmp_path_factory.mktemp("described") / "home", [])
    found: dict[str, Any] = client_of(system).get("/openapi.json").json()
    system.engine.dispose()
    return found


def contents(operation: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every body that goes in, and every body of an answer that is no error."""
    if "requestBody" in operation:
        yield from operation["requestBody"]["content"].items()
    for status, answer in operation["responses"].items():
        if int(status) < 300:
            yield from answer.get("content", {}).items()


def test_every_operation_says_what_it_is_for_and_who_may(text: dict[str, Any]) -> None:
    names = []
    for path, method, operation in operations(text):
        where = f"{method} {path}"
        assert operation["summary"] and operation["description"], where
        names.append(operation["operationId"])
        need = NEEDS[method, path]
        scopes = [str(need)] if isinstance(need, Permission) else []
        ways = [] if need == OPEN else [{"HTTPBearer": scopes}, {"APIKeyCookie": scopes}]
        assert operation["security"] == ways, where
        assert operation.get("x-scope") == (scopes[0] if scopes else None), where
    assert len(set(names)) == len(names) > 40
    assert set(text["components"]["securitySchemes"]) == {"HTTPBearer", "APIKeyCookie"}


def test_every_body_has_an_example_that_its_schema_allows(text: dict[str, Any]) -> None:
    """A description without its examples would leave `seen` at nought."""
    seen, wrong = 0, []
    for path, method, operation in operations(text):
        for kind, content in contents(operation):
            where = f"{method} {path} {kind}"
            assert "schema" in content, where
            examples = [e["value"] for e in content.get("examples", {}).values()]
            examples += [content["example"]] if "example" in content else []
            assert examples or not kind.startswith(("application/json", "text/")), where
            schema = {**content["schema"], "components": text["components"]}
            wrong += [where for e in examples if not jsonschema_rs.is_valid(schema, e)]
            seen += 1
    assert not wrong
    assert seen > 60


def test_every_operation_lists_the_errors_of_the_door(text: dict[str, Any]) -> None:
    for path, method, operation in operations(text):
        answers, where = set(operation["responses"]), f"{method} {path}"
        assert any(int(s) < 300 for s in answers), where
        if NEEDS[method, path] != OPEN:
            assert answers >= {"401", "429", "503"}, where
        if isinstance(NEEDS[method, path], Permission):
            assert "403" in answers, where
        if method != "GET":
            assert answers >= {"403", "409", "413", "422"}, where
            given = {p["name"]: p for p in operation["parameters"]}
            assert given["Idempotency-Key"]["in"] == "header"
        for status, answer in operation["responses"].items():
            own = path == "/readyz" or int(status) < 400
            assert own or set(answer["content"]) == {"application/problem+json"}, where


def test_answers_that_show_a_secret_are_known_to(text: dict[str, Any]) -> None:
    """What is named like a secret and is not about an alert's subject is shown once, not kept."""
    shapes = text["components"]["schemas"]
    telling = {
        (method, path)
        for path, method, operation in operations(text)
        if method != "GET"
        for status, answer in operation["responses"].items()
        if int(status) < 300
        for content in answer.get("content", {}).values()
        if SECRETS & set(_fields(content.get("schema", {}), shapes))
    }
    assert telling == set(SHOWN_ONCE)


def _fields(schema: dict[str, Any], shapes: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in schema:
        schema = shapes[schema["$ref"].rsplit("/", 1)[-1]]
    found: dict[str, Any] = schema.get("properties", {})
    return found


def test_limits_and_repeats_are_told(text: dict[str, Any], client: TestClient) -> None:
    told = text["info"]["description"]
    assert "120,000 requests to read, 1,200 changes and 30 attempts" in told
    assert "Idempotency-Key" in told
    assert client.get("/api/v1/me").headers["ratelimit-policy"] == '"read";q=120000;w=60'
