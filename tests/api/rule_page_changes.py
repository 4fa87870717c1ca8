"""Changes the pages of rules make, ready to be sent; part of `tests.api.changes`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.api.asking import BEN, Ask, Desk, Make, Route
from tests.detector.promoting import LIKE, judged_in_shadow

PAGE = f"/rules/{LIKE}"


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


RULES: Mapping[Route, Make] = {
    ("POST", "/rules/{rule_id}/retire"): retire,
    ("POST", "/rules/{rule_id}/rollback"): roll_back,
    ("POST", "/rules/{rule_id}/approve"): approve,
    ("POST", "/rules/{rule_id}/exceptions"): exception,
    ("POST", "/rules/{rule_id}/exceptions/{number}/approve"): approve_exception,
    ("POST", "/rules/{rule_id}/exceptions/{number}/end"): end_exception,
}
"""By method and path, what makes the request."""
