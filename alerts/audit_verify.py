"""Whether a chain of entries is whole, and where it first is not.

Verifying reads lines, `{"entry":BODY,"hash":"HEX"}`, and hashes their very bytes; nothing is
parsed unless something is wrong. A chain that somebody forked and hashed anew is whole in itself:
only signed checkpoints tell, and their marks say at which entry it leaves the one that was signed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import islice

from alerts.audit_chain import GENESIS
from alerts.audit_statement import MARK_BYTES, START, Checkpoint

PREFIX, MIDDLE, END = b'{"entry":', b',"hash":"', b'"}\n'
_START, TAIL = len(PREFIX), len(MIDDLE) + 64 + len(END)
Lines = Callable[[], Iterable[bytes]]
"""Gives the lines of a log from the first on, each time it is called."""


@dataclass(frozen=True, slots=True)
class Fault:
    """The first thing that is wrong.

    Attributes:
        entry: number of the first bad entry, as 1 is the first; 0 is the header of an export. One
            past the last where what is wrong is that nothing, or nothing signed, follows it.
    """

    entry: int
    code: str
    why: str


@dataclass(frozen=True, slots=True)
class Walked:
    """How far a chain is whole: `seq` entries, the last with `hash`.

    Attributes:
        stopped: the line that is not its next entry, None at the end of the lines.
        more: whether lines follow that one.
    """

    seq: int
    hash: str
    stopped: bytes | None
    more: bool = False


def entry_line(body: bytes, entry_hash: str) -> bytes:
    """The line of an entry in an export."""
    return PREFIX + body + MIDDLE + entry_hash.encode() + END


def hash_of(line: bytes) -> str:
    """The hash a line of an export states."""
    return line[-TAIL + len(MIDDLE) : -len(END)].decode()


def walk(lines: Iterator[bytes], seq: int = 0, last: str = GENESIS) -> Walked:
    """Follows the chain from after entry `seq`, whose hash is `last`, as far as it holds."""
    before = last.encode()
    for line in lines:
        found = sha256(before + line[_START:-TAIL]).hexdigest().encode()
        # the number closes the body, since its key is the last of them
        end = b',"seq":%d},"hash":"%b"}\n' % (seq + 1, found)
        if not (line.startswith(PREFIX) and line.endswith(end)):
            return Walked(seq, before.decode(), line)
        before = found
        seq += 1
    return Walked(seq, before.decode(), None)


def verify(
    lines: Lines, checkpoints: Sequence[Checkpoint], *, closing: bool = False
) -> tuple[Walked, Fault | None]:
    """Follows the whole chain and holds it against checkpoints that were found to be signed.

    Args:
        closing: whether a line that is no entry may follow the last one (an export's closing).

    Returns:
        How far it was followed, and what is wrong first.
    """
    order = sorted(checkpoints, key=lambda one: one.seq)
    rest, at = iter(lines()), Walked(0, GENESIS, None)
    fault: Fault | None = None
    for one in order:
        at = walk(islice(rest, one.seq - at.seq), at.seq, at.hash)
        if at.seq < one.seq or at.hash != one.hash:
            fault = _short(at, one) or _fault(at) or _forked(one)
            break
    else:
        at = walk(rest, at.seq, at.hash)
        if at.stopped is not None and (at.stopped.startswith(PREFIX) or not closing):
            fault = _fault(at)
    if fault is None:
        return replace(at, more=next(rest, None) is not None), None
    parted = parting(lines(), order)
    if parted is not None and parted < fault.entry:
        fault = Fault(parted, "not_as_signed", f"Entry {parted} is not the one that was signed.")
    return at, fault


def parting(lines: Iterable[bytes], checkpoints: Sequence[Checkpoint]) -> int | None:
    """Number of the first entry whose mark is not the one that was signed, None without one.

    Hashes are computed anew from the bodies alone, so a hash that was written wrong misleads
    nobody.
    """
    covered = max((one.seq for one in checkpoints), default=0)
    marks = bytearray(MARK_BYTES * covered)
    for one in checkpoints:
        marks[MARK_BYTES * one.since : MARK_BYTES * one.seq] = one.marks
    unknown = bytes(MARK_BYTES)
    before, seq = GENESIS.encode(), 0
    for line in lines:
        if seq == covered or not line.startswith(PREFIX):
            break
        before = sha256(before + line[len(PREFIX) : -TAIL]).hexdigest().encode()
        signed = bytes(marks[MARK_BYTES * seq : MARK_BYTES * (seq + 1)])
        seq += 1
        if signed not in (unknown, bytes.fromhex(before[: 2 * MARK_BYTES].decode())):
            return seq
    return seq + 1 if seq < covered else None


def _short(at: Walked, signed: Checkpoint) -> Fault | None:
    """The lines end although a later entry was signed."""
    if at.seq == signed.seq or not (at.stopped or START).startswith(START):
        return None
    why = f"The log ends after entry {at.seq}, but entries up to {signed.seq} were signed."
    return Fault(at.seq + 1, "entries_missing", why)


def _fault(at: Walked) -> Fault | None:
    if at.stopped is None:
        return None
    seq, line = at.seq + 1, at.stopped
    body = line[len(PREFIX) : -TAIL]
    if line != PREFIX + body + line[-TAIL:] or not line.endswith(END):
        return Fault(seq, "not_an_entry", f"Line of entry {seq} is not an entry.")
    if not body.endswith(b',"seq":%d}' % seq):
        why = f"Where entry {seq} should stand, another one does: an entry is missing or moved."
        return Fault(seq, "out_of_order", why)
    why = f"The hash of entry {seq} does not follow from its content and the entry before."
    return Fault(seq, "hash_differs", why)


def _forked(signed: Checkpoint) -> Fault:
    why = f"Entry {signed.seq} has another hash than the one that was signed on {signed.at}."
    return Fault(signed.seq, "not_as_signed", why)
