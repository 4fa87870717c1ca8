"""A case another installation handed over, put aside and looked at before anything is raised.

The file and the key it is to be trusted by lie in the home under the hash of the file; nothing of
it is used before `read_bundle` has verified it, each time anew.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from alerts import audit
from alerts.case_tables import lead
from alerts.limits import NONE, Limits
from detector.audit.keys import public_key
from detector.database import ReadConnection, reading, writing
from detector.handover_reading import (
    LARGEST,
    Bundle,
    Received,
    check_lead,
    read_bundle,
    take_in,
)
from detector.whole_files import replace_bytes
from features.errors import WardenError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    from detector.system import System

FOLDER = "received"
LONGEST_KEY = 4_000


@dataclass(frozen=True, slots=True)
class Look:
    """What taking a file in would raise.

    Attributes:
        sender: hash of the key that signed it, to be compared with what the sender says.
        alerts: those within the limits of whoever looks, as they were sent.
        known: ids of the leads here, by id of the alert there, that were received before.
        hidden: alerts beyond the limits.
    """

    sha256: str
    sender: str
    installation: str
    case: Mapping[str, Any]
    parties: list[dict[str, Any]]
    notes: list[dict[str, Any]]
    alerts: list[dict[str, Any]]
    known: Mapping[str, str]
    hidden: int


def put_aside(system: System, content: bytes, key: str, actor: str) -> str:
    """Keeps a file that holds, with the key it was verified by; returns its hash.

    Args:
        key: the sender's public key in PEM, had from the sender by another way.

    Raises:
        WardenError: `actor_required`, `too_large`, `broken_key`, and those of `read_bundle`;
            `unusable_lead` for an alert that says what no alert here could.
    """
    if len(content) > LARGEST:
        raise WardenError("too_large", f"A hand-over has at most {LARGEST:,} bytes.")
    sha256 = hashlib.sha256(content).hexdigest()
    place = _place(system, sha256)
    place.parent.mkdir(parents=True, exist_ok=True)
    trusted = place.with_suffix(".pem")
    before = trusted.read_bytes() if trusted.exists() else None
    replace_bytes(trusted, key.strip()[:LONGEST_KEY].encode() + b"\n")
    try:
        found = read_bundle(content, _sent_key(trusted))
        for sent in found.alerts:
            check_lead(sent)
        with writing(system.engine) as connection:
            audit.record(
                connection, actor=actor, action="hand_over.put_aside", kind="hand_over",
                key=sha256, data={"sender": found.sender, "alerts": len(found.alerts)},
                now=system.clock(),
            )  # fmt: skip
            # nothing is kept before its entry stands
            audit.append(connection)
            replace_bytes(place, content)
    except WardenError:
        # what does not hold is not kept; what held before still does
        if before is None:
            trusted.unlink(missing_ok=True)
        else:
            replace_bytes(trusted, before)
        raise
    return sha256


def _sent_key(path: Path) -> Ed25519PublicKey:
    """The key somebody sent along: one that is none is a fault of what was sent, not of ours."""
    try:
        return public_key(path)
    except WardenError as error:
        if error.code != "broken_key":
            raise
        raise WardenError(
            "broken_key",
            "The key is no Ed25519 public key in PEM.",
            "Send the whole text of the sender's key file, its first and last line included.",
        ) from error


def look(system: System, sha256: str, limits: Limits = NONE) -> Look:
    """What taking a file in would raise; raises nothing and changes nothing.

    Raises:
        WardenError: `not_received`, and those of `read_bundle`.
    """
    found = _held(system, sha256)
    seen = [one for one in found.alerts if limits.allow(str(one.get("typology")))]
    with reading(system.engine) as connection:
        known = _known(connection, found.sender, [str(one["id"]) for one in found.alerts])
    return Look(
        sha256=sha256,
        sender=found.sender,
        installation=found.installation,
        case=found.case,
        parties=found.parties,
        notes=found.notes,
        alerts=seen,
        known=known,
        hidden=len(found.alerts) - len(seen),
    )


def receive_held(system: System, sha256: str, actor: str) -> Received:
    """Makes leads of a file that was looked at; what was received before is left as it is.

    Raises:
        WardenError: `not_received`, `actor_required`, and those of `take_in`.
    """
    return take_in(system, _held(system, sha256), actor)


def _held(system: System, sha256: str) -> Bundle:
    place = _place(system, sha256)
    if not place.is_file():
        raise WardenError(
            "not_received", "No file of this hash lies here.", "Hand it in again.", "not_found"
        )
    return read_bundle(place.read_bytes(), public_key(place.with_suffix(".pem")))


def _known(connection: ReadConnection, sender: str, ids: list[str]) -> dict[str, str]:
    columns = lead.c
    query = sa.select(columns.their_alert, columns.alert_id).where(
        columns.sender == sender, columns.their_alert.in_(ids)
    )
    return {row.their_alert: row.alert_id for row in connection.execute(query)}


def _place(system: System, sha256: str) -> Path:
    if not re.fullmatch(r"[0-9a-f]{64}", sha256):
        raise WardenError("not_received", "No file of this hash lies here.", "", "not_found")
    return system.home / FOLDER / f"{sha256}.zip"
