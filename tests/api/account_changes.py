"""Requests of the pages of people and notices that change something."""

from __future__ import annotations

from collections.abc import Mapping

from tests.api.asking import Ask, Desk, Make, Route
from tests.api.notice_changes import HOST, hook, retry


def bo(desk: Desk) -> str:
    desk.door.post("/api/v1/people", json={"name": "Bo", "roles": ["reader"]})
    return "/people/Bo"


def new_person(_desk: Desk) -> Ask:
    return Ask("/people", form={"name": "Bo", "role.reader": "yes", "local": "yes"})


def change_person(desk: Desk) -> Ask:
    return Ask(f"{bo(desk)}/change", form={"version": "1", "role.auditor": "yes", "units": "a, b"})


def close(desk: Desk) -> Ask:
    return Ask(f"{bo(desk)}/state", form={"version": "1", "enabled": "no"})


def give_password(desk: Desk) -> Ask:
    return Ask(f"{bo(desk)}/password", form={})


def end_sessions(desk: Desk) -> Ask:
    return Ask(f"{bo(desk)}/sessions/end", form={})


def revoke(desk: Desk) -> Ask:
    """The key the tests sign Ben in with."""
    from detector.database import reading
    from detector.people.keys import keys_of

    with reading(desk.system.engine) as connection:
        (key,) = keys_of(connection, "Ben")
    return Ask(f"/people/Ben/keys/{key.id}/revoke", form={})


def add_hook(_desk: Desk) -> Ask:
    return Ask("/notices/webhooks", form={"url": f"https://{HOST}/warden", "kind.job.failed": "y"})


def on_page(desk: Desk, act: str) -> Ask:
    mark = hook(desk)[0].rsplit("/", 1)[1]
    return Ask(f"/notices/webhooks/{mark}/{act}", form={"version": "1"})


def retry_message(desk: Desk) -> Ask:
    mark = retry(desk).path.split("/")[-2]
    return Ask(f"/notices/messages/{mark}/retry", form={})


ACCOUNTS: Mapping[Route, Make] = {
    ("POST", "/audit/export"): lambda _desk: Ask("/audit/export", form={}),
    ("POST", "/people"): new_person,
    ("POST", "/people/{name}/change"): change_person,
    ("POST", "/people/{name}/state"): close,
    ("POST", "/people/{name}/password"): give_password,
    ("POST", "/people/{name}/sessions/end"): end_sessions,
    ("POST", "/people/{name}/keys/{key_id}/revoke"): revoke,
    ("POST", "/notices/webhooks"): add_hook,
    ("POST", "/notices/webhooks/{webhook_id}/rotate"): lambda desk: on_page(desk, "rotate"),
    ("POST", "/notices/webhooks/{webhook_id}/remove"): lambda desk: on_page(desk, "remove"),
    ("POST", "/notices/webhooks/{webhook_id}/test"): lambda desk: on_page(desk, "test"),
    ("POST", "/notices/messages/{message_id}/retry"): retry_message,
}
