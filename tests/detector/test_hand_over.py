"""A case handed over: what holds is taken in once, what does not fit is refused whole."""

from __future__ import annotations

import hashlib
import io
import json
import random
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import Engine

from alerts.audit_tables import audit_entry
from alerts.case_model import CaseHand, NewCase
from alerts.case_reading import timeline
from alerts.case_work import add_note
from alerts.inbox import get_alert
from alerts.leads import read_lead
from alerts.lifecycle import Action, decide
from alerts.limits import Limits
from alerts.model import CloseReason
from detector.audit.keys import PUBLIC, public_key, signing_key
from detector.case_parties import open_on_alerts
from detector.database import connect, reading, upgrade, writing
from detector.feedback import closings
from detector.handover import MANIFEST, SIGNATURE, SIGNED_AS, HandOver, hand_over, write_hand_over
from detector.handover_reading import Received, import_file, read_bundle, take_in
from detector.settings import Settings
from detector.system import System, create_home
from features.errors import WardenError
from tests.alerts.samples import CELL, LATER, NOW, run, signal

ANA = CaseHand("Ana", NOW)


def installation(home: Path, engine: Engine, name: str = "") -> System:
    create_home(home)
    return System(Settings(installation=name), home, engine, None, lambda: NOW)  # type: ignore[arg-type]


@pytest.fixture
def sender(sqlite_url: str, tmp_path: Path) -> System:
    """An installation with a case on two alerts, and two notes."""
    engine = connect(sqlite_url)
    upgrade(engine)
    system = installation(tmp_path / "sender", engine, "Office North")
    legal = signal("F2", lane="legal", typology="PRIV-BREACH-LATE", subject_kind="incident")
    run(engine, [signal("F1"), legal])
    with reading(engine) as connection:
        ids = list(connection.scalars(sa.text("SELECT id FROM alert ORDER BY subject_key")))
    case = open_on_alerts(system, NewCase("bids", owner="Ben"), ids, ANA)
    with writing(engine) as connection:
        for text in ("For us alone.", "Goes along."):
            add_note(connection, case.number, text, ANA)
    return system


@pytest.fixture
def receiver(engine: Engine, tmp_path: Path) -> System:
    return installation(tmp_path / "receiver", engine)


NUMBER = "C-2026-0001"
WANTED = HandOver(NUMBER, "Office South", (2,))


def sent(system: System, tmp_path: Path) -> Path:
    out = tmp_path / "case.zip"
    write_hand_over(system, WANTED, ANA, out)
    return out


def refused(act: Callable[[], object]) -> str:
    with pytest.raises(WardenError) as error:
        act()
    return error.value.code


def rows(system: System) -> list[Any]:
    query = sa.text("SELECT id, subject_key, version, state, firing, facts FROM alert ORDER BY id")
    with reading(system.engine) as connection:
        return [tuple(map(str, row)) for row in connection.execute(query)]


def test_alerts_become_leads_once_and_no_run_touches_them(
    sender: System, receiver: System, tmp_path: Path
) -> None:
    file, trust = sent(sender, tmp_path), sender.home / PUBLIC
    # the receiver has an alert of its own about the same subject and period
    run(receiver.engine, [signal("F1")])
    found = import_file(receiver, file, trust, "Zoe")
    assert found == Received("Office North", NUMBER, found.alerts, 0)
    assert len(found.alerts) == 2
    before = rows(receiver)
    assert import_file(receiver, file, trust, "Zoe") == replace(found, alerts=[], known=2)
    assert rows(receiver) == before
    told = {}
    with reading(receiver.engine) as connection:
        for alert_id in found.alerts:
            alert, events = get_alert(connection, alert_id)
            told[alert.signal.subject_key] = alert
            origin = read_lead(connection, alert_id)
            assert events[0].data["origin"] == {
                name: origin[name]
                for name in ("installation", "sender", "case", "alert", "received_at")
            }
            assert [note["text"] for note in origin["sent"]["notes"]] == ["Goes along."]
    assert (told["F1"].signal.lane, told["F2"].signal.lane) == ("screen", "legal")
    assert told["F1"].signal.facts[0]["feature"] == "bid_cv"
    leads = [row for row in rows(receiver) if row[0] in found.alerts]
    # a run that finds the same, one that finds something graver, and one that finds nothing
    run(receiver.engine, [signal("F1", severity=5)], "run-2", LATER, judged=[CELL])
    run(receiver.engine, [], "run-3", LATER + timedelta(days=1), judged=[CELL])
    assert [row for row in rows(receiver) if row[0] in found.alerts] == leads
    with reading(receiver.engine) as connection:
        action = connection.scalars(sa.select(audit_entry.c.action)).all()
    assert list(action).count("lead.received") == 1


def test_what_is_found_about_a_lead_teaches_nothing_of_ours(
    sender: System, receiver: System, tmp_path: Path
) -> None:
    run(receiver.engine, [signal("F1")])
    import_file(receiver, sent(sender, tmp_path), sender.home / PUBLIC, "Zoe")
    with writing(receiver.engine) as connection:
        alerts = {row[0]: row[2] for row in rows(receiver)}
        for alert_id, version in alerts.items():
            decide(
                connection, alert_id, "Zoe", Action.CLOSE, CloseReason.EXPLAINED, "Seen.",
                int(version), LATER,
            )  # fmt: skip
    with reading(receiver.engine) as connection:
        assert len(alerts) == 3
        assert [one["subject_key"] for one in closings(connection)] == ["F1"]


def test_what_is_handed_over_is_told_in_the_case_and_names_nobody(
    sender: System, tmp_path: Path
) -> None:
    content = sent(sender, tmp_path).read_bytes()
    with zipfile.ZipFile(io.BytesIO(content)) as bundle:
        everything = b"".join(bundle.read(name) for name in bundle.namelist()).decode()
    assert not any(word in everything for word in ("Ana", "Ben", "For us alone."))
    with reading(sender.engine) as connection:
        told = timeline(connection, NUMBER)
        entry = connection.execute(
            sa.select(audit_entry).where(audit_entry.c.action == "case.handed_over")
        ).one()
    (last,) = (event for event in told if event["kind"] == "handed_over")
    assert last["data"]["sha256"] == hashlib.sha256(content).hexdigest()
    assert "South" not in str(entry.data)


def test_nothing_is_handed_over_that_may_not_be(sender: System) -> None:
    few = Limits(frozenset({"MON-BID-CV"}))
    assert refused(lambda: hand_over(sender, WANTED, ANA, few)) == "hidden_alerts"
    wanted = replace(WANTED, notes=(7,))
    assert refused(lambda: hand_over(sender, wanted, ANA)) == "note_not_found"
    with writing(sender.engine) as connection:
        connection.execute(sa.text("UPDATE alert SET blind = true WHERE subject_key = 'F1'"))
    assert refused(lambda: hand_over(sender, WANTED, ANA)) == "blind_alert"
    with reading(sender.engine) as connection:
        assert "handed_over" not in [e["kind"] for e in timeline(connection, NUMBER)]


def repacked(content: bytes, **changes: Callable[[bytes], bytes]) -> bytes:
    """The same file with some of its parts changed."""
    memory = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as old,
        zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            change = changes.get(name.split(".")[0] if name != SIGNATURE else "sig")
            text = old.read(name)
            new.writestr(name, change(text) if change else text)
    return memory.getvalue()


def test_what_does_not_fit_is_refused(sender: System, receiver: System, tmp_path: Path) -> None:
    content = hand_over(sender, WANTED, ANA)
    key, other = (public_key(s.home / PUBLIC) for s in (sender, receiver))
    theirs = signing_key(receiver.home)

    def wrong(text: bytes) -> bytes:
        return text.replace(b"Office North", b"Office N0rth").replace(b'"F1"', b'"F9"')

    def foreign(_text: bytes) -> bytes:
        with zipfile.ZipFile(io.BytesIO(content)) as bundle:
            return theirs.sign(SIGNED_AS + bundle.read(MANIFEST)).hex().encode()

    attempts = {
        "untrusted_key": (content, other),
        "bad_hash": (repacked(content, alerts=wrong), key),
        "bad_signature": (repacked(content, manifest=wrong), key),
        "not_a_hand_over": (content[:-40], key),
    }
    for code, (file, trusted) in attempts.items():
        assert refused(lambda f=file, t=trusted: read_bundle(f, t)) == code
    assert refused(lambda: read_bundle(repacked(content, sig=foreign), key)) == "bad_signature"
    # the signature is of this use alone: one of the audit trail is none
    bare = repacked(content, sig=lambda _: signing_key(sender.home).sign(b"x").hex().encode())
    assert refused(lambda: read_bundle(bare, key)) == "bad_signature"
    assert refused(lambda: read_bundle(b"", key)) == "not_a_hand_over"
    odd = replace(read_bundle(content, key))
    odd.alerts[1]["typology"] = "MON-NOTHING"
    assert refused(lambda: take_in(receiver, odd, "Zoe")) == "unusable_lead"
    assert rows(receiver) == []
    path = tmp_path / "absent.zip"
    assert refused(lambda: import_file(receiver, path, sender.home / PUBLIC, "Zoe")) == "no_file"
    assert (
        refused(lambda: import_file(receiver, path, sender.home / PUBLIC, "")) == "actor_required"
    )


def test_no_flipped_byte_changes_what_is_taken_in(sender: System) -> None:
    content = hand_over(sender, WANTED, ANA)
    key = public_key(sender.home / PUBLIC)
    whole, draw, stopped = read_bundle(content, key), random.Random(3), 0
    for _ in range(500):
        place = draw.randrange(len(content))
        bad = bytearray(content)
        bad[place] ^= 1 << draw.randrange(8)
        try:
            found = read_bundle(bytes(bad), key)
        except WardenError:
            stopped += 1
        else:
            # only what a zip says beside its contents, such as a date, may differ
            assert replace(found, sha256="") == replace(whole, sha256="")
    assert stopped > 400


def test_the_file_is_what_it_says(sender: System) -> None:
    with zipfile.ZipFile(io.BytesIO(hand_over(sender, WANTED, ANA))) as bundle:
        manifest = json.loads(bundle.read(MANIFEST))
        for name, mark in manifest["files"].items():
            assert hashlib.sha256(bundle.read(name)).hexdigest() == mark
    assert (manifest["installation"], manifest["to"]) == ("Office North", "Office South")
    assert manifest["key"] == (sender.home / PUBLIC).read_text()
