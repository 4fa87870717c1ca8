"""Every request that changes something, ready to be sent: what must be there first, and the body.

Whoever adds a route that is not GET adds a line here; a test holds the list against the routes.
"""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa

from detector.database import writing
from detector.firm_tables import saved_search_hit
from detector.people import accounts
from detector.people.tables import person
from tests.api.account_changes import ACCOUNTS
from tests.api.approval_changes import APPROVALS
from tests.api.asking import BEN, Ask, Desk, Make, Route
from tests.api.case_page_changes import CASE_PAGES
from tests.api.casework_changes import CASES, WORK
from tests.api.data_changes import DATA
from tests.api.decision_changes import DECISIONS
from tests.api.firm_changes import FIRMS, SAID
from tests.api.notice_changes import NOTICES
from tests.api.received_changes import RECEIVED
from tests.api.rule_page_changes import RULES, TRIED
from tests.detector.promoting import LIKE, local_text
from tests.people.test_people import GOOD


def close(desk: Desk) -> Ask:
    path = f"/api/v1/alerts/{desk.alert['id']}"
    body = {"action": "close", "reason": "explained", "note": "Seen the log."}
    return Ask(f"{path}/decisions", body, headers=desk.tag(path))


def comment(desk: Desk) -> Ask:
    return Ask(f"/api/v1/alerts/{desk.alert['id']}/comments", {"text": "Asked the buyer."})


def close_on_page(desk: Desk) -> Ask:
    alert = desk.alert
    form = {"action": "acknowledge", "version": str(alert["version"])}
    return Ask(f"/alerts/{alert['id']}/decisions", form=form)


def comment_on_page(desk: Desk) -> Ask:
    return Ask(f"/alerts/{desk.alert['id']}/comments", form={"text": "Asked the buyer."})


def new_exception(_desk: Desk) -> Ask:
    body = {"rule": LIKE, "reason": "a ceiling price", "subject_kind": "tender"}
    return Ask("/api/v1/exceptions", body)


def exception_of(desk: Desk, rule: str) -> str:
    body = {"rule": rule, "reason": "a ceiling price", "subject_kind": "tender"}
    made = desk.door.post("/api/v1/exceptions", json=body)
    return f"/api/v1/exceptions/{made.json()['id']}"


def approve_exception(desk: Desk) -> Ask:
    severe = next(
        r["id"] for r in desk.door.get("/api/v1/rules").json()["items"]
        if r["severity"] >= 4 and r["status"] == "active"
    )  # fmt: skip
    path = exception_of(desk, severe)
    return Ask(f"{path}/approve", headers=BEN | desk.tag(path))


def end_exception(desk: Desk) -> Ask:
    path = exception_of(desk, LIKE)
    return Ask(f"{path}/end", {}, headers=desk.tag(path))


def promote(desk: Desk) -> Ask:
    path = f"/api/v1/rules/{LIKE}"
    return Ask(f"{path}/promote", {"to": "shadow", "note": "too many"}, headers=desk.tag(path))


def retire(desk: Desk) -> Ask:
    path = f"/api/v1/rules/{LIKE}"
    return Ask(f"{path}/retire", {"note": "not in our market"}, headers=desk.tag(path))


def roll_back(desk: Desk) -> Ask:
    asked = retire(desk)
    desk.door.post(asked.path, json=asked.json, headers=asked.headers)
    path = f"/api/v1/rules/{LIKE}"
    return Ask(f"{path}/rollback", {}, headers=desk.tag(path))


def replay(desk: Desk) -> Ask:
    return Ask(f"/api/v1/alerts/{desk.alert['id']}/replay")


def replay_on_page(desk: Desk) -> Ask:
    return Ask(f"/alerts/{desk.alert['id']}/replay")


def save_search(_desk: Desk) -> Ask:
    return Ask("/api/v1/searches", {"name": "of mine", "about": "alerts", "query": {"text": "x"}})


def search_of(desk: Desk) -> str:
    made = desk.door.post("/api/v1/searches", json=save_search(desk).json)
    return f"/api/v1/searches/{made.json()['id']}"


def change_search(desk: Desk) -> Ask:
    path = search_of(desk)
    return Ask(path, {"name": "another"}, headers=desk.tag(path))


def drop_search(desk: Desk) -> Ask:
    path = search_of(desk)
    return Ask(path, headers=desk.tag(path))


def see_hits(desk: Desk) -> Ask:
    path = search_of(desk)
    row = {"search_id": path.rsplit("/", 1)[1], "key": "A1", "title": {}, "known": False}
    with writing(desk.system.engine) as connection:
        connection.execute(sa.insert(saved_search_hit), row | {"found_at": desk.system.clock()})
    return Ask(f"{path}/seen")


def new_person(_desk: Desk) -> Ask:
    return Ask("/api/v1/people", {"name": "Bo", "roles": ["reader"]})


def change_person(desk: Desk) -> Ask:
    desk.door.post("/api/v1/people", json=new_person(desk).json)
    return Ask("/api/v1/people/Bo", {"roles": ["auditor"]}, headers=desk.tag("/api/v1/people/Bo"))


def sign_in(desk: Desk) -> Ask:
    with writing(desk.system.engine) as connection:
        accounts.add(connection, "Cy", ["reader"], "setup", desk.system.clock(), password=GOOD)
    return Ask("/sign-in", form={"name": "Cy", "password": GOOD})


def signed_in(desk: Desk) -> None:
    """From here on the client is a browser, not a program."""
    del desk.door.headers["Authorization"]
    desk.door.post("/sign-in", data=dict(sign_in(desk).form or {}))


def sign_out(desk: Desk) -> Ask:
    signed_in(desk)
    return Ask("/sign-out")


def new_key(desk: Desk) -> Ask:
    signed_in(desk)
    return Ask("/api/v1/me/keys", {"title": "nightly", "scopes": ["alerts.read"], "days": 3})


def own_password(desk: Desk) -> Ask:
    signed_in(desk)
    new = "five pale rivers by dawn"
    return Ask("/profile/password", form={"old": GOOD, "new": new, "again": new})


def own_password_by_program(desk: Desk) -> Ask:
    return Ask("/api/v1/me/password", {"old": GOOD, "new": (own_password(desk).form or {})["new"]})


def own_sessions(desk: Desk) -> Ask:
    signed_in(desk)
    return Ask("/profile/sessions/end", form={})


def new_key_on_page(desk: Desk) -> Ask:
    """Cy makes a key of Cy's own, signed in, as whoever keeps the accounts."""
    signed_in(desk)
    with writing(desk.system.engine) as connection:
        connection.execute(
            sa.update(person).where(person.c.name == "Cy").values(roles=["administrator"])
        )
    return Ask("/people/Cy/keys", form={"title": "nightly", "scope.runs.read": "yes"})


def revoke_key(desk: Desk) -> Ask:
    made = desk.door.post("/api/v1/me/keys", json=new_key(desk).json)
    return Ask(f"/api/v1/me/keys/{made.json()['id']}/revoke")


CHANGES: Mapping[Route, Make] = {
    **WORK,
    **APPROVALS,
    **CASES,
    **DECISIONS,
    **CASE_PAGES,
    **RECEIVED,
    **NOTICES,
    **DATA,
    **ACCOUNTS,
    **RULES,
    **FIRMS,
    ("POST", "/api/v1/alerts/{alert_id}/decisions"): close,
    ("POST", "/api/v1/alerts/{alert_id}/comments"): comment,
    ("POST", "/api/v1/alerts/{alert_id}/replay"): replay,
    ("POST", "/alerts/{alert_id}/decisions"): close_on_page,
    ("POST", "/alerts/{alert_id}/replay"): replay_on_page,
    ("POST", "/alerts/{alert_id}/comments"): comment_on_page,
    ("POST", "/api/v1/exceptions"): new_exception,
    ("POST", "/api/v1/exceptions/{number}/approve"): approve_exception,
    ("POST", "/api/v1/exceptions/{number}/end"): end_exception,
    ("POST", "/api/v1/rules/{rule_id}/promote"): promote,
    ("POST", "/api/v1/rules/{rule_id}/retire"): retire,
    ("POST", "/api/v1/rules/{rule_id}/rollback"): roll_back,
    ("POST", "/api/v1/searches"): save_search,
    ("PATCH", "/api/v1/searches/{search_id}"): change_search,
    ("DELETE", "/api/v1/searches/{search_id}"): drop_search,
    ("POST", "/api/v1/searches/{search_id}/seen"): see_hits,
    ("POST", "/api/v1/people"): new_person,
    ("PATCH", "/api/v1/people/{name}"): change_person,
    ("POST", "/api/v1/me/keys"): new_key,
    ("POST", "/people/{name}/keys"): new_key_on_page,
    ("POST", "/api/v1/me/keys/{key_id}/revoke"): revoke_key,
    ("POST", "/sign-in"): sign_in,
    ("POST", "/sign-out"): sign_out,
    ("POST", "/profile/password"): own_password,
    ("POST", "/profile/sessions/end"): own_sessions,
    ("POST", "/api/v1/me/password"): own_password_by_program,
    ("POST", "/api/v1/me/sessions/end"): lambda _desk: Ask("/api/v1/me/sessions/end"),
    ("POST", "/api/v1/audit/export"): lambda _desk: Ask("/api/v1/audit/export"),
}
"""By method and path, what makes the request."""

COMPUTES: Mapping[Route, Ask] = {
    **SAID,
    **TRIED,
    ("POST", "/profile/keys"): Ask("/profile/keys", form={"key.acknowledge": "w"}),
    ("POST", "/api/v1/rules/lint"): Ask("/api/v1/rules/lint", {"text": local_text()}),
    ("POST", "/api/v1/rules/test"): Ask("/api/v1/rules/test", {"text": local_text()}),
    ("POST", "/api/v1/rules/{rule_id}/backtest"): Ask(f"/api/v1/rules/{LIKE}/backtest", {}),
    ("POST", "/api/v1/rules/{rule_id}/diff"): Ask(f"/api/v1/rules/{LIKE}/diff", {}),
}
"""What takes a body and changes nothing, so needs no entry."""
