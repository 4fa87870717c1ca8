"""Requests that change something about notices and the endpoints of other programs."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa

from detector.database import writing
from tests.api.asking import Ask, Desk, Make, Route

HOST = "hooks.example.org"


def choose(desk: Desk) -> Ask:
    path = "/api/v1/me/notifications"
    return Ask(path, {"least_severity": 4}, headers=desk.tag(path))


def add_hook(_desk: Desk) -> Ask:
    return Ask("/api/v1/webhooks", {"url": f"https://{HOST}/warden"})


def hook(desk: Desk) -> tuple[str, dict[str, str]]:
    """Path of an endpoint, and what a change of it must name."""
    made = desk.door.post("/api/v1/webhooks", json=add_hook(desk).json)
    return f"/api/v1/webhooks/{made.json()['id']}", {"If-Match": made.headers["ETag"]}


def remove_hook(desk: Desk) -> Ask:
    path, tag = hook(desk)
    return Ask(path, headers=tag)


def rotate(desk: Desk) -> Ask:
    path, tag = hook(desk)
    return Ask(f"{path}/rotate", headers=tag)


def try_out(desk: Desk) -> Ask:
    return Ask(f"{hook(desk)[0]}/test")


def retry(desk: Desk) -> Ask:
    sent = desk.door.post(try_out(desk).path).json()["message_id"]
    with writing(desk.system.engine) as connection:
        connection.execute(sa.text("UPDATE notice_message SET state = 'dead'"))
    return Ask(f"/api/v1/notifications/{sent}/retry")


NOTICES: Mapping[Route, Make] = {
    ("PUT", "/api/v1/me/notifications"): choose,
    ("POST", "/api/v1/webhooks"): add_hook,
    ("DELETE", "/api/v1/webhooks/{webhook_id}"): remove_hook,
    ("POST", "/api/v1/webhooks/{webhook_id}/rotate"): rotate,
    ("POST", "/api/v1/webhooks/{webhook_id}/test"): try_out,
    ("POST", "/api/v1/notifications/{message_id}/retry"): retry,
}
