"""Verifies the audit trail of an installation, signs where it stands, and hands it out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from alerts import audit
from alerts.audit_chain import GENESIS, body_of, stamp
from alerts.audit_export import export_lines
from alerts.audit_people import exchanged
from alerts.audit_statement import Checkpoint, fingerprint, mark
from alerts.audit_tables import audit_entry, audit_head
from alerts.audit_verify import Fault, Walked, entry_line, hash_of, verify, walk
from detector.audit.copies import Copies, folder, read_copies, write_copy
from detector.audit.keys import signing_key, trusted
from detector.database import ReadConnection, reading, writing
from detector.whole_files import drafted, require_folder
from features.errors import WardenError

if TYPE_CHECKING:
    from detector.system import System

CHUNK = 5_000
"""Rows fetched at a time."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What verifying an installation found.

    Attributes:
        entries: entries that hold, from the first on.
        signed: entries the newest checkpoint vouches for.
        checkpoints: how many there are.
        fault: what is wrong first, None when nothing is.
    """

    entries: int
    hash: str
    signed: int
    signed_at: str | None
    checkpoints: int
    fault: Fault | None

    def as_dict(self) -> dict[str, Any]:
        """Plain data, as the command and the interface tell it."""
        return {
            "intact": self.fault is None,
            "entries": self.entries,
            "hash": self.hash,
            "signed": self.signed,
            "signed_at": self.signed_at,
            "checkpoints": self.checkpoints,
            **fault_object(self.fault),
        }


def fault_object(fault: Fault | None) -> dict[str, Any]:
    """A fault as plain data; nulls where there is none."""
    return {
        "first_bad": fault.entry if fault else None,
        "code": fault.code if fault else None,
        "why": fault.why if fault else None,
    }


def entry_lines(connection: ReadConnection, after: int = 0, last: str = GENESIS) -> Iterator[bytes]:
    """The entries as lines of an export, in order, from after one on.

    An entry that names another entry before it than the one that stands there is given a hash
    that cannot be right.
    """
    columns = audit_entry.c
    query = sa.select(*columns).where(columns.seq > after).order_by(columns.seq)
    options = {"yield_per": CHUNK}
    for seq, at, actor, action, kind, key, data, previous, entry_hash in connection.execute(
        query, execution_options=options
    ):
        body = body_of(seq, at, actor, action, kind, key, data)
        yield entry_line(body, entry_hash if previous == last else "-" * 64)
        last = entry_hash


def verify_trail(system: System) -> Finding:
    """Follows every entry of the database and holds it against the signed checkpoints.

    Raises:
        WardenError: `audit_copies_unreadable`, and those of the keys.
    """
    copies = read_copies(folder(system), trusted(system.home))
    with reading(system.engine) as connection:
        at, fault = verify(lambda: entry_lines(connection), copies.good)
        fault = fault or _beside(connection, at, copies)
    newest = copies.good[-1] if copies.good else None
    return Finding(
        entries=at.seq,
        hash=at.hash,
        signed=newest.seq if newest else 0,
        signed_at=newest.at if newest else None,
        checkpoints=copies.files,
        fault=fault,
    )


def _beside(connection: ReadConnection, at: Walked, copies: Copies) -> Fault | None:
    """What can be wrong where all entries hold: the end of the chain, names, checkpoints."""
    head = connection.execute(sa.select(audit_head.c.seq, audit_head.c.hash)).one_or_none()
    if head is None or head.seq != at.seq or head.hash != at.hash:
        said = head.seq if head else 0
        why = f"The end of the chain is noted as entry {said}, but the entries end at {at.seq}."
        return Fault(min(said, at.seq) + 1, "head_differs", why)
    for person in exchanged(connection):
        first = sa.select(sa.func.min(audit_entry.c.seq)).where(audit_entry.c.actor == person)
        why = f"The name of the person {person} is not the one the pseudonym was made from."
        return Fault(connection.scalar(first) or at.seq, "name_exchanged", why)
    for name, why in copies.bad:
        return Fault(at.seq + 1, "checkpoint_bad", f"{name} in the second place: {why}.")
    return None


def make_checkpoint(system: System) -> Checkpoint | None:
    """Verifies everything, then signs where the chain stands and writes that to the second place.

    Returns:
        The new checkpoint, None when nothing was entered since the last one.

    Raises:
        WardenError: `audit_broken` when something is wrong: nothing wrong is ever signed;
            `audit_copies_unwritable`, `audit_copies_unreadable`, and those of the keys.
    """
    found = _whole(system)
    place, key = folder(system), signing_key(system.home)
    copies = read_copies(place, trusted(system.home), newest=True)
    since = copies.good[-1] if copies.good else None
    after, last = (since.seq, since.hash) if since else (0, GENESIS)
    if found.entries == after:
        return None
    with reading(system.engine) as connection:
        lines = entry_lines(connection, after, last)
        marks, seq = bytearray(), after
        for line in lines:
            seq, last = seq + 1, hash_of(line)
            marks += mark(last)
            if seq == found.entries:
                break
    one = Checkpoint(seq, last, stamp(system.clock()), after, bytes(marks), previous=copies.digest)
    write_copy(place, one, one.signed(key))
    return one


def _whole(system: System) -> Finding:
    """What verifying found, where nothing is wrong."""
    found = verify_trail(system)
    if found.fault is not None:
        raise WardenError(
            "audit_broken",
            f"The audit trail is not whole from entry {found.fault.entry} on: {found.fault.why}",
            "Nothing was signed. Keep the database as it is, and see `warden audit verify`.",
            kind="integrity",
        )
    return found


def state(system: System) -> dict[str, Any]:
    """Where the trail stands, cheaply: entries since the newest checkpoint are verified now.

    Returns:
        ``intact`` (of what was looked at), ``entries``, ``hash``, ``signed``, ``signed_at``,
        ``checkpoints``, ``key`` and, when something is wrong, ``first_bad``, ``code``, ``why``.
        What the newest checkpoint vouches for was verified when it was signed.
    """
    key = signing_key(system.home).public_key()
    copies = read_copies(folder(system), trusted(system.home), newest=True)
    newest = copies.good[-1] if copies.good else None
    after, last = (newest.seq, newest.hash) if newest else (0, GENESIS)
    with reading(system.engine) as connection:
        fault = _at_checkpoint(connection, newest)
        at = Walked(fault.entry - 1, "", None) if fault else _since(connection, after, last)
        if fault is None and at.stopped is not None:
            why = f"Entry {at.seq + 1} does not follow from the entry before."
            fault = Fault(at.seq + 1, "hash_differs", why)
        fault = fault or _beside(connection, at, copies)
    found = Finding(
        entries=at.seq,
        hash=at.hash,
        signed=after,
        signed_at=newest.at if newest else None,
        checkpoints=copies.files,
        fault=fault,
    )
    return found.as_dict() | {"key": fingerprint(key)}


def _at_checkpoint(connection: ReadConnection, newest: Checkpoint | None) -> Fault | None:
    if newest is None:
        return None
    columns = audit_entry.c
    found = connection.scalar(sa.select(columns.hash).where(columns.seq == newest.seq))
    if found is None:
        last = connection.scalar(sa.select(sa.func.max(columns.seq))) or 0
        why = f"The entries end at {last}, but entries up to {newest.seq} were signed."
        return Fault(last + 1, "entries_missing", why)
    why = f"Entry {newest.seq} is not the one that was signed on {newest.at}."
    return None if found == newest.hash else Fault(newest.seq, "not_as_signed", why)


def _since(connection: ReadConnection, after: int, last: str) -> Walked:
    return walk(entry_lines(connection, after, last), after, last)


def export_trail(system: System, out: Path, actor: str) -> int:
    """Writes every entry to a file that can be verified elsewhere; returns how many.

    The export is an act: its own entry is the last one in the file.

    Raises:
        WardenError: `actor_required`, `no_folder`, `audit_unavailable`; `audit_broken` when
            something is wrong: nothing wrong is ever signed.
    """
    require_folder(out)
    _whole(system)
    now, key = system.clock(), signing_key(system.home)
    with writing(system.engine) as connection:
        audit.record(
            connection, actor=actor, action="audit.exported", kind="audit", key="export",
            data={}, now=now,
        )  # fmt: skip
    # without header and closing
    count = -2
    with drafted(out) as draft, reading(system.engine) as connection, draft.open("wb") as file:
        for line in export_lines(entry_lines(connection), key, stamp(now)):
            file.write(line)
            count += 1
    return count
