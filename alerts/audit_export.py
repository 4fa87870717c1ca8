"""An export of the audit trail: a header, every entry, a signed closing checkpoint, as lines.

It is verified with the public key alone, on another machine and without this software's database.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from alerts.audit_chain import GENESIS, canonical
from alerts.audit_statement import (
    START,
    Checkpoint,
    Keys,
    UnsignedError,
    checked,
    fingerprint,
    mark,
)
from alerts.audit_verify import Fault, Lines, Walked, hash_of, verify

FORM = "warden-audit/1"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What verifying found.

    Attributes:
        entries: how many entries hold, from the first on.
        hash: of the last of them.
        signed: entries that a checkpoint of the key vouches for; 0 where none does.
        signed_at: when it was signed.
        fault: what is wrong first, None when nothing is.
    """

    entries: int
    hash: str
    signed: int
    signed_at: str | None
    fault: Fault | None

    @property
    def intact(self) -> bool:
        """Whether nothing is wrong."""
        return self.fault is None


def export_lines(lines: Iterable[bytes], key: Ed25519PrivateKey, at: str) -> Iterator[bytes]:
    """The lines of an export around the lines of all entries, which are whole.

    Args:
        lines: of `alerts.audit_verify.entry_line`, from entry 1 on.
        at: now, as `alerts.audit_chain.stamp` spells it.
    """
    told = {"at": at, "form": FORM, "key": fingerprint(key.public_key()), "previous": GENESIS}
    header = canonical({"header": told}).encode() + b"\n"
    yield header
    marks, last, seq = bytearray(), GENESIS, 0
    for line in lines:
        seq, last = seq + 1, hash_of(line)
        marks += mark(last)
        yield line
    closing = Checkpoint(seq, last, at, 0, bytes(marks), header=sha256(header).hexdigest())
    yield closing.signed(key)


def verify_export(
    lines: Lines,
    keys: Keys,
    others: Sequence[Checkpoint] = (),
    last: bytes | None = None,
) -> Verdict:
    """Whether an export is whole and closed by one of the keys.

    Args:
        lines: of the export, header included.
        others: checkpoints from the second place, already found to be signed. One that vouches
            for more entries than the export holds shows that it was rolled back.
        last: the last line, where that is known without reading all of them.
    """
    if last is None:
        last = next(iter(deque(lines(), maxlen=1)), b"")
    header = next(iter(lines()), b"")
    closing, unsigned = None, "it is missing"
    try:
        if last.startswith(START):
            closing = checked(last, keys)
    except UnsignedError as error:
        unsigned = str(error)
    known = [*others, *([closing] if closing else [])]
    at, fault = verify(lambda: islice(lines(), 1, None), known, closing=True)
    fault = _earlier(_header_fault(header, closing), fault)
    if fault is None:
        fault = _closing_fault(at, closing, unsigned)
    newest = max(known, key=lambda one: one.seq, default=None)
    seq, moment = (newest.seq, newest.at) if newest else (0, None)
    return Verdict(at.seq, at.hash, seq, moment, fault)


def _header_fault(header: bytes, closing: Checkpoint | None) -> Fault | None:
    why = "The header is not the one that was signed."
    if closing is not None:
        same = closing.header == sha256(header).hexdigest()
        return None if same else Fault(0, "header_changed", why)
    try:
        told = json.loads(header)["header"]
        fine = told["form"] == FORM and told["previous"] == GENESIS
    except (ValueError, KeyError, TypeError):
        fine = False
    return None if fine else Fault(0, "header_changed", "This is not the header of an export.")


def _earlier(one: Fault | None, other: Fault | None) -> Fault | None:
    found = [fault for fault in (one, other) if fault is not None]
    return min(found, key=lambda fault: fault.entry, default=None)


def _closing_fault(at: Walked, closing: Checkpoint | None, unsigned: str) -> Fault | None:
    """What is wrong behind the last entry."""
    seq = at.seq
    if closing is None:
        why = f"The closing checkpoint does not hold: {unsigned}."
        return Fault(seq + 1, "not_closed", why)
    if at.more:
        why = "Something stands between the last entry and the end of the file."
        return Fault(seq + 1, "not_closed", why)
    if seq != closing.seq:
        why = f"Entry {closing.seq + 1} and what follows were not signed."
        return Fault(closing.seq + 1, "not_as_signed", why)
    return None
