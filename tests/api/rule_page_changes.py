"""Changes the pages of rules make, ready to be sent; part of `tests.api.changes`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.api.asking import BEN, Ask, Desk, Make, Route
from tests.detector.promoting import LIKE, OWN, judged_in_shadow, local_text

PAGE, DRAFT = f"/rules/{LIKE}", f"/api/v1/rules/{OWN}/draft"
TEXT = f"/api/v1/rules/{LIKE}/versions/1.0.0"


def rule(desk: Desk) -> dict[str, Any]:
    """The rule as it stands."""
    found: dict[str, Any] = desk.door.get(f"/api/v1/rules/{LIKE}").json()
    return found


def form(desk: Desk, **more: str) -> dict[str, str]:
    """A form that has seen the last decision."""
    return {"version": str(rule(desk)["number"]), "note": "not in our market", **more}


def retire(desk: Desk) -> Ask:
    return Ask(f"{PAGE}/retire", form=form(desk))


def roll_back(desk: Desk) -> Ask:
    desk.door.post(f"{PAGE}/retire", data=form(desk))
    return Ask(f"{PAGE}/rollback", form=form(desk))


def approve(desk: Desk) -> Ask:
    path = f"/api/v1/rules/{LIKE}"
    body = {"to": "shadow", "note": "too many"}
    desk.door.post(f"{path}/promote", json=body, headers=desk.tag(path))
    judged_in_shadow(desk.system, LIKE)
    text = rule(desk)["shadow"]
    told = form(desk, of=text["version"], hash=text["content_hash"])
    return Ask(f"{PAGE}/approve", form=told, headers=BEN)


def exception(desk: Desk, at: str = PAGE) -> Ask:
    told = {"reason": "a ceiling price", "subject_kind": "tender", "subject_key": "T-1"}
    return Ask(f"{at}/exceptions", form=told)


def approve_exception(desk: Desk) -> Ask:
    severe = next(
        r["id"] for r in desk.door.get("/api/v1/rules").json()["items"]
        if r["severity"] >= 4 and r["status"] == "active"
    )  # fmt: skip
    asked = exception(desk, f"/rules/{severe}")
    desk.door.post(asked.path, data=dict(asked.form or {}))
    return Ask(f"{asked.path}/1/approve", form={"version": "1"}, headers=BEN)


def end_exception(desk: Desk) -> Ask:
    asked = exception(desk)
    desk.door.post(asked.path, data=dict(asked.form or {}))
    return Ask(f"{asked.path}/1/end", form={"version": "1"})


def new(_desk: Desk) -> Ask:
    return Ask("/rules/new", form={"id": OWN, "like": LIKE})


def edit(desk: Desk) -> Ask:
    return Ask(f"{PAGE}/edit", form={"text": desk.door.get(TEXT).json()["text"], "revision": "0"})


def put_draft(_desk: Desk) -> Ask:
    return Ask(DRAFT, {"text": local_text()}, headers={"If-Match": '"0"'})


def drafted(desk: Desk) -> None:
    asked = put_draft(desk)
    desk.door.put(asked.path, json=asked.json, headers=asked.headers)


def discard(desk: Desk) -> Ask:
    drafted(desk)
    return Ask(f"/rules/{OWN}/discard", form={"revision": "1"})


def drop_draft(desk: Desk) -> Ask:
    drafted(desk)
    return Ask(DRAFT, headers=desk.tag(DRAFT))


def study(desk: Desk) -> Ask:
    drafted(desk)
    return Ask(f"/api/v1/rules/{OWN}/study", {})


RULES: Mapping[Route, Make] = {
    ("POST", "/rules/new"): new,
    ("POST", "/rules/{rule_id}/edit"): edit,
    ("POST", "/rules/{rule_id}/discard"): discard,
    ("PUT", "/api/v1/rules/{rule_id}/draft"): put_draft,
    ("DELETE", "/api/v1/rules/{rule_id}/draft"): drop_draft,
    ("POST", "/api/v1/rules/{rule_id}/study"): study,
    ("POST", "/rules/{rule_id}/retire"): retire,
    ("POST", "/rules/{rule_id}/rollback"): roll_back,
    ("POST", "/rules/{rule_id}/approve"): approve,
    ("POST", "/rules/{rule_id}/exceptions"): exception,
    ("POST", "/rules/{rule_id}/exceptions/{number}/approve"): approve_exception,
    ("POST", "/rules/{rule_id}/exceptions/{number}/end"): end_exception,
}
"""By method and path, what makes the request."""

TRIED: Mapping[Route, Ask] = {
    ("POST", "/rules/{rule_id}/check"): Ask(f"{PAGE}/check", form={"text": local_text()}),
    ("POST", "/api/v1/rules/{rule_id}/study/move"): Ask(f"/api/v1/rules/{LIKE}/study/move", {}),
}
"""What takes a body and changes nothing."""
