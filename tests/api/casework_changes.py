"""Requests that change something about the work on alerts and about cases."""

from __future__ import annotations

from collections.abc import Mapping

from tests.api.asking import BEN, Ask, Desk, Make, Route

NOTE = "Seen the log."


def alert_path(desk: Desk) -> str:
    return f"/api/v1/alerts/{desk.alert['id']}"


def bulk(desk: Desk) -> Ask:
    n = desk.door.get("/api/v1/alerts").json()["counts"]["total"]
    asked = {"filter": {}, "action": "label", "label": "ring 7", "expected": n}
    return Ask("/api/v1/alerts/bulk", asked)


def take(desk: Desk) -> Ask:
    path = alert_path(desk)
    return Ask(f"{path}/assignment", {"action": "take"}, headers=desk.tag(path))


def add_label(desk: Desk) -> Ask:
    path = alert_path(desk)
    return Ask(f"{path}/labels", {"add": ["ring 7"]}, headers=desk.tag(path))


def undo(desk: Desk) -> Ask:
    taken, path = take(desk), alert_path(desk)
    desk.door.post(taken.path, json=taken.json, headers=taken.headers)
    return Ask(f"{path}/undo", headers=desk.tag(path))


def send_back(desk: Desk) -> Ask:
    path, rule = alert_path(desk), desk.alert["rules"][0]["id"]
    return Ask(f"{path}/tuning", {"rule": rule, "note": NOTE}, headers=desk.tag(path))


def answer(desk: Desk) -> Ask:
    path = alert_path(desk)
    asked = {"standing": "fits", "note": NOTE}
    return Ask(f"{path}/explanations/1", asked, headers=desk.tag(path))


def attach_on_page(desk: Desk) -> Ask:
    path, mark = alert_path(desk), "part"
    version = desk.tag(path)["If-Match"].strip('"')
    lines = (
        f"--{mark}", 'Content-Disposition: form-data; name="version"', "", version,
        f"--{mark}", 'Content-Disposition: form-data; name="file"; filename="record.txt"',
        "Content-Type: text/plain", "", "What was said.", f"--{mark}--", "",
    )  # fmt: skip
    kind = {"Content-Type": f"multipart/form-data; boundary={mark}"}
    content = "\r\n".join(lines).encode()
    return Ask(f"{path.removeprefix('/api/v1')}/files", content=content, headers=kind)


def attach(desk: Desk) -> Ask:
    path = alert_path(desk)
    file = f"{path}/attachments?name=record.txt"
    return Ask(file, content=b"What was said.", headers=desk.tag(path))


def view(_desk: Desk) -> Ask:
    return Ask("/api/v1/views", {"name": "late", "query": "lane=legal&due=late"})


def drop_view(desk: Desk) -> Ask:
    made = desk.door.post("/api/v1/views", json=view(desk).json)
    return Ask(f"/api/v1/views/{made.json()['id']}")


def view_on_page(desk: Desk) -> Ask:
    return Ask("/queue/views", form=view(desk).json)


def drop_view_on_page(desk: Desk) -> Ask:
    return Ask(f"/queue/views/{drop_view(desk).path.rsplit('/', 1)[1]}/drop", form={})


def from_the_queue(desk: Desk) -> Ask:
    token = f"{desk.alert['id']}:{desk.alert['version']}"
    return Ask("/queue/act", form={"action": "label", "label": "ring 7", "alert": token})


def asked_to_close(desk: Desk) -> str:
    """Path of a severe alert that Ann has asked to close."""
    severe = desk.door.get("/api/v1/alerts?severity=4&severity=5&limit=1").json()["items"][0]
    path = f"/api/v1/alerts/{severe['id']}"
    asked = {"action": "close", "reason": "explained", "note": NOTE}
    desk.door.post(f"{path}/decisions", json=asked, headers=desk.tag(path))
    return path


def approve(desk: Desk) -> Ask:
    path = asked_to_close(desk)
    return Ask(f"{path}/closure/approve", headers=BEN | desk.tag(path))


def reject(desk: Desk) -> Ask:
    path = asked_to_close(desk)
    return Ask(f"{path}/closure/reject", {"note": NOTE}, headers=BEN | desk.tag(path))


def withdraw(desk: Desk) -> Ask:
    path = asked_to_close(desk)
    return Ask(f"{path}/closure/withdraw", headers=desk.tag(path))


def on_page(make: Make, **form: str) -> Make:
    """The same from the page: the version stands in the form."""

    def asked(desk: Desk) -> Ask:
        one = make(desk)
        version = one.headers["If-Match"].strip('"')
        headers = {name: value for name, value in one.headers.items() if name != "If-Match"}
        plain = {name: v for name, v in (one.json or {}).items() if isinstance(v, str)}
        filled = {**plain, **form, "version": version}
        return Ask(one.path.removeprefix("/api/v1"), form=filled, headers=headers)

    return asked


WORK: Mapping[Route, Make] = {
    ("POST", "/api/v1/alerts/bulk"): bulk,
    ("POST", "/api/v1/alerts/{alert_id}/assignment"): take,
    ("POST", "/api/v1/alerts/{alert_id}/labels"): add_label,
    ("POST", "/api/v1/alerts/{alert_id}/undo"): undo,
    ("POST", "/api/v1/alerts/{alert_id}/tuning"): send_back,
    ("POST", "/api/v1/alerts/{alert_id}/explanations/{number}"): answer,
    ("POST", "/api/v1/alerts/{alert_id}/attachments"): attach,
    ("POST", "/api/v1/alerts/{alert_id}/closure/approve"): approve,
    ("POST", "/api/v1/alerts/{alert_id}/closure/reject"): reject,
    ("POST", "/api/v1/alerts/{alert_id}/closure/withdraw"): withdraw,
    ("POST", "/api/v1/views"): view,
    ("DELETE", "/api/v1/views/{view_id}"): drop_view,
    ("POST", "/queue/views"): view_on_page,
    ("POST", "/queue/views/{view_id}/drop"): drop_view_on_page,
    ("POST", "/queue/act"): from_the_queue,
    ("POST", "/alerts/{alert_id}/assignment"): on_page(take),
    ("POST", "/alerts/{alert_id}/undo"): on_page(undo),
    ("POST", "/alerts/{alert_id}/tuning"): on_page(send_back),
    ("POST", "/alerts/{alert_id}/explanations/{number}"): on_page(answer),
    ("POST", "/alerts/{alert_id}/labels"): on_page(add_label, label="ring 7"),
    ("POST", "/alerts/{alert_id}/files"): attach_on_page,
    ("POST", "/alerts/{alert_id}/closure/approve"): on_page(approve),
    ("POST", "/alerts/{alert_id}/closure/reject"): on_page(reject),
    ("POST", "/alerts/{alert_id}/closure/withdraw"): on_page(withdraw),
}


def open_case(desk: Desk) -> Ask:
    asked = {"title": "Road works", "alerts": [desk.alert["id"]], "parties": []}
    return Ask("/api/v1/cases", asked)


def case_path(desk: Desk) -> str:
    made = desk.door.post("/api/v1/cases", json=open_case(desk).json)
    return f"/api/v1/cases/{made.json()['number']}"


def change_case(desk: Desk) -> Ask:
    path = case_path(desk)
    return Ask(path, {"title": "Road works, ring of five"}, headers=desk.tag(path))


def add_alerts(desk: Desk) -> Ask:
    path, more = case_path(desk), desk.door.get("/api/v1/alerts?limit=2").json()["items"][1]
    return Ask(f"{path}/alerts", {"alerts": [more["id"]]}, headers=desk.tag(path))


def remove_alert(desk: Desk) -> Ask:
    path = case_path(desk)
    gone = f"{path}/alerts/{desk.alert['id']}/remove"
    return Ask(gone, {"note": "another ring"}, headers=desk.tag(path))


def add_task(desk: Desk) -> Ask:
    path = case_path(desk)
    return Ask(f"{path}/tasks", {"text": "Ask the buyer."}, headers=desk.tag(path))


def change_task(desk: Desk) -> Ask:
    asked = add_task(desk)
    desk.door.post(asked.path, json=asked.json, headers=asked.headers)
    path = asked.path.removesuffix("/tasks")
    task = desk.door.get(path).json()["tasks"][0]["id"]
    return Ask(f"{asked.path}/{task}", {"done": True}, headers=desk.tag(path))


def add_note(desk: Desk) -> Ask:
    return Ask(f"{case_path(desk)}/notes", {"text": NOTE})


def intervene(desk: Desk) -> Ask:
    path = case_path(desk)
    for state in ("in_progress", "decided"):
        desk.door.patch(path, json={"state": state}, headers=desk.tag(path))
    asked = {
        "kind": "fine",
        "decided_on": "2026-11-20",
        "text": "For the ring.",
        "legal_basis": "Article 56",
    }
    return Ask(f"{path}/interventions", asked, headers=desk.tag(path))


def hand_over(desk: Desk) -> Ask:
    return Ask(f"{case_path(desk)}/hand-over", {"to": "The office next door"})


CASES: Mapping[Route, Make] = {
    ("POST", "/api/v1/cases"): open_case,
    ("PATCH", "/api/v1/cases/{number}"): change_case,
    ("POST", "/api/v1/cases/{number}/alerts"): add_alerts,
    ("POST", "/api/v1/cases/{number}/alerts/{alert_id}/remove"): remove_alert,
    ("POST", "/api/v1/cases/{number}/tasks"): add_task,
    ("PATCH", "/api/v1/cases/{number}/tasks/{task}"): change_task,
    ("POST", "/api/v1/cases/{number}/notes"): add_note,
    ("POST", "/api/v1/cases/{number}/interventions"): intervene,
    ("POST", "/api/v1/cases/{number}/hand-over"): hand_over,
}
