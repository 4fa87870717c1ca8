"""Requests that correct what was recorded of a decision."""

from __future__ import annotations

from collections.abc import Mapping

from tests.api.asking import Ask, Desk, Make, Route
from tests.api.casework_changes import intervene


def correct(desk: Desk) -> Ask:
    asked = intervene(desk)
    desk.door.post(asked.path, json=asked.json, headers=asked.headers)
    path = asked.path.removesuffix("/interventions")
    number = desk.door.get(path).json()["interventions"][0]["id"]
    right = {**(asked.json or {}), "text": "For the ring of five.", "why": "Too short."}
    return Ask(f"{asked.path}/{number}", right, headers=desk.tag(path))


DECISIONS: Mapping[Route, Make] = {
    ("PUT", "/api/v1/cases/{number}/interventions/{intervention}"): correct,
}
