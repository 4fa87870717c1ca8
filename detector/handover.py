"""Hands a case over to another authority: one signed file that its installation can take in.

The file is a zip of JSON texts, a manifest with the SHA-256 of each, and an Ed25519 signature of
the manifest by the key of this installation. Names of the people who work here are not in it.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alerts import audit
from alerts.audit_statement import fingerprint
from alerts.case_model import (
    EVERYWHERE,
    Case,
    CaseEventKind,
    CaseHand,
    CaseReach,
    case_object,
)
from alerts.case_reading import alerts_of
from alerts.case_store import a_text, get_case, happened, lock_case
from alerts.case_work import notes_of
from alerts.cases import parties_of
from alerts.limits import NONE, Limits
from alerts.model import Alert, alert_object, kept_back
from detector import second_person
from detector.audit.keys import signing_key
from detector.database import reading, writing
from detector.second_person import Outgoing
from detector.whole_files import replace_bytes, require_folder
from features.errors import WardenError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from alerts.connections import ReadConnection
    from detector.system import System

FORMAT = "marketwarden-hand-over"
VERSION = 1
MANIFEST, SIGNATURE = "manifest.json", "manifest.sig"
PARTS = ("case.json", "parties.json", "alerts.json", "notes.json")
SIGNED_AS = b"marketwarden hand-over 1\n"
"""Stands before what is signed: the key signs checkpoints of the audit trail, too."""
LONGEST_NAME = 200
SENT = (
    "id", "typology", "title", "subject", "period", "lane", "severity", "suspicion", "p_value",
    "q_value", "message", "facts", "rules", "models", "legal_basis", "innocent_explanations",
    "not_checked", "state", "close_reason", "opened_at", "updated_at", "version",
    "jurisdictions",
)  # fmt: skip
"""Of an alert; who works on it here, and what is set aside here, is nobody else's."""
_OF_CASE = ("number", "title", "jurisdiction", "state", "outcome", "opened_at", "version")


@dataclass(frozen=True, slots=True)
class HandOver:
    """What is handed over, and to whom.

    Attributes:
        notes: numbers of the notes that go along.
        approval: number of the request a second person has approved, where that takes one.
    """

    number: str
    to: str
    notes: Sequence[int] = ()
    approval: int | None = None


def hand_over(system: System, wanted: HandOver, hand: CaseHand, limits: Limits = NONE) -> bytes:
    """The file; that it was handed over is an event of the case and an entry of the audit trail.

    Raises:
        WardenError: `case_not_found`, `text_required`, `note_not_found`, `blind_alert`,
            `hidden_alerts`, `second_person_needed` and what `detector.second_person.admit` says,
            `audit_unavailable`, and those of the key.
    """
    key, to = signing_key(system.home), a_text(wanted.to, "receiver", LONGEST_NAME)
    with writing(system.engine) as connection:
        case = lock_case(connection, wanted.number, hand)
        texts = _texts(connection, case, wanted, limits)
        out = _outgoing(case, to, wanted, texts)
        approved = second_person.admit(connection, system, out, hand.actor, wanted.approval)
        about = {
            "format": FORMAT,
            "version": VERSION,
            "installation": name_of(system),
            "key": _pem(key),
            "case": case.number,
            "to": to,
            "created_at": hand.now.isoformat(),
        }
        content = _packed(texts, about, key)
        data = {
            "to": to,
            "sha256": hashlib.sha256(content).hexdigest(),
            "alerts": [sent["id"] for sent in texts["alerts.json"]],
            "notes": sorted(wanted.notes),
            **approved,
        }
        happened(connection, case, hand, CaseEventKind.HANDED_OVER, data)
        # nothing leaves before its entry stands
        audit.append(connection)
    return content


def outgoing(
    system: System, wanted: HandOver, reach: CaseReach = EVERYWHERE, limits: Limits = NONE
) -> Outgoing:
    """What would leave, measured; enters nothing.

    Raises:
        WardenError: as `hand_over`, without those of the second person.
    """
    to = a_text(wanted.to, "receiver", LONGEST_NAME)
    with reading(system.engine) as connection:
        case = get_case(connection, wanted.number, reach)
        return _outgoing(case, to, wanted, _texts(connection, case, wanted, limits))


def _outgoing(case: Case, to: str, wanted: HandOver, texts: Mapping[str, Any]) -> Outgoing:
    options = {"to": to, "notes": sorted(wanted.notes), "version": case.version}
    digest = second_person.sha256(json.dumps(texts, sort_keys=True, default=str).encode())
    return Outgoing("hand_over", case.number, len(texts["alerts.json"]), 0, digest, options)


def _texts(
    connection: ReadConnection, case: Case, wanted: HandOver, limits: Limits
) -> dict[str, Any]:
    """What goes along, by the name of its part."""
    alerts, hidden = alerts_of(connection, case.number, limits)
    if hidden:
        raise WardenError(
            "hidden_alerts",
            f"The case has {hidden} alerts you may not see; it is handed over whole or not.",
            "Ask somebody who sees all of them.",
            "conflict",
        )
    shown = case_object(case)
    return {
        "case.json": {name: shown[name] for name in _OF_CASE},
        "parties.json": [
            {"firm": firm, "role": role.value}
            for firm, role in parties_of(connection, case.number).items()
        ],
        "alerts.json": [_sent(alert) for alert in alerts],
        "notes.json": _chosen(notes_of(connection, case.number), wanted.notes),
    }


def write_hand_over(
    system: System, wanted: HandOver, hand: CaseHand, out: Path, limits: Limits = NONE
) -> int:
    """Writes the file, whole or not at all; returns its bytes.

    Raises:
        WardenError: as `hand_over`; `no_folder`.
    """
    require_folder(out)
    content = hand_over(system, wanted, hand, limits)
    replace_bytes(out, content)
    return len(content)


def name_of(system: System) -> str:
    """What this installation calls itself; the mark of its key where it has no name."""
    mark = fingerprint(signing_key(system.home).public_key())
    return system.settings.installation.strip() or f"installation {mark[:16]}"


def _packed(texts: Mapping[str, Any], about: Mapping[str, Any], key: Ed25519PrivateKey) -> bytes:
    files = {name: _json(text) for name, text in texts.items()}
    sums = {name: hashlib.sha256(text).hexdigest() for name, text in files.items()}
    manifest = _json({**about, "files": sums})
    files |= {MANIFEST: manifest, SIGNATURE: key.sign(SIGNED_AS + manifest).hex().encode()}
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, text in files.items():
            # a day of its own would make two files of one content differ
            bundle.writestr(zipfile.ZipInfo(name), text, zipfile.ZIP_DEFLATED)
    return memory.getvalue()


def _sent(alert: Alert) -> dict[str, Any]:
    if kept_back(alert):
        raise WardenError(
            "blind_alert",
            f"Alert {alert.id} is in blind review.",
            "Decide it first, or take it out of the case.",
            "conflict",
        )
    shown = alert_object(alert)
    return {name: shown[name] for name in SENT}


def _chosen(notes: Sequence[Mapping[str, Any]], wanted: Sequence[int]) -> list[dict[str, Any]]:
    by_id = {note["id"]: note for note in notes}
    for one in wanted:
        if one not in by_id:
            raise WardenError("note_not_found", f"The case has no note {one}.", "", "not_found")
    return [{"text": by_id[i]["text"], "at": by_id[i]["at"]} for i in sorted(set(wanted))]


def _json(data: Any) -> bytes:
    return json.dumps(data, ensure_ascii=False, sort_keys=True, indent=1).encode()


def _pem(key: Ed25519PrivateKey) -> str:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    public = key.public_key()
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
