"""What every answer has in common: errors, headers, the rule on where changes come from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from api.errors import STATUS
from api.guard import HEADERS, MAX_BODY
from api.permissions import NEEDS
from detector.database import connect
from detector.system import System
from tests.api.conftest import client_of
from tests.signed import bearer

PATHS = [
    ("GET", "/", 200),
    ("GET", "/?lang=zh", 200),
    ("GET", "/alerts/none", 404),
    ("GET", "/api/v1/alerts", 200),
    ("GET", "/api/v1/alerts/none", 404),
    ("GET", "/api/v1/alerts/none/evidence", 404),
    ("GET", "/api/v1/alerts?limit=201", 422),
    ("GET", "/api/v1/alerts?cursor=nonsense", 422),
    ("GET", "/api/v1/alerts?lane=grey", 422),
    ("GET", "/api/v1/runs", 200),
    ("GET", "/api/v1/runs?cursor=b", 422),
    ("GET", "/api/v1/runs/none", 404),
    ("GET", "/api/v1/nothing", 404),
    ("DELETE", "/api/v1/alerts", 405),
    ("POST", "/", 405),
    ("POST", "/sign-in", 415),
    ("GET", "/healthz", 200),
    ("GET", "/readyz", 200),
    ("GET", "/openapi.json", 200),
    ("GET", "/docs", 404),
    ("GET", "/static/desk.css", 200),
    ("GET", "/static/%2e%2e/app.py", 404),
    ("GET", "/nowhere", 404),
]


@pytest.mark.parametrize(("method", "path", "status"), PATHS)
@pytest.mark.parametrize("accept", ["application/json", "text/html"])
def test_every_answer_has_the_headers_and_every_error_one_shape(
    client: TestClient, method: str, path: str, status: int, accept: str
) -> None:
    answer = client.request(method, path, headers={"Accept": accept})
    assert answer.status_code == status
    for name, value in HEADERS.items():
        assert answer.headers[name] == value
    assert answer.headers["cache-control"] == (
        "no-cache" if path.startswith("/static/") else "no-store"
    )
    if status < 400:
        return
    if accept == "text/html" and not path.startswith(("/api/", "/static/")):
        assert answer.headers["content-type"].startswith("text/html")
        return
    problem = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["status"] == status
    assert problem["type"] == f"urn:marketwarden:problem:{problem['code']}"
    assert problem["instance"] == path.split("?")[0]
    assert (status == 405) == ("allow" in answer.headers)


def test_the_content_policy_allows_nothing_inline_and_nothing_from_outside() -> None:
    policy = HEADERS["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "http" not in policy
    assert policy.startswith("default-src 'none'")


@pytest.mark.parametrize("accept", ["application/json", "text/html"])
def test_a_fault_of_ours_says_nothing_of_the_code(
    system: System, caplog: pytest.LogCaptureFixture, accept: str
) -> None:
    def broken() -> Any:
        raise RuntimeError("secret detail")

    client = client_of(system, actor="Reviewer 3")
    client.app.state.known = broken  # type: ignore[attr-defined]
    answer = client.get("/", headers={"Accept": accept})
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text
    assert answer.headers["content-security-policy"] == HEADERS["Content-Security-Policy"]
    assert answer.json()["reference"] in caplog.text


def test_a_database_that_is_away_is_said_to_be_away(system: System, tmp_path: Path) -> None:
    away = connect(f"sqlite:///{tmp_path / 'no' / 'such' / 'folder' / 'x.db'}")
    moved = System(system.settings, system.home, away, system.lake, system.clock)
    client = client_of(moved, **bearer("Reviewer 3"))
    assert client.get("/api/v1/alerts").json()["code"] == "database_unavailable"
    assert client.get("/", headers={"Accept": "text/html"}).status_code == 503
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json()["status"]) == (503, "not_ready")
    assert client.get("/healthz").status_code == 200


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({}, True),
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({"Sec-Fetch-Site": "none"}, True),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Origin": "http://127.0.0.1:8000"}, True),
        ({"Origin": "http://127.0.0.1:9000"}, False),
        ({"Origin": "https://elsewhere.example"}, False),
        ({"Origin": "null"}, False),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://127.0.0.1:8000"}, False),
    ],
)
def test_changes_come_from_our_own_page_or_from_no_browser(
    client: TestClient, ids: list[str], headers: dict[str, str], allowed: bool
) -> None:
    answer = client.post(
        f"/api/v1/alerts/{ids[0]}/comments", json={"text": "Seen."}, headers=headers
    )
    assert answer.status_code == (201 if allowed else 403)
    if not allowed:
        assert answer.json()["code"] == "cross_site_request"


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:8000", ""])
def test_a_name_rebound_to_this_address_is_refused(client: TestClient, host: str) -> None:
    answer = client.get("/api/v1/alerts", headers={"Host": host})
    assert (answer.status_code, answer.json()["code"]) == (421, "unknown_host")


@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1", "[::1]:8000"])
def test_local_names_are_answered(client: TestClient, host: str) -> None:
    assert client.get("/healthz", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("chunked", [False, True])
def test_a_large_body_is_refused(client: TestClient, ids: list[str], chunked: bool) -> None:
    body = b'{"text": "' + b"x" * MAX_BODY + b'"}'
    content: Any = iter([body]) if chunked else body
    answer = client.post(
        f"/api/v1/alerts/{ids[0]}/comments",
        content=content,
        headers={"Content-Type": "application/json"},
    )
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


def test_the_description_is_openapi_31_with_problems_for_every_error(client: TestClient) -> None:
    text = client.get("/openapi.json").json()
    assert text["openapi"].startswith("3.1")
    shown = {
        path for _, path in NEEDS if path.startswith(("/api/", "/healthz", "/readyz", "/metrics"))
    }
    assert set(text["paths"]) == shown
    for path, operations in text["paths"].items():
        for operation in operations.values():
            for status, answer in operation["responses"].items():
                if int(status) >= 400 and path != "/readyz":
                    assert list(answer["content"]) == ["application/problem+json"]
    assert "HTTPValidationError" not in text["components"]["schemas"]


def test_every_kind_of_error_has_a_status() -> None:
    assert {"invalid", "not_found", "conflict", "unavailable", "integrity"} <= set(STATUS)
