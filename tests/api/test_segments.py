"""An id with a slash, a number sign or a question mark has addresses like any other."""

from __future__ import annotations

from starlette.testclient import TestClient

PAGE = {"Accept": "text/html"}


def test_an_id_with_signs_of_addresses_is_one_segment(client: TestClient) -> None:
    at = "/firms/HRB%201%2F2%23a%3Fb/purpose"
    page = client.get(at, headers=PAGE)
    assert page.status_code == 200
    assert "HRB 1/2#a?b" in page.text
    assert f'href="{at}?lang=zh"' in page.text
    unsaid = client.get("/api/v1/firms/HRB%201%2F2")
    assert unsaid.status_code == 422
    assert unsaid.json()["instance"] == "/api/v1/firms/HRB%201%2F2"


def test_a_slash_that_is_not_encoded_parts_segments(client: TestClient) -> None:
    said = client.get("/firms/HRB/2/purpose", headers=PAGE)
    assert said.status_code == 404
