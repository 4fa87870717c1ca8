"""Files of alerts on the disk of the installation: kept under their hash, never opened or run."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from alerts import audit
from alerts.attachments import Attachment, attach, taken_out
from alerts.changing import Hand
from alerts.model import Alert
from detector.database import writing
from detector.file_types import media_type
from detector.whole_files import drafted
from features.errors import WardenError

if TYPE_CHECKING:
    from detector.system import System

LONGEST_NAME = 200
_ODD = re.compile(r'[\x00-\x1f\x7f"*:<>?|\u200e\u200f\u202a-\u202e\u2066-\u2069]')
"""Characters no name needs, among them those that turn the direction of reading."""


def take_in(
    system: System, alert_id: str, hand: Hand, name: str, data: bytes
) -> tuple[Alert, Attachment]:
    """Attaches a file to an alert.

    A crash between file and row leaves a file nobody names, never a row without its file.

    Raises:
        WardenError: `too_large`, `bad_file_name`, `file_refused`, and whatever
            `alerts.attachments.attach` raises.
    """
    most = system.settings.attachment_bytes
    if len(data) > most:
        raise WardenError("too_large", f"The file is over {most:,} bytes.")
    plain = plain_name(name)
    kind = media_type(data, plain)
    digest = hashlib.sha256(data).hexdigest()
    with writing(system.engine) as connection:
        kept = attach(
            connection, alert_id, hand, sha256=digest, name=plain, media_type=kind, size=len(data)
        )
        # a file that lies there is not taken back when the trail cannot be written
        audit.append(connection)
        _lay_down(place_of(system.home, digest), data)
    return kept


def hand_out(system: System, alert_id: str, number: int, actor: str) -> tuple[Attachment, bytes]:
    """A file of an alert, checked against its hash.

    Raises:
        WardenError: `attachment_not_found`, `attachment_damaged` (integrity: it is gone, or is
            not what was handed in).
    """
    with writing(system.engine) as connection:
        found = taken_out(connection, alert_id, number, actor, system.clock())
    try:
        data = place_of(system.home, found.sha256).read_bytes()
    except OSError:
        data = b""
    if hashlib.sha256(data).hexdigest() != found.sha256:
        raise WardenError(
            "attachment_damaged",
            f"File {number} of alert {alert_id} is gone or is not what was handed in.",
            "Restore it from a backup.",
            kind="integrity",
        )
    return found, data


def plain_name(name: str) -> str:
    """The last part of a name, without what could mislead.

    Raises:
        WardenError: `bad_file_name`.
    """
    last = PurePosixPath(name.replace("\\", "/")).name
    plain = " ".join(_ODD.sub("", last).split()).strip(". ")
    try:
        plain.encode()
    except UnicodeEncodeError:
        plain = ""
    if not 1 <= len(plain) <= LONGEST_NAME:
        raise WardenError("bad_file_name", f"A file has a name of 1 to {LONGEST_NAME} characters.")
    return plain


def place_of(home: Path, digest: str) -> Path:
    """Where a file lies."""
    return home / "attachments" / digest[:2] / digest


def _lay_down(place: Path, data: bytes) -> None:
    """Writes the file whole or not at all; one that lies there whole is left."""
    if place.exists() and hashlib.sha256(place.read_bytes()).hexdigest() == place.name:
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    with drafted(place) as draft:
        draft.write_bytes(data)
        draft.chmod(0o440)
