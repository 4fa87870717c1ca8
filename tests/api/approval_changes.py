"""Requests that ask for, answer or use what takes a second person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.api.asking import BEN, Ask, Desk, Make, Route

LIMIT = "2"
"""Alerts an export may hold here without a second person."""
QUESTION = {"pseudonym": "0f" * 16, "candidates": ["Lin Wei", "Ren Hao"]}
WHY = {"purpose": "for the court", "case": "C-2026-0001"}


def large_case(desk: Desk) -> str:
    """Number of a case whose hand-over is above the limit."""
    found = desk.door.get("/api/v1/alerts?limit=3").json()["items"]
    body = {"title": "roads", "alerts": [one["id"] for one in found]}
    return str(desk.door.post("/api/v1/cases", json=body).json()["number"])


def ask_for_export(desk: Desk) -> Ask:
    body = {"what": "hand_over", "key": large_case(desk), "to": "Office South", **WHY}
    return Ask("/api/v1/approvals", body)


def asked(desk: Desk) -> tuple[str, dict[str, Any]]:
    """Path of a request, and the request."""
    made = desk.door.post("/api/v1/approvals", json=ask_for_export(desk).json).json()
    return f"/api/v1/approvals/{made['id']}", made


def approve(desk: Desk) -> Ask:
    path, made = asked(desk)
    return Ask(f"{path}/approve", {"content": made["content"]}, headers=BEN | desk.tag(path))


def reject(desk: Desk) -> Ask:
    path, _ = asked(desk)
    return Ask(f"{path}/reject", {"note": "too much"}, headers=BEN | desk.tag(path))


def withdraw(desk: Desk) -> Ask:
    path, _ = asked(desk)
    return Ask(f"{path}/withdraw", headers=desk.tag(path))


def ask_who(_desk: Desk) -> Ask:
    return Ask("/api/v1/reidentifications", QUESTION | WHY)


def tell_who(desk: Desk) -> Ask:
    made = desk.door.post("/api/v1/reidentifications", json=QUESTION | WHY)
    number, body = made.json()["id"], {"content": made.json()["content"]}
    tag = {"If-Match": made.headers["ETag"]}
    desk.door.post(f"/api/v1/approvals/{number}/approve", json=body, headers=BEN | tag)
    return Ask(f"/api/v1/reidentifications/{number}/resolve", QUESTION)


def on_page(desk: Desk, act: str) -> Ask:
    path, made = asked(desk)
    form = {"version": str(made["version"]), "content": made["content"], "note": "too much"}
    by = {} if act == "withdraw" else BEN
    return Ask(f"{path.removeprefix('/api/v1')}/{act}", form=form, headers=by)


APPROVALS: Mapping[Route, Make] = {
    ("POST", "/approvals/{number}/approve"): lambda desk: on_page(desk, "approve"),
    ("POST", "/approvals/{number}/reject"): lambda desk: on_page(desk, "reject"),
    ("POST", "/approvals/{number}/withdraw"): lambda desk: on_page(desk, "withdraw"),
    ("POST", "/api/v1/approvals"): ask_for_export,
    ("POST", "/api/v1/approvals/{number}/approve"): approve,
    ("POST", "/api/v1/approvals/{number}/reject"): reject,
    ("POST", "/api/v1/approvals/{number}/withdraw"): withdraw,
    ("POST", "/api/v1/reidentifications"): ask_who,
    ("POST", "/api/v1/reidentifications/{number}/resolve"): tell_who,
}
