"""Requests that change a case from its page."""

from __future__ import annotations

from collections.abc import Mapping

from tests.api.asking import Ask, Desk, Make, Route
from tests.api.casework_changes import (
    add_task,
    case_path,
    change_case,
    change_task,
    hand_over,
    intervene,
    on_page,
    remove_alert,
)
from tests.api.decision_changes import correct


def make_case(desk: Desk) -> Ask:
    alert = desk.alert
    token = f"{alert['id']}:{alert['version']}"
    return Ask("/cases", form={"title": "Road works", "alert": token})


def add_alerts(desk: Desk) -> Ask:
    path, more = case_path(desk), desk.door.get("/api/v1/alerts?limit=2").json()["items"][1]
    version = desk.tag(path)["If-Match"].strip('"')
    form = {"alerts": more["id"], "version": version}
    return Ask(f"{path.removeprefix('/api/v1')}/alerts", form=form)


def add_note(desk: Desk) -> Ask:
    path = case_path(desk).removeprefix("/api/v1")
    return Ask(f"{path}/notes", form={"text": "Seen the log."})


def change_on_page(desk: Desk) -> Ask:
    asked = on_page(change_case)(desk)
    return Ask(f"{asked.path}/change", form=asked.form)


def tick_off(desk: Desk) -> Ask:
    asked = on_page(change_task)(desk)
    return Ask(asked.path, form={**(asked.form or {}), "done": "yes"})


def hand_over_on_page(desk: Desk) -> Ask:
    asked = hand_over(desk)
    return Ask(asked.path.removeprefix("/api/v1"), form=asked.json)


CASE_PAGES: Mapping[Route, Make] = {
    ("POST", "/cases"): make_case,
    ("POST", "/cases/{number}/change"): change_on_page,
    ("POST", "/cases/{number}/alerts"): add_alerts,
    ("POST", "/cases/{number}/alerts/{alert_id}/remove"): on_page(remove_alert),
    ("POST", "/cases/{number}/tasks"): on_page(add_task),
    ("POST", "/cases/{number}/tasks/{task}"): tick_off,
    ("POST", "/cases/{number}/notes"): add_note,
    ("POST", "/cases/{number}/interventions"): on_page(intervene),
    ("POST", "/cases/{number}/interventions/{intervention}"): on_page(correct),
    ("POST", "/cases/{number}/hand-over"): hand_over_on_page,
}
