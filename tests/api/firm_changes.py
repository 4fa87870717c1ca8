"""Requests of the pages of firms that change something."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import sqlalchemy as sa

from detector.database import writing
from detector.firm_tables import saved_search_hit
from detector.lake import Lake
from tests.api.asking import Ask, Desk, Make, Route
from tests.detector.homes import file


def keep_on_page(_desk: Desk) -> Ask:
    return Ask("/firms/searches", form={"name": "of mine", "q": "dunmere"})


def kept_on_page(desk: Desk) -> str:
    desk.door.post("/firms/searches", data=dict(keep_on_page(desk).form or {}))
    return str(desk.door.get("/api/v1/searches").json()["items"][0]["id"])


def stop_on_page(desk: Desk) -> Ask:
    form = {"version": "1", "enabled": "no"}
    return Ask(f"/firms/searches/{kept_on_page(desk)}/change", form=form)


def drop_on_page(desk: Desk) -> Ask:
    return Ask(f"/firms/searches/{kept_on_page(desk)}/drop", form={"version": "1"})


def see_on_page(desk: Desk) -> Ask:
    search_id = kept_on_page(desk)
    row = {"search_id": search_id, "key": "A1", "title": {}, "known": False}
    with writing(desk.system.engine) as connection:
        connection.execute(sa.insert(saved_search_hit), row | {"found_at": desk.system.clock()})
    return Ask(f"/firms/searches/{search_id}/seen", form={})


def filed(desk: Desk) -> None:
    """From here on the installation has a lake in which one firm is filed."""
    system = replace(desk.system, lake=Lake(desk.system.home, desk.system.engine))
    file(system, desk.system.home.parent / "filings", "firms", [{"firm_id": "F-1", "name": "One"}])
    desk.door.app.state.system = system  # type: ignore[attr-defined]


def note(desk: Desk) -> Ask:
    filed(desk)
    return Ask("/api/v1/firms/F-1/notes?purpose=review&case=C-1", {"text": "Disputes the market."})


def note_on_page(desk: Desk) -> Ask:
    filed(desk)
    said = dict(SAID["POST", "/firms/{firm_id}/purpose"].form or {})
    desk.door.post("/firms/F-1/purpose", data=said, follow_redirects=False)
    return Ask("/firms/F-1/notes", form={"text": "Disputes the market."})


FIRMS: Mapping[Route, Make] = {
    ("POST", "/api/v1/firms/{firm_id}/notes"): note,
    ("POST", "/firms/{firm_id}/notes"): note_on_page,
    ("POST", "/firms/searches"): keep_on_page,
    ("POST", "/firms/searches/{search_id}/change"): stop_on_page,
    ("POST", "/firms/searches/{search_id}/drop"): drop_on_page,
    ("POST", "/firms/searches/{search_id}/seen"): see_on_page,
}
SAID: Mapping[Route, Ask] = {
    ("POST", "/firms/{firm_id}/purpose"): Ask(
        "/firms/F-1/purpose", form={"purpose": "review of an alert", "case": "C-1"}
    ),
}
"""What the browser keeps and the installation does not: the visit is entered when it is made."""
