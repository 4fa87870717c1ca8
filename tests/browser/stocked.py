"""Work in every corner of a desk: an alert worked on, a case, a firm noted, filings gone wrong.

Everything goes in by the doors people and filers use; `word` says what stands in their texts.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2
import sqlalchemy as sa

from alerts.case_tables import lead
from alerts.notify.tables import delivery, message, webhook
from detector import uploads
from detector.audit.keys import PUBLIC
from detector.database import reading, writing
from detector.ingest.load import load_files
from detector.received import put_aside
from detector.system import System
from detector.tables import run
from tests.detector.promoting import OWN, local_text
from tests.signed import enroll

Say = Callable[[str], str]
LIKE = "mon-bid-cv-low"
"""A rule of severity 3: an exception from it is not asked of a second person."""
RETIRED = "mon-bid-cv-very-low"


def stock(
    system: System, address: str, alert: str, firm: str, word: Say, who: str = "Ann"
) -> dict[str, str]:
    """Puts something of everything into an installation.

    Args:
        address: where it is served.
        alert: id of the alert that is worked on.
        firm: id of the firm that becomes a party and is noted.
        word: text for a field, by what it is.
        who: name of whoever does all of it.

    Returns:
        What stands in the addresses of pages, by name.
    """
    key = enroll(system, who)
    with httpx2.Client(base_url=address, headers=key, timeout=30) as door:
        rule = _alert(door, alert, word)
        case = _case(door, alert, firm, word)
        received = _received(system, door, case, word)
        _firm(door, firm, word)
        _rules(door, word)
        _requests(door, case, word)
    _sent(system, who)
    firm = quote(firm, safe="")
    told = {"alert": alert, "firm": firm, "case": case, "received": received, "own": OWN}
    told["rule"] = rule
    return told | _filings(system, word)


def send(door: Any, path: str, body: Any = None, *, method: str = "POST", at: str = "") -> Any:
    """One change over the interface, of the version that stands now at `at`."""
    headers = {"If-Match": door.get(at).headers["ETag"]} if at else {}
    said = door.request(method, path, json=body, headers=headers)
    assert said.status_code < 300, (method, path, said.text)
    return said


def _alert(door: Any, alert: str, word: Say) -> str:
    at = f"/api/v1/alerts/{alert}"
    rule = door.get(at).json()["rules"][0]["id"]
    send(door, f"{at}/comments", {"text": word("comment")})
    send(door, f"{at}/labels", {"add": ["ring 7"]}, at=at)
    send(door, f"{at}/explanations/1", {"standing": "fits", "note": word("answer")}, at=at)
    send(door, f"{at}/tuning", {"rule": rule, "note": word("tuning")}, at=at)
    version = door.get(at).headers["ETag"]
    file = {"params": {"name": f"{word('file')}.txt"}, "content": b"What was said."}
    said = door.post(f"{at}/attachments", headers={"If-Match": version}, **file)
    assert said.status_code < 300, said.text
    closing = {"action": "close", "reason": "explained", "note": word("closing")}
    send(door, f"{at}/decisions", closing, at=at)
    send(door, "/api/v1/views", {"name": word("view")[:40], "query": "lane=legal"})
    return str(rule)


def _case(door: Any, alert: str, firm: str, word: Say) -> str:
    body = {
        "title": word("title"),
        "alerts": [alert],
        "parties": [{"firm": firm, "role": "subject"}],
    }
    number = str(send(door, "/api/v1/cases", body).json()["number"])
    at = f"/api/v1/cases/{number}"
    send(door, f"{at}/tasks", {"text": word("task")}, at=at)
    send(door, f"{at}/notes", {"text": word("note")})
    for state in ("in_progress", "decided"):
        send(door, at, {"state": state}, method="PATCH", at=at)
    decided: dict[str, Any] = {"kind": "fine", "decided_on": "2026-11-20"}
    decided |= {"text": word("decision"), "legal_basis": word("basis")}
    goal = {"feature": "cover_win_rate", "direction": "down", "by": "2027-06-30"}
    decided |= {"targets": [goal | {"subject_key": firm}]}
    send(door, f"{at}/interventions", decided, at=at)
    one = door.get(at).json()["interventions"][0]["id"]
    right = decided | {"decided_on": "2026-11-21", "why": word("correction")}
    send(door, f"{at}/interventions/{one}", right, method="PUT", at=at)
    return number


def _received(system: System, door: Any, case: str, word: Say) -> str:
    """Hands the case over to ourselves: once taken in, once only looked at."""
    key = (system.home / PUBLIC).read_text()
    for last in (False, True):
        file = send(door, f"/api/v1/cases/{case}/hand-over", {"to": word("receiver")}).content
        mark = put_aside(system, file, key, "Ann")
        if not last:
            taken = door.post(f"/cases/receive/{mark}", data={})
            assert taken.status_code == 303, taken.text
    return mark


def _firm(door: Any, firm: str, word: Say) -> None:
    why = {"purpose": word("purpose"), "case": "C-1"}
    from urllib.parse import quote

    path = f"/api/v1/firms/{quote(firm, safe='')}/notes"
    said = door.post(path, params=why, json={"text": word("firm note")})
    assert said.status_code < 300, said.text
    at = "/api/v1/me/notifications"
    send(door, at, {"least_severity": 4}, method="PUT", at=at)
    search = {"name": word("search")[:80], "about": "firms", "query": {"text": firm[:8]}}
    send(door, "/api/v1/searches", search)


def _rules(door: Any, word: Say) -> None:
    said = {"rule": LIKE, "reason": word("exception"), "subject_kind": "tender"}
    send(door, "/api/v1/exceptions", said | {"subject_key": word("subject")})
    at = f"/api/v1/rules/{RETIRED}"
    send(door, f"{at}/retire", {"note": word("retiring")}, at=at)
    at = f"/api/v1/rules/{OWN}/draft"
    text = local_text().replace("A measure of an office of its own", _quoted(word("rule")))
    said = door.put(at, json={"text": text}, headers={"If-Match": '"0"'})
    assert said.status_code < 300, said.text


def _quoted(text: str) -> str:
    return f'"{text}"' if '"' not in text else "'" + text.replace("'", "''") + "'"


def _requests(door: Any, case: str, word: Say) -> None:
    why = {"purpose": word("purpose"), "case": case}
    asked = {"pseudonym": "0f" * 16, "candidates": [word("candidate")]}
    send(door, "/api/v1/reidentifications", asked | why)


def _filings(system: System, word: Say) -> dict[str, str]:
    """A file that waits, and one that was taken in without its one bad row."""
    column = word("column").replace('"', '""')
    lines = f'tender_id,bidder_id,amount,currency,"{column}"\nT1,B1,5,x,y\n'.encode()
    waiting = uploads.receive(system, "bids", "bids.csv", io.BytesIO(lines), "Ann").id
    bad = word("amount").replace('"', '""')
    path = Path(system.home.parent / f"{word('file').replace('/', ' ')}.csv")
    path.write_text(f'tender_id,bidder_id,amount\nT1,B1,"{bad}"\n', "utf-8")
    assert load_files(system.home, system.engine, "bids", [path]).quarantined == 1
    with reading(system.engine) as connection:
        done = connection.execute(sa.select(run.c.run_id).limit(1)).scalar_one()
        sent = connection.execute(sa.select(lead.c.alert_id).limit(1)).scalar_one()
    return {"upload": waiting, "run": str(done), "lead": str(sent)}


def _sent(system: System, who: str) -> None:
    """An endpoint of another program, and a message that did not reach it."""
    now = system.clock()
    hook = {"id": "h" * 16, "url": "https://hooks.example.org/", "kinds": [], "secret": b"s"}
    hook |= {"version": 1, "added_by": who, "added_at": now}
    sent = {"id": "m" * 16, "channel": "webhook", "recipient": hook["id"], "state": "dead"}
    sent |= {"made_at": now, "attempts": 5, "doubts": 0, "error": "refused"}
    told = {"notice_id": 1, "message_id": sent["id"]}
    told |= {name: sent[name] for name in ("channel", "recipient")}
    with writing(system.engine) as connection:
        for table, row in ((webhook, hook), (message, sent), (delivery, told)):
            connection.execute(sa.insert(table), row)
