"""Checkpoints: a signed word on where the chain of the audit trail stood at a moment.

A checkpoint is one line of JSON, `{"checkpoint":BODY,"signature":"HEX"}`: BODY has sorted keys
and no blanks, the signature is Ed25519 over its bytes. Besides the hash of the last entry it holds
a mark of each entry since the checkpoint before, the first four bytes of its hash. Whoever finds
that a log is another one can tell from them at which entry the two part.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from alerts.audit_chain import canonical

FORM = "warden-audit-checkpoint/1"
START = b'{"checkpoint":'
_MIDDLE, _END = b',"signature":"', b'"}\n'
_TAIL = len(_MIDDLE) + 128 + len(_END)
MARK_BYTES = 4


class UnsignedError(Exception):
    """A line is no checkpoint of the key it is said to be of."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Where the chain stood.

    Attributes:
        seq, hash: of the last entry; `seq` is also the count of all entries.
        at: when it was signed, spelt as in entries.
        since: last entry of the checkpoint before, 0 for the first.
        marks: four bytes an entry, of `since` + 1 to `seq`.
        previous: SHA-256 of the line of the checkpoint before, where it was written beside one.
        header: SHA-256 of the header of the export it closes, None in the second place.
    """

    seq: int
    hash: str
    at: str
    since: int
    marks: bytes
    previous: str | None = None
    header: str | None = None

    def signed(self, key: Ed25519PrivateKey) -> bytes:
        """The line of the checkpoint."""
        body = canonical(
            {
                "at": self.at,
                "count": self.seq,
                "form": FORM,
                "hash": self.hash,
                "header": self.header,
                "key": fingerprint(key.public_key()),
                "marks": base64.b64encode(self.marks).decode(),
                "previous": self.previous,
                "seq": self.seq,
                "since": self.since,
            }
        ).encode()
        return START + body + _MIDDLE + key.sign(body).hex().encode() + _END


@dataclass(frozen=True, slots=True)
class Trusted:
    """A public key whose word counts; `until`, spelt as in entries: only for what it signed by
    then."""

    key: Ed25519PublicKey
    until: str | None = None


Keys = Ed25519PublicKey | Sequence[Trusted]
"""One key, or all whose word counts."""


def checked(line: bytes, keys: Keys) -> Checkpoint:
    """The checkpoint of a line.

    Raises:
        UnsignedError: it is not signed by one of the keys, or not one of ours.
    """
    body, signature = line[len(START) : -_TAIL], line[-_TAIL + len(_MIDDLE) : -len(_END)]
    if line != START + body + _MIDDLE + signature + _END:
        raise UnsignedError("it is not a line of a checkpoint")
    try:
        if signature != signature.lower():
            raise ValueError
        until = _verified(bytes.fromhex(signature.decode("ascii")), body, keys)
        told: dict[str, Any] = json.loads(body)
        if until is not None and str(told["at"]) > until:
            raise InvalidSignature
        if told["form"] != FORM or told["count"] != told["seq"]:
            raise ValueError
        marks = base64.b64decode(told["marks"], validate=True)
        if len(marks) != MARK_BYTES * (told["seq"] - told["since"]):
            raise ValueError
        return Checkpoint(
            seq=told["seq"],
            hash=told["hash"],
            at=told["at"],
            since=told["since"],
            marks=marks,
            previous=told["previous"],
            header=told["header"],
        )
    except InvalidSignature as error:
        raise UnsignedError("its signature is not of the key") from error
    except (ValueError, KeyError, TypeError, binascii.Error) as error:
        raise UnsignedError("it is not a checkpoint of a form known here") from error


def _verified(signature: bytes, body: bytes, keys: Keys) -> str | None:
    """Until when the key counts that signed it.

    Raises:
        InvalidSignature: none of them did.
    """
    every = [Trusted(keys)] if isinstance(keys, Ed25519PublicKey) else keys
    for one in every:
        try:
            one.key.verify(signature, body)
        except InvalidSignature:
            continue
        return one.until
    raise InvalidSignature


def fingerprint(key: Ed25519PublicKey) -> str:
    """The name of a public key: the first 16 hex digits of SHA-256 over its 32 bytes."""
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()[:16]


def mark(entry_hash: str) -> bytes:
    """The mark of an entry."""
    return bytes.fromhex(entry_hash[: 2 * MARK_BYTES])
