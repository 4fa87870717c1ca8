"""Requests that receive a case another installation handed over."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from detector.audit.keys import PUBLIC
from detector.received import put_aside
from tests.api.asking import Ask, Desk, Make, Route
from tests.api.casework_changes import hand_over
from tests.api.data_changes import with_file


def handed_over(desk: Desk) -> tuple[bytes, str]:
    """A file of our own, and the key that signed it."""
    asked = hand_over(desk)
    content = desk.door.post(asked.path, json=asked.json).content
    return content, (desk.system.home / PUBLIC).read_text()


def hand_in(desk: Desk) -> Ask:
    content, key = handed_over(desk)
    return with_file("/cases/receive", "case.zip", content, key=key)


def take_in(desk: Desk) -> Ask:
    content, key = handed_over(desk)
    return Ask(f"/cases/receive/{put_aside(desk.system, content, key, 'Ann')}", form={})


def hand_in_by_program(desk: Desk) -> Ask:
    content, key = handed_over(desk)
    return Ask(f"/api/v1/hand-overs?{urlencode({'key': key})}", content=content)


def take_in_by_program(desk: Desk) -> Ask:
    return Ask(f"{take_in(desk).path.replace('/cases/receive', '/api/v1/hand-overs')}/take-in")


RECEIVED: Mapping[Route, Make] = {
    ("POST", "/cases/receive"): hand_in,
    ("POST", "/cases/receive/{sha256}"): take_in,
    ("POST", "/api/v1/hand-overs"): hand_in_by_program,
    ("POST", "/api/v1/hand-overs/{sha256}/take-in"): take_in_by_program,
}
