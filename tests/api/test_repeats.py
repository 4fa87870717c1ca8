"""A change sent twice under one key is made once; limits say how long to wait; figures are told."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Event

import pytest
import sqlalchemy as sa
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from api.rates import Kind, Rates
from api.routes import alerts as alert_routes
from detector.database import reading, writing
from detector.people.permissions import Role
from detector.people.tables import api_key
from detector.settings import RateLimits
from detector.system import System
from detector.tables import kept_answer
from tests.api.conftest import KNOWN, START, client_of
from tests.people.test_people import GOOD
from tests.signed import bearer, enroll


def keyed(key: str, **more: str) -> dict[str, str]:
    return {"Idempotency-Key": key} | more


def remarks(client: TestClient, alert_id: str) -> int:
    events = client.get(f"/api/v1/alerts/{alert_id}?explain=false").json()["events"]
    return sum(event["kind"] == "commented" for event in events)


@pytest.fixture
def path(ids: list[str]) -> str:
    return f"/api/v1/alerts/{ids[0]}/comments"


def test_a_repeat_is_given_the_first_answer_and_changes_nothing(
    client: TestClient, ids: list[str], path: str
) -> None:
    before = remarks(client, ids[0])
    first = client.post(path, json={"text": "Once."}, headers=keyed("k"))
    again = client.post(path, json={"text": "Once."}, headers=keyed("k"))
    assert first.status_code == again.status_code == 201
    assert again.content == first.content
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert remarks(client, ids[0]) == before + 1
    client.post(path, json={"text": "Once."}, headers=keyed("k2"))
    assert remarks(client, ids[0]) == before + 2


def test_a_repeated_decision_keeps_its_etag_instead_of_being_stale(
    client: TestClient, ids: list[str]
) -> None:
    path, tag = f"/api/v1/alerts/{ids[0]}", {"If-Match": '"1"'}
    answers = [
        client.post(f"{path}/decisions", json={"action": "acknowledge"}, headers=keyed("k", **tag))
        for _ in range(3)
    ]
    assert {(a.status_code, a.headers["etag"], a.content) for a in answers} == {
        (200, '"2"', answers[0].content)
    }
    # without the key the same request is refused: the alert has moved on
    stale = client.post(f"{path}/decisions", json={"action": "acknowledge"}, headers=tag)
    assert stale.status_code in (409, 412)


@pytest.mark.parametrize("change", ["body", "path", "If-Match"])
def test_another_request_under_the_same_key_is_refused(
    client: TestClient, ids: list[str], path: str, change: str
) -> None:
    client.post(path, json={"text": "One."}, headers=keyed("k"))
    other = path.replace(ids[0], ids[1]) if change == "path" else path
    text = "Two." if change == "body" else "One."
    more = {"If-Match": '"7"'} if change == "If-Match" else {}
    answer = client.post(other, json={"text": text}, headers=keyed("k", **more))
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_mismatch")
    assert remarks(client, ids[1]) == 0


def test_keys_belong_to_a_person_and_hold_for_a_day(
    client: TestClient, system: System, ids: list[str], path: str
) -> None:
    enroll(system, "Another")
    for headers in ({}, bearer("Another")):
        assert client.post(path, json={"text": "Mine."}, headers=keyed("k", **headers)).is_success
    assert remarks(client, ids[0]) == 2
    with writing(system.engine) as connection:
        connection.execute(sa.update(kept_answer).values(at=START - timedelta(hours=24)))
    client.post(path, json={"text": "Mine."}, headers=keyed("k"))
    assert remarks(client, ids[0]) == 3


@pytest.mark.parametrize("key", ["", "x" * 129, "tab\there"])
def test_a_key_nobody_could_have_meant_is_refused(
    client: TestClient, ids: list[str], path: str, key: str
) -> None:
    answer = client.post(path, json={"text": "No."}, headers=keyed(key))
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_idempotency_key")
    assert remarks(client, ids[0]) == 0


def test_a_repeat_while_the_first_runs_is_told_to_wait(
    client: TestClient, ids: list[str], path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    entered, go_on, real = Event(), Event(), alert_routes.writing

    def slow(engine: sa.Engine) -> object:
        entered.set()
        assert go_on.wait(10)
        return real(engine)

    monkeypatch.setattr(alert_routes, "writing", slow)
    asked = {"json": {"text": "Slow."}, "headers": keyed("k")}
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(client.post, path, **asked)  # type: ignore[arg-type]
        assert entered.wait(10)
        answer = client.post(path, **asked)  # type: ignore[arg-type]
        go_on.set()
        assert first.result().status_code == 201
    assert (answer.status_code, answer.json()["code"]) == (409, "in_progress")
    assert client.post(path, **asked).status_code == 201  # type: ignore[arg-type]
    assert remarks(client, ids[0]) == 1


def test_after_a_fault_of_ours_a_change_is_not_made_again_by_itself(
    client: TestClient, ids: list[str], path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> object:
        raise RuntimeError

    asked = {"json": {"text": "Odd."}, "headers": keyed("k")}
    with monkeypatch.context() as patched:
        # the change is made, and its answer cannot be written
        patched.setattr(alert_routes.Event, "model_validate", broken)
        assert client.post(path, **asked).status_code == 500  # type: ignore[arg-type]
    answer = client.post(path, **asked)  # type: ignore[arg-type]
    assert (answer.status_code, answer.json()["code"]) == (409, "in_progress")
    assert remarks(client, ids[0]) == 1


def test_what_was_refused_at_the_door_may_be_tried_again(
    client: TestClient, system: System, ids: list[str], path: str
) -> None:
    with writing(system.engine) as connection:
        connection.exec_driver_sql("ALTER TABLE audit_entry RENAME TO away")
    asked = {"json": {"text": "Later."}, "headers": keyed("k")}
    refused = client.post(path, **asked)  # type: ignore[arg-type]
    assert refused.status_code == 503
    with writing(system.engine) as connection:
        connection.exec_driver_sql("ALTER TABLE away RENAME TO audit_entry")
    assert client.post(path, **asked).status_code == 201  # type: ignore[arg-type]


def test_a_kept_answer_is_not_for_whoever_may_no_longer(
    client: TestClient, system: System, path: str
) -> None:
    headers = enroll(system, "Passing", [Role.REGULATOR])
    asked = {"json": {"text": "Mine."}, "headers": keyed("k", **headers)}
    assert client.post(path, **asked).status_code == 201  # type: ignore[arg-type]
    with writing(system.engine) as connection:
        connection.execute(sa.update(api_key).values(scopes=["alerts.read"]))
    assert client.post(path, **asked).status_code == 403  # type: ignore[arg-type]


def test_a_new_key_is_made_once_and_never_kept(system: System) -> None:
    enroll(system, "Keyed")
    door = client_of(system)
    with writing(system.engine) as connection:
        from detector.people import accounts

        accounts.set_password(connection, "Keyed", GOOD, "tests", START)
    door.post("/sign-in", data={"name": "Keyed", "password": GOOD})
    asked = {"json": {"title": "t", "scopes": ["alerts.read"]}, "headers": keyed("k")}
    first = door.post("/api/v1/me/keys", **asked)  # type: ignore[arg-type]
    assert first.status_code == 201
    again = door.post("/api/v1/me/keys", **asked)  # type: ignore[arg-type]
    assert (again.status_code, again.json()["code"]) == (409, "answer_withheld")
    assert len(door.get("/api/v1/me/keys").json()["items"]) == 2
    with reading(system.engine) as connection:
        row = connection.execute(sa.select(kept_answer)).one()
    assert row.body is None
    assert first.json()["key"].split("_", 2)[2] not in repr(row)


def limited(system: System, **limits: int) -> TestClient:
    settings = system.settings.model_copy(update={"rates": RateLimits(**limits)})
    return client_of(replace(system, settings=settings), KNOWN, "Hasty")


def test_too_many_requests_are_refused_by_person_and_kind(system: System) -> None:
    door = limited(system, read_per_minute=3)
    answers = [door.get("/api/v1/me") for _ in range(4)]
    assert [a.status_code for a in answers] == [200, 200, 200, 429]
    assert answers[0].headers["ratelimit"].startswith('"read";r=2;t=')
    refused = answers[-1]
    assert refused.json()["code"] == "too_many_requests"
    assert 1 <= int(refused.headers["retry-after"]) <= 20
    assert refused.headers["ratelimit-policy"] == '"read";q=3;w=60'
    # changes, other people and open addresses are counted apart
    assert door.post("/api/v1/rules/lint", json={}).status_code == 422
    assert door.get("/api/v1/me", headers=enroll(system, "Calm")).status_code == 200
    assert door.get("/healthz").status_code == 200


def test_attempts_to_sign_in_are_counted_by_address(system: System) -> None:
    door = limited(system, sign_in_per_minute=2)
    form = {"name": "nobody", "password": "nothing at all"}
    found = [door.post("/sign-in", data=form).status_code for _ in range(3)]
    assert found == [401, 401, 429]


def test_buckets_fill_again_and_are_forgotten_when_full() -> None:
    now = 0.0
    rates = Rates({Kind.READ: 60}, lambda: now)
    for _ in range(60):
        assert rates.take(Kind.READ, "a")
    refused = rates.take(Kind.READ, "a")
    assert refused is not None
    assert (refused.left, refused.wait) == (-1, 1)
    now = 2.0
    found = [rates.take(Kind.READ, "a") for _ in range(3)]
    assert [one.left for one in found if one] == [1, 0, -1]
    assert rates.take(Kind.CHANGE, "a") is None
    for number in range(10_100):
        rates.take(Kind.READ, str(number))
        now += 1.0
    assert len(rates._buckets) < 10_100


def test_figures_are_told_by_route_and_state(client: TestClient, ids: list[str]) -> None:
    client.get(f"/api/v1/alerts/{ids[0]}")
    client.get(f"/api/v1/alerts/{ids[1]}")
    client.get("/nowhere/at/all")
    answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    found = {
        (s.name, *s.labels.values()): s.value
        for family in text_string_to_metric_families(answer.text)
        for s in family.samples
    }
    assert found["warden_http_requests_total", "GET", "/api/v1/alerts/{alert_id}", "200"] == 2
    assert found["warden_http_requests_total", "GET", "none", "404"] == 1
    assert found["warden_http_request_seconds_count", "GET", "/api/v1/alerts/{alert_id}"] == 2
    assert sum(v for k, v in found.items() if k[0] == "warden_alerts") == 40
    assert found["warden_audit_entries",] >= 1
    assert ids[0] not in answer.text
