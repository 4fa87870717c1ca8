"""Takes in a case that another installation handed over: its alerts become leads here.

Nothing of a file is used before its key is the trusted one, the signature of the manifest holds,
and every part has the hash the manifest names.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alerts import audit
from alerts.changing import require_actor
from alerts.leads import Origin, receive, signal_of
from alerts.store import storable
from detector.audit.keys import public_key
from detector.database import writing
from detector.handover import FORMAT, LONGEST_NAME, MANIFEST, PARTS, SIGNATURE, SIGNED_AS, VERSION
from features.errors import Kind, WardenError
from features.vocabulary import TYPOLOGIES

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    from detector.system import System

LARGEST = 200_000_000
"""Bytes of a file, and of all that is in it."""
LONGEST_ID = 64
_DAMAGED = (
    zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError,
    OSError, KeyError, IndexError,
)  # fmt: skip
"""What the reader of zips raises on files that are none, or none of ours."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """A file that holds: who sent it, and its parts.

    Attributes:
        sender: hash of the public key that signed it.
    """

    sender: str
    installation: str
    case: dict[str, Any]
    parties: list[dict[str, Any]]
    alerts: list[dict[str, Any]]
    notes: list[dict[str, Any]]
    sha256: str


@dataclass(frozen=True, slots=True)
class Received:
    """What came of an import: ids of the new alerts, and how many were received before."""

    installation: str
    case: str
    alerts: list[str]
    known: int


def import_file(system: System, path: Path, trust: Path, actor: str) -> Received:
    """Makes leads of the alerts of a file; what was received before is left as it is.

    Args:
        trust: PEM file of the sender's public key, had from the sender by another way.

    Raises:
        WardenError: `no_file`, `broken_key`, `actor_required`, and those of `read_bundle`.
    """
    require_actor(actor)
    key = public_key(trust)
    try:
        size = path.stat().st_size
        content = path.read_bytes() if size <= LARGEST else b""
    except OSError as error:
        raise WardenError("no_file", f"{path} cannot be read.", "Check the name.") from error
    return take_in(system, read_bundle(content, key), actor)


def read_bundle(content: bytes, key: Ed25519PublicKey) -> Bundle:
    """The parts of a file that holds.

    Raises:
        WardenError: `not_a_hand_over`, `untrusted_key`, `bad_signature`, `bad_hash`.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    files = _unpacked(content)
    manifest = files[MANIFEST]
    told = _object(manifest)
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    if told.get("key") != pem:
        raise _refused("untrusted_key", "It was signed with another key than the one you trust.")
    try:
        key.verify(bytes.fromhex(files[SIGNATURE].decode("ascii")), SIGNED_AS + manifest)
    except (InvalidSignature, ValueError) as error:
        raise _refused("bad_signature", "The signature of its manifest does not hold.") from error
    sums = {name: hashlib.sha256(files[name]).hexdigest() for name in PARTS}
    for name in PARTS:
        if told.get("files", {}).get(name) != sums[name]:
            raise _refused("bad_hash", f"{name} is not what was signed.")
    if told.get("format") != FORMAT or told.get("version") != VERSION:
        raise _refused("not_a_hand_over", "Its format is of another release.", "invalid")
    return Bundle(
        sender=hashlib.sha256(key.public_bytes_raw()).hexdigest(),
        installation=str(told["installation"])[:LONGEST_NAME],
        case=_object(files["case.json"]),
        parties=_list(files["parties.json"]),
        alerts=_list(files["alerts.json"]),
        notes=_list(files["notes.json"]),
        sha256=hashlib.sha256(content).hexdigest(),
    )


def take_in(system: System, bundle: Bundle, actor: str) -> Received:
    """Makes leads of what a file holds, all or none.

    Raises:
        WardenError: `unusable_lead` for an alert that says what no alert here could.
    """
    now, case = system.clock(), str(bundle.case["number"])[:LONGEST_ID]
    beside = {"case": bundle.case, "parties": bundle.parties, "notes": bundle.notes}
    made = []
    with writing(system.engine) as connection:
        for sent in bundle.alerts:
            check_lead(sent)
            origin = Origin(bundle.sender, bundle.installation, case, str(sent["id"]))
            due = system.settings.due.deadlines()
            day = due.day(sent["lane"], int(sent["severity"]), now.date())
            try:
                one = receive(connection, origin, {"alert": sent, **beside}, actor, now, day)
            except (KeyError, TypeError, ValueError) as error:
                raise _unusable(sent) from error
            made += [one] if one else []
        if made:
            data = {"sender": bundle.sender, "case": case, "alerts": made}
            audit.record(
                connection, actor=actor, action="lead.received", kind="hand_over",
                key=bundle.sha256, data=data, now=now,
            )  # fmt: skip
    return Received(bundle.installation, case, made, len(bundle.alerts) - len(made))


def _unpacked(content: bytes) -> dict[str, bytes]:
    wanted = (*PARTS, MANIFEST, SIGNATURE)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as bundle:
            sizes = {one.filename: one.file_size for one in bundle.infolist()}
            fits = len(bundle.infolist()) == len(wanted) and set(sizes) == set(wanted)
            if not fits or sum(sizes.values()) > LARGEST:
                raise ValueError
            return {name: _content(bundle, name, sizes[name]) for name in wanted}
    except _DAMAGED as error:
        text = "It is not a file a case was handed over in, or it is damaged."
        raise _refused("not_a_hand_over", text, "invalid") from error


def _content(bundle: zipfile.ZipFile, name: str, size: int) -> bytes:
    """No more of a part than it says it has."""
    with bundle.open(name) as part:
        found = part.read(size + 1)
    if len(found) != size:
        raise ValueError(name)
    return found


def _object(text: bytes) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise _refused("not_a_hand_over", "It holds what is no JSON.", "invalid")
    return found


def _list(text: bytes) -> list[dict[str, Any]]:
    found = json.loads(text)
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise _refused("not_a_hand_over", "It holds no list where one is due.", "invalid")
    return found


def check_lead(sent: dict[str, Any]) -> None:
    """Raises WardenError `unusable_lead` for an alert that says what no alert here could."""
    text = json.dumps(sent, ensure_ascii=False)
    fine = (
        storable(text)
        and "\\u0000" not in text
        and sent.get("typology") in TYPOLOGIES
        and sent.get("lane") in ("legal", "screen")
        and sent.get("severity") in (1, 2, 3, 4, 5)
        and 0 < len(str(sent.get("id", ""))) <= LONGEST_ID
    )
    if not fine:
        raise _unusable(sent)
    try:
        signal_of(sent)
    except (KeyError, TypeError, ValueError) as error:
        raise _unusable(sent) from error


def _unusable(sent: dict[str, Any]) -> WardenError:
    who = str(sent.get("id"))[:LONGEST_ID].encode(errors="replace").decode()
    return WardenError("unusable_lead", f"Nothing was taken in: alert {who} is no alert here.")


def _refused(code: str, why: str, kind: Kind = "integrity") -> WardenError:
    hint = "Ask the sender for the file again, and for the key by another way."
    return WardenError(code, f"The file was not taken in: {why}", hint, kind)
